"""Example histories of the rules about mock authentication."""

from contracts.mock_credentials.rules import STORY_AT_CLIENT, STORY_AT_HI_EVENTS, STORY_AT_TUVENS_API
from harness.history import Exchange
from harness.history import History as Seen
from tests.contracts.examples import Example, Examples, breaks, holds, leaves_open
from tests.contracts.histories import answer, history, no_answer


def _of(place: str, refused: int, accepted: int, app: str = "tuvens-api") -> tuple[Example, ...]:
    def tried(status: int) -> Seen:
        first = answer(f"{place}/mock-jwt-token", refused, {"message": "no"}, callee=app)
        return history(first, answer(f"{place}/test", status, {"a": "b"}, callee=app))

    return (
        holds("it is refused", tried(refused)),
        holds("it is called ill-formed", tried(400)),
        breaks("it is accepted", tried(200)),
        breaks("it is accepted, and what it is about is wrong", tried(accepted)),
        leaves_open("a rate limit strikes", tried(429)),
        leaves_open("no answer came", history(no_answer(f"{place}/test", callee=app))),
    )


def _about_an_event(without: int, with_word: int) -> Seen:
    def tried(step: str, status: int, operation: str = "readEvent") -> Exchange:
        return answer(f"{STORY_AT_HI_EVENTS}/{step}", status, {}, operation=operation, callee="hi.events")

    return history(
        tried("without/readEvent", without),
        tried("bearer/readEvent/test", with_word),
        tried("bearer/getCrossAppStatus/test", 401, "getCrossAppStatus"),
    )


EXAMPLES: Examples = {
    "mock_jwts_are_refused": _of(f"{STORY_AT_TUVENS_API}/jwt/updateEvent", 401, 404),
    "mock_session_tokens_are_refused": _of(f"{STORY_AT_TUVENS_API}/session token/validateSession", 404, 201),
    "mock_secrets_are_refused": _of(f"{STORY_AT_TUVENS_API}/secret/validateSession", 401, 404),
    "mock_sign_ins_are_refused": _of(f"{STORY_AT_HI_EVENTS}/session token", 401, 201, "hi.events"),
    "mock_bearers_are_refused": (
        *_of(f"{STORY_AT_HI_EVENTS}/bearer/getCrossAppStatus", 401, 404, "hi.events"),
        breaks("an event that does not exist is looked for", _about_an_event(401, 404)),
        holds("an event is looked for before anything else, or there is no such route", _about_an_event(404, 404)),
        holds("it is open to all, which is another rule's matter", _about_an_event(200, 200)),
    ),
    "mock_users_are_refused": _of(f"{STORY_AT_CLIENT}/jwt/wrapGenerateSession", 401, 404, "tuvens-client"),
}
