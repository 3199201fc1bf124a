"""Security headers of hi.events, and the content security policy of its pages."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from openapi import Document, Operation
from simulators.kit.messages import Header, Request

PAGE = "openCrossAppPage"
EMBEDDABLE = frozenset({"showEventEmbed", "showWidget"})
STYLE = files(__package__).joinpath("assets", "pages.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_COMMON: tuple[Header, ...] = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
NO_STORE: Header = (b"cache-control", b"no-store")


class SecurityHeaders:
    """The headers of each operation, chosen at the start. `embedders` are origins that may frame an event."""

    def __init__(self, document: Document, embedders: Iterable[str]) -> None:
        self._frames = " ".join(["'self'", *embedders])
        self._by_operation = {each.id: self._of(each) for each in document.operations.values()}
        self._otherwise = [*_COMMON, NO_STORE]

    def headers(self, request: Request) -> Sequence[Header]:
        """The headers of every response to this operation."""
        return self._otherwise if request.operation is None else self._by_operation[request.operation.id]

    def preflight(self, request: Request) -> Sequence[Header]:
        """None: hi.events admits no other origin."""
        return ()

    def _of(self, operation: Operation) -> Sequence[Header]:
        if operation.base != "pages":
            return [*_COMMON, NO_STORE]
        if operation.id in EMBEDDABLE:
            return [*_COMMON, policy(self._frames)]
        if operation.id == PAGE:
            return manage_page_headers()
        return [*_COMMON, policy("'none'"), (b"x-frame-options", b"DENY")]


def manage_page_headers() -> list[Header]:
    """The headers of the page that an organiser arrives on: its scripts run, and nobody frames it."""
    return [*_COMMON, policy("'none'", scripts=True), (b"x-frame-options", b"DENY"), NO_STORE]


def policy(frames: str, *, scripts: bool = False) -> Header:
    """A content security policy under which these pages, and nothing else, work.

    frames: the origins that may embed them. scripts: whether their own scripts run and call the API.
    """
    own = "script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; " if scripts else ""
    text = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; {own}img-src data:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frames}"
    )
    return (b"content-security-policy", text.encode())
