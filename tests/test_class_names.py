"""Each class of the production packages has a name of its own, so that the name alone says which one is meant."""

import ast
from collections import defaultdict
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("crossapp", "harness", "openapi", "contracts", "simulators", "scenarios", "load")
# Names that the simulators still give to several classes, or share with another package. To be renamed there.
_TO_BE_RENAMED = {"Edge", "Routes", "SignIn", "Tuvens", "Unavailable"}


def _homonyms() -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for package in _PACKAGES:
        for file in (_ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(str(file.relative_to(_ROOT)))
    return {name: files for name, files in places.items() if len(files) > 1}


def test_no_two_classes_share_a_name() -> None:
    assert {name: files for name, files in _homonyms().items() if name not in _TO_BE_RENAMED} == {}


def test_a_name_that_is_unique_by_now_is_struck_off_the_list() -> None:
    assert set(_homonyms()) & _TO_BE_RENAMED == _TO_BE_RENAMED
