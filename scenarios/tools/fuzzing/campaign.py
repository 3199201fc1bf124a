"""A fuzzing campaign: the operations of one application, by Schemathesis, through the stage of a run."""

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import openapi
from contracts import placeholders
from contracts.addresses import Addresses
from contracts.client_session.wire import CALLBACK
from harness.deployment import User
from harness.history import Exchange
from harness.http import Answer, Call, Headers, header
from harness.recorder import Forwarding
from harness.server import listen
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import BACKEND, BROWSER, CLIENT, Cast
from scenarios.tools.credentials import Credentials, UnfilledError, session_token_of
from scenarios.tools.fuzzing import engine
from scenarios.tools.fuzzing.causes import FuzzCause, RequestForm, causes_of
from scenarios.tools.fuzzing.document import adapted, are_linked, lenient
from scenarios.tools.fuzzing.guard import Guard
from scenarios.tools.loopback import headers_as_sent, served, target_as_sent
from scenarios.tools.proxy import forwarded

_CALLERS = {"sharedSecret": BACKEND, "webhookSignature": BACKEND, "userJwt": CLIENT}
# How a page reacts to invalid parameters is its own design: it may show an error, lead back, or lead on.
_OF_PAGES = ("not_a_server_error",)
# Half of the cases have valid values here, so that more than the validation of the form is reached.
_VALUES = ("body.session_token", "query.session_token", "body.tuvens_event_id", "path.id")
_MANY = 50
_NO_LIMIT = 1_000_000
_SECONDS = 20.0
_SECONDS_PER_EXAMPLE = 0.1
_MINUTE = 70.0
_SILENT = 5
_OURS = Answer(404, (("Content-Type", "application/json"),), b"{}")
_UNFINISHED = "the story ended before this operation was fuzzed to its end"


@dataclass(slots=True)
class _Progress:
    """The fuzzing of one operation so far. `counted` are the cases that count for its rate limit, at most `budget`;
    `silent` is the number of cases in a row without an answer."""

    counted: int = 0
    silent: int = 0
    budget: int = 0
    exchanges: list[int] = field(default_factory=list)
    cases: Counter[str] = field(default_factory=Counter)
    failures: list[engine.Failure] = field(default_factory=list)
    error: str = _UNFINISHED
    ended: str = ""


