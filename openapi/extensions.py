"""The x- extensions that the documents may use, as extensions.yaml lists them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from openapi.bundle import read_yaml
from openapi.problems import escape
from openapi.walk import Node

EXTENSIONS: dict[str, dict[str, Any]] = read_yaml(Path(__file__).with_name("extensions.yaml"))
"""By name: `objects`, the kinds of objects that may have it, and `schema`, the form of its value."""


def extension_problems(node: Node) -> Iterator[tuple[str, str]]:
    """The extensions of one object that are unknown, misplaced or ill-formed, as pointer and message."""
    for key, value in node.value.items():
        if not key.startswith("x-"):
            continue
        at = f"{node.pointer}/{escape(key)}"
        extension = EXTENSIONS.get(key)
        if extension is None:
            yield at, f"unknown extension; known are {', '.join(EXTENSIONS)}"
        elif node.kind not in extension["objects"]:
            yield at, f"stands on a {node.kind}; its place is: {', '.join(sorted(extension['objects']))}"
        else:
            for error in jsonschema_rs.iter_errors(extension["schema"], value):
                yield at, error.message
