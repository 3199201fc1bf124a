"""Arming replaces a part, disarming restores it, and a replacement that changes something is counted."""

import re
from pathlib import Path
from typing import Any

import pytest

import simulators
from simulators.faults import FAULTS, environment_read
from simulators.kit.errors import Refusal, StartError
from simulators.kit.faults import Change, FaultRuntime, Honest, Registry, swap
from simulators.kit.messages import Request, current

registry = Registry("app")


class Part:
    def twice(self, number: int) -> int:
        return 2 * number

    async def later(self, number: int) -> int:
        return number

    def note(self, text: str) -> None:
        if not text:
            raise Refusal(400, "EMPTY", "empty")


class App:
    def __init__(self) -> None:
        self.part = Part()


@registry.fault(kills=["a.rule"])
def adds_one(app: App) -> Change:
    """Adds one,
    from ten."""
    return swap(app.part.twice, lambda honest, number: honest(number) + (number >= 10))


@registry.fault(kills=["a.rule"])
def halves(app: App) -> Change:
    """Halves."""
    return swap(app.part.twice, lambda honest, number: honest(number) // 2)


@registry.benign()
def shouts(app: App) -> Change:
    """Shouts."""
    return swap(app.part.note, lambda honest, text: honest(text.upper()))


@registry.trouble()
def late(app: App) -> Change:
    """Is late."""

    async def later(honest: Honest[[int], Any], number: int) -> int:
        return int(await honest(number)) + 1

    return swap(app.part.later, later)


@registry.fault(kills=["a.rule"])
def forgets(app: App) -> Change:
    """Starts to count anew with each arming."""
    seen: list[int] = []

    def twice(honest: Honest[[int], int], number: int) -> int:
        seen.append(number)
        return len(seen)

    return swap(app.part.twice, twice)


def _armed(*names: str) -> tuple[App, FaultRuntime]:
    app = App()
    runtime = FaultRuntime(registry.faults, names)
    runtime.attach(app)
    return app, runtime


def test_a_record_has_its_facts_from_its_function() -> None:
    fault = registry.faults["adds-one"]
    assert (fault.name, fault.app, fault.sentence) == ("adds-one", "app", "Adds one, from ten.")
    assert fault.kills == {"a.rule"}
    assert (fault.kind, fault.suite) == ("fault", "verify")
    assert [registry.faults[name].kind for name in ("shouts", "late")] == ["benign", "trouble"]


def test_a_fault_is_counted_where_its_outcome_differs_and_is_gone_once_disarmed() -> None:
    app, runtime = _armed()
    assert app.part.twice(10) == 20
    runtime.arm("adds-one")
    assert [app.part.twice(number) for number in (1, 10, 11)] == [2, 21, 23]
    assert runtime.fired("adds-one") == 2
    runtime.disarm("adds-one")
    assert app.part.twice(10) == 20
    assert "twice" not in vars(app.part)


def test_a_fault_of_some_times_ends_by_itself() -> None:
    app, runtime = _armed()
    runtime.arm("adds-one", 2)
    assert [app.part.twice(10) for _ in range(3)] == [21, 21, 20]
    assert runtime.describe("adds-one")["left"] == 0


def test_faults_of_one_part_are_stacked_in_the_order_of_arming() -> None:
    app, runtime = _armed("adds-one", "halves")
    assert app.part.twice(11) == 11
    runtime.disarm("adds-one")
    assert app.part.twice(11) == 11
    runtime.disarm("halves")
    assert app.part.twice(11) == 22


def test_other_arguments_count_and_an_honest_refusal_does_not() -> None:
    app, runtime = _armed("shouts")
    app.part.note("A")
    assert runtime.fired("shouts") == 0
    app.part.note("a")
    assert runtime.fired("shouts") == 1
    with pytest.raises(Refusal):
        app.part.note("")
    assert runtime.fired("shouts") == 1


@pytest.mark.anyio
async def test_an_asynchronous_part_is_replaced_by_one() -> None:
    app, runtime = _armed("late")
    assert await app.part.later(1) == 2
    assert runtime.fired("late") == 1


def test_what_a_replacement_remembered_is_gone_with_a_renewal() -> None:
    app, runtime = _armed("forgets")
    assert [app.part.twice(0) for _ in range(2)] == [1, 2]
    runtime.renew()
    assert app.part.twice(0) == 1


def test_what_a_replacement_remembers_outlives_the_arming_of_others() -> None:
    app, runtime = _armed("forgets")
    app.part.twice(0)
    runtime.arm("shouts")
    runtime.disarm("shouts")
    assert app.part.twice(0) == 2
    runtime.arm("forgets")
    assert app.part.twice(0) == 1


def test_a_firing_is_noted_on_the_request_that_is_served() -> None:
    app, _ = _armed("halves", "shouts")
    request = Request({"method": "GET", "path": "/", "headers": []}, None, 0)
    token = current.set(request)
    app.part.twice(4)
    app.part.note("a")
    current.reset(token)
    assert (request.fired, request.varied) == (["halves"], ["shouts"])


def test_an_unknown_fault_names_near_ones() -> None:
    with pytest.raises(StartError, match="did you mean halves"):
        FaultRuntime(registry.faults, ["halve"])


def test_a_fault_without_a_sentence_or_with_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="no sentence"):

        @registry.benign()
        def silent(app: App) -> Change:
            return ()

    with pytest.raises(ValueError, match="two faults of app are named halves"):
        registry.add(registry.faults["halves"])


def test_the_registries_hold_the_faults_of_all_simulators_by_unique_names() -> None:
    assert {fault.app for fault in FAULTS.values()} == {"tuvens-api", "hi.events", "tuvens-client"}
    assert all(name == fault.name for name, fault in FAULTS.items())
    assert len({(fault.app, fault.sentence) for fault in FAULTS.values()}) == len(FAULTS)
    assert all(fault.sentence.endswith((".", '."')) for fault in FAULTS.values())


def test_honest_code_names_no_fault() -> None:
    name = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, FAULTS))})(?![\w-])")
    files = [each for each in Path(simulators.__file__).parent.rglob("*.*") if each.suffix in {".py", ".js", ".html"}]
    honest = [each for each in files if "faults" not in each.parts]
    assert len(honest) < len(files)
    assert {each.name: name.findall(text) for each in honest if name.search(text := each.read_text("utf-8"))} == {}


def test_variables_that_an_armed_fault_ignores_are_not_read() -> None:
    environment = {"HI_EVENTS_DOMAIN": "tickets.example", "CROSS_APP_SESSION_EXPIRY": "120"}
    assert environment_read(environment, ["expiry-setting-ignored"]) == {"HI_EVENTS_DOMAIN": "tickets.example"}
    assert environment_read(environment, []) == environment
