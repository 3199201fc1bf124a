"""What a browser context tells of its connections."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.browsing import Browsing


def lost(failed: str, kind: str = "fetch") -> list[str]:
    load = {"method": "GET", "url": "http://c/api/events/11?a=1", "type": kind, "failed": failed}
    return Browsing.lost(cast("Any", SimpleNamespace(loads=[load])))


@pytest.mark.parametrize("word", ["ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_EMPTY_RESPONSE"])
def test_a_broken_connection_is_named_without_its_query(word: str) -> None:
    assert lost(f"net::{word}") == [f"GET http://c/api/events/11: net::{word}"]


@pytest.mark.parametrize(
    "word", ["", "net::ERR_ABORTED", "net::ERR_CONNECTION_REFUSED", "net::ERR_INTERNET_DISCONNECTED"]
)
def test_what_a_page_or_a_story_ends_itself_is_no_broken_connection(word: str) -> None:
    assert lost(word) == []


def test_a_stream_is_opened_again_by_its_page() -> None:
    assert lost("net::ERR_CONNECTION_RESET", "eventsource") == []
