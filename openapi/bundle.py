"""Several YAML files made into one document.

A $ref to another file names a whole file, which is a schema, or a component of that file. What it leads to moves
into the `components` of the reading document, under its own name: that of the component, or that of the file in
PascalCase. A component that is nothing but such a $ref gives what it refers to the component's name.
"""

from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

import yaml

from openapi.problems import escape
from openapi.schema import at_pointer


class SpecError(Exception):
    """A document that cannot be used: which file, where in it (JSON pointer), and why."""

    def __init__(self, file: Path, pointer: str, message: str) -> None:
        super().__init__(file, pointer, message)
        self.file = file
        self.pointer = pointer
        self.message = message

    def __str__(self) -> str:
        return f"{self.file}#{self.pointer}: {self.message}"


class Place(NamedTuple):
    """A JSON pointer into a file."""

    file: Path
    pointer: str


class _Loader(yaml.CSafeLoader):
    """YAML's JSON types only: a time stays the text that it is in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(file: Path) -> Any:
    """The content of a YAML file. Raises SpecError when it is not there or is not YAML."""
    try:
        return yaml.load(file.read_bytes(), _Loader)
    except OSError as error:
        raise SpecError(file, "", f"cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SpecError(file, "", f"is not YAML: {error.problem}{where}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SpecError(file, "", f"is not YAML: {error}".replace("\n", " ")) from None


class Bundle:
    """One document with all that it refers to.

    path: its file.
    raw: the whole.
    own: section and name of the components that the file itself lists.
    errors: what could not be resolved; `raw` is then not to be relied on.

    Bundles that are given the same `texts` read a file that they share once.
    """

    def __init__(self, path: Path, texts: dict[Path, Any] | None = None) -> None:
        self.path = path.resolve()
        self.errors: list[SpecError] = []
        self._texts: dict[Path, Any] = {} if texts is None else texts
        self._used: dict[Path, None] = {}
        self._moved: dict[Place, tuple[str, str]] = {}
        self._names: dict[tuple[str, str], Place] = {}
        root = self._text(self.path)
        if not isinstance(root, dict):
            raise SpecError(self.path, "", "is no OpenAPI document: it is not a mapping")
        self._components: dict[str, dict[str, Any]] = {}
        self._adopt(root)
        self.own = frozenset(self._names)
        self.raw: dict[str, Any] = self._copy(root, Place(self.path, ""))
        components = self.raw.get("components")
        if self._components:
            components = components if isinstance(components, dict) else {}
            for section, moved in self._components.items():
                components[section] = {**components.get(section, {}), **moved}
            self.raw["components"] = components

    @classmethod
    def read(cls, path: Path, texts: dict[Path, Any] | None = None) -> Self:
        """The document of a file. Raises SpecError when anything in it cannot be read or resolved."""
        bundle = cls(path, texts)
        if bundle.errors:
            raise bundle.errors[0]
        return bundle

    def place(self, pointer: str) -> Place:
        """Where what stands at a pointer of `raw` was written down."""
        keys = pointer.split("/")
        if keys[1:2] == ["components"] and len(keys) > 3:
            origin = self._names.get((keys[2], keys[3]))
            if origin is not None:
                return Place(origin.file, "/".join([origin.pointer, *keys[4:]]))
        return Place(self.path, pointer)

    @property
    def files(self) -> tuple[Path, ...]:
        """The document's file and all that it refers to."""
        return tuple(self._used)

    def _text(self, file: Path) -> Any:
        if file not in self._texts:
            self._texts[file] = read_yaml(file)
        self._used[file] = None
        return self._texts[file]

    def _adopt(self, root: dict[str, Any]) -> None:
        """Gives what a component merely refers to that component's name."""
        components = root.get("components")
        for section, entries in components.items() if isinstance(components, dict) else ():
            for name, node in entries.items() if isinstance(entries, dict) else ():
                own = Place(self.path, f"/components/{escape(section)}/{escape(str(name))}")
                if _is_alias(node) and not node["$ref"].startswith("#"):
                    target = self._target(own, node["$ref"])
                    if target is not None and target not in self._moved:
                        self._moved[target] = (section, name)
                        self._names[section, name] = target
                        continue
                self._names.setdefault((section, name), own)

    def _target(self, here: Place, ref: str) -> Place | None:
        """Where a $ref leads in the end; None (and an error kept) when it leads nowhere."""
        at, link, seen = here, ref, set[Place]()
        while True:
            name, _, fragment = link.partition("#")
            file = (at.file.parent / unquote(name)).resolve() if name else at.file
            place = Place(file, unquote(fragment))
            if place in seen:
                why = "leads back to itself"
                break
            if place.pointer and not place.pointer.startswith("/"):
                why = "is no JSON pointer"
                break
            try:
                node = at_pointer(self._text(file), place.pointer)
            except SpecError as error:
                why = f"leads nowhere: {error.file.name} {error.message}"
                break
            except LookupError:
                why = "leads nowhere"
                break
            if not _is_alias(node) or file == self.path:
                return place
            seen.add(place)
            at, link = place, node["$ref"]
        self._lost(here, f"the $ref {ref} {why}")
        return None

    def _lost(self, here: Place, message: str) -> None:
        self.errors.append(SpecError(here.file, here.pointer, message))

    def _copy(self, node: Any, here: Place) -> Any:
        if isinstance(node, list):
            return [self._copy(entry, Place(here.file, f"{here.pointer}/{n}")) for n, entry in enumerate(node)]
        if not isinstance(node, dict):
            return node
        if here.file == self.path and here.pointer.count("/") == 3 and _is_alias(node):
            keys = here.pointer.split("/")
            origin = self._names.get((keys[2], keys[3]))
            if keys[1] == "components" and origin is not None and origin != here:
                return self._copy(at_pointer(self._text(origin.file), origin.pointer), origin)
        copied = {
            str(key): self._copy(value, Place(here.file, f"{here.pointer}/{escape(str(key))}"))
            for key, value in node.items()
        }
        if isinstance(node.get("$ref"), str):
            copied["$ref"] = self._moved_ref(node["$ref"], here)
        return copied

    def _moved_ref(self, ref: str, here: Place) -> str:
        target = self._target(here, ref)
        if target is None:
            return ref
        if target.file == self.path:
            return "#" + ref.partition("#")[2]
        if target not in self._moved:
            keys = target.pointer.split("/")
            if not target.pointer:
                section, name = "schemas", _pascal(target.file.stem)
            elif len(keys) == 4 and keys[1] == "components":
                section, name = keys[2], keys[3]
            else:
                self._lost(here, f"the $ref {ref} names neither a whole file nor a component of one")
                return ref
            if (section, name) in self._names:
                self._lost(here, f"the $ref {ref} clashes with this document's own {section}/{name}")
                return ref
            self._moved[target] = (section, name)
            self._names[section, name] = target
            node = at_pointer(self._text(target.file), target.pointer)
            self._components.setdefault(section, {})[name] = self._copy(node, target)
        section, name = self._moved[target]
        return f"#/components/{section}/{escape(name)}"


def _is_alias(node: Any) -> bool:
    return isinstance(node, dict) and len(node) == 1 and isinstance(node.get("$ref"), str)


def _pascal(stem: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in stem.split("-"))
