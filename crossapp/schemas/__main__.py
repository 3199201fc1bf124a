"""Writes the JSON Schemas of deployment, seed and budgets files from their pydantic models."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

import openapi
from crossapp.deployments import EDITIONS
from harness.deployment_tables import DeploymentTable
from load.plan.budget_tables import BudgetsTable
from load.plan.measures import MEASURES
from simulators.seed import Seed

FOLDER = Path(__file__).parent


def schemas() -> dict[str, str]:
    """The text of each schema by its file name."""
    return {
        "deployment.json": _text(_deployment()),
        "seed.json": _text(TypeAdapter(Seed).json_schema()),
        "budgets.json": _text(_budgets()),
    }


def _deployment() -> dict[str, Any]:
    schema = DeploymentTable.model_json_schema()
    schema["properties"]["edition"]["enum"] = list(EDITIONS)
    schema["$defs"]["DeviationTable"]["properties"]["target"]["enum"] = ["", *openapi.APPS]
    targets = schema["properties"]["targets"]
    targets["properties"] = dict.fromkeys(openapi.APPS, targets.pop("additionalProperties"))
    targets["additionalProperties"] = False
    return schema


def _budgets() -> dict[str, Any]:
    schema = BudgetsTable.model_json_schema()
    schema["$defs"]["BudgetTable"]["properties"]["over"]["items"]["enum"] = ["*", *MEASURES]
    return schema


def _text(schema: dict[str, Any]) -> str:
    """A field `$schema` is added, by which a JSON file names its schema."""
    schema["properties"]["$schema"] = {"type": "string"}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | _without_titles(schema), indent=2, ensure_ascii=False) + "\n"


def _without_titles(value: Any) -> Any:
    """Without pydantic's titles, which only repeat the names of the fields."""
    if isinstance(value, dict):
        return {
            name: _without_titles(each) for name, each in value.items() if name != "title" or isinstance(each, dict)
        }
    return [_without_titles(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, "utf-8")
