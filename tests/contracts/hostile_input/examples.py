"""Example histories of the rules about hostile input."""

from contracts.hostile_input.rules import OVERSIZED, QUESTIONS, WEBHOOKS
from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.documented import documented, error
from tests.contracts.examples import Examples, breaks, holds, leaves_open
from tests.contracts.histories import EXPIRED, history, instead, no_answer

HOOK = "receiveEventStatusChanged"
_TOKEN, _PERMISSION = f"{QUESTIONS}/token/validateSession/or true", f"{QUESTIONS}/permission/or true"
_EVENT, _AFTER = f"{QUESTIONS}/event/NUL", f"{QUESTIONS}/afterwards"


def permission(granted: object, status: int = 200) -> Entry:
    """What is answered to the question for a hostile permission."""
    return documented("validatePermission", status, _PERMISSION, {"has_permission": granted})


def questions(*others: Entry) -> Seen:
    """The honest story of hostile questions, some of it otherwise."""
    found: list[Entry] = [
        error("validateSession", 404, _TOKEN),
        error("validateSession", 400, f"{QUESTIONS}/token/validateSession/NUL"),
        permission(False),
        error("getEvent", 404, _EVENT),
        documented("validateSession", 200, _AFTER),
    ]
    return history(*instead(found, *others))


def webhooks(status: int) -> Seen:
    """Two hostile webhooks, of which one is answered so."""
    refused = error(HOOK, 404, f"{WEBHOOKS}/event/or true")
    return history(refused, error(HOOK, status, f"{WEBHOOKS}/body/deep list"))


def oversized(*others: Entry) -> Seen:
    """The honest story of large bodies, some of it otherwise."""
    found: list[Entry] = [
        error("validateSession", 413, f"{OVERSIZED}/oversized/validateSession"),
        error(HOOK, 400, f"{OVERSIZED}/oversized/webhook"),
        documented("validateSession", 200, f"{OVERSIZED}/afterwards"),
    ]
    return history(*instead(found, *others))


def _large(status: int) -> Entry:
    return error(HOOK, status, f"{OVERSIZED}/oversized/webhook")


EXAMPLES: Examples = {
    "hostile_questions_break_nothing": (
        holds("all are answered below 500", questions()),
        breaks("one is answered 500", questions(error("getEvent", 500, _EVENT))),
        breaks("the ordinary question is answered 500", questions(error("validateSession", 500, _AFTER))),
        leaves_open("no answer comes", questions(no_answer(_EVENT))),
        leaves_open("a rate limit strikes", questions(error("validateSession", 429, _TOKEN))),
    ),
    "hostile_tokens_open_nothing": (
        holds("all are refused", questions()),
        holds("a hostile permission is refused", questions(error("validatePermission", 400, _PERMISSION))),
        holds("no JSON grants nothing", questions(documented("validatePermission", 200, _PERMISSION, b"no"))),
        breaks("a hostile token opens a session", questions(documented("validateSession", 200, _TOKEN))),
        breaks("a hostile permission is granted", questions(permission(True))),
        leaves_open("no answer comes", questions(no_answer(_TOKEN))),
        leaves_open("no answer comes to the permission", questions(no_answer(_PERMISSION))),
        leaves_open("a rate limit strikes", questions(error("validateSession", 429, _TOKEN))),
    ),
    "hostile_questions_change_nothing": (
        holds("the live session is validated", questions()),
        breaks("the live session is gone", questions(error("validateSession", 404, _AFTER))),
        leaves_open("no answer comes", questions(no_answer(_AFTER))),
        leaves_open("a rate limit strikes", questions(error("validateSession", 429, _AFTER))),
        leaves_open("the session expired meanwhile", questions(error("validateSession", 404, _AFTER, facts=EXPIRED))),
    ),
    "hostile_webhooks_are_refused": (
        holds("400", webhooks(400)),
        holds("404", webhooks(404)),
        breaks("one is accepted", webhooks(200)),
        breaks("one is answered 500", webhooks(500)),
        leaves_open("a rate limit strikes", webhooks(429)),
        leaves_open("no answer comes", history(no_answer(f"{WEBHOOKS}/event/or true"))),
    ),
    "oversized_bodies_are_refused": (
        holds("413 or 400", oversized()),
        holds("the server hangs up", oversized(no_answer(f"{OVERSIZED}/oversized/webhook", seconds=0.2))),
        breaks("one is accepted", oversized(_large(200))),
        breaks("one is answered 500", oversized(_large(500))),
        breaks("nothing is served any more", oversized(error("validateSession", 500, f"{OVERSIZED}/afterwards"))),
        leaves_open("no answer comes for long", oversized(no_answer(f"{OVERSIZED}/oversized/webhook", seconds=15.0))),
        leaves_open("a rate limit strikes", oversized(_large(429))),
        leaves_open("nobody listens any more", oversized(no_answer(f"{OVERSIZED}/afterwards", refused=True))),
    ),
}
