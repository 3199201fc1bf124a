"""What the pages name exists: options of commands, requirements, files, sections of other pages."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from typer.testing import CliRunner

from contracts.catalogue import catalogue
from crossapp.cli import app

_ROOT = Path(__file__).parents[1]
_GENERATED = ("hostile-servers.md", "kill-matrix.md", "requirements.md")
PAGES = [
    *(_ROOT / each for each in ("README.md", "RELEASE.md", "CONTRIBUTING.md", "openapi/README.md")),
    _ROOT / "contracts" / "webhook" / "vectors" / "README.md",
    _ROOT / "tests" / "real" / "README.md",
    *sorted((_ROOT / "examples").glob("*/README.md")),
    *sorted(each for each in (_ROOT / "docs").glob("*.md") if each.name not in _GENERATED),
]
_COMMAND = re.compile(r"\bcrossapp ((?:trigger|faults|deliveries) [a-z]+|[a-z]+)((?:[^\n`|>&;\\]|\\\n)*)")
_ID = re.compile(r"`([a-z_]+)\.(?!py`)([\w*]+)`")
_FILE = re.compile(r"`((?:contracts|crossapp|docs|examples|harness|load|openapi|scenarios|simulators|tests)/[\w./*]*)`")
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")


def on_pages(pattern: re.Pattern[str]) -> Iterator[tuple[Path, str, re.Match[str]]]:
    """(page, where on it, match) of each match."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for found in pattern.finditer(text):
            yield page, f"{page.relative_to(_ROOT)}:{text.count(chr(10), 0, found.start()) + 1}", found


@cache
def options_of(command: str) -> set[str]:
    """The options in a command's --help; none for a word that is not a command."""
    shown = CliRunner().invoke(app, [*command.split(), "--help"])
    return set(re.findall(r"--[a-z-]+", shown.output)) if shown.exit_code == 0 else set()


def sections(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    }


def test_commands_have_the_options_that_pages_give_them() -> None:
    found = [
        f"{where}: crossapp {command[1]} has no {option}"
        for _, where, command in on_pages(_COMMAND)
        for option in re.findall(r"(?<!\S)--[a-z-]+", command[2].split(" -- ")[0])
        if option not in options_of(command[1])
    ]
    assert found == []


def test_requirements_that_pages_name_exist() -> None:
    ids = [each.id for each in catalogue()]
    places = {each.partition(".")[0] for each in ids}
    found = [
        f"{where}: {match[0]}"
        for _, where, match in on_pages(_ID)
        if match[1] in places and not any(fnmatchcase(each, f"{match[1]}.{match[2]}") for each in ids)
    ]
    assert found == []


def test_files_that_pages_name_exist() -> None:
    found = [
        f"{where}: {match[1]}"
        for page, where, match in on_pages(_FILE)
        if not any(list(folder.glob(match[1].rstrip("/"))) for folder in (_ROOT, page.parent))
    ]
    assert found == []


def test_links_lead_to_a_file_and_a_section() -> None:
    found = []
    for page, where, link in on_pages(_LINK):
        target = (page.parent / link[1]).resolve() if link[1] else page
        if "://" not in link[1] and not (target.exists() and (not link[2] or link[2] in sections(target))):
            found.append(f"{where}: {link[0]}")
    assert found == []
