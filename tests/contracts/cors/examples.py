"""Example histories of the rules about CORS."""

from collections.abc import Mapping

from contracts.cors.rules import STORY
from harness.history import Entry
from harness.history import History as Seen
from harness.http import Headers
from tests.contracts.examples import Examples, breaks, holds, leaves_open
from tests.contracts.histories import answer, history, instead, no_answer

RIGHT, WRONG = "https://tickets.tuvens.com", "https://tickets.tuvens.com.evil.example"
ASKED = "authorization, content-type, x-session-token, x-shared-secret"
ADMITTED = {"Access-Control-Allow-Origin": RIGHT, "Access-Control-Allow-Credentials": "true"}
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Session-Token, X-Shared-Secret",
}
_SIMPLE, _FOREIGN = f"simple/right/{RIGHT}", "simple/wrong/suffix"
_PREFLIGHT, _POST = f"preflight/right/{RIGHT}/PATCH", f"preflight/right/{RIGHT}/POST"


def asked(step: str, headers: Mapping[str, str], *, status: int = 200) -> Entry:
    """A browser asks from the origin that the step is about, and is answered with these headers."""
    origin = RIGHT if "/right/" in step else WRONG
    sent: Headers = (("Origin", origin),)
    if step.startswith("preflight"):
        method = step.rpartition("/")[2]
        sent = (*sent, ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", ASKED))
    return answer(f"{STORY}/{step}", status, {}, headers=headers, request_headers=sent)


def seen(*others: Entry) -> Seen:
    """The honest story of a right origin and a wrong one, some of it otherwise."""
    found = [
        asked(_SIMPLE, ADMITTED),
        asked(_POST, {**ADMITTED, **ALLOWED}),
        asked(_PREFLIGHT, {**ADMITTED, **ALLOWED}),
        asked(_FOREIGN, {}),
        asked("preflight/wrong/suffix/PATCH", {}, status=403),
    ]
    return history(*instead(found, *others))


def _assumed(headers: Mapping[str, str]) -> Seen:
    """The story of an origin that the deployment file does not name."""
    step = f"right/assumed/{RIGHT}"
    return history(asked(f"simple/{step}", headers), asked(f"preflight/{step}/PATCH", {**headers, **ALLOWED}))


def _allows(**headers: str) -> Entry:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked(_PREFLIGHT, {**ADMITTED, **ALLOWED, **changed})


_NO_CREDENTIALS = {"Access-Control-Allow-Origin": RIGHT}

EXAMPLES: Examples = {
    "right_origins_are_admitted": (
        holds("the origin is named, with credentials", seen()),
        holds(
            "header names are in any case",
            seen(asked(_SIMPLE, {name.lower(): value for name, value in ADMITTED.items()})),
        ),
        breaks("no origin is admitted", seen(asked(_SIMPLE, {}))),
        breaks(
            "any origin is admitted, which excludes credentials",
            seen(asked(_SIMPLE, {**ADMITTED, "Access-Control-Allow-Origin": "*"})),
        ),
        breaks(
            "another origin is named", seen(asked(_SIMPLE, {**ADMITTED, "Access-Control-Allow-Origin": f"{RIGHT}/"}))
        ),
        breaks("credentials are not allowed", seen(asked(_SIMPLE, _NO_CREDENTIALS))),
        breaks("a preflight is not admitted", seen(asked(_PREFLIGHT, ALLOWED))),
        holds("an assumed origin is admitted", _assumed(ADMITTED)),
        leaves_open("an assumed origin is not admitted", _assumed({})),
        breaks(
            "any origin is admitted, an assumed one among them",
            _assumed({"Access-Control-Allow-Origin": "*"}),
        ),
        leaves_open("no answer comes", seen(no_answer(f"{STORY}/{_SIMPLE}"))),
        leaves_open("a front lets nobody through", seen(asked(_SIMPLE, {}, status=429))),
    ),
    "preflights_allow_the_methods_and_headers": (
        holds("all methods and headers are allowed", seen()),
        holds("more than these, in any case", seen(_allows(Access_Control_Allow_Methods="get,put,PATCH"))),
        breaks("PATCH is not allowed", seen(_allows(Access_Control_Allow_Methods="GET, POST"))),
        breaks(
            "a header is not allowed",
            seen(_allows(Access_Control_Allow_Headers="Authorization, Content-Type, X-Session-Token")),
        ),
        breaks(
            "a wildcard, which is none where there are credentials", seen(_allows(Access_Control_Allow_Headers="*"))
        ),
        breaks("nothing is allowed", seen(asked(_PREFLIGHT, ADMITTED))),
        leaves_open("no answer comes", seen(no_answer(f"{STORY}/{_PREFLIGHT}"))),
        leaves_open("a front lets nobody through", seen(asked(_PREFLIGHT, {}, status=429))),
    ),
    "other_origins_are_not_admitted": (
        holds("a wrong origin is not named", seen()),
        holds("the right origin is named whoever asks", seen(asked(_FOREIGN, ADMITTED))),
        breaks("a wrong origin is named", seen(asked(_FOREIGN, {"Access-Control-Allow-Origin": WRONG}))),
        breaks(
            "a wrong origin may ask for everything",
            seen(asked("preflight/wrong/suffix/PATCH", {**ALLOWED, "Access-Control-Allow-Origin": WRONG})),
        ),
        breaks("any origin is admitted", seen(asked(_FOREIGN, {"Access-Control-Allow-Origin": "*"}))),
        leaves_open("no answer comes", seen(no_answer(f"{STORY}/{_FOREIGN}"))),
        leaves_open("a front lets nobody through", seen(asked(_FOREIGN, {}, status=429))),
    ),
}
