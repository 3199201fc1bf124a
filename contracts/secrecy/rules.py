"""No response of the run discloses a secret, a stack trace or the data of other users."""

import json
import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

import openapi
from contracts.accept import accepts_json
from contracts.catalogue import RuleFamily
from harness.expectations import UndecidedError, UnseenError, expect, held
from harness.history import Exchange, History
from harness.http import object_or_empty
from harness.requirement import MUST, WHOLE_RECORD
from harness.verdict import Verdict

# Every repetition is bounded, so that the search stays fast on a hostile answer of megabytes.
_TRACES = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"\n]{1,300}\.py\", line \d|sqlalchemy\.exc|psycopg\.errors|"
    r"\bat (?:async |new )?[\w.<>$]{1,120} \([^\s()]{1,300}:\d{1,6}:\d|^[ \t]{1,40}at [^\s()]{1,300}:\d{1,6}:\d|"
    r"/node_modules/|QueryFailedError|\.php(?:[(:]|\x22, ?\x22line\x22: ?)\d|SQLSTATE\[|syntax error at or near",
    re.MULTILINE,
)
# Wrong secrets and tokens that we made up may be echoed: only these kinds count.
_REAL = ("shared-secret", "jwt-secret", "jwt", "session-token", "bearer", "database-password")

PAGES = "client_pages_are_read"

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="Where the sources disagree, and the ruling",
    story=WHOLE_RECORD,
    settles="C-SE-02",
)


def _answers(history: History, app: str) -> list[Exchange]:
    found = [each for each in history.exchanges(callee=app) if each.status is not None and accepts_json(each)]
    if not found:
        raise UnseenError("the run has no response")
    return found


@rule(quote="a defect: the secret never reaches a browser")
def no_answer_holds_a_secret(history: History) -> Verdict:
    """tuvens-api returns no shared secret, JWT or session token in any response, except a new session token in the
    response that issues it."""
    return _hold_no_secret(history, "tuvens-api")


@rule(obliged="hi.events", needs="target:hi.events", quote="a defect: the secret never reaches a browser")
def no_answer_of_hi_events_holds_a_secret(history: History) -> Verdict:
    """hi.events returns no shared secret, JWT or session token in any response, except a new bearer token in the
    sign-in response and its HttpOnly cookie."""
    return _hold_no_secret(history, "hi.events")


def _hold_no_secret(history: History, app: str) -> Verdict:
    seen = _answers(history, app)
    for each in seen:
        for kind, _, place in each.facts.get("secrets", ()):
            if _is_handed_out(each, kind, place):
                continue
            if kind == "session-token" and place == "header location" and each.operation == "openCrossAppPage":
                continue
            expect(
                kind not in _REAL,
                expected="no secret in a response",
                observed=f"{each.callee} returns {each.status} with a {kind} in its {place}",
                at=each,
                check=_check(each, kind, place),
            )
    return held(seen[:6], f"{len(seen)} responses")


def _check(exchange: Exchange, kind: str, place: str) -> str:
    """Errors of all operations are made in one place."""
    return f"a {kind} in the {place} of {'an error' if exchange.is_error else exchange.operation}"


def _is_handed_out(exchange: Exchange, kind: str, place: str) -> bool:
    """Whether the document says that a success hands out the secret at this place: the body, or a header. A sign-in at
    hi.events may hand out its bearer token as an HttpOnly cookie, too."""
    if not exchange.operation or (exchange.status or 0) >= 300:
        return False
    if (exchange.operation, kind, place) == ("validateCrossAppSession", "bearer", "header set-cookie"):
        cookies = [text.lower() for name, text in exchange.response_headers if name.lower() == "set-cookie"]
        return all("httponly" in map(str.strip, each.split(";")) for each in cookies if "<bearer:" in each)
    places = {
        (each.kind, "body" if each.place == "body" else f"header {each.name.lower()}")
        for each in openapi.find(exchange.operation).hands_out
    }
    return (kind, place) in places


@rule(
    obliged="tuvens-client",
    quote="a defect: the secret never reaches a browser",
    story=[PAGES, WHOLE_RECORD],
    needs="target:tuvens-client",
    depends_on="routes.tuvens-client_answers",
    next_step="Find the value in the environment of the front end's build: variables that begin with VITE_ or "
    "PUBLIC_ end up in the scripts.",
)
def client_pages_hold_no_secret(history: History) -> Verdict:
    """tuvens-client puts no shared secret or session token into its pages, or into the scripts and styles that they
    load."""
    seen = _answers(history, "tuvens-client")
    pages = [each for each in history.every(f"{PAGES}/page") if each.is_success]
    if not pages:
        raise UndecidedError("no page of tuvens-client loaded successfully")
    for each in seen:
        for kind, _, place in each.facts.get("secrets", ()):
            if _is_handed_out(each, kind, place):
                continue
            # The deployment decides how the user's JWT reaches the page.
            expect(
                kind == "jwt" or kind not in _REAL,
                expected="no secret in a page, script or style",
                observed=f"{_path(each)} has a {kind} in its {place}",
                at=each,
            )
    files = [each for each in history.exchanges(story=PAGES) if each.step.startswith(f"{PAGES}/file/")]
    # A file that is missing (404) reaches no browser; one that failed now may be served another time.
    lost = next((each for each in files if each.status is None or each.status >= 500), None)
    if lost is not None:
        raise UndecidedError(f"{_path(lost)}, which a page loads, got no successful response, so it was not searched")
    left = history.observation(f"{PAGES}/files").values["left out"]
    if left:
        raise UndecidedError(f"{left} scripts and styles were not searched because there are too many")
    return held(pages[:2] + files[:4], f"{len(pages)} pages, {len(files)} scripts and styles")


