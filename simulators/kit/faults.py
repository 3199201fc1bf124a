"""Faults by name: a simulator is honest unless one is armed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from simulators.kit.errors import StartError
from simulators.kit.exchange import current


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of being wrong.

    `sentence` says what a realistic bug of this kind does. `requirements` are the ids that it must turn red. `kind` is
    "fault" (breaks the contract), "benign" (another way of being right, which nobody may accuse) or "trouble" (a bad
    day of a provider: a tool of scenarios, judged on the caller). `suite` is which suite can see it: "verify"
    (messages), "browser" (what a person sees on a page) or "load" (times, and what fails now and then). `at_start`: it
    takes effect where it is armed before the simulator starts. `unsteady`: it disturbs the network, so that some things
    stay undecided.
    """

    name: str
    app: str
    sentence: str
    requirements: frozenset[str] = field(default_factory=frozenset)
    kind: str = "fault"
    suite: str = "verify"
    at_start: bool = False
    unsteady: bool = False


class FaultRuntime:
    """The faults of one simulator: which are armed, and how often each changed an outcome.

    Put the question where the behaviour is, last in the condition, so that the count says how often it mattered:
    `if expired and not faults.on("jwt-expiry-ignored"): raise ...`

    armed(name): whether a fault is armed; does not count as firing.
    on(name): whether to misbehave here and now; counts one firing, and books it on the current request.
    quiet: whether nothing is armed.
    """

    armed: Callable[[str], bool]
    on: Callable[[str], bool]

    def __init__(self, known: Iterable[Fault], armed: Iterable[str] = ()) -> None:
        self.known = {fault.name: fault for fault in known}
        self._armed: dict[str, int | None] = {}
        self._fired: dict[str, int] = {}
        # An honest simulator asks both dozens of times in each request: they are the quickest question that there is.
        self.armed = self._armed.__contains__
        self._look()
        for name in armed:
            self.arm(name)

    def arm(self, name: str, times: int | None = None) -> None:
        """Make a fault happen, `times` times or (None) until it is disarmed. Raises StartError for an unknown name."""
        if name not in self.known:
            raise StartError(f"no fault is named {name!r}{_near(name, self.known)}")
        self._armed[name] = times
        self._fired[name] = 0
        self._look()

    def disarm(self, name: str) -> None:
        """Be honest again; a fault that was not armed is left so."""
        self._armed.pop(name, None)
        self._look()

    def disarm_all(self) -> None:
        """Be honest in everything."""
        self._armed.clear()
        self._look()

    @property
    def armed_names(self) -> tuple[str, ...]:
        """What is armed, in the order of arming; empty in an honest simulator."""
        return tuple(self._armed)

    def _look(self) -> None:
        self.quiet = not self._armed
        self.on = self.armed if self.quiet else self._on

    def _on(self, name: str) -> bool:
        if name not in self._armed:
            return False
        left = self._armed[name]
        if left is not None:
            if left <= 0:
                return False
            self._armed[name] = left - 1
        self._fired[name] = self._fired.get(name, 0) + 1
        inbound = current.get()
        if inbound is not None:
            # What is another way of being right has to fit the document like any honest answer.
            (inbound.varied if self.known[name].kind == "benign" else inbound.fired).append(name)
        return True

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
            "sentence": fault.sentence,
            "requirements": sorted(fault.requirements),
            "armed": name in self._armed,
            "left": self._armed.get(name),
            "fired": self.fired(name),
        }


def _near(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(found)}?" if found else ""