class Campaign:
    """Fuzzes the operations of one application, each in turn, then sequences of them.

    It is also the ASGI application to which the engine sends its cases: it forwards them through the stage, so that
    they are paced, recorded and redacted like all other requests.
    """

    def __init__(self, cast: Cast, app: str, names: list[str], event: str) -> None:
        stage = cast.stage
        self._cast = cast
        self._stage = stage
        self._app = app
        self._names = names
        self._event = event
        self._guard = Guard(app, stage.deployment.edition, event)
        # Cases share a token, also to sign in: new ones would wait for the rate limit, and a refusal is right.
        self._credentials = Credentials(stage, signs_in_anew=False)
        self._addresses = Addresses.of(stage.deployment)
        self._document = adapted(app, stage.deployment.edition, self._examples)
        self._form = RequestForm(app, lenient(self._document))
        self._progress = {name: _Progress(budget=self._budget(name)) for name in names}
        self._exchange_of: dict[str, Exchange] = {}
        self._running = ""
        self._base_url = ""
        self._enough = threading.Event()

    async def run(self) -> None:
        """Fuzz all operations, and record the result of each."""
        try:
            async with served(self, listen(), self._enough.set) as self._base_url:
                for name in self._names:
                    await self._one_run((name,), self._phases(name))
                linked = [name for name in self._names if openapi.find(name).base == "api"]
                if are_linked(self._document, linked) and not self._stage.quick:
                    await self._one_run(tuple(linked), (engine.STATEFUL,))
        finally:
            for name, progress in self._progress.items():
                self._record(name, progress)

    async def _one_run(self, names: tuple[str, ...], phases: tuple[str, ...]) -> None:
        """One run of the engine, in a daemon thread."""
        self._running = names[0] if len(names) == 1 else ""
        self._enough, abandoned = threading.Event(), threading.Event()
        plan = engine.FuzzPlan(
            base_url=self._base_url,
            document=self._document,
            operations=names,
            phases=phases,
            examples=self._stage.examples,
            seed=self._stage.seed,
            seconds=self._seconds(names),
            credentials=self._placeholders(self._running),
            values=self._values(names[0]),
            checks=_OF_PAGES if openapi.find(names[0]).base == "pages" else engine.CHECKS,
            unexpected_methods=self._cast.deployment.safety.unexpected_methods,
            guard=self._guard.keep,
        )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[engine.FuzzResult] = loop.create_future()

        def finished(result: engine.FuzzResult) -> None:
            if not done.done():
                done.set_result(result)

        def work() -> None:
            try:
                with engine.no_files_left():
                    result = engine.run(plan, self._enough, abandoned)
            except Exception as error:  # recorded, whatever it is
                result = engine.FuzzResult(error=f"{type(error).__name__}: {error}")
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(finished, result)

        # Not in a thread pool: a hanging thread must not keep the process from ending.
        threading.Thread(target=work, name=f"fuzzing {names[0]}", daemon=True).start()
        try:
            result = await done
        finally:
            abandoned.set()
        for name in names:
            progress = self._progress[name]
            progress.error = result.error if progress.error == _UNFINISHED else progress.error or result.error
            progress.ended = progress.ended or result.ended
        for operation, phase, case in result.cases:
            if case in self._exchange_of and operation in self._progress:
                self._progress[operation].cases[phase] += 1
        for failure in result.failures:
            if failure.operation in self._progress:
                self._progress[failure.operation].failures.append(failure)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the engine with the deployment's response. A response of our own belongs to no exchange, so that no
        finding comes of it."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = headers_as_sent(scope)
        case = header(headers, engine.CASE_HEADER)
        call = Call("", scope["method"], target_as_sent(scope), headers, bytes(body) or None)
        # Without that header it is a probe of the engine, or not its request at all.
        answer = (await self._sent(case, call) if case else None) or _OURS
        raw = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in forwarded(answer.headers, answer=True)
            if name.lower() not in ("content-encoding", "content-length")  # the body is decoded
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    async def _sent(self, case: str, call: Call) -> Answer | None:
        """Send a case with credentials, paced and recorded; None if there is no answer."""
        place = self._addresses.below(self._app, call.method, call.target)
        name = self._running or place.operation
        progress = self._progress.get(name)
        if progress is None or self._enough.is_set():
            return None
        left = asyncio.Event()
        left.set()  # only the beginning of a stream is read
        placed = Call(place.operation, call.method, place.target, _headers(name, call.headers), call.body)
        try:
            filled = await self._credentials.fill(placed)
            key = self._credentials.limit_key(filled)
            if key is not None:
                if progress.counted >= progress.budget:
                    progress.ended = f"{progress.budget} cases with credentials are what the rate limit leaves to a run"
                    self._enough.set()
                    return None
                progress.counted += 1
            reply = await self._stage.sender.forward(
                self._cast.step(name),
                self._caller(name),
                self._app,
                place.base_url,
                filled,
                key=key,
                facts=self._stage.sessions.facts_about(session_token_of(filled)),
                forwarding=Forwarding(_ignored, _ignored, left),
            )
        except UnfilledError as unfilled:
            progress.error = str(unfilled)
            return None
        except TargetGoneError as gone:
            progress.ended = str(gone)
            self._enough.set()
            return None
        except Exception as error:
            progress.error = f"a fault of crossapp: {type(error).__name__}: {error}"
            return None
        progress.silent = 0 if reply.answer is not None else progress.silent + 1
        if progress.silent >= _SILENT:
            progress.ended = f"{_SILENT} cases in a row got no response"
            self._enough.set()
        self._exchange_of[case] = reply.exchange
        progress.exchanges.append(reply.exchange.number)
        return reply.answer

    def _phases(self, name: str) -> tuple[str, ...]:
        """All phases; but the boundaries of a page's ten optional parameters only in a long run."""
        brief = openapi.find(name).base == "pages" and self._stage.examples < _MANY
        return tuple(each for each in engine.UNIT_PHASES if each != "coverage" or not brief)

    def _record(self, name: str, progress: _Progress) -> None:
        causes: list[FuzzCause] = causes_of(progress.failures, self._exchange_of.get, self._form)
        self._cast.observe(
            name,
            {
                "cases": dict(progress.cases),
                "exchanges": progress.exchanges[:6],
                "causes": [asdict(each) for each in causes],
                "seed": self._stage.seed,
                "error": progress.error,
                "ended": progress.ended,
            },
        )

    def _examples(self, operation_id: str) -> list[dict[str, Any]]:
        """Sets of values that the deployment accepts, by place and name: one for each kind of user whose session is
        asked about."""
        if openapi.find(operation_id).base == "pages":
            # With a live token each visit would make an event.
            origin = self._cast.deployment.return_origin
            return [{"query.return_url": f"{origin}{CALLBACK}"} if origin else {}]
        common = {
            "path.id": self._event,
            "body.tuvens_event_id": self._event or "crossapp-unknown",
            "body.account_id": self._user(operation_id).account_id,
        }
        asked = operation_id in ("validateSession", "listUserAccounts")
        nameless = [each for each in self._cast.deployment.users if each.role == "nameless" and asked]
        tokens = [placeholders.session_token(each.role) for each in (self._cast.organiser, *nameless[:1])]
        return [{**common, "body.session_token": token, "query.session_token": token} for token in tokens]

    def _values(self, operation_id: str) -> dict[str, list[str]]:
        sets = self._examples(operation_id)
        return {name: found for name in _VALUES if (found := [each[name] for each in sets if each.get(name)])}

    def _user(self, operation_id: str) -> User:
        """The user who acts: the organiser; for limits by user another one, whose turns other stories need less."""
        limit = openapi.find(operation_id).rate_limit if operation_id else None
        others = [each for each in self._cast.deployment.users if each.role != self._cast.organiser.role]
        return others[-1] if limit is not None and limit.key == "user" and others else self._cast.organiser

    def _placeholders(self, operation_id: str) -> dict[str, tuple[str, str]]:
        role = self._user(operation_id).role
        of = {
            "jwt": placeholders.jwt(role),
            "shared-secret": placeholders.SHARED_SECRET,
            "bearer": placeholders.bearer(role),
        }
        return {
            each.name: ("api_key", placeholders.SIGNATURE)
            if each.signs
            else ("bearer" if each.prefix else "api_key", of[each.secret])
            for name in self._names
            for each in openapi.find(name).schemes
        }

    def _caller(self, operation_id: str) -> str:
        schemes = openapi.find(operation_id).security
        return _CALLERS.get(schemes[0], BROWSER) if schemes else BROWSER

    def _budget(self, operation_id: str) -> int:
        """How many cases may count for an operation's rate limit."""
        limit = self._stage.rate_limits.requests_a_minute(operation_id)
        return most_counted(limit) if limit is not None else _NO_LIMIT

    def _seconds(self, names: tuple[str, ...]) -> float:
        """Seconds that a run may take, with a minute for a rate limit."""
        limited = any(self._stage.rate_limits.requests_a_minute(name) is not None for name in names)
        return _SECONDS + _SECONDS_PER_EXAMPLE * self._stage.examples * len(names) + (_MINUTE if limited else 0.0)


def _headers(operation_id: str, headers: Headers) -> Headers:
    """A request's headers, with a caller's Accept: without it a framework may answer errors with a page."""
    operation = openapi.find(operation_id)
    wanted = "text/html" if operation.base == "pages" else "application/json"
    if operation.streams:
        wanted = "text/event-stream"
    kept = (each for each in forwarded(headers) if each[0].lower() not in ("accept", engine.CASE_HEADER))
    return (*kept, ("Accept", wanted))


def most_counted(limit: int) -> int:
    """How many cases may count for a rate limit: half of it, so that turns are left to other stories, but at least
    seven."""
    return max(limit // 2, 7)


async def _ignored(*_: object) -> None:
    """Drop a part of a streamed response."""
