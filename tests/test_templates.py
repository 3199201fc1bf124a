"""The templates that newcomers copy: they are valid as they stand."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from contracts.catalogue import catalogue
from contracts.tuvens_event.wire import get_event
from harness.judge import judge_one
from harness.requirement import Catalogue
from simulators.tuvens_api.app import TuvensApiConfig
from simulators.tuvens_api.faults.registry import registry
from tests.contracts.examples import examples_of, expect_as_said, lacking
from tests.contracts.test_catalogue import expect_quote_in_section
from tests.simulators.tuvens_api.world import World

_FOLDER = Path(__file__).parents[1] / "docs" / "templates"


def _load(file: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _FOLDER / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_template_of_a_rule_and_of_its_examples_are_a_requirement_that_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = catalogue()
    rules = Catalogue()
    monkeypatch.setattr("contracts.catalogue._catalogue", rules)
    _load("rules.py", "contracts.template.rules")
    (rule,) = rules
    assert rule.id == "template.an_unknown_event_is_not_found"
    assert [each for each in rule.depends_on if each not in known] == []
    expect_quote_in_section(rule)
    examples = list(examples_of(rules, {"template": _load("examples.py", "template_examples").EXAMPLES}))
    assert lacking(rules, examples) == []
    for each in examples:
        expect_as_said(each, judge_one(rule, each.history))


def test_the_template_of_a_fault_breaks_what_its_rule_demands(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(registry.faults)
    monkeypatch.setattr(registry, "faults", dict(known))
    _load("faults.py", "template_faults")
    (fault,) = (each for name, each in registry.faults.items() if name not in known)
    assert fault.kills == {"template.an_unknown_event_is_not_found"}
    world = World(TuvensApiConfig())
    try:
        assert world.send(get_event("902100999")).status == 404
        world.api.faults.known[fault.name] = fault
        world.api.faults.arm(fault.name)
        assert world.send(get_event("902100999")).status == 403
        assert world.api.faults.fired(fault.name) == 1
    finally:
        world.close()
