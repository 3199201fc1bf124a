"""Example histories of the rules about the session that tuvens-client generates."""

from contracts.client_session import rules
from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, honest, one_change_breaks
from tests.contracts.histories import answer, history, instead

STORY = rules.STORY
SESSION = {"session_token": "<session-token:1f0c33a2>", "expires_at": "2025-07-25T14:45:00.000Z"}
WHOSE = {"user_id": "1", "email": "organiser@example.com", "name": "Zoë", "account_id": 123}
OTHERS = {**WHOSE, "user_id": "2", "email": "member@example.com"}


def wrapped(step: str, status: int, body: object = None) -> Exchange:
    """An answer of tuvens-client's own generate-session."""
    return answer(f"{STORY}/{step}", status, body, callee="tuvens-client", operation="wrapGenerateSession")


def seen(*others: Entry) -> Seen:
    """The honest story, some of it otherwise."""
    found: list[Entry] = [
        wrapped("first", 200, SESSION),
        answer(f"{STORY}/whose session/0", 200, WHOSE, operation="validateSession"),
        wrapped("second", 200, SESSION),
        answer(f"{STORY}/whose session/1", 200, OTHERS, operation="validateSession"),
        wrapped("no JWT", 401, {}),
        wrapped("invalid JWT/nonsense", 401, {}),
        wrapped("invalid JWT/other key", 401, {}),
        wrapped("expired JWT", 401, {}),
        wrapped("ill-formed account/missing", 400, {}),
        wrapped("ill-formed account/text", 400, {}),
        wrapped("foreign account", 403, {}),
    ]
    organiser = {"role": "organiser", "user_id": "1", "email": "organiser@example.com", "account_id": 123}
    member = {"role": "member", "user_id": "2", "email": "member@example.com", "account_id": 123}
    return history(*instead(found, *others), settings={"users": [organiser, member]})


def whose(**changes: object) -> Seen:
    """tuvens-api says something else of the session."""
    return seen(answer(f"{STORY}/whose session/0", 200, {**WHOSE, **changes}, operation="validateSession"))


EXAMPLES: Examples = {
    **one_change_breaks(
        seen,
        {
            "wraps_a_session": ("it is refused", wrapped("first", 401, {})),
            "wrapper_answers_200": ("it is answered 201", wrapped("first", 201, SESSION)),
            "without_a_jwt_there_is_no_session": ("a session is handed out", wrapped("no JWT", 200, SESSION)),
            "invalid_jwt_is_refused": ("a session is handed out", wrapped("invalid JWT/other key", 200, SESSION)),
            "expired_jwt_is_refused": ("a session is handed out", wrapped("expired JWT", 200, SESSION)),
            "ill_formed_account_is_refused": ("it is answered 500", wrapped("ill-formed account/text", 500, {})),
            "foreign_account_is_refused": ("it is answered 500", wrapped("foreign account", 500, {})),
        },
    ),
    "session_is_of_the_user_and_account": (honest(seen()), breaks("it is of another user", whose(user_id="2"))),
}
