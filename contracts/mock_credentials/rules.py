"""Mock authentication is for tests: a deployment accepts none of the words that test doubles accept.

The status page speaks of "mock authentication for testing". A word such as `mock-jwt-token` that is accepted lets
anybody in. They are tried wherever the documents say that such a credential goes.
"""

import openapi
from contracts.catalogue import RuleFamily
from contracts.session_token.rules_minting import SECTION as GENERATE
from contracts.session_token.rules_questions import VALIDATE
from harness.expectations import UndecidedError, expect, held, let_through, shown
from harness.history import History, NothingObservedError
from harness.requirement import MUST
from harness.verdict import Verdict
from openapi import Operation

STORY_AT_TUVENS_API = "mock_credentials_are_tried_at_tuvens_api"
STORY_AT_HI_EVENTS = "mock_credentials_are_tried_at_hi_events"
STORY_AT_CLIENT = "mock_credentials_are_tried_at_tuvens_client"
_REFUSALS = (400, 401, 403, 422)
_NEXT = "Remove the mock from the deployment's configuration, and from the build of the deployment."

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section=GENERATE,
    quote="401 JWT missing, malformed, expired, wrongly signed",
    story=STORY_AT_TUVENS_API,
    depends_on="routes.tuvens-api_answers",
    next_step=_NEXT,
)


def takers(app: str, kind: str) -> list[Operation]:
    """The operations of an application whose callers authenticate with a credential of this kind."""
    operations = openapi.load(app).operations.values()
    return [each for each in operations if any(scheme.secret == kind for scheme in each.schemes)]


def _without(history: History, story: str, operation: str) -> int | None:
    """The status that an operation returns without any credential: 200 where it is open to all, 404 where there is no
    such route, or where an event is looked for first; None where it was not tried. Raises UndecidedError without a
    response of its own."""
    try:
        without = history.one(f"{story}/without/{operation}")
    except NothingObservedError:
        return None
    let_through(without)
    return without.status


def _refused(history: History, story: str, kind: str, *statuses: int) -> Verdict:
    """Every word was refused, with one of the statuses; that it is the right one is a rule of its own."""
    undecided: UndecidedError | None = None
    seen = []
    for each in history.every(f"{story}/{kind}"):
        try:
            let_through(each)
            accepted = each.is_success or (each.is_client_error and each.status not in statuses)
            if accepted and each.status == _without(history, story, each.operation):
                continue  # it tells nothing about the word
        except UndecidedError as error:
            undecided = error
            continue
        word = each.step.rpartition("/")[2]
        wanted = "404" if kind == "session token" and story == STORY_AT_TUVENS_API else "401"
        expect(not accepted, expected=f"status {wanted} for the mock {word!r}", observed=shown(each), at=each)
        seen.append(each)
    if undecided is not None:
        raise undecided
    return held(seen[:6], f"{len(seen)} requests")


@rule(operations=["generateSession", "updateEvent"], settles="C-TA-04")
def mock_jwts_are_refused(history: History) -> Verdict:
    """tuvens-api rejects the JWTs of test doubles, such as mock-jwt-token."""
    return _refused(history, STORY_AT_TUVENS_API, "jwt", *_REFUSALS)


@rule(
    section=VALIDATE,
    quote="404 token unknown or expired",
    operations=["validateSession", "listUserAccounts", "validatePermission"],
)
def mock_session_tokens_are_refused(history: History) -> Verdict:
    """tuvens-api rejects the session tokens of test doubles, such as mock_token."""
    return _refused(history, STORY_AT_TUVENS_API, "session token", *_REFUSALS, 404)


@rule(
    section="Authentication",
    quote="Backend to backend: header `x-shared-secret`.",
    operations=["validateSession", "listUserAccounts", "validatePermission"],
    settles="C-TA-07",
)
def mock_secrets_are_refused(history: History) -> Verdict:
    """tuvens-api rejects the shared secrets of test doubles, such as test-secret."""
    return _refused(history, STORY_AT_TUVENS_API, "secret", *_REFUSALS)


hi_events_rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="hi.events",
    section="POST /auth/cross-app/validate",
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=STORY_AT_HI_EVENTS,
    next_step=_NEXT,
)


@hi_events_rule(
    operations="validateCrossAppSession",
    depends_on=["mock_credentials.mock_session_tokens_are_refused", "hi_events_session.unknown_token_is_refused"],
    settles="C-HE-05",
)
def mock_sign_ins_are_refused(history: History) -> Verdict:
    """hi.events starts no session for the session token of a test double, such as mock_token."""
    return _refused(history, STORY_AT_HI_EVENTS, "session token", *_REFUSALS, 404)


@hi_events_rule(
    section="GET /auth/cross-app/status (bearer)",
    quote="without or with a dead session 401",
    operations=["getCrossAppStatus", "listCrossAppAccounts", "validateCrossAppPermission"],
)
def mock_bearers_are_refused(history: History) -> Verdict:
    """hi.events rejects the bearer tokens of test doubles, such as test-token."""
    return _refused(history, STORY_AT_HI_EVENTS, "bearer", *_REFUSALS)


@rule(
    obliged="tuvens-client",
    section="tuvens-client",
    quote="on its own origin wraps tuvens-api's, same body and answers, passing the user's JWT on",
    story=STORY_AT_CLIENT,
    operations="wrapGenerateSession",
    depends_on=["mock_credentials.mock_jwts_are_refused", "client_session.invalid_jwt_is_refused"],
)
def mock_users_are_refused(history: History) -> Verdict:
    """tuvens-client returns no session for the JWT of a test double, such as mock-jwt-token."""
    return _refused(history, STORY_AT_CLIENT, "jwt", *_REFUSALS)
