"""Each class of the production packages has a name of its own, so that the name alone says which one is meant."""

import ast
from collections import defaultdict
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("crossapp", "harness", "openapi", "contracts", "simulators", "scenarios", "load")


def _homonyms() -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for package in _PACKAGES:
        for file in (_ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(str(file.relative_to(_ROOT)))
    return {name: files for name, files in places.items() if len(files) > 1}


def test_no_two_classes_share_a_name() -> None:
    assert _homonyms() == {}
