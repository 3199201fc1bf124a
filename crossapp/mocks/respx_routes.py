"""The applications as respx routes, for unit tests without a server."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

import httpx

import openapi
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from crossapp.mocks.matching import MockedRequest, differences
from crossapp.mocks.problems import request_problems
from crossapp.mocks.table import MockedInteraction, default_values, table
from harness.extras import remedy
from harness.http import Call

if TYPE_CHECKING:
    import respx


class MocksNotInstalledError(ImportError):
    """respx is not installed; the text names the command that installs it."""


class MockedApplication:
    """An application behind the routes of respx.

    url: where it is mocked. values: what placeholders of credentials stand for. rows: its interactions, by key.
    unexpected: what was wrong with each request that was refused, in order.

    As a context manager it raises AssertionError at the end of the block if a request was refused: a client may have
    caught the first AssertionError. `mocked["key"]` is the respx route of an interaction (`called`, `calls`).
    """

    def __init__(self, app: str, url: str, rows: Sequence[MockedInteraction], values: Mapping[str, str]) -> None:
        self.app = app
        self.url = url.rstrip("/")
        self.values = dict(values)
        self.rows = {row.key: row for row in rows}
        self.unexpected: list[str] = []
        self._router: respx.Router = _respx().Router(assert_all_called=False)
        for row in rows:
            _route(self, self._router, row)
        # respx takes the first route that fits.
        self._router.route().mock(side_effect=lambda request: self.refuse(*_why(self, self.received(request))))

    def __getitem__(self, key: str) -> "respx.Route":
        if key not in self.rows:
            raise KeyError(f"{key!r} is not an interaction of this mock; it has {', '.join(self.rows)}")
        return self._router[key]

    @property
    def routes(self) -> dict[str, "respx.Route"]:
        """The respx routes by the key of their interactions."""
        return {key: self._router[key] for key in self.rows}

    @property
    def unused(self) -> tuple[str, ...]:
        """The keys of the interactions that no request was sent for."""
        return tuple(key for key, route in self.routes.items() if not route.called)

    def assert_all_called(self) -> None:
        """Raise AssertionError, which names the unused interactions, if there are any."""
        if self.unused:
            raise AssertionError(f"{self.app}: no request was sent for {', '.join(self.unused)}")

    def assert_all_expected(self) -> None:
        """Raise AssertionError if a request was refused, also if the client caught the exception."""
        if self.unexpected:
            raise AssertionError("\n".join(self.unexpected))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.assert_all_expected()

    def respond(self, request: httpx.Request) -> httpx.Response:
        """The response to a request. Raises AssertionError for one that the document forbids, or that is in no
        interaction of this mock."""
        return self._router.handler(request)

    def refuse(self, *lines: str) -> NoReturn:
        """Raise AssertionError, and remember it."""
        text = "\n  ".join(lines)
        self.unexpected.append(text)
        raise AssertionError(text)

    def received(self, request: httpx.Request) -> MockedRequest:
        """A request of httpx, its target below the URL of this application."""
        target = request.url.raw_path.decode("ascii").removeprefix(urlsplit(self.url).path)
        return MockedRequest(request.method, target, tuple(request.headers.multi_items()), request.read())


def mock_tuvens_api(
    router: "respx.Router",
    *,
    given: str | Sequence[str] | None = None,
    fault: str | None = None,
    only: Sequence[str] = (),
    url: str = "http://tuvens-api.test",
    values: Mapping[str, str] | None = None,
) -> MockedApplication:
    """tuvens-api below `url`.

    given: the provider state, or several (docs/pact.md); without one each operation responds with its documented
        example.
    fault: a documented error that every operation which documents it returns (`too_many_requests`).
    only: keys of interactions; others are then unexpected.
    values: what placeholders of credentials stand for (`{"crossapp.shared-secret": "…"}`).

    Raises ValueError for a state, fault or key that does not exist, and MocksNotInstalledError without respx.
    """
    return _mocked("tuvens-api", router, given, fault, only, url, values)


def mock_hi_events(
    router: "respx.Router",
    *,
    given: str | Sequence[str] | None = None,
    fault: str | None = None,
    only: Sequence[str] = (),
    url: str = "http://hi-events.test",
    values: Mapping[str, str] | None = None,
) -> MockedApplication:
    """hi.events below `url`, both its API and its pages; otherwise as `mock_tuvens_api`."""
    return _mocked("hi.events", router, given, fault, only, url, values)


def signed_webhook(
    secret: str,
    *,
    tuvens_event_id: str = "11",
    event_id: int = 2,
    title: str = "Event Title",
    status: str = "LIVE",
    sent_at: str = "2025-07-25T14:30:00.000Z",
) -> Call:
    """The webhook of hi.events, signed with `secret`: for tests of the receiver. `sent_at` is ISO 8601 UTC."""
    body = status_changed_body(
        event_id=event_id, title=title, status=status, tuvens_event_id=tuvens_event_id, sent_at=sent_at
    )
    return event_status_changed(body, sign(secret, body))


def _mocked(
    app: str,
    router: "respx.Router",
    given: str | Sequence[str] | None,
    fault: str | None,
    only: Sequence[str],
    url: str,
    values: Mapping[str, str] | None,
) -> MockedApplication:
    rows = table(app, given, fault)
    if missing := [key for key in only if key not in {row.key for row in rows}]:
        raise ValueError(f"no interaction {missing[0]!r} here; there are {', '.join(row.key for row in rows)}")
    kept = [row for row in rows if not only or row.key in only]
    mocked = MockedApplication(app, url, kept, default_values() | dict(values or {}))
    router.route(url__regex=rf"^{re.escape(mocked.url)}(?:[/?].*)?$").mock(side_effect=mocked.respond)
    return mocked


def _respx() -> ModuleType:
    try:
        return import_module("respx")
    except ImportError:
        raise MocksNotInstalledError(remedy("mocks")) from None


@cache
def _pattern_class() -> type[Any]:
    patterns = import_module("respx.patterns")

    class Fits(patterns.Pattern):  # type: ignore[misc,name-defined]  # respx is imported when it is needed
        """Matches a request that a function accepts."""

        key = "crossapp"

        def match(self, request: httpx.Request) -> Any:
            return patterns.Match(self.value(request))

    return Fits


def _pattern(fits: Callable[[httpx.Request], bool]) -> Any:
    return _pattern_class()(fits)


def _fits(mocked: MockedApplication, row: MockedInteraction, request: httpx.Request) -> bool:
    return not differences(row, mocked.received(request), mocked.values)


def _route(mocked: MockedApplication, router: "respx.Router", row: MockedInteraction) -> None:
    """Add the route of one row to respx."""

    def respond(request: httpx.Request) -> httpx.Response:
        received = mocked.received(request)
        if not row.forbidden:
            operation = openapi.find(row.operation)
            problems = request_problems(operation, received.target, received.headers, received.body)
            if problems:
                mocked.refuse(_forbids(operation), *problems)
        return _response(row)

    router.route(_pattern(lambda request: _fits(mocked, row, request)), name=row.key).mock(side_effect=respond)


def _response(row: MockedInteraction) -> httpx.Response:
    body = row.response_body
    content = b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    return httpx.Response(row.status, headers=dict(row.response_headers), content=content)


def _forbids(operation: openapi.Operation) -> str:
    return f"the document of {operation.app} forbids this request of {operation.id}:"


def _why(mocked: MockedApplication, request: MockedRequest) -> list[str]:
    """Why no interaction has this request: what the document forbids, or how the closest interaction differs."""
    path = request.target.partition("?")[0]
    operation = openapi.load(mocked.app).operation_at(request.method, path)
    if operation is None:
        return [f"the document of {mocked.app} has no operation {request.method} {path}"]
    if problems := request_problems(operation, request.target, request.headers, request.body):
        return [_forbids(operation), *problems]
    rows = [row for row in mocked.rows.values() if row.operation == operation.id]
    if not rows:
        return [f"{mocked.app}: {operation.id} is unexpected: no interaction here is a request of it"]
    closest = min(rows, key=lambda row: (len(differences(row, request, mocked.values)), row.status))
    found = differences(closest, request, mocked.values)
    return [f"{mocked.app}: no interaction has this request of {operation.id}; {closest.key} differs in", *found]
