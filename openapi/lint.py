"""Checks whole documents: YAML, references, OpenAPI, schemas, then examples, extensions and style.

The last three are checked only in a document that passes the first four.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import (
    ExtraParametersError,
    OpenAPIValidationError,
    ParameterDuplicateError,
    UnresolvableParameterError,
)

from openapi.bundle import Bundle, SpecError
from openapi.examples import example_problems, examples_of
from openapi.extensions import extension_problems
from openapi.problems import cut, pointer_to
from openapi.schema import Schemas
from openapi.style import RULES, LintedDocument, Problems, entries, unused_components

LONGEST_MESSAGE = 240


class LintProblem(NamedTuple):
    """One problem of a document: the file, a JSON pointer into that file, and a line that says what is wrong."""

    file: Path
    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{_short(self.file)}#{self.pointer}: {cut(' '.join(self.message.split()), LONGEST_MESSAGE)}"


@dataclass(frozen=True)
class Checked:
    """How much was checked, and the problems found."""

    documents: int
    operations: int
    examples: int
    problems: Sequence[LintProblem]

    def __str__(self) -> str:
        looked_at = ", ".join(
            _counted(number, what)
            for number, what in (
                (self.documents, "document"),
                (self.operations, "operation"),
                (self.examples, "example"),
            )
        )
        return f"{looked_at}: {_counted(len(self.problems), 'problem')}"


def check(files: Iterable[Path]) -> Checked:
    """Checks documents, and that no two operations of them share an operationId; x-calls, where there are several."""
    paths = list(files)
    problems: list[LintProblem] = []
    sound: list[tuple[Bundle, LintedDocument]] = []
    texts: dict[Path, Any] = {}
    for path in paths:
        try:
            bundle = Bundle(path, texts)
        except SpecError as error:
            problems.append(LintProblem(error.file, error.pointer, error.message))
            continue
        document = LintedDocument(Schemas(path.stem, bundle.raw), bundle.own)
        fatal = _placed(bundle, _structure(bundle.raw))
        fatal = fatal or _placed(bundle, _wrong_refs(document))
        fatal = fatal or _placed(bundle, _bad_schemas(document))
        problems += fatal
        if not fatal:
            problems += _placed(bundle, _faults(document))
            problems += [LintProblem(bundle.path, at, message) for at, message in unused_components(document)]
            sound.append((bundle, document))
    problems += _shared_ids(sound)
    if len(sound) == len(paths) > 1:
        problems += _unknown_calls(sound)
    examples = {
        bundle.place(at) for bundle, document in sound for node in document.nodes for at, _ in examples_of(node)
    }
    return Checked(
        documents=len(paths),
        operations=sum(len(document.operations) for _, document in sound),
        examples=len(examples),
        problems=tuple(dict.fromkeys(problems)),
    )


def _placed(bundle: Bundle, found: Problems) -> list[LintProblem]:
    return [LintProblem(*bundle.place(pointer), message) for pointer, message in found]


def _structure(raw: dict[str, Any]) -> Problems:
    """What openapi-spec-validator finds, except inside schemas, where it gives no location: see _bad_schemas."""
    parameters = (ExtraParametersError, ParameterDuplicateError, UnresolvableParameterError)
    if not str(raw.get("openapi", "")).startswith("3.1."):
        yield "/openapi", "these documents are written in OpenAPI 3.1"
        return
    try:
        for error in OpenAPIV31SpecValidator(raw).iter_errors():
            if isinstance(error, parameters):
                yield "/paths", error.message
            elif isinstance(error, OpenAPIValidationError) and "\n\nFailed validating" in error.message:
                yield pointer_to("", error.absolute_path), error.message.partition("\n\n")[0]
    except Exception as error:
        yield "", f"openapi-spec-validator gave up: {type(error).__name__}: {error}"


def _wrong_refs(document: LintedDocument) -> Problems:
    """References that lead to another kind of thing."""
    for node in document.nodes:
        ref = node.value.get("$ref")
        section = "schemas" if node.kind == "schema" else node.section
        if node.kind == "path" and ref is not None:
            yield f"{node.pointer}/$ref", "a path is written out, not referred to"
        elif section and ref is not None and not ref.startswith(f"#/components/{section}/"):
            yield f"{node.pointer}/$ref", f"leads to {ref}, which does not lie in components/{section}"


def _bad_schemas(document: LintedDocument) -> Problems:
    """Schemas that are no schemas: unknown types, patterns that are no regular expressions, and the like."""
    done = ""
    for node in document.nodes:
        if node.kind != "schema" or (done and node.pointer.startswith(done)):
            continue
        done = f"{node.pointer}/"
        try:
            jsonschema_rs.Draft202012Validator(_without_refs(node.value))
        except jsonschema_rs.ValidationError as error:
            yield pointer_to(node.pointer, error.instance_path), error.message
        except ValueError as error:
            yield node.pointer, str(error)


def _without_refs(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_refs(value) for key, value in node.items() if key != "$ref"}
    if isinstance(node, list):
        return [_without_refs(value) for value in node]
    return node


def _faults(document: LintedDocument) -> Problems:
    for node in document.nodes:
        yield from extension_problems(node)
        yield from example_problems(node, document.schemas)
    for rule in RULES:
        yield from rule(document)


def _shared_ids(sound: Sequence[tuple[Bundle, LintedDocument]]) -> Iterator[LintProblem]:
    owners: dict[str, Path] = {}
    for bundle, document in sound:
        for node in document.operations:
            name = node.value.get("operationId")
            if name in owners:
                message = f"{name!r} is already an operation of {owners[name].name}"
                yield LintProblem(bundle.path, f"{node.pointer}/operationId", message)
            elif name is not None:
                owners[name] = bundle.path


def _unknown_calls(sound: Sequence[tuple[Bundle, LintedDocument]]) -> Iterator[LintProblem]:
    """x-calls that name no operation of another document."""
    for bundle, document in sound:
        others = {
            node.value["operationId"]
            for other, its in sound
            if other is not bundle
            for node in its.operations
            if "operationId" in node.value
        }
        for node in document.operations:
            for n, name in enumerate(entries(node, "x-calls")):
                if name not in others:
                    yield LintProblem(bundle.path, f"{node.pointer}/x-calls/{n}", f"no other document has {name!r}")


def _short(file: Path) -> Path:
    """The file as seen from the working directory, when it lies below it."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
