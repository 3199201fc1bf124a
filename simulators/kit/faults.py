"""Faults: each one record with a name, a sentence, the rules that it must turn red, and the change that it makes.

Honest code contains no faults. A fault replaces a named part of a simulator, which is a method of one of its objects:

    @fault(kills=["session_token.expires_900_seconds_after_generation"])
    def session_lives_an_hour(api: TuvensApi) -> Change:
        \"\"\"Sessions expire 3600 s after generation, and expires_at says so: the default of a library was left.\"\"\"
        return swap(api.sessions.lifetime, lambda honest: 3600)

Arming puts the replacement in, disarming puts the honest part back. The replacement is called with the honest part
first; it has fired where its outcome differs from that of the honest part, or the honest part was not asked.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, Concatenate, Generic, Literal, NamedTuple, ParamSpec, TypeVar

from simulators.kit.errors import StartError
from simulators.kit.messages import current, noted

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=Callable[..., Any])
T = TypeVar("T")

Async = Coroutine[Any, Any, T]
"""What a part that is `async` returns when it is called."""

Kind = Literal["fault", "benign", "trouble", "mutant"]
Suite = Literal["verify", "browser", "load"]

_NOTHING = object()


class Honest(Generic[P, R]):
    """The honest part, as a replacement is given it: call it for the honest outcome.

    The replacement has fired where it did not ask, asked with other arguments, or made another outcome of it. One that
    changes something else calls `count`.
    """

    __slots__ = ("_args", "_fire", "_part", "counted", "outcome", "raised")

    def __init__(self, part: Callable[P, R], args: tuple[Any, ...], fire: Callable[[], None]) -> None:
        self._part = part
        self._args = args
        self._fire = fire
        self.outcome: object = _NOTHING
        self.raised: BaseException | None = None
        self.counted = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if args != self._args:
            self.count()
        try:
            outcome = self._part(*args, **kwargs)
        except BaseException as error:
            self.raised = error
            raise
        if inspect.isawaitable(outcome):
            return self._awaited(outcome)  # type: ignore[return-value]  # R is that awaitable
        self.outcome = outcome
        return outcome

    async def _awaited(self, outcome: Awaitable[Any]) -> Any:
        try:
            self.outcome = await outcome
        except BaseException as error:
            self.raised = error
            raise
        return self.outcome

    def count(self) -> None:
        """Say that the replacement has fired."""
        if not self.counted:
            self.counted = True
            self._fire()

    def returned(self, outcome: object) -> None:
        """Count the replacement as fired where its outcome is another than the honest one."""
        if outcome is not self.outcome and outcome != self.outcome:
            self.count()

    def failed(self, error: BaseException) -> None:
        """Count the replacement as fired where it raised what the honest part did not."""
        if error is not self.raised:
            self.count()


@dataclass(frozen=True)
class Swap:
    """A part of a simulator, `owner.name`, and what replaces it."""

    owner: object
    name: str
    replacement: Callable[..., Any]


Change = Swap | Iterable[Swap]
"""What a fault changes."""


def swap(part: Callable[P, R], replacement: Callable[Concatenate[Honest[P, R], P], R]) -> Swap:
    """Replace a part, which is a bound method. The replacement takes the honest part first, then its arguments."""
    return Swap(part.__self__, part.__name__, replacement)  # type: ignore[attr-defined]  # of a bound method


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of being wrong, or merely different.

    sentence: what a realistic bug of this kind does.
    kills: the ids of the requirements that it must turn red.
    kind: "fault" (breaks the contract), "benign" (another way of being right, which no rule may accuse), "trouble" (an
    outage of a provider: a tool of scenarios, judged on the caller) or "mutant" (generated from the OpenAPI document).
    area: what it is about, such as sessions: the module that defines it.
    front_end: it is in the short list for work on a front end.
    suite: which suite can see it: "verify" (messages), "browser" (pages) or "load" (times, and what fails at random).
    at_start: it takes effect where it is armed before the simulator starts; `change` is given the simulator when
    nothing but its settings, clock and schema are there.
    unsteady: it disturbs the network, looks like a gateway's response, or lets stories that run side by side disturb
    each other, so that some requirements stay undecided.
    ignores: environment variables that are not read while it is armed at the start.
    described: what a deployment file says of the application while it is armed, by field.
    """

    name: str
    app: str
    sentence: str
    change: Callable[[Any], Change] = lambda simulator: ()
    kills: frozenset[str] = frozenset()
    kind: Kind = "fault"
    suite: Suite = "verify"
    area: str = ""
    front_end: bool = False
    at_start: bool = False
    unsteady: bool = False
    ignores: frozenset[str] = frozenset()
    described: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """The faults of one application, in the order of their definition."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.faults: dict[str, Fault] = {}

    def fault(
        self,
        *,
        kills: Iterable[str],
        suite: Suite = "verify",
        at_start: bool = False,
        ignores: Iterable[str] = (),
        unsteady: bool = False,
    ) -> Callable[[S], S]:
        """Register a function as a fault. Its name is the fault's, its docstring the sentence, its body the change."""
        return self._registered(
            kills=frozenset(kills), suite=suite, at_start=at_start, ignores=frozenset(ignores), unsteady=unsteady
        )

    def benign(
        self,
        *,
        suite: Suite = "verify",
        at_start: bool = False,
        unsteady: bool = False,
        described: Mapping[str, str] | None = None,
    ) -> Callable[[S], S]:
        """Register a function as a benign variant."""
        return self._registered(
            kind="benign", suite=suite, at_start=at_start, unsteady=unsteady, described=described or {}
        )

    def trouble(self) -> Callable[[S], S]:
        """Register a function as an outage that scenarios use."""
        return self._registered(kind="trouble")

    def add(self, fault: Fault) -> None:
        """Register a fault. Raises ValueError for a name that is taken."""
        if fault.name in self.faults:
            raise ValueError(f"two faults of {self.app} are named {fault.name}")
        self.faults[fault.name] = fault

    def list_for_front_end(self, *names: str) -> None:
        """Put faults on the short list for work on a front end. Raises KeyError for an unknown name."""
        for name in names:
            self.faults[name] = replace(self.faults[name], front_end=True)

    def _registered(self, **facts: Any) -> Callable[[S], S]:
        def register(function: S) -> S:
            sentence = " ".join((function.__doc__ or "").split())
            if not sentence:
                raise ValueError(f"the fault {function.__name__} has no sentence")
            area = function.__module__.rpartition(".")[2]
            self.add(Fault(function.__name__.replace("_", "-"), self.app, sentence, function, area=area, **facts))
            return function

        return register


