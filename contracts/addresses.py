"""From a path or a URL to the application, the base URL and the operation of a request."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import openapi
from harness.deployment import Deployment


class RequestPlace(NamedTuple):
    """Where a request goes: `target` is its path and query below `base_url`; `operation` is "" if no document has one
    with its method and path."""

    app: str
    base_url: str
    target: str
    operation: str


class Addresses:
    """The addresses of a deployment's applications: `url` of the pages and `api_url` of the API, by application."""

    def __init__(self, targets: Mapping[str, tuple[str, str]], edition: str = openapi.EDITION) -> None:
        self._targets = targets
        self._edition = edition

    @classmethod
    def of(cls, deployment: Deployment) -> "Addresses":
        """The addresses of a deployment."""
        return cls({app: (each.url, each.api_url) for app, each in deployment.targets.items()}, deployment.edition)

    def below(self, app: str, method: str, target: str) -> RequestPlace:
        """The place of a request to an application, whose target is below either of its bases: the document tells
        which.

        A path of the API may also be given below `url`, with the path by which `api_url` is longer. A path that no
        document has is a page's.
        """
        url, api_url = self._targets[app]
        document = openapi.load(app, self._edition)
        path = _path_of(target)
        operation = document.operation_at(method, path)
        if operation is not None:
            return RequestPlace(app, url if operation.base == "pages" else api_url, target, operation.id)
        more = api_url.removeprefix(url)
        if more and api_url.startswith(url) and path.startswith(more + "/"):
            found = document.operation_at(method, path.removeprefix(more), "api")
            return RequestPlace(app, api_url, target.removeprefix(more), found.id if found else "")
        return RequestPlace(app, url, target, "")

    def of_url(self, method: str, url: str) -> RequestPlace | None:
        """The place of an absolute http(s) URL; None if it is not an application's. Among applications at one origin
        the one that has an operation there wins, else the one with the longest base."""
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
    """The rest of a URL below a base, beginning with `/`; None if it is elsewhere. Raises ValueError for an invalid
    URL."""
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
