"""Which endpoint serves a request. A route that is not in the document cannot exist."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from openapi import Document, Operation
from simulators.kit.endpoint import Endpoint, Handler, OperationEndpoint, Services
from simulators.kit.errors import Refusal, StartError
from simulators.kit.messages import Request, Response
from simulators.kit.sending import Receive


class NoRoute(Endpoint):
    """The endpoint of all paths that the document does not have: 404."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, None)

    async def decide(self, request: Request, receive: Receive) -> Response:
        """Raise Refusal (404)."""
        raise no_route()


class OtherMethods(Endpoint):
    """The endpoint of the methods that the document does not have for a path: OPTIONS 204, all others 405."""

    def __init__(self, services: Services, path: str, methods: Sequence[str]) -> None:
        super().__init__(services, None)
        self.path = path
        self.allow = ", ".join([*methods, "OPTIONS"])

    async def decide(self, request: Request, receive: Receive) -> Response:
        """Answer OPTIONS; raises Refusal for others."""
        if request.method != "OPTIONS":
            raise self.refusal()
        return Response(204, headers=[(b"allow", self.allow.encode()), *self._headers.preflight(request)])

    def refusal(self) -> Refusal:
        """The refusal of a wrong method (405)."""
        return Refusal(
            405,
            "METHOD_NOT_ALLOWED",
            f"this route takes {self.allow}",
            headers=[(b"allow", self.allow.encode())],
        )


class Router:
    """The endpoints of one application, compiled at the start.

    handlers: by operationId. prefixes: what stands before the paths of the operations of a base ("api", "pages").
    Raises StartError where an operation has no handler, or a handler no operation.
    """

    def __init__(
        self,
        document: Document,
        handlers: Mapping[str, Handler],
        services: Services,
        prefixes: Mapping[str, str] | None = None,
    ) -> None:
        _require_same(document, handlers)
        self.unknown = NoRoute(services)
        self.endpoints = {
            operation.id: OperationEndpoint(services, operation, handlers[operation.id])
            for operation in document.operations.values()
        }
        self.paths = {each.id: (prefixes or {}).get(each.base, "") + each.path for each in document.operations.values()}
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in document.operations.values():
            by_path.setdefault(self.paths[operation.id], {})[operation.method] = operation
        self.other_methods = [OtherMethods(services, path, sorted(by_path[path])) for path in sorted(by_path)]
        self._literal: dict[str, Mapping[str, Endpoint]] = {}
        self._templates: list[tuple[re.Pattern[str], Mapping[str, Endpoint]]] = []
        for other in self.other_methods:
            methods: dict[str, Endpoint] = {
                method: self.endpoints[each.id] for method, each in by_path[other.path].items()
            }
            if "GET" in methods:
                methods["HEAD"] = methods["GET"]
            methods[""] = other
            if "{" in other.path:
                self._templates.append((_pattern(other.path), methods))
            else:
                self._literal[other.path] = methods

    @property
    def all(self) -> Sequence[Endpoint]:
        """Every endpoint, those of unknown paths and methods too."""
        return [*self.endpoints.values(), *self.other_methods, self.unknown]

    def find(self, scope: Any) -> Endpoint | None:
        """The endpoint of a request, whose path parameters are put into the scope; None for an unknown path."""
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :]
        # Literal paths go first: /api/events/updates must not be read as an event's id.
        methods = self._literal.get(path) or self._by_template(path, scope)
        if methods is None:
            return None
        return methods.get(scope["method"]) or methods[""]

    def _by_template(self, path: str, scope: Any) -> Mapping[str, Endpoint] | None:
        raw = scope.get("raw_path") or b""
        # An escaped slash is a character of its segment, and not its end.
        escaped = b"%2f" in raw.lower()
        if escaped:
            path = raw.decode("latin-1")[len(scope.get("root_path", "")) :]
        for pattern, methods in self._templates:
            match = pattern.fullmatch(path)
            if match is not None:
                found = match.groupdict()
                scope["path_params"] = {name: unquote(text) for name, text in found.items()} if escaped else found
                return methods
        return None


def no_route() -> Refusal:
    """The refusal of a router that does not know a path (404)."""
    return Refusal(404, "NOT_FOUND", "there is no such route")


def _require_same(document: Document, handlers: Mapping[str, Handler]) -> None:
    missing = sorted(set(document.operations) - set(handlers))
    left_over = sorted(set(handlers) - set(document.operations))
    parts = []
    if missing:
        parts.append(f"no handler for {', '.join(missing)}")
    if left_over:
        parts.append(f"no operation for the handler {', '.join(left_over)}")
    if parts:
        raise StartError(f"{document.app}: handlers and {document.path.name} differ: {'; '.join(parts)}")


def _pattern(path: str) -> re.Pattern[str]:
    """What a path template matches; a parameter is one segment."""
    parts = re.split(r"{(\w+)}", path)
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    )