class FaultRuntime:
    """The faults of one simulator: which are armed, and how often each fired."""

    def __init__(self, known: Mapping[str, Fault], armed: Iterable[str] = ()) -> None:
        self.known = dict(known)
        self._simulator: object = None
        self._armed: dict[str, int | None] = {}
        self._fired: dict[str, int] = {}
        self._swapped_at_start: list[_Swapped] = []
        self._swapped: list[_Swapped] = []
        self._changes: dict[str, Sequence[Swap]] = {}
        for name in armed:
            self.arm(name)

    def start(self, simulator: object) -> None:
        """Make the changes of the armed faults that take effect at the start (or a reset), and undo former ones."""
        _restore(self._swapped_at_start)
        self._swapped_at_start = [
            self._swap(name, each)
            for name in self._armed
            if self.known[name].at_start
            for each in self._swaps(name, simulator)
        ]

    def attach(self, simulator: object) -> None:
        """Make the changes of all other armed faults, and from now on of those that are armed or disarmed."""
        self._simulator = simulator
        self.renew()

    def arm(self, name: str, times: int | None = None) -> None:
        """Make a fault happen, `times` times or (None) until it is disarmed. Raises StartError for an unknown name."""
        if name not in self.known:
            raise StartError(f"no fault is named {name!r}{_near(name, self.known)}")
        self._armed[name] = times
        self._fired[name] = 0
        self._changes.pop(name, None)
        self._apply_all()

    def disarm(self, name: str) -> None:
        """Put the honest part back; a fault that was not armed is left so."""
        self._armed.pop(name, None)
        self._changes.pop(name, None)
        self._apply_all()

    def disarm_all(self) -> None:
        """Be honest in everything."""
        self._armed.clear()
        self.renew()

    def renew(self) -> None:
        """Put all honest parts back and arm anew: what replacements remembered is gone."""
        self._changes.clear()
        self._apply_all()

    def armed(self, name: str) -> bool:
        """Whether a fault is armed."""
        return name in self._armed

    def fired(self, name: str) -> int:
        """How often a fault fired since it was last armed."""
        return self._fired.get(name, 0)

    def report(self) -> list[dict[str, object]]:
        """Every known fault as a JSON object; `left` is None for one without a limit."""
        return [self.describe(name) for name in sorted(self.known)]

    def describe(self, name: str) -> dict[str, object]:
        """One fault as a JSON object. Raises KeyError for an unknown name."""
        fault = self.known[name]
        return {
            "name": fault.name,
            "app": fault.app,
            "kind": fault.kind,
            "suite": fault.suite,
            "area": fault.area,
            "front_end": fault.front_end,
            "sentence": fault.sentence,
            "requirements": sorted(fault.kills),
            "armed": name in self._armed,
            "left": self._armed.get(name),
            "fired": self.fired(name),
        }

    def spent(self, name: str) -> bool:
        """Whether an armed fault has fired as often as it was to."""
        return self._armed.get(name) == 0

    def fire(self, name: str) -> None:
        """Count one firing, and note it on the request that the running task serves."""
        left = self._armed.get(name)
        if left:
            self._armed[name] = left - 1
        self._fired[name] = self._fired.get(name, 0) + 1
        request = current.get()
        if request is not None:
            # A benign variant has to fit the document like any honest answer.
            (request.varied if self.known[name].kind == "benign" else request.fired).append(name)
        sent = noted.get()
        if sent is not None and self.known[name].kind != "benign":
            sent.append(name)

    def _apply_all(self) -> None:
        """Replace the parts of all armed faults, in the order of arming.

        What a fault replaces is decided once: its replacements may remember something, which must not be lost when
        another fault is armed or disarmed.
        """
        if self._simulator is None:
            return
        _restore(self._swapped)
        self._swapped = []
        for name in self._armed:
            if not self.known[name].at_start:
                if name not in self._changes:
                    self._changes[name] = self._swaps(name, self._simulator)
                self._swapped += [self._swap(name, each) for each in self._changes[name]]

    def _swaps(self, name: str, simulator: object) -> Sequence[Swap]:
        change = self.known[name].change(simulator)
        return (change,) if isinstance(change, Swap) else tuple(change)

    def _swap(self, name: str, swap: Swap) -> "_Swapped":
        part = getattr(swap.owner, swap.name)
        former = vars(swap.owner).get(swap.name)
        wrapper = _asynchronous if inspect.iscoroutinefunction(swap.replacement) else _synchronous
        replaced: Any = wrapper(self, name, part, swap.replacement)
        # As a bound method has them: another fault may replace the same part.
        replaced.__self__, replaced.__name__ = swap.owner, swap.name
        setattr(swap.owner, swap.name, replaced)
        return _Swapped(swap.owner, swap.name, former)


