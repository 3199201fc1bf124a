"""Every operation hears what nobody would send on purpose."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import openapi
from contracts import placeholders
from contracts.client_session.wire import CALLBACK
from contracts.every_operation.rules_fuzzing import fuzzed
from contracts.every_operation.rules_routes import STORY as PROBE
from harness.deployment import User
from harness.history import Exchange, NothingObservedError, Outcome
from harness.http import Answer, Call, Headers, WireError, header
from harness.recorder import Forwarding
from harness.story import Phase, StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import BACKEND, BROWSER, CLIENT, Cast
from scenarios.catalogue import story
from scenarios.tools.addresses import Addresses
from scenarios.tools.credentials import Credentials, UnfilledError, session_token_of
from scenarios.tools.fuzzing import engine
from scenarios.tools.fuzzing.causes import Form, FuzzCause, causes_of
from scenarios.tools.fuzzing.document import adapted, lenient
from scenarios.tools.fuzzing.guard import Guard
from scenarios.tools.loopback import listen, served
from scenarios.tools.proxy import forwarded

_CALLERS = {"sharedSecret": BACKEND, "webhookSignature": BACKEND, "userJwt": CLIENT}
# What a page does with nonsense, its design decides: it may tell the user, lead back, or lead on.
_OF_PAGES = ("not_a_server_error",)
# Half of the cases have these where they are well-formed, so that what lies behind the form is reached, too.
_VALUES = ("body.session_token", "query.session_token", "body.tuvens_event_id", "path.id")
_MANY = 50
_NO_LIMIT = 1_000_000
_SECONDS = 20.0
_SECONDS_PER_EXAMPLE = 0.1
_MINUTE = 70.0
_SILENT = 5
_OURS = Answer(404, (("Content-Type", "application/json"),), b"{}")
_UNFINISHED = "the story ended before this operation was fuzzed to its end"


@story(phase=Phase.ALONE, needs=("fuzzing",))
async def operations_are_fuzzed(cast: Cast) -> None:
    """Someone sends every operation the examples of its document, the edges of every field, and nonsense."""
    for app in cast.deployment.targets:
        if not _answers(cast, app):
            continue
        names = [each.id for each in fuzzed(app) if _may_be(cast, each)]
        with suppress(TargetGoneError):  # it answers nothing: the next one may
            async with _event(cast, app) as event:
                if names:
                    await Fuzzing(cast, app, names, event).tell()


def _may_be(cast: Cast, operation: openapi.Operation) -> bool:
    """Whether an operation is there and may be fuzzed here."""
    if operation.changes and not cast.can(operation.changes):
        return False
    try:
        probe = cast.stage.recorder.history.one(f"{PROBE}/{operation.id}")
    except NothingObservedError:
        return True  # a page, or the stream: not probed so
    return probe.outcome is Outcome.ANSWERED and probe.status not in (404, 405)


def _answers(cast: Cast, app: str) -> bool:
    """Whether an app answered any of the probes: what answers nothing is not asked a thousand things."""
    probes = [each for each in cast.stage.recorder.history.every(PROBE) if each.callee == app]
    return any(each.outcome is Outcome.ANSWERED for each in probes)


@asynccontextmanager
async def _event(cast: Cast, app: str) -> AsyncIterator[str]:
    """The id of an event of an app that this story may change, as nobody else does meanwhile; empty: none may be."""
    if app == "hi.events" and cast.can("linked-event"):
        async with cast.linked_event() as linked:
            yield linked.hi
    elif app == "tuvens-api" and cast.can("events"):
        async with cast.event() as event, _restored(cast, event):
            yield event
    else:
        yield ""


@asynccontextmanager
async def _restored(cast: Cast, event: str) -> AsyncIterator[None]:
    """Put back what a PATCH changes, where the event can be read before."""
    before = await cast.reads_event("before", event)
    yield
    try:
        was = before.must("the event").json()
    except (StoryStoppedError, WireError):
        return
    kept = {name: was[name] for name in ("hasTicketing", "hiEventsEventId") if isinstance(was, dict) and name in was}
    if kept:
        await cast.changes_event("afterwards", cast.organiser.jwt, event, kept)


@dataclass(slots=True)
class _Noted:
    """What is known of an operation so far."""

    counted: int = 0
    silent: int = 0
    budget: int = 0
    exchanges: list[int] = field(default_factory=list)
    cases: Counter[str] = field(default_factory=Counter)
    failures: list[engine.Failure] = field(default_factory=list)
    error: str = _UNFINISHED
    ended: str = ""


class Fuzzing:
    """The fuzzing of one app's operations."""

    def __init__(self, cast: Cast, app: str, names: list[str], event: str) -> None:
        stage = cast.stage
        self._cast = cast
        self._stage = stage
        self._app = app
        self._names = names
        self._event = event
        self._guard = Guard(app, stage.deployment.edition, event)
        self._credentials = Credentials(stage)
        targets = {each.app: (each.url, each.api_url) for each in stage.deployment.targets.values()}
        self._addresses = Addresses(targets, stage.deployment.edition)
        self._document = adapted(app, stage.deployment.edition, self._examples)
        self._form = Form(app, lenient(self._document))
        self._noted = {name: _Noted(budget=self._budget(name)) for name in names}
        self._exchange_of: dict[str, Exchange] = {}
        self._running = ""
        self._base_url = ""
        self._enough = threading.Event()

    async def tell(self) -> None:
        """Fuzz one operation after the other, then sequences of them; note what came of each."""
        try:
            async with served(self, listen(), self._enough.set) as self._base_url:
                for name in self._names:
                    await self._one_run((name,), self._phases(name))
                linked = [name for name in self._names if openapi.find(name).base == "api"]
                if linked and not self._stage.quick:
                    await self._one_run(tuple(linked), (engine.STATEFUL,))
        finally:
            for name, noted in self._noted.items():
                self._note(name, noted)

    async def _one_run(self, names: tuple[str, ...], phases: tuple[str, ...]) -> None:
        """One run of the engine, in a thread that ends with it, or with us."""
        self._running = names[0] if len(names) == 1 else ""
        self._enough, abandoned = threading.Event(), threading.Event()
        plan = engine.Plan(
            base_url=self._base_url,
            document=self._document,
            operations=names,
            phases=phases,
            examples=self._stage.examples,
            seed=self._stage.seed,
            seconds=self._seconds(names),
            credentials=self._stand_ins(self._running),
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
            except Exception as error:  # whatever it is, the story tells it
                result = engine.FuzzResult(error=f"{type(error).__name__}: {error}")
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(finished, result)

        # No pool's thread: one that hangs must not keep the process from ending.
        threading.Thread(target=work, name=f"fuzzing {names[0]}", daemon=True).start()
        try:
            result = await done
        finally:
            abandoned.set()
        for name in names:
            noted = self._noted[name]
            noted.error = result.error if noted.error == _UNFINISHED else noted.error or result.error
            noted.ended = noted.ended or result.ended
        for operation, phase, case in result.cases:
            if case in self._exchange_of and operation in self._noted:
                self._noted[operation].cases[phase] += 1
        for failure in result.failures:
            if failure.operation in self._noted:
                self._noted[failure.operation].failures.append(failure)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request of the engine's with the answer of the deployment; an answer of our own accuses nobody, for
        it belongs to no exchange."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        names = scope["sent.names"]
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, (_, value) in zip(names, scope["headers"], strict=True)
        )
        target = scope["sent.target"].decode("latin-1")
        case = header(headers, engine.CASE_HEADER)
        call = Call("", scope["method"], target, headers, bytes(body) or None)
        # Without that header it is a probe of the engine's, or none of its requests at all.
        answer = (await self._sent(case, call) if case else None) or _OURS
        raw = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in forwarded(answer.headers, answer=True)
            if name.lower() not in ("content-encoding", "content-length")  # the body is decoded
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    async def _sent(self, case: str, call: Call) -> Answer | None:
        """Send a case as any request: credentials filled in, paced, recorded. None where there is no answer."""
        place = self._addresses.below(self._app, call.method, call.target)
        name = self._running or place.operation
        noted = self._noted.get(name)
        if noted is None or self._enough.is_set():
            return None
        left = asyncio.Event()
        left.set()  # of a stream only the beginning is read
        placed = Call(place.operation, call.method, place.target, _headers(name, call.headers), call.body)
        try:
            filled = await self._credentials.fill(placed)
            key = self._credentials.limit_key(filled)
            if key is not None:
                if noted.counted >= noted.budget:
                    noted.ended = f"{noted.budget} cases with credentials are what the rate limit leaves to a run"
                    self._enough.set()
                    return None
                noted.counted += 1
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
            noted.error = str(unfilled)
            return None
        except TargetGoneError as gone:
            noted.ended = str(gone)
            self._enough.set()
            return None
        except Exception as error:
            noted.error = f"a fault of crossapp: {type(error).__name__}: {error}"
            return None
        noted.silent = 0 if reply.answer is not None else noted.silent + 1
        if noted.silent >= _SILENT:
            noted.ended = f"{_SILENT} cases in a row got no answer"
            self._enough.set()
        self._exchange_of[case] = reply.exchange
        noted.exchanges.append(reply.exchange.number)
        return reply.answer

    def _phases(self, name: str) -> tuple[str, ...]:
        """All of one operation; but the edges of a page's ten parameters, all optional, are only for a long run."""
        brief = openapi.find(name).base == "pages" and self._stage.examples < _MANY
        return tuple(each for each in engine.UNIT_PHASES if each != "coverage" or not brief)

    def _note(self, name: str, noted: _Noted) -> None:
        causes: list[FuzzCause] = causes_of(noted.failures, self._exchange_of.get, self._form)
        self._cast.observe(
            name,
            {
                "cases": dict(noted.cases),
                "exchanges": noted.exchanges[:6],
                "causes": [asdict(each) for each in causes],
                "seed": self._stage.seed,
                "error": noted.error,
                "ended": noted.ended,
            },
        )

    def _examples(self, operation_id: str) -> list[dict[str, Any]]:
        """Values that work here, by place and name: a set for each kind of user whose session may be asked about."""
        if openapi.find(operation_id).base == "pages":
            # With a living token each visit would make an event.
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
        """Who acts: the organiser, who may; but to mint sessions somebody whose turns no other story needs so much."""
        limit = openapi.find(operation_id).rate_limit if operation_id else None
        others = [each for each in self._cast.deployment.users if each.role != self._cast.organiser.role]
        return others[-1] if limit is not None and limit.key == "user" and others else self._cast.organiser

    def _stand_ins(self, operation_id: str) -> dict[str, tuple[str, str]]:
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
        """How many cases of an operation may count: half of a minute's turns, so that the stories after this one find
        some, but eight at least."""
        limit = self._stage.rate_limits.requests_a_minute(operation_id)
        return max(limit // 2, 8) if limit is not None else _NO_LIMIT

    def _seconds(self, names: tuple[str, ...]) -> float:
        """How long a run may take; a turn of a rate limit is waited for up to a minute."""
        limited = any(self._stage.rate_limits.requests_a_minute(name) is not None for name in names)
        return _SECONDS + _SECONDS_PER_EXAMPLE * self._stage.examples * len(names) + (_MINUTE if limited else 0.0)


def _headers(operation_id: str, headers: Headers) -> Headers:
    """A request's own headers, with the Accept of a caller: a framework without it may answer an error as a page."""
    operation = openapi.find(operation_id)
    wanted = "text/html" if operation.base == "pages" else "application/json"
    if operation.streams:
        wanted = "text/event-stream"
    kept = (each for each in forwarded(headers) if each[0].lower() not in ("accept", engine.CASE_HEADER))
    return (*kept, ("Accept", wanted))


async def _ignored(*_: object) -> None:
    """What comes in of a stream needs no passing on."""
