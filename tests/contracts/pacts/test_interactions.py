"""Pact files that cannot be used are refused with the file, and what is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.pacts import interactions as module
from contracts.pacts.interactions import PactFileError, interactions, read_pact

_GOOD: dict[str, Any] = {
    "consumer": {"name": "hi.events"},
    "provider": {"name": "tuvens-api"},
    "interactions": [
        {
            "type": "Synchronous/HTTP",
            "key": "unknown_token",
            "description": "a question",
            "providerStates": [{"name": "no session has this token"}],
            "comments": {"operation": "validateSession", "source": {"section": "Systems", "quote": "words"}},
            "response": {"status": 404},
        }
    ],
}


def _written(folder: Path, value: object) -> Path:
    file = folder / "a.json"
    file.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return file


def test_an_interaction_is_read_with_its_name_state_and_status(tmp_path: Path) -> None:
    (found,) = read_pact(_written(tmp_path, _GOOD))
    assert (found.name, found.state, found.status) == ("hi_events_unknown_token", "no session has this token", 404)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "not a Pact file"),
        ("[]", "not a Pact file"),
        ({**_GOOD, "interactions": []}, "no interaction"),
        ({**_GOOD, "interactions": [{**_GOOD["interactions"][0], "comments": {}}]}, "operation"),
        ({**_GOOD, "interactions": [{**_GOOD["interactions"][0], "providerStates": []}]}, "provider state"),
        ({**_GOOD, "interactions": [{**_GOOD["interactions"][0], "providerStates": [{"name": "x"}]}]}, "known"),
    ],
    ids=["empty", "list", "no interaction", "no comments", "no state", "unknown state"],
)
def test_what_is_no_pact_file_of_ours_is_refused(value: object, said: str, tmp_path: Path) -> None:
    file = _written(tmp_path, value)
    with pytest.raises(PactFileError, match=said) as raised:
        read_pact(file)
    assert str(file) in str(raised.value)


def test_a_folder_without_pact_files_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    interactions.cache_clear()
    try:
        with pytest.raises(PactFileError, match="no Pact file"):
            interactions()
    finally:
        interactions.cache_clear()
