"""Example histories of the rules about https."""

from contracts.transport.rules import STORY
from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, leaves_open
from tests.contracts.histories import answer, history, no_answer, observed

STRICT = "max-age=63072000; includeSubDomains"


def https(strict: str | None = STRICT, *, status: int = 200) -> Exchange:
    """A browser comes by https."""
    headers = {} if strict is None else {"Strict-Transport-Security": strict}
    return answer(f"{STORY}/https", status, {}, headers=headers)


def http(status: int, location: str | None = None) -> Exchange:
    """A browser comes by http."""
    return answer(f"{STORY}/http", status, {}, headers={} if location is None else {"Location": location})


def seen(*plain: Entry, safe: Exchange | None = None, accepted: tuple[str, ...] = ()) -> Seen:
    """Somebody comes by https, with old versions of TLS, and by http where it is tried."""
    return history(safe or https(), *plain, observed(f"{STORY}/old versions", accepted=list(accepted)))


_LOST = no_answer(f"{STORY}/https")

EXAMPLES: Examples = {
    "plain_http_is_refused": (
        holds("a redirect to https", seen(http(308, "https://api.tuvens.com/api/events/11"))),
        holds("a refusal", seen(http(403))),
        holds("nobody listens there", seen(no_answer(f"{STORY}/http", refused=True))),
        holds("a port of its own, which speaks https only", seen()),
        breaks("the event is served", seen(http(200))),
        breaks("a redirect to another http address", seen(http(301, "http://www.api.tuvens.com/"))),
        breaks("a redirect to nowhere", seen(http(302))),
        leaves_open("https is not answered either", seen(no_answer(f"{STORY}/http", refused=True), safe=_LOST)),
        leaves_open("https is not answered, and http was not tried", seen(safe=_LOST)),
    ),
    "strict_transport_is_demanded": (
        holds("for two years", seen()),
        holds("quoted, in another case", seen(safe=https('Max-Age="31536000"'))),
        breaks("the header is missing", seen(safe=https(None))),
        breaks("the header tells browsers to forget it", seen(safe=https("max-age=0"))),
        leaves_open("no answer comes", seen(safe=_LOST)),
        leaves_open("a front lets nobody through", seen(safe=https(None, status=429))),
    ),
    "old_tls_is_refused": (
        holds("no old version is accepted", seen()),
        breaks("TLS 1.1 is accepted", seen(accepted=("TLSv1_1",))),
        leaves_open("the host cannot be reached at all", seen(safe=_LOST)),
        leaves_open("nothing was tried", history(https(), ended={STORY: "stopped"})),
    ),
}
