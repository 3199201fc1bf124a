"""The JSON Schemas that editors read: as the models are, named by the templates, and as strict as the readers."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from crossapp.schemas.__main__ import FOLDER, schemas
from load.plan.budgets import STANDARD
from simulators.seed import Seed, default_seed

_EXAMPLES = FOLDER.parents[1] / "examples"


def checker(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((FOLDER / name).read_text("utf-8")))


def plain(path: Path) -> Any:
    text = path.read_text("utf-8")
    return json.loads(text if path.suffix == ".json" else json.dumps(tomllib.loads(text), default=str))


def test_the_schemas_are_those_of_the_models() -> None:
    stored = {each.name: each.read_text("utf-8") for each in FOLDER.glob("*.json")}
    assert stored == schemas(), "python -m crossapp.schemas writes them anew"


@pytest.mark.parametrize(
    "path", [_EXAMPLES / "local.toml", _EXAMPLES / "staging.toml", _EXAMPLES / "seed.json", STANDARD]
)
def test_a_template_names_its_schema_and_fits_it(path: Path) -> None:
    first = path.read_text("utf-8").partition("\n")[0]
    named = plain(path)["$schema"] if path.suffix == ".json" else first.removeprefix("#:schema ")
    schema = (path.parent / named).resolve()
    assert schema.parent == FOLDER
    checker(schema.name).validate(plain(path))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("deployment.json", {"targets": {"tuvens-apy": {}}}),
        ("deployment.json", {"targets": {"tuvens-api": {"kind": "prod"}}}),
        ("deployment.json", {"users": [{"role": "organiser"}]}),
        ("deployment.json", {"events": {"tuvens": [1.5]}}),
        ("budgets.json", {"budget": [{"over": ["generatSession"]}]}),
        ("seed.json", {"acounts": []}),
        ("seed.json", {"accounts": [{"id": 0, "name": "a", "slug": "a"}]}),
    ],
)
def test_a_mistake_is_seen_in_an_editor(schema: str, value: object) -> None:
    assert not checker(schema).is_valid(value)


def test_the_models_are_not_imported_before_a_file_is_read() -> None:
    program = "import sys, crossapp.cli; print(*{'pydantic', 'schemathesis'} & {*sys.modules})"
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert started.stdout.split() == []


def test_a_seed_may_name_its_schema() -> None:
    assert Seed.read(_EXAMPLES / "seed.json").users[0].name == "Zoë Müller"
    checker("seed.json").validate(default_seed().to_json())
