"""`python -m openapi [FILE...]`: checks the documents.

Exit code 0: nothing found, 1: problems, 3: what the check needs is not installed, 64: bad arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from openapi.documents import FILES


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(64, f"{self.prog}: {message}; --help tells what there is\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints each problem as `file#/json/pointer: message`, then what was looked at, and gives the exit code."""
    parser = _Arguments("python -m openapi", description="Checks OpenAPI documents; the project's own by default.")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="a document to check instead")
    files = parser.parse_args(arguments).files or list(FILES.values())
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
