"""Faults of the callback page."""

from simulators.kit.faults import Async, Change, Honest, swap
from simulators.kit.messages import Request
from simulators.tuvens_client.callback import Return, read
from simulators.tuvens_client.faults.registry import registry
from simulators.tuvens_client.simulator import TuvensClient
from simulators.tuvens_client.wrapper import failed

_OLDER = frozenset({"success", "tuvens_event_id", "message"})


@registry.fault(kills=["fuzzing.handleHiEventsCallback"])
def callback_decodes_twice(client: TuvensClient) -> Change:
    """The callback page decodes the parameters a second time, and fails on a %."""

    def read_(honest: Honest[[Request], Return], request: Request) -> Return:
        found = honest(request)
        if "%" in f"{found.event_id}{found.said}":
            raise failed("URI malformed")
        return found

    return swap(client.callback.read, read_)


@registry.fault(kills=["browser.the_older_spelling_is_read"], suite="browser")
def callback_reads_one_spelling(client: TuvensClient) -> Change:
    """The callback page supports only the newer spelling of the parameters."""
    return swap(
        client.callback.read,
        lambda honest, request: read(lambda name: None if name in _OLDER else request.query_value(name)),
    )


@registry.fault(kills=["browser.a_cancelled_return_is_told"], suite="browser")
def callback_ignores_cancelled(client: TuvensClient) -> Change:
    """The callback page shows success after a cancelled setup."""
    return swap(client.callback.cancelled, lambda honest, found: client.callback.linked(found))


@registry.fault(
    kills=["browser.an_error_return_is_told", "browser.an_expired_session_can_be_replaced"], suite="browser"
)
def callback_takes_errors_for_success(client: TuvensClient) -> Change:
    """The callback page shows a success whatever hi.events reports."""
    return swap(client.callback.failed, lambda honest, found: client.callback.linked(found))


@registry.fault(kills=["browser.a_success_links_the_event"], suite="browser")
def callback_does_not_patch(client: TuvensClient) -> Change:
    """The callback page shows success, but does not PATCH the event."""

    async def link(honest: Honest[[Request, Return], Async[str | None]], request: Request, found: Return) -> str | None:
        return None

    return swap(client.callback.link, link)
