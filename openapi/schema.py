"""Compiled JSON Schemas, with error messages that never repeat a secret."""

from collections.abc import Set
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs
from jsonschema_rs import ValidationError, ValidationErrorKind

from openapi.problems import Problem, pointer_to, shown

MOST_PROBLEMS = 20
"""The most problems reported for one value, such as a list of a thousand bad entries."""


class Checker:
    """One compiled schema."""

    def __init__(self, validator: jsonschema_rs.Draft202012Validator, secrets: Set[str]) -> None:
        self._validator = validator
        self._secrets = secrets

    def fits(self, value: object) -> bool:
        """Whether a parsed JSON value is valid."""
        try:
            return self._validator.is_valid(value)
        except (ValueError, RecursionError):
            return False

    def problems(self, value: object, at: str) -> list[Problem]:
        """What is wrong with a parsed JSON value; `at` is the pointer of the value itself.

        Never raises, whatever the value holds, and never repeats the value of a secret field.
        """
        if self.fits(value):
            return []
        try:
            errors = islice(self._validator.iter_errors(value), MOST_PROBLEMS)
            return [self._problem(error, at) for error in errors]
        except UnicodeEncodeError:
            return [Problem(at, "holds text that is not Unicode (half of a surrogate pair)")]
        except (ValueError, RecursionError):
            return [Problem(at, "is nested too deeply, or is no JSON value")]

    def _problem(self, error: ValidationError, at: str) -> Problem:
        keys = error.instance_path
        if isinstance(error.kind, ValidationErrorKind.Required):
            return Problem(pointer_to(at, [*keys, error.kind.property]), "is required")
        named = pointer_to(at, keys)
        secret = not self._secrets.isdisjoint(named.split("/"))
        return Problem(named, f"{error.message}, got {shown(error.instance, secret=secret)}")


class Schemas:
    """The schemas of one bundled document, compiled on first use."""

    def __init__(self, name: str, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.secrets = frozenset(_secret_names(raw, raw))
        self._uri = f"urn:crossapp:{name}"
        self._registry: jsonschema_rs.Registry | None = None
        self._checkers: dict[str, Checker] = {}

    def checker(self, pointer: str) -> Checker:
        """The schema at a JSON pointer of the document. Raises ValueError when it cannot be compiled."""
        checker = self._checkers.get(pointer)
        if checker is None:
            if self._registry is None:
                self._registry = jsonschema_rs.Registry([(self._uri, self.raw)], draft=jsonschema_rs.Draft202012)
            validator = jsonschema_rs.Draft202012Validator(
                {"$ref": f"{self._uri}#{quote(pointer, safe='/~')}"},
                registry=self._registry,
                validate_formats=True,
                mask="value",
            )
            checker = self._checkers[pointer] = Checker(validator, self.secrets)
        return checker

    def follow(self, node: Any, pointer: str) -> tuple[Any, str]:
        """The node, or the target of its $ref, with the pointer of what is returned."""
        while isinstance(node, dict) and "$ref" in node:
            pointer = unquote(node["$ref"].removeprefix("#"))
            node = at_pointer(self.raw, pointer)
        return node, pointer

    def types(self, node: Any, pointer: str) -> frozenset[str]:
        """The JSON types that a schema allows; empty where it has no `type`."""
        named = self.follow(node, pointer)[0].get("type", ())
        return frozenset([named] if isinstance(named, str) else named)


def at_pointer(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer. Raises LookupError where there is none."""
    node = document
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isdecimal():
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node[key]
        else:
            raise KeyError(key)
    return node


def _secret_names(node: Any, raw: dict[str, Any]) -> set[str]:
    """The names of the properties whose schema, or its $ref target, has x-secret."""
    names: set[str] = set()
    if isinstance(node, list):
        return names.union(*(_secret_names(entry, raw) for entry in node))
    if not isinstance(node, dict):
        return names
    properties = node.get("properties")
    if isinstance(properties, dict):
        names.update(name for name, schema in properties.items() if _is_secret(schema, raw))
    return names.union(*(_secret_names(entry, raw) for entry in node.values()))


def _is_secret(schema: Any, raw: dict[str, Any]) -> bool:
    while isinstance(schema, dict):
        if "x-secret" in schema:
            return True
        if "$ref" not in schema:
            return False
        schema = at_pointer(raw, unquote(schema["$ref"].removeprefix("#")))
    return False
