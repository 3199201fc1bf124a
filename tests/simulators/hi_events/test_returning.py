"""Which URLs are of which origin."""

import pytest

from simulators.hi_events.returning import is_allowed, with_answer
from simulators.kit.origins import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://localhost:5173/x?y#z", "http://localhost:5173"),
        ("HTTP://LOCALHOST:5173", "http://localhost:5173"),
        ("https://tuvens.com:443/", "https://tuvens.com"),
        ("http://tuvens.com:443/", "http://tuvens.com:443"),
        ("http://[::1]:5173/", "http://[::1]:5173"),
        ("http://localhost:5173/@evil.example", "http://localhost:5173"),
    ],
)
def test_an_absolute_url_has_the_origin_that_a_browser_sees(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "x",
            "//x",
            "ftp://x/",
            "http://",
            "http:///x",
            "http://a@b/",
            "http://@b/",
            "http://a\\b/",
            "http://a b/",
        ),
        *(
            "http://a:b/",
            "http://a:70000/",
            "http://a:/",
            "http://a:080/",
            "http://\u212a/",
            "http://a\t/",
            "http://a\x7f/",
        ),
    ],
)
def test_a_url_that_two_readers_may_read_differently_has_no_origin(url: str) -> None:
    assert origin_of(url) is None


def test_a_production_origin_is_compared_whole() -> None:
    allowed = ("https://tuvens.com",)
    assert is_allowed("https://tuvens.com/hi-events/callback", allowed)
    assert not is_allowed("https://www.tuvens.com/", allowed)
    assert not is_allowed("https://tuvens.com.evil.example/", allowed)
    assert not is_allowed("https://eviltuvens.com/", allowed)
    assert not is_allowed("http://tuvens.com/", allowed)


def test_the_answer_is_added_to_what_the_url_says() -> None:
    url = with_answer("https://tuvens.com/cb?a=b%20c&status=x#top", [("status", "success"), ("message", "ä&=")])
    assert url == "https://tuvens.com/cb?a=b%20c&status=success&message=%C3%A4%26%3D#top"
