"""Every named fault turns its requirements red and nothing else; no benign variant is accused.

Slow (`tox -e faults`): a whole verification for each of them, without the browser's suite where there is none. The
matrix is printed at the end of the run; `crossapp prove` makes the same as a page.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from crossapp.prove.matrix import BROWSER, SUITES, ProofState
from crossapp.prove.matrix_text import row_line
from crossapp.prove.prover import Prover, proofs
from harness import chromium
from simulators.kit.faults import Fault

pytestmark = pytest.mark.slow
_RUN = [each for each in SUITES if each != BROWSER or chromium.is_available() or os.environ.get("CI") == "true"]


@pytest.fixture(scope="session")
def prover() -> Iterator[Prover]:
    with Prover(_RUN) as found:
        yield found


@pytest.mark.parametrize("fault", proofs(suites=_RUN), ids=lambda fault: fault.name)
def test_a_fault_is_killed_and_a_variant_is_not_accused(
    fault: Fault, prover: Prover, record_property: Callable[[str, object], None]
) -> None:
    row = prover.row(fault)
    record_property("matrix", f"{row_line(row)}: {', '.join(row.red) or 'nothing red'}")
    assert row.problem == ""
    assert row.accused == ()
    assert row.missed == ()
    assert row.rootless == ()
    assert fault.unsteady or row.undecided == ()
    assert row.state is (ProofState.KILLED if fault.kind == "fault" else ProofState.CLEAR)
