"""Examples: every body, parameter and header has one, and each is valid."""

from collections.abc import Iterator
from typing import Any

from openapi.problems import NotJsonError, Problem, escape, json_value
from openapi.schema import Schemas
from openapi.walk import Node

_WITH_EXAMPLE = ("media", "parameter", "header")


def examples_of(node: Node) -> Iterator[tuple[str, Any]]:
    """The examples of an object, with their pointers."""
    value = node.value
    if "example" in value:
        yield f"{node.pointer}/example", value["example"]
    examples = value.get("examples")
    if isinstance(examples, dict):
        for name, example in examples.items():
            if isinstance(example, dict) and "value" in example:
                yield f"{node.pointer}/examples/{escape(name)}/value", example["value"]
    elif isinstance(examples, list):
        for n, example in enumerate(examples):
            yield f"{node.pointer}/examples/{n}", example


def example_problems(node: Node, schemas: Schemas) -> Iterator[tuple[str, str]]:
    """Missing and invalid examples of one object, as pointer and message."""
    examples = list(examples_of(node))
    if node.kind in _WITH_EXAMPLE and not examples and "content" not in node.value:
        yield node.pointer, f"the {node.kind} has no example"
    for at, example in examples:
        for problem in _misfits(node, example, schemas):
            yield at, f"the example does not fit its schema: {problem.pointer or '/'} {problem.message}"


def _misfits(node: Node, example: Any, schemas: Schemas) -> list[Problem]:
    if node.kind == "schema":
        return schemas.checker(node.pointer).problems(example, "")
    if "x-stream-item" in node.value:
        return _stream_misfits(node, example, schemas)
    if "schema" in node.value:
        return schemas.checker(f"{node.pointer}/schema").problems(example, "")
    return []


def _stream_misfits(node: Node, example: Any, schemas: Schemas) -> list[Problem]:
    """The example of a stream is text; each `data:` line of it is one message."""
    lines = [line.removeprefix("data:") for line in str(example).splitlines() if line.startswith("data:")]
    if not lines:
        return [Problem("", "holds no data line")]
    checker = schemas.checker(f"{node.pointer}/x-stream-item")
    problems: list[Problem] = []
    for line in lines:
        try:
            problems += checker.problems(json_value(line.encode()), "")
        except NotJsonError as error:
            problems.append(Problem("", str(error)))
    return problems
