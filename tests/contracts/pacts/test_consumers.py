"""Every consumer meets the mock of what it expects, and the committed Pact files are exactly what was tried."""

from dataclasses import replace
from pathlib import Path

import pytest
from pact.error import MismatchesError

from harness.http import WireError
from tests.contracts.pacts.expectations import Expectation, NotMetError, Seam, try_out
from tests.contracts.pacts.files import FOLDER, SEAMS, write

_REMEDY = "look at the difference, then: python -m tests.contracts.pacts.files"


@pytest.mark.parametrize("seam", SEAMS, ids=lambda each: each.file)
def test_the_committed_file_is_byte_for_byte_what_the_consumer_was_tried_with(seam: Seam, tmp_path: Path) -> None:
    tried = write(seam, tmp_path)
    assert (FOLDER / seam.file).read_bytes() == tried.read_bytes(), _REMEDY


def test_every_committed_file_is_a_seams() -> None:
    assert {each.name for each in FOLDER.glob("*.json")} == {each.file for each in SEAMS}


def _example() -> tuple[Seam, Expectation]:
    seam = SEAMS[0]
    found = next(each for each in seam.expected if each.key == "validate_session_tells_whose_it_is")
    assert isinstance(found, Expectation)
    return seam, found


def test_a_consumer_that_sends_something_else_is_caught(tmp_path: Path) -> None:
    seam, expected = _example()
    other = replace(expected, call=expected.call.with_header("x-shared-secret", None))
    with pytest.raises((MismatchesError, WireError)):
        try_out(seam, other, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_consumer_that_sends_another_body_is_caught(tmp_path: Path) -> None:
    seam, expected = _example()
    other = replace(expected, call=replace(expected.call, body=b'{"session_token":"crossapp.session-token.member"}'))
    with pytest.raises((MismatchesError, WireError)):
        try_out(seam, other, tmp_path)


def test_a_consumer_that_reads_something_else_is_caught(tmp_path: Path) -> None:
    seam, expected = _example()
    other = replace(expected, then=replace(expected.then, met="somebody else"))
    with pytest.raises(NotMetError, match="somebody else"):
        try_out(seam, other, tmp_path)
    assert not list(tmp_path.iterdir())