class _Swapped(NamedTuple):
    """A replaced part; `former` is what another fault had put there, None for the honest method of the class."""

    owner: object
    name: str
    former: Any


def _restore(swapped: Sequence[_Swapped]) -> None:
    for owner, name, former in reversed(swapped):
        if former is None:
            delattr(owner, name)
        else:
            setattr(owner, name, former)


def _synchronous(
    runtime: FaultRuntime, name: str, part: Callable[..., Any], replacement: Callable[..., Any]
) -> Callable[..., Any]:
    def replaced(*args: Any) -> Any:
        if runtime.spent(name):
            return part(*args)
        honest: Honest[..., Any] = Honest(part, args, partial(runtime.fire, name))
        try:
            outcome = replacement(honest, *args)
        except BaseException as error:
            honest.failed(error)
            raise
        honest.returned(outcome)
        return outcome

    return replaced


def _asynchronous(
    runtime: FaultRuntime, name: str, part: Callable[..., Any], replacement: Callable[..., Any]
) -> Callable[..., Any]:
    async def replaced(*args: Any) -> Any:
        if runtime.spent(name):
            outcome = part(*args)
            return await outcome if inspect.isawaitable(outcome) else outcome
        honest: Honest[..., Any] = Honest(part, args, partial(runtime.fire, name))
        try:
            outcome = await replacement(honest, *args)
        except BaseException as error:
            honest.failed(error)
            raise
        honest.returned(outcome)
        return outcome

    return replaced


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(found)}?" if found else ""
