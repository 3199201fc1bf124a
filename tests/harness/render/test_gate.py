"""The answer to "may we deploy?" as Markdown and as a badge: the same answer, and names in it are no markup."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.exit_codes import ExitCode
from harness.render.gate import Condition, GateAnswer, gate_badge, gate_lines, gate_markdown
from tests.harness.render.sample import HOSTILE

MET, UNMET = Condition("real", True, "no application was simulated"), Condition("age", False, "25 h old")


@pytest.mark.parametrize(
    ("code", "word", "answered"), [(ExitCode.OK, "yes", "yes"), (1, "NO", "no"), (2, "NO", "not known")]
)
def test_all_renderings_give_one_answer(code: int, word: str, answered: str) -> None:
    answer = GateAnswer("staging", "0123abcdef0123", ExitCode(code), [MET, UNMET] if code else [MET])
    assert gate_lines(answer)[0] == f"staging at 0123abcdef0123: {word}"
    lines = gate_markdown(answer).splitlines()
    assert lines[0] == f"## staging at `0123abcdef01`: {word}"
    assert lines[2] == ("- **NO** age: 25 h old" if code else "- ok real: no application was simulated")
    found = json.loads(gate_badge(answer, Path("badge.json")))
    assert (found["schemaVersion"], found["label"]) == (1, "deploy staging")
    assert found["message"] == f"{answered} (0123abc)"
    picture = ElementTree.fromstring(gate_badge(answer, Path("badge.svg")))
    assert picture.get("aria-label") == f"deploy staging: {answered} (0123abc)"
    assert [each.text for each in picture.iter() if each.text] == ["deploy staging", f"{answered} (0123abc)"]


def test_names_are_no_markup() -> None:
    answer = GateAnswer(HOSTILE, HOSTILE, ExitCode.VIOLATED, [Condition("held", False, HOSTILE, broken=True)])
    outside_code = re.sub(r"(`+).*?\1", "", gate_markdown(answer))
    assert "<script" not in outside_code
    assert re.search(r"(?<!\\)\]\(", outside_code) is None
    picture = ElementTree.fromstring(gate_badge(answer, Path("badge.svg")))
    assert {each.tag.rpartition("}")[2] for each in picture.iter()} == {"svg", "rect", "path", "g", "text"}
    for text in (gate_markdown(answer), gate_badge(answer, Path("badge.svg")), *gate_lines(answer)):
        assert not set(text) & {"\x1b", "\u202e", "\ud800"}
