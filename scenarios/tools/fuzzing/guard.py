"""What a fuzzer must not send: changes to events that are not its own, and paths that no application gets to see."""

import re
from typing import Any
from urllib.parse import quote

import openapi

_UNKNOWN = "crossapp-"
# A slash, a backslash, a dot segment or a control character in a path is a matter of proxies and routers, which refuse
# it in their own words or send the request elsewhere; the contract says nothing of it. Surrogates are no text.
_OF_ROUTERS = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Guard:
    """Keeps cases harmless. `event` is the id of the event that may be changed; empty: none may."""

    def __init__(self, app: str, edition: str, event: str) -> None:
        self._document = openapi.load(app, edition)
        self._event = event

    def keep(self, operation_id: str, method: str, path: dict[str, Any] | None, body: Any) -> None:
        """Change a case in place, so that it stays what it is, well-formed or ill-formed, and names no other event; by
        a method that is not the operation's, which may delete, none at all."""
        operation = self._document.operations[operation_id]
        for name, value in (path or {}).items():
            assert path is not None
            text = _OF_ROUTERS.sub("_", str(value))
            harmless = method.upper() == operation.method and (not operation.changes or text == self._event)
            path[name] = text if harmless and self._is_served(operation, text) else _UNKNOWN + text
        payload = body.get("payload") if isinstance(body, dict) else None
        if operation_id == "receiveEventStatusChanged" and isinstance(payload, dict) and "tuvens_event_id" in payload:
            payload["tuvens_event_id"] = self._named(payload["tuvens_event_id"])

    def _is_served(self, operation: openapi.Operation, text: str) -> bool:
        """Whether a path with this id is the operation's: `updates` is no event's id but another route, and a dot no id
        but the folder itself."""
        path = re.sub(r"{\w+}", quote(text, safe=""), operation.path)
        return self._document.operation_at(operation.method, path) is operation and not text.startswith(".")

    def _named(self, value: Any) -> Any:
        """An id in a body: a text that names no event, or a value of another type that a lax reader takes for no id."""
        if isinstance(value, str):
            return value if value == self._event else _UNKNOWN + value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -abs(value) - 1
        return value
