"""No text installs crossapp by its name: on PyPI the name belongs to a project of other people."""

import re
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_BY_NAME = re.compile(
    r"""(?:pip install|pipx install|uv tool install|uv add|uvx)(?: -c \S+| -\S+)* ["']?crossapp(?:\[|\b(?![-/.\w]))"""
)
_WARNING = "`uvx crossapp` or `pip install crossapp` would install."


def _installs_by_name(text: str) -> list[str]:
    return [line for line in text.splitlines() if _WARNING not in line and _BY_NAME.search(line)]


@pytest.mark.parametrize(
    ("line", "is_by_name"),
    [
        ("pip install 'crossapp[browser]'", True),
        ("uvx crossapp up", True),
        ("pip install -c constraints.txt crossapp", True),
        ("pip install ./crossapp-0.1.0-py3-none-any.whl", False),
        ("uvx --from ./crossapp-0.1.0-py3-none-any.whl crossapp up", False),
    ],
)
def test_an_installation_by_name_is_recognised(line: str, *, is_by_name: bool) -> None:
    assert bool(_installs_by_name(line)) == is_by_name


def test_no_text_installs_crossapp_by_name() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, text=True, check=True).stdout
    files = [
        _ROOT / name for name in listed.split("\0") if name.endswith((".md", ".py", ".toml", ".yaml", "Dockerfile"))
    ]
    found = {str(each): _installs_by_name(each.read_text("utf-8")) for each in files if each != Path(__file__)}
    assert {name: lines for name, lines in found.items() if lines} == {}
