"""The pages of tuvens-client: templates in pages/, all texts in them, everything from outside escaped."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from simulators.kit.exchange import Reply

_HEADING = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_SHOWN = (
    *("id", "title", "description", "startDate", "endDate", "ticketing_enabled", "ticketing_status", "account_id"),
    *("hi_events_event_url", "hasTicketing", "ticketStatus"),
)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath("pages", f"{name}.html").read_text("utf-8"))


def fill(name: str, values: Mapping[str, str], *, raw: bool = False) -> Markup:
    """A template of pages/ with its values, escaped unless they are Markup (or, for a fault, `raw`)."""
    safe = {key: value if raw or isinstance(value, Markup) else escape(value) for key, value in values.items()}
    return Markup(_template(name).substitute(safe))


def page(content: Markup, *, who: str, faults: Iterable[str] = (), scripts: Iterable[str] = ()) -> bytes:
    """A whole page around its content; its title is the content's heading."""
    found = _HEADING.search(content)
    loaded = "".join(f'<script type="module" src="/_app/{escape(each)}"></script>\n' for each in scripts)
    values = {
        "title": Markup(found[1] if found else "Tuvens"),
        "content": content,
        "who": who,
        "faults": " ".join(faults),
        "scripts": Markup(loaded),
    }
    return fill("layout", values).encode("utf-8", "replace")


def reply(body: bytes, status: int = 200) -> Reply:
    """A page as an answer; it is of one user and of now."""
    headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")]
    return Reply(status, body, headers)


def event_data(event: Mapping[str, Any]) -> Markup:
    """What the scripts need of an event, as JSON that cannot end its element."""
    shown = {name: event[name] for name in _SHOWN if name in event}
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
