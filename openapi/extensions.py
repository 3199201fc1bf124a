"""The x-extensions that these documents may use: where each stands and what form it has.

README.md of this package says what they mean.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs

from openapi.problems import escape
from openapi.walk import Kind, Node


class Extension(NamedTuple):
    """Where an extension may stand, and the schema of its value."""

    kinds: frozenset[Kind]
    schema: dict[str, Any]


_QUOTE: dict[str, Any] = {
    "type": ["string", "object", "null"],
    "minLength": 1,
    "required": ["section", "quote"],
    "additionalProperties": False,
    "properties": {"section": {"type": "string"}, "quote": {"type": "string"}},
}

EXTENSIONS: dict[str, Extension] = {
    "x-audited": Extension(frozenset({"operation"}), {"type": "boolean"}),
    "x-base": Extension(frozenset({"operation"}), {"enum": ["api", "pages"]}),
    "x-calls": Extension(
        frozenset({"operation"}),
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
    ),
    "x-changes": Extension(frozenset({"operation"}), {"enum": ["events", "linked-event", None]}),
    "x-check-order": Extension(
        frozenset({"document", "operation"}),
        {"type": "array", "uniqueItems": True, "items": {"enum": ["authentication", "form", "existence"]}},
    ),
    "x-contract": Extension(
        frozenset({"operation"}),
        {
            "type": "object",
            "required": ["section", "served", "success", "refusals"],
            "additionalProperties": False,
            "properties": {
                "section": {"type": "string", "minLength": 1},
                "served": _QUOTE,
                "success": _QUOTE,
                "refusals": _QUOTE,
                "settles": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
                "optional": {"type": "boolean"},
            },
        },
    ),
    "x-rate-limit": Extension(
        frozenset({"operation"}),
        {
            "type": "object",
            "required": ["limit", "window", "key", "name"],
            "additionalProperties": False,
            "properties": {
                "limit": {"type": "integer", "minimum": 1},
                "window": {"type": "integer", "minimum": 1},
                "key": {"enum": ["user", "shared-secret", "session-token", "instance", "address"]},
                "name": {"type": ["string", "null"], "pattern": "^[a-z]+(-[a-z]+)*$"},
            },
        },
    ),
    "x-retry-safe": Extension(frozenset({"operation"}), {"type": "boolean"}),
    "x-secret": Extension(
        frozenset({"schema", "header", "parameter", "scheme"}),
        {"enum": ["session-token", "bearer", "jwt", "shared-secret"]},
    ),
    "x-signature": Extension(
        frozenset({"scheme"}),
        {
            "type": "object",
            "required": ["algorithm", "key", "over", "encoding", "prefix"],
            "additionalProperties": False,
            "properties": {
                "algorithm": {"const": "hmac-sha256"},
                "key": {"const": "shared-secret"},
                "over": {"const": "raw-body"},
                "encoding": {"const": "hex-lower"},
                "prefix": {"type": "string"},
            },
        },
    ),
    "x-status-choices": Extension(
        frozenset({"operation"}),
        {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "minItems": 2, "uniqueItems": True, "items": {"type": "integer"}},
        },
    ),
    "x-stream-item": Extension(frozenset({"media"}), {"type": "object"}),
}


def extension_problems(node: Node) -> Iterator[tuple[str, str]]:
    """The extensions of one object that are unknown, misplaced or ill-formed, as pointer and message."""
    for key, value in node.value.items():
        if not key.startswith("x-"):
            continue
        at = f"{node.pointer}/{escape(key)}"
        extension = EXTENSIONS.get(key)
        if extension is None:
            yield at, f"unknown extension; known are {', '.join(EXTENSIONS)}"
        elif node.kind not in extension.kinds:
            yield at, f"stands on a {node.kind}; its place is: {', '.join(sorted(extension.kinds))}"
        else:
            for error in jsonschema_rs.iter_errors(extension.schema, value):
                yield at, error.message
