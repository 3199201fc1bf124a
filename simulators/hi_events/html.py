"""The pages of hi.events as HTML: everything that comes from outside is escaped, nothing runs, nothing is fetched."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from simulators.hi_events.sign_in import Visitor
from simulators.hi_events.state import Event
from simulators.kit.exchange import Reply

_STYLE = (
    "body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1c1b22;background:#fff}"
    "main{max-width:40rem;margin:0 auto;padding:1.5rem}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}"
    "p,li{overflow-wrap:anywhere}.state{font-weight:600}"
    "a{color:#5b21b6}a:focus-visible{outline:3px solid #5b21b6;outline-offset:2px}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

STATES = {
    "LIVE": "Tickets are on sale.",
    "DRAFT": "Ticket sales have not started yet.",
    "CANCELLED": "This event was cancelled.",
    "ENDED": "This event is over.",
    "ARCHIVED": "This event is over.",
}


def policy(frames: str) -> str:
    """A content security policy under which these pages, and nothing else, work; `frames` may embed them."""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {frames}"
    )


def reply(page: str, status: int = 200) -> Reply:
    """A page as an answer."""
    return Reply(status, page.encode("utf-8", "replace"), [("content-type", "text/html; charset=utf-8")])


def event_path(event: Event) -> str:
    """Where an event's page is, below the address of the pages."""
    return f"/event/{event.id}/{quote(event.slug)}"


def error_page(message: str) -> str:
    """A page that says what is wrong."""
    return _page("Something is wrong", f'<h1>Something is wrong</h1><p role="alert">{escape(message)}</p>')


def event_page(event: Event) -> str:
    """An event for everybody."""
    return _page(event.title, _event(event), index=event.details.get("settings"))


def embedded_page(event: Event) -> str:
    """An event within another site's page; its link opens the event's own page."""
    link = f'<p><a href="{event_path(event)}" target="_blank" rel="noopener">Open the event’s page</a></p>'
    return _page(event.title, _event(event) + link)


def manage_page(visitor: Visitor, events: Sequence[Event], made: Event | None, back: str | None) -> str:
    """What an organiser sees after signing in from Tuvens."""
    heading = "Manage ticketing" if made is None else f"Ticketing for {made.title}"
    parts = [
        f"<h1>{escape(heading)}</h1>",
        f"<p>Signed in as {escape(visitor.user.email)}, account {escape(visitor.account.name)}.</p>",
    ]
    if made is not None:
        parts.append(f'<p class="state">{escape(_state(made))}</p>')
    if events:
        items = "".join(
            f'<li><a href="{event_path(each)}">{escape(each.title)}</a> ({escape(each.status.lower())})</li>'
            for each in events
        )
        parts.append(f"<h2>Events</h2><ul>{items}</ul>")
    else:
        parts.append("<p>There are no events yet.</p>")
    if back is not None:
        parts.append(f'<p><a href="{escape(back)}">Back to Tuvens</a></p>')
    return _page(heading, "".join(parts))


def _event(event: Event) -> str:
    parts = [f"<h1>{escape(event.title)}</h1>"]
    if event.start_date is not None:
        parts.append(f'<p><time datetime="{escape(event.start_date)}">{escape(event.start_date)}</time></p>')
    parts.append(f'<p class="state" role="status">{escape(_state(event))}</p>')
    if event.description:
        parts.append(f"<p>{escape(event.description)}</p>")
    return "".join(parts)


def _state(event: Event) -> str:
    return STATES.get(event.status, STATES["DRAFT"])


def _page(title: str, content: str, index: object = None) -> str:
    hidden = isinstance(index, dict) and index.get("allow_search_engine_indexing") is False
    robots = '<meta name="robots" content="noindex">' if hidden else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{robots}<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{content}</main></body></html>"
    )
