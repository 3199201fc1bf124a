"""The Pact files of this project, and the command that writes them: `python -m tests.contracts.pacts.files`."""

from pathlib import Path

import contracts.pacts
from tests.contracts.pacts import (
    hi_events_to_tuvens_api,
    tuvens_client_to_hi_events,
    tuvens_client_to_tuvens_api,
)
from tests.contracts.pacts.expectations import Seam, try_out

FOLDER = Path(contracts.pacts.__file__).parent
SEAMS: tuple[Seam, ...] = (
    hi_events_to_tuvens_api.SEAM,
    tuvens_client_to_hi_events.SEAM,
    tuvens_client_to_tuvens_api.SEAM,
)


def write(seam: Seam, folder: Path) -> Path:
    """Try every expectation of a seam out and write its Pact file anew; the file's path."""
    file = folder / seam.file
    file.unlink(missing_ok=True)
    for each in seam.expected:
        try_out(seam, each, folder)
    return file


if __name__ == "__main__":
    for _seam in SEAMS:
        print(write(_seam, FOLDER))
