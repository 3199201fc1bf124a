"""Keeps fuzzed cases harmless: no changes of other events, no paths that never reach an application."""

import re
from typing import Any
from urllib.parse import quote

import openapi

_UNKNOWN = "crossapp-"
# Slashes, backslashes, dot segments and control characters in a path are handled by proxies and routers, of which the
# contract says nothing. Surrogates cannot be encoded.
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Guard:
    """Changes cases in place. `event` is the id of the only event that may be changed (empty: none)."""

    def __init__(self, app: str, edition: str, event: str) -> None:
        self._document = openapi.load(app, edition)
        self._event = event

    def keep(self, operation_id: str, method: str, path: dict[str, Any] | None, body: Any) -> None:
        """Make a case harmless, still as well-formed or ill-formed as it is: it names no other event, and with another
        method than the operation's (which may delete) no event at all."""
        operation = self._document.operations[operation_id]
        for name, value in (path or {}).items():
            assert path is not None
            text = _UNSAFE.sub("_", str(value))
            harmless = method.upper() == operation.method and (not operation.changes or text == self._event)
            path[name] = text if harmless and self._is_served(operation, text) else _UNKNOWN + text
        payload = body.get("payload") if isinstance(body, dict) else None
        if operation_id == "receiveEventStatusChanged" and isinstance(payload, dict) and "tuvens_event_id" in payload:
            payload["tuvens_event_id"] = self._named(payload["tuvens_event_id"])

    def _is_served(self, operation: openapi.Operation, text: str) -> bool:
        """Whether a path with this id belongs to the operation: `updates` as an id is another route, and a dot segment
        is not an id."""
        path = re.sub(r"{\w+}", quote(text, safe=""), operation.path)
        return self._document.operation_at(operation.method, path) is operation and not text.startswith(".")

    def _named(self, value: Any) -> Any:
        """An id in a body, changed so that no event has it, even if its type is converted."""
        if isinstance(value, str):
            return value if value == self._event else _UNKNOWN + value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -abs(value) - 1
        return value