def _path(exchange: Exchange) -> str:
    return urlsplit(exchange.url).path


@rule(section="Errors", quote="No secret, session token or stack trace in it")
def no_answer_holds_a_stack_trace(history: History) -> Verdict:
    """tuvens-api returns no stack trace and no database error in any response."""
    return _hold_no_trace(history, "tuvens-api")


@rule(
    obliged="hi.events",
    needs="target:hi.events",
    section="Errors",
    quote="No secret, session token or stack trace in it",
)
def no_answer_of_hi_events_holds_a_stack_trace(history: History) -> Verdict:
    """hi.events returns no stack trace and no database error in any response."""
    return _hold_no_trace(history, "hi.events")


def _hold_no_trace(history: History, app: str) -> Verdict:
    seen = _answers(history, app)
    for each in seen:
        found = _TRACES.search(_unescaped(each.response_body))
        expect(
            found is None,
            expected="no stack trace, no database error",
            observed=f"{each.callee} returns {each.status} with {(found.group()[:80] if found else '')!r}",
            at=each,
        )
    return held(seen[:6], f"{len(seen)} responses")


def _unescaped(body: bytes) -> str:
    """A body as text, with the line ends and slashes that JSON escapes."""
    return body.decode("utf-8", "replace").replace("\\n", "\n").replace("\\/", "/")


@rule(
    section="Errors",
    quote="`path` included (without the query, or with the token masked)",
    settles=(),
    depends_on="routes.listUserAccounts",
)
def error_path_hides_the_session_token(history: History) -> Verdict:
    """tuvens-api never repeats a session token in the path of an error."""
    seen = [each for each in history.exchanges("listUserAccounts", "tuvens-api") if each.is_error]
    if not seen:
        raise UnseenError("the run has no error of user-accounts")
    for each in seen:
        # Tokens that were never minted count, too: the record knows them as well as real ones.
        found = any("token" in kind and place == "body" for kind, _, place in each.facts.get("secrets", ()))
        expect(
            not found,
            expected="the path without the token",
            observed="the token is in the body",
            at=each,
            check=_check(each, "session-token", "body"),
        )
    return held(seen[:6], f"{len(seen)} errors")


@rule(
    section="POST /api/cross-app/validate-session (shared secret)",
    quote='200 `{"user_id": "456"',
    depends_on=["session_token.mints_a_session", "deployment_file.organiser_is_described"],
)
def no_answer_holds_foreign_data(history: History) -> Verdict:
    """Responses about a session never contain another user's email."""
    users = history.context.settings.get("users", ())
    emails = {each["email"]: each["email"].lower() for each in users if each["email"]}
    seen = [
        each
        for each in history.exchanges(callee="tuvens-api")
        if each.status is not None and each.facts.get("subject") and _is_about_a_session(each)
    ]
    if not seen:
        raise UnseenError("the run has no response about a session of a user with a known email")
    for each in seen:
        found = _standing_in(_without_accounts_emails(each), emails)
        foreign = sorted(found - {each.facts["subject"]})
        expect(
            not foreign,
            expected=f"only the data of {each.facts['subject']}",
            observed=f"the response contains {foreign[0] if foreign else ''}",
            at=each,
        )
    return held(seen[:6], f"{len(seen)} responses")


def _without_accounts_emails(exchange: Exchange) -> str:
    """A body as text, without the emails of accounts: the contract lets an account have an email, and that foreign
    accounts are not listed is a rule of its own."""
    value = object_or_empty(exchange.response_body)
    if exchange.operation == "listUserAccounts" and isinstance(value.get("accounts"), list):
        accounts = [{**each, "email": None} if isinstance(each, dict) else each for each in value["accounts"]]
        return json.dumps({**value, "accounts": accounts}, ensure_ascii=False)
    return exchange.response_body.decode("utf-8", "replace")


def _standing_in(text: str, emails: Mapping[str, str]) -> set[str]:
    """The addresses that a text contains not only as part of a longer one (zoe@… in chloe.zoe@…); `emails`: each with
    itself in lower case."""
    folded = text.lower() if text.isascii() else None  # other letters have more than two cases
    return {
        each
        for each, lower in emails.items()
        if (folded is None or lower in folded or not each.isascii()) and _whole_address(each).search(text)
    }


@cache
def _whole_address(email: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-]){re.escape(email)}(?![\w-]|\.\w)", re.IGNORECASE)


def _is_about_a_session(exchange: Exchange) -> bool:
    return bool(exchange.operation) and "session-token" in openapi.find(exchange.operation).required_secrets
