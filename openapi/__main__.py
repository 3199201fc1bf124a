"""`python -m openapi [FILE...]`: checks the documents. `python -m openapi bundle APP`: one as a single file, as JSON.

Exit code 0: nothing found, 1: problems, 3: what the check needs is not installed, 64: bad arguments.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from openapi.documents import APPS, FILES, load


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(64, f"{self.prog}: {message}; --help tells what there is\n")


def _bundle(arguments: Sequence[str]) -> int:
    parser = _Arguments("python -m openapi bundle", description="Prints an application's document in one piece.")
    parser.add_argument("app", choices=APPS, help="whose document")
    json.dump(load(parser.parse_args(arguments).app).bundled(), sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints each problem as `file#/json/pointer: message`, then what was looked at, and gives the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["bundle"]:
        return _bundle(given[1:])
    parser = _Arguments("python -m openapi", description="Checks OpenAPI documents; the project's own by default.")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="a document to check instead")
    files = parser.parse_args(given).files or list(FILES.values())
    try:
        from openapi.lint import check
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed: install the extra 'dev' of this project", file=sys.stderr)
        return 3
    checked = check(files)
    for problem in checked.problems:
        print(problem)
    print(checked)
    return 1 if checked.problems else 0


if __name__ == "__main__":
    sys.exit(main())
