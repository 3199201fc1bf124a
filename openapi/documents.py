"""The documents, by application, and their operations, by operationId."""

import copy
import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from openapi.bundle import Bundle, SpecError
from openapi.operation import Base, Operation
from openapi.problems import Problem, escape
from openapi.schema import Schemas

EDITION = "2025-07"

APPS: tuple[str, ...] = ("tuvens-api", "hi.events", "tuvens-client")

FILES: Mapping[str, Path] = MappingProxyType(
    {app: Path(__file__).with_name(f"{app.replace('.', '-')}.yaml") for app in APPS}
)

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Document:
    """One application's document.

    app: the application that it describes.
    edition: the edition of the contract (info.version).
    path: its file.
    raw: the bundled document: components of other files are in its `components`. Must not be changed.
    secret_fields: names of body properties whose values a recorder must remove.
    operations, webhooks: by operationId, in the order of the file.
    """

    def __init__(self, app: str, bundle: Bundle) -> None:
        self.app = app
        self.path = bundle.path
        self.raw = bundle.raw
        self.edition: str = self.raw["info"]["version"]
        self._schemas = Schemas(app, self.raw)
        self.secret_fields = self._schemas.secrets
        self.operations: Mapping[str, Operation] = MappingProxyType(self._operations("paths"))
        self.webhooks: Mapping[str, Operation] = MappingProxyType(self._operations("webhooks"))

    def __repr__(self) -> str:
        return f"<{self.app} {self.edition}>"

    def bundled(self) -> dict[str, Any]:
        """A copy of `raw` that may be changed: one self-contained OpenAPI document, ready for JSON."""
        return copy.deepcopy(self.raw)

    def operation_at(self, method: str, path: str, base: Base | None = None) -> Operation | None:
        """The operation that serves a method and a percent-encoded path, without query, below a base (None: either).

        A path without parameters takes precedence, as OpenAPI demands. None where there is no such operation.
        """
        found = [
            each
            for each in self.operations.values()
            if (base is None or each.base == base) and each.serves(method, path)
        ]
        return min(found, key=lambda each: each.path.count("{"), default=None)

    def schema_problems(self, name: str, value: object) -> list[Problem]:
        """Validates a parsed JSON value with a schema of `components`; pointers start at the value.

        Raises KeyError when there is no such schema.
        """
        if name not in self.raw["components"].get("schemas", {}):
            raise KeyError(f"{self.path.name} has no schema {name}")
        return self._schemas.checker(f"/components/schemas/{escape(name)}").problems(value, "")

    def _operations(self, section: str) -> dict[str, Operation]:
        operations = {}
        for path, item in self.raw.get(section, {}).items():
            for method in METHODS:
                if method in item:
                    operation = Operation(self.app, self._schemas, path, method, f"/{section}/{escape(path)}")
                    operations[operation.id] = operation
        return operations


_texts: dict[Path, Any] = {}


def load(app: str, edition: str = EDITION) -> Document:
    """The document of an application; its file is read once.

    Raises SpecError when there is no such document, or when it cannot be read.
    """
    document = _read(app)
    if document.edition != edition:
        raise SpecError(document.path, "/info/version", f"is {document.edition}, edition {edition} was asked for")
    return document


@cache
def _read(app: str) -> Document:
    if app not in FILES:
        raise SpecError(Path(__file__).parent, "", f"no document of {app!r}; there are {', '.join(APPS)}")
    return Document(app, Bundle(FILES[app], _texts))


@cache
def _index(edition: str) -> Mapping[str, Operation]:
    documents = [load(app, edition) for app in APPS]
    return {
        name: operation
        for document in documents
        for name, operation in (*document.operations.items(), *document.webhooks.items())
    }


def operations(edition: str = EDITION) -> tuple[Operation, ...]:
    """The operations of all documents, in their order; webhooks are none."""
    return tuple(each for app in APPS for each in load(app, edition).operations.values())


def find(operation_id: str, edition: str = EDITION) -> Operation:
    """An operation or a webhook of any document. Raises KeyError, which names the closest operationIds."""
    index = _index(edition)
    if operation_id not in index:
        close = difflib.get_close_matches(operation_id, index, n=3)
        hint = f"; close: {', '.join(close)}" if close else ""
        raise KeyError(f"no operation {operation_id!r}{hint}")
    return index[operation_id]
