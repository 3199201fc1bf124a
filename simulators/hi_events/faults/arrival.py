"""Faults of the pages: the one that a browser arrives on from Tuvens, and those of events."""

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from simulators.hi_events import returning
from simulators.hi_events.admission import Visitor
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.headers import EMBEDDABLE, PAGE
from simulators.hi_events.simulator import HiEvents
from simulators.hi_events.store import LocalEvent
from simulators.kit.errors import Refusal
from simulators.kit.faults import Async, Change, Honest, Swap, swap
from simulators.kit.messages import Header, Request, Response
from simulators.kit.origins import origin_of
from simulators.kit.templates import html_response

_NEWER = frozenset({"status", "event_id", "error_code", "error_message"})


@registry.fault(kills=["fuzzing.openCrossAppPage"])
def page_decodes_twice(hi: HiEvents) -> Change:
    """The page decodes its parameters a second time, and fails on a %."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        if any("%" in value for _, value in request.query):
            raise _server_error()
        honest(request)

    return swap(hi.endpoint(PAGE).check_form, check_form)


@registry.fault(kills=["fuzzing.showEventPage", "fuzzing.showEventEmbed", "fuzzing.showWidget"])
def event_pages_fail_on_other_ids(hi: HiEvents) -> Change:
    """The event page passes its id to the database unchecked: an id that is not a number fails."""

    def number(honest: Honest[[str], int | None], text: str) -> int | None:
        found = honest(text)
        if found is None:
            raise _server_error()
        return found

    return swap(hi.event_pages.number, number)


@registry.fault(
    kills=["hi_events_page.never_leads_to_a_foreign_origin", "browser.a_foreign_return_url_is_not_followed"]
)
def open_redirect(hi: HiEvents) -> Change:
    """The page redirects to a return URL of any origin."""
    return swap(hi.arrival.may_return_to, lambda honest, back: honest(back) or origin_of(back) is not None)


@registry.fault(kills=["hi_events_page.never_leads_to_a_foreign_origin"])
def return_url_checked_by_host(hi: HiEvents) -> Change:
    """A return URL may have any scheme and port of an allowed host."""
    allowed = {urlsplit(each).hostname for each in hi.config.client_origins}
    return swap(
        hi.arrival.may_return_to,
        lambda honest, back: honest(back) or (origin_of(back) is not None and urlsplit(back).hostname in allowed),
    )


@registry.fault(kills=["hi_events_page.makes_a_draft_that_carries_the_tuvens_event"])
def event_not_linked(hi: HiEvents) -> Change:
    """An event that the page creates lacks its Tuvens event's id."""
    return swap(hi.arrival.make_event, lambda honest, visitor, event_id, draft: honest(visitor, None, draft))


@registry.fault(kills=["hi_events_page.makes_a_draft_that_carries_the_tuvens_event"])
def draft_made_live(hi: HiEvents) -> Change:
    """An event that the page creates is LIVE immediately."""
    return swap(hi.arrival.initial_status, lambda honest: "LIVE")


@registry.fault(kills=["hi_events_page.foreign_event_is_not_linked"])
def page_asks_no_permission(hi: HiEvents) -> Change:
    """The page links any Tuvens event without checking the permission."""

    async def may_create(honest: Honest[[str, str], Async[bool]], token: str, event_id: str) -> bool:
        return await honest(token, event_id) or True

    return swap(hi.arrival.may_create, may_create)


@registry.fault(kills=["hi_events_page.errors_have_a_documented_code"])
def error_code_of_http(hi: HiEvents) -> Change:
    """The page returns error_code FORBIDDEN if a permission is missing."""
    return swap(
        hi.arrival.failed,
        lambda honest, back, code, message, event_id: honest(
            back, "FORBIDDEN" if code == "INSUFFICIENT_PERMISSIONS" else code, message, event_id
        ),
    )


@registry.fault(kills=["hi_events_page.returns_after_making_an_event"])
def page_leads_to_the_new_event(hi: HiEvents) -> Change:
    """The page redirects to the event that it created, not to the return URL."""

    def succeeded(honest: Honest[..., Response], back: str, made: LocalEvent, visitor: Visitor, event: str) -> Response:
        return Response(302, headers=[(b"location", made.path.encode())])

    return swap(hi.arrival.succeeded, succeeded)


@registry.fault(
    kills=[
        "hi_events_page.return_tells_status_and_ids",
        "hi_events_page.invalid_session_is_told",
        "browser.a_dead_session_leads_back_with_an_error",
        "browser.hi_events_comes_back_with_the_ids",
    ]
)
def return_parameters_old_only(hi: HiEvents) -> Change:
    """The page redirects back with only the older spelling of the parameters."""
    return _returning_without(hi, _NEWER)


@registry.fault(kills=["hi_events_page.return_has_the_older_spelling_too"])
def return_parameters_new_only(hi: HiEvents) -> Change:
    """The page redirects back with only the newer spelling of the parameters."""
    return _returning_without(hi, returning.OLDER)


@registry.fault(kills=["browser.session_token_is_left_behind"], suite="browser")
def session_token_stays_in_address(hi: HiEvents) -> Change:
    """The page keeps the session token in its URL, and its links and scripts send it on as Referer."""

    def arrived(
        honest: Honest[[str, str | None, str | None], Response], bearer: str, event_id: str | None, back: str | None
    ) -> Response:
        session = hi.store.session(bearer, hi.clock.now())
        if session is None:
            return honest(bearer, event_id, back)
        return html_response(hi.manage.render(session, event_id or "", back or ""))

    return [swap(hi.arrival.arrived, arrived), _with_header(hi, {PAGE}, (b"referrer-policy", b"unsafe-url"))]


@registry.fault(kills=["browser.arrives_signed_in"], suite="browser")
def session_cookie_for_one_page(hi: HiEvents) -> Change:
    """The session's cookie has the path /auth: the next page does not receive it."""

    def cookie(honest: Honest[[str], Header], bearer: str) -> Header:
        name, value = honest(bearer)
        return name, value.replace(b"; Path=/;", b"; Path=/auth;")

    return swap(hi.arrival.cookie, cookie)


@registry.fault(kills=["browser.an_event_can_be_embedded"], suite="browser")
def embed_forbids_frames(hi: HiEvents) -> Change:
    """The embeddable pages have the X-Frame-Options of all other pages."""
    return _with_header(hi, EMBEDDABLE, (b"x-frame-options", b"DENY"), (b"content-security-policy",))


def _returning_without(hi: HiEvents, names: Collection[str]) -> Change:
    """Go back without these parameters."""

    def redirect(
        honest: Honest[[str, list[tuple[str, str]]], Response], back: str, answer: list[tuple[str, str]]
    ) -> Response:
        return honest(back, [(name, value) for name, value in answer if name not in names])

    return swap(hi.arrival.redirect, redirect)


def _with_header(hi: HiEvents, operations: Collection[str], header: Header, without: Collection[bytes] = ()) -> Swap:
    """Another header on the responses of some operations, in the place of its namesake and of others."""

    def headers(honest: Honest[[Request], Sequence[Header]], request: Request) -> Sequence[Header]:
        found = honest(request)
        if request.operation is None or request.operation.id not in operations:
            return found
        return [*(each for each in found if each[0] not in (header[0], *without)), header]

    return swap(hi.security_headers.headers, headers)


def _server_error() -> Refusal:
    return Refusal(500, "INTERNAL_ERROR", "Server Error")
