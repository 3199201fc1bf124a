"""Example histories of the rules about settings."""

from contracts.configuration.rules import EXPIRY_SECONDS, STORY
from contracts.times import iso_millis
from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, leaves_open
from tests.contracts.histories import NOW, answer, history, instead, no_answer

ORIGIN = "https://tickets.settings.example"


def minted(seconds: float = EXPIRY_SECONDS, **said: object) -> Entry:
    """The second instance mints a session that lives so long."""
    body = {"session_token": "<session-token:1>", "expires_at": iso_millis(NOW + seconds), **said}
    return answer(f"{STORY}/generate session", 200, body)


def asked(step: str, status: int) -> Entry:
    """The second instance is asked with one of the secrets."""
    return answer(f"{STORY}/{step}", status, {})


def admitted(*, origin: str | None = ORIGIN, status: int = 200) -> Entry:
    """A browser on the new domain of Hi.Events reads an event."""
    headers = {} if origin is None else {"Access-Control-Allow-Origin": origin}
    return answer(f"{STORY}/new origin", status, {}, headers=headers)


def second(*others: Entry) -> Seen:
    """The honest story of a second instance, some of it otherwise."""
    found = [minted(), asked("new secret", 200), asked("former secret", 401), admitted()]
    return history(*instead(found, *others))


EXAMPLES: Examples = {
    "shared_secret_is_a_setting": (
        holds("the new secret is taken, the former one is not", second()),
        breaks("the new secret is refused", second(asked("new secret", 401))),
        breaks("the former secret is still taken", second(asked("former secret", 200))),
        leaves_open("no answer comes", second(no_answer(f"{STORY}/new secret"))),
        leaves_open("a rate limit strikes", second(asked("former secret", 429))),
    ),
    "session_expiry_is_a_setting": (
        holds("a session lives as long as is set", second()),
        holds("the Date header tells whole seconds", second(minted(EXPIRY_SECONDS + 1.4))),
        breaks("a session lives 900 s whatever is set", second(minted(900))),
        breaks("the setting is taken for minutes", second(minted(EXPIRY_SECONDS * 60))),
        leaves_open("expires_at is no time, which is another rule's matter", second(minted(expires_at="soon"))),
        leaves_open(
            "the server's clock is not known",
            second(
                answer(f"{STORY}/generate session", 200, {"expires_at": iso_millis(NOW)}, headers={"Date": "today"})
            ),
        ),
        leaves_open("no answer comes", second(no_answer(f"{STORY}/generate session"))),
    ),
    "hi_events_domain_is_a_setting": (
        holds("the domain's origin is admitted", second()),
        breaks("the former domain's origin is admitted", second(admitted(origin="https://tickets.tuvens.com"))),
        breaks("no origin is admitted", second(admitted(origin=None))),
        leaves_open("no answer comes", second(no_answer(f"{STORY}/new origin"))),
        leaves_open("a front lets nobody through", second(admitted(origin=None, status=429))),
    ),
}
