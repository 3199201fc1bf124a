"""What the browser of a person learns as secrets."""

import pytest

from scenarios.cast.persona import GENERATE, tokens_in

_TOKEN = "0f3c9a7be1d24c550f3c9a7be1d24c55"


@pytest.mark.parametrize(
    ("url", "body", "found"),
    [
        (f"http://b/auth/cross-app?session_token={_TOKEN}&x=1", b"", [_TOKEN]),
        (f"http://a{GENERATE}", f'{{"session_token": "{_TOKEN}"}}'.encode(), [_TOKEN]),
        (f"http://a{GENERATE}", b'{"session_token": null}', []),
        (f"http://a{GENERATE}", b"<html>", []),
        (f"http://a/other?token={_TOKEN}", f'{{"session_token": "{_TOKEN}"}}'.encode(), []),
        ("http://b/auth/cross-app?session_token=undefined", b"", []),
        ("http://b/auth/cross-app?session_token=%5Bobject+Object%5D", b"", []),
        ("http://b/auth/cross-app?session_token=http%3A%2F%2Flocalhost%3A5173%2Fevent%2F11", b"", []),
    ],
)
def test_only_a_token_is_learned(url: str, body: bytes, found: list[str]) -> None:
    assert [value for _, value in tokens_in(url, body)] == found
