"""The pages of hi.events as HTML: everything that comes from outside is escaped; a script runs on the manage page
alone."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from urllib.parse import quote

from simulators.hi_events.store import LocalEvent
from simulators.kit.exchange import Reply

_STYLE = files(__package__).joinpath("assets", "pages.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

STATES = {
    "LIVE": "Tickets are on sale.",
    "DRAFT": "Ticket sales have not started yet.",
    "CANCELLED": "This event was cancelled.",
    "ENDED": "This event is over.",
    "ARCHIVED": "This event is over.",
}


# What an organiser can do to an event: status, the button, how the event then stands, what is told.
ACTIONS = (
    ("LIVE", "Make live", "Live", "The event is live now."),
    ("DRAFT", "Back to draft", "Draft", "The event is a draft now."),
    ("ENDED", "End", "Ended", "The event has ended now."),
    ("CANCELLED", "Cancel event", "Cancelled", "The event is cancelled now."),
)
_TEXTS = {
    "changing": "Changing…",
    "over": "Your session is over. Come again from Tuvens.",
    "forbidden": "This event belongs to another account.",
    "failed": "The event could not be changed. Try again.",
    "network": "Hi.Events cannot be reached. Check your connection and try again.",
}


def policy(frames: str, *, scripts: bool = False) -> str:
    """A content security policy under which these pages, and nothing else, work.

    `frames` may embed them; with `scripts` the own ones run and call the API.
    """
    own = "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; " if scripts else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; {own}img-src data:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frames}"
    )


def reply(page: str, status: int = 200) -> Reply:
    """A page as an answer."""
    return Reply(status, page.encode("utf-8", "replace"), [("content-type", "text/html; charset=utf-8")])


def event_path(event: LocalEvent) -> str:
    """Where an event's page is, below the address of the pages."""
    return f"/event/{event.id}/{quote(event.slug)}"


def error_page(message: str) -> str:
    """A page that says what is wrong."""
    return _page("Something is wrong", f'<h1>Something is wrong</h1><p role="alert">{escape(message)}</p>')


def event_page(event: LocalEvent) -> str:
    """An event for everybody."""
    return _page(event.title, _event(event), index=event.details.get("settings"))


def embedded_page(event: LocalEvent) -> str:
    """An event within another site's page; its link opens the event's own page."""
    link = f'<p><a href="{event_path(event)}" target="_blank" rel="noopener">Open the event’s page</a></p>'
    return _page(event.title, _event(event) + link)


def manage_page(email: str, account: str, events: Sequence[LocalEvent], back: str | None, *, alone: bool) -> str:
    """What an organiser sees after signing in from Tuvens: `alone`, one event of several; `back`, the way back."""
    parts = [
        "<h1>Manage ticketing</h1>",
        f"<p>Signed in as {escape(email)}, account {escape(account)}.</p>",
    ]
    if back is not None:
        parts.append(f'<p><a href="{escape(back)}">Back to Tuvens</a></p>')
    parts += [_managed(each) for each in events] or ["<p>There are no events yet.</p>"]
    if alone:
        parts.append('<p><a href="/manage">All events of the account</a></p>')
    texts = "".join(f'<p data-text="{name}">{escape(words)}</p>' for name, words in _TEXTS.items())
    parts.append(f'<template id="texts">{texts}</template>')
    return _page("Manage ticketing", "".join(parts), script="manage.js")


def _managed(event: LocalEvent) -> str:
    title = f"event-{event.id}-title"
    words = {status: word for status, _, word, _ in ACTIONS}
    buttons = "".join(
        f'<button type="button" data-status="{status}" data-word="{word}" data-told="{escape(told)}" '
        f'aria-disabled="{str(event.status == status).lower()}" aria-describedby="{title}">{escape(label)}</button>'
        for status, label, word, told in ACTIONS
    )
    return (
        f'<section class="event" data-event="{event.id}" aria-labelledby="{title}">'
        f'<h2 id="{title}"><a href="{event_path(event)}">{escape(event.title)}</a></h2>'
        f'<p>Status: <span class="state" data-part="state">{words.get(event.status, "Archived")}</span></p>'
        f'<div class="actions">{buttons}</div>'
        '<p class="told" role="status" data-part="told"></p><p class="problem" role="alert" data-part="problem"></p>'
        "</section>"
    )


def _event(event: LocalEvent) -> str:
    parts = [f"<h1>{escape(event.title)}</h1>"]
    if event.start_date is not None:
        parts.append(f'<p><time datetime="{escape(event.start_date)}">{escape(event.start_date)}</time></p>')
    parts.append(f'<p class="state" role="status">{escape(_state(event))}</p>')
    if event.description:
        parts.append(f"<p>{escape(event.description)}</p>")
    return "".join(parts)


def _state(event: LocalEvent) -> str:
    return STATES.get(event.status, STATES["DRAFT"])


def _page(title: str, content: str, index: object = None, script: str = "") -> str:
    hidden = isinstance(index, dict) and index.get("allow_search_engine_indexing") is False
    robots = '<meta name="robots" content="noindex">' if hidden else ""
    loaded = f'<script type="module" src="/_app/{script}"></script>' if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{robots}<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style>{loaded}</head>"
        f"<body><main>{content}</main></body></html>"
    )
