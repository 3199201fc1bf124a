"""Builds the wheel: all packages of this repository become parts of the package `crossapp`.

In the repository they have short names (`contracts`, `load`, …), which in an environment of others would take the place
of their packages. pyproject.toml says which package goes where (`sources`); this hook changes the import statements
accordingly, and nothing else. Code that names a module in a string would work only in the repository: it fails the
build. An editable installation uses the repository as it is.
"""

import ast
import tempfile
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKAGE = "crossapp"
_TAKE_A_NAME = ("PackageLoader", "files", "find_spec", "import_module", "run_module")


class MovedImportError(Exception):
    """Code that would not work below `crossapp`. The text names the file, the line and the remedy."""


class ImportsBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Give Hatchling files with changed imports in place of the originals. Raises MovedImportError."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="crossapp-wheel-")
        files = [each for each in self.build_config.builder.recurse_selected_project_files() if each.path[-3:] == ".py"]
        modules = {_module(each.relative_path) for each in files if each.relative_path != each.distribution_path}
        for number, each in enumerate(files):
            source = Path(each.path).read_text("utf-8")
            changed = moved(source, modules, each.relative_path)
            if changed != source:
                file = Path(self._folder.name, f"{number}.py")
                file.write_text(changed, "utf-8")
                build_data["force_include"][str(file)] = each.distribution_path

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the files."""
        if version != "editable":
            self._folder.cleanup()


def _module(path: str) -> str:
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def moved(source: str, modules: Collection[str], at: str) -> str:
    """Python code that finds `modules` below `crossapp`; `at` is its file, for errors. Raises MovedImportError."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and _is_of(node, modules):
            line = lines[node.lineno - 1]
            try:
                lines[node.lineno - 1] = line[: node.col_offset] + _changed(node, line[node.col_offset :])
            except ValueError as error:
                raise MovedImportError(f"{at}:{node.lineno}: {error}") from None
    for number, text in _named_in_strings(tree, modules):
        raise MovedImportError(f"{at}:{number}: {text!r} names a module: use the module's __name__")
    return "".join(lines)


def _is_of(node: ast.Import | ast.ImportFrom, modules: Collection[str]) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and (node.module or "").partition(".")[0] in modules
    return any(each.name.partition(".")[0] in modules for each in node.names)


def _changed(node: ast.Import | ast.ImportFrom, statement: str) -> str:
    """The line of a statement, changed. Raises ValueError."""
    word, _, rest = statement.partition(" ")
    if isinstance(node, ast.ImportFrom):
        return f"{word} {_PACKAGE}.{rest}"
    first, *others = node.names
    if others or ("." in first.name and not first.asname):
        raise ValueError("import one module with this statement, and one in a package with `from` or `as`")
    return f"{word} {_PACKAGE}.{rest}" if "." in first.name else f"from {_PACKAGE} {statement}"


def _named_in_strings(tree: ast.AST, modules: Collection[str]) -> Iterator[tuple[int, str]]:
    """The strings that name a module, with their lines: dotted ones, others after `-m` or where a name is expected."""
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        match node:
            case ast.Constant(value=str(text)) if "." in text:
                found.append(node)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[first, *_]) if name in _TAKE_A_NAME:
                found.append(first)
        match node:
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Call(args=parts):
                found += [after for each, after in pairwise(parts) if getattr(each, "value", None) == "-m"]
        for each in found:
            match each:
                case ast.Constant(value=str(text)) if text.partition(":")[0] in modules:
                    yield each.lineno, text
