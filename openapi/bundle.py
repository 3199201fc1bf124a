"""Several YAML files bundled into one document.

A $ref to another file names a whole file, which is a schema, or a component of that file. Its target moves into the
`components` of the reading document, under its own name: that of the component, or that of the file in PascalCase.
A component that is only such a $ref gives the target its name.
"""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
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


class Location(NamedTuple):
    """A JSON pointer into a file."""

    file: Path
    pointer: str


class _Loader(yaml.CSafeLoader):
    """YAML's JSON types only: a time stays the text that it is in JSON. A mapping has each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


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
    """One document with everything that it refers to.

    path: its file.
    raw: the whole, as one document.
    own: section and name of the components that the file itself lists.

    Raises SpecError when anything in it cannot be read or resolved. Bundles that are given the same `texts` read a
    file that they share once.
    """

    def __init__(self, path: Path, texts: dict[Path, Any] | None = None) -> None:
        self.path = path.resolve()
        self._texts: dict[Path, Any] = {} if texts is None else texts
        self._moved: list[Location] = []
        self._names: dict[Location, tuple[str, str]] = {}
        self._origins: dict[tuple[str, str], Location] = {}
        root = self._text(self.path)
        if not isinstance(root, dict):
            raise SpecError(self.path, "", "is no OpenAPI document: it is not a mapping")
        self.own = frozenset(self._listed(root))
        self.raw: dict[str, Any] = self._copy(root, Location(self.path, ""))
        for place in self._moved:  # grows while components are copied
            section, name = self._names[place]
            node = self._copy(at_pointer(self._text(place.file), place.pointer), place)
            self.raw.setdefault("components", {}).setdefault(section, {})[name] = node

    def place(self, pointer: str) -> Location:
        """The file and pointer where the object at a pointer of `raw` was written down."""
        keys = pointer.split("/")
        origin = self._origins.get((keys[2], keys[3])) if keys[1:2] == ["components"] and len(keys) > 3 else None
        return (
            Location(self.path, pointer)
            if origin is None
            else Location(origin.file, "/".join([origin.pointer, *keys[4:]]))
        )

    def _text(self, file: Path) -> Any:
        if file not in self._texts:
            self._texts[file] = read_yaml(file)
        return self._texts[file]

    def _listed(self, root: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """The components of the file itself; what one merely refers to in another file gets that one's name."""
        components = root.get("components")
        for section, entries in components.items() if isinstance(components, dict) else ():
            for name, node in entries.items() if isinstance(entries, dict) else ():
                yield section, name
                if _is_alias(node) and not node["$ref"].startswith("#"):
                    here = Location(self.path, f"/components/{escape(section)}/{escape(str(name))}")
                    self._move(self._target(here, node["$ref"]), section, name)

    def _move(self, target: Location, section: str, name: str) -> None:
        if target not in self._names:
            self._names[target] = (section, name)
            self._origins[section, name] = target
            self._moved.append(target)

    def _target(self, here: Location, ref: str) -> Location:
        """Where a $ref leads, through other $refs. Raises SpecError when it leads nowhere."""
        at, link, seen = here, ref, set[Location]()
        while True:
            name, _, fragment = link.partition("#")
            file = (at.file.parent / unquote(name)).resolve() if name else at.file
            place = Location(file, unquote(fragment))
            if place in seen:
                raise _bad(here, ref, "leads back to itself")
            if place.pointer and not place.pointer.startswith("/"):
                raise _bad(here, ref, "is no JSON pointer")
            try:
                node = at_pointer(self._text(file), place.pointer)
            except SpecError as error:
                raise _bad(here, ref, f"leads nowhere: {error.file.name} {error.message}") from None
            except LookupError:
                raise _bad(here, ref, "leads nowhere") from None
            if not _is_alias(node) or file == self.path:
                return place
            seen.add(place)
            at, link = place, node["$ref"]

    def _copy(self, node: Any, here: Location) -> Any:
        """The node with each $ref leading into `components` of this document."""
        if isinstance(node, list):
            return [self._copy(entry, Location(here.file, f"{here.pointer}/{n}")) for n, entry in enumerate(node)]
        if not isinstance(node, dict):
            return node
        copied = {
            str(key): self._copy(value, Location(here.file, f"{here.pointer}/{escape(str(key))}"))
            for key, value in node.items()
        }
        if isinstance(node.get("$ref"), str):
            copied["$ref"] = self._rewritten(node["$ref"], here)
        return copied

    def _rewritten(self, ref: str, here: Location) -> str:
        target = self._target(here, ref)
        if target.file == self.path:
            return f"#{target.pointer}"
        if target not in self._names:
            keys = target.pointer.split("/")
            if not target.pointer:
                section, name = "schemas", _pascal(target.file.stem)
            elif len(keys) == 4 and keys[1] == "components":
                section, name = keys[2], keys[3]
            else:
                raise _bad(here, ref, "names neither a whole file nor a component of one")
            if (section, name) in self.own or (section, name) in self._origins:
                raise _bad(here, ref, f"clashes with this document's own {section}/{name}")
            self._move(target, section, name)
        section, name = self._names[target]
        return f"#/components/{section}/{escape(name)}"


def _bad(here: Location, ref: str, why: str) -> SpecError:
    return SpecError(here.file, here.pointer, f"the $ref {ref} {why}")


def _is_alias(node: Any) -> bool:
    return isinstance(node, dict) and len(node) == 1 and isinstance(node.get("$ref"), str)


def _pascal(stem: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in stem.split("-"))
