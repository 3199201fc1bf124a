"""The examples of the documents' bodies, as histories and tests are made of."""

import copy
from typing import Any

import openapi
from openapi import Operation


def request_example(operation: Operation) -> Any:
    """The first example of a request's body; None where there is no body."""
    return _first_example(operation, operation.raw.get("requestBody", {}))


def answer_example(operation: Operation, status: int) -> Any:
    """The first example of an answer's body; None where there is no body. Raises KeyError: the status is unknown."""
    return _first_example(operation, operation.raw["responses"][str(status)])


def _first_example(operation: Operation, node: Any) -> Any:
    while "$ref" in node:
        *_, section, name = node["$ref"].split("/")
        node = openapi.load(operation.app).raw["components"][section][name]
    for media in node.get("content", {}).values():
        for example in (media.get("example"), *(each["value"] for each in media.get("examples", {}).values())):
            if example is not None:
                return copy.deepcopy(example)
    return None
