"""Where a request belongs: from a path or an address to the app, the base URL and the operation that it is about."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import openapi


class Place(NamedTuple):
    """Where a request goes: `target` is its path and query below `base_url`; `operation` is empty where no document
    has one with its method and path."""

    app: str
    base_url: str
    target: str
    operation: str


class Addresses:
    """The addresses of a deployment's apps: `url` of the pages and `api_url` of the API, by app."""

    def __init__(self, targets: Mapping[str, tuple[str, str]], edition: str = openapi.EDITION) -> None:
        self._targets = targets
        self._edition = edition

    def below(self, app: str, method: str, target: str) -> Place:
        """Where a request to an app belongs. Its target is below either base of the app: the document says which one; a
        path of the API may also begin with what `api_url` has more than `url`. What no document has is a page."""
        url, api_url = self._targets[app]
        document = openapi.load(app, self._edition)
        path = _path_of(target)
        operation = document.operation_at(method, path)
        if operation is not None:
            return Place(app, url if operation.base == "pages" else api_url, target, operation.id)
        more = api_url.removeprefix(url)
        if more and api_url.startswith(url) and path.startswith(more + "/"):
            found = document.operation_at(method, path.removeprefix(more), "api")
            return Place(app, api_url, target.removeprefix(more), found.id if found else "")
        return Place(app, url, target, "")

    def of_url(self, method: str, url: str) -> Place | None:
        """Where an absolute http(s) URL belongs; None where it is no app's. Of apps at one origin the one that has an
        operation there, else the one with the longest base."""
        candidates = []
        for app, bases in self._targets.items():
            for base in dict.fromkeys(bases):
                rest = _below(base, url)
                if rest is not None:
                    place = self.below(app, method, rest)
                    candidates.append((bool(place.operation), len(base), place))
        return max(candidates, key=lambda each: each[:2])[2] if candidates else None


def _path_of(target: str) -> str:
    return target.partition("?")[0]


def _below(base: str, url: str) -> str | None:
    """The rest of a URL below a base, beginning with `/`; None where it is elsewhere. Raises ValueError for no URL."""
    ours, given = urlsplit(base), urlsplit(url)
    if _origin(ours) != _origin(given):
        return None
    path = given.path or "/"
    if path != ours.path and not path.startswith(ours.path + "/"):
        return None
    rest = path[len(ours.path) :] or "/"
    return f"{rest}?{given.query}" if given.query else rest


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, "localhost" if host in ("127.0.0.1", "::1") else host, port
