"""What redaction costs: one pass over a text, whatever is known and whatever the text is."""

import base64
import hashlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.redact import Redactor, placeholder, redact_named
from tests.counting import steps

# What is to be found, plainly written: both need a time that grows with the square of a text.
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_SAYS = r"(?:token|secret|passw|jwt|credential|api[-_]?key|authorization|bearer|cookie)"
_NAMED = re.compile(
    rf"""("[^"\\]*{_SAYS}[^"\\]*"\s{{0,16}}:\s{{0,16}}")([^"\\]*(?:\\.[^"\\]*)*)(?=")"""
    rf"""|((?:^|[?&])[^=&?"\s]*{_SAYS}[^=&?"\s]*=)([^&#"\s]+)""",
    re.IGNORECASE | re.DOTALL,
)
_certain = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def of(*parts: str) -> st.SearchStrategy[str]:
    """Texts that are put together from parts."""
    return st.lists(st.sampled_from(parts), max_size=20).map("".join)


def hexadecimal(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def base_64(number: int) -> str:
    return base64.b64encode(hashlib.sha384(str(number).encode()).digest() + b"\xff").decode()


def alike(number: int) -> str:
    return f"crossapp.session-token.{number:06}.of-the-organiser"


@pytest.mark.parametrize("make", [hexadecimal, base_64, alike])
def test_a_text_costs_the_same_however_many_secrets_are_known(make: Callable[[int], str]) -> None:
    few, many = (Redactor(("bearer", make(number)) for number in range(known)) for known in (10, 2_000))
    text = f'{{"a": "{make(3)}", "b": "Bearer {make(7)}", "c": "{"nothing of interest, " * 50}"}}'
    assert (
        few.redact(text)
        == many.redact(text)
        == text.replace(make(3), placeholder("bearer", make(3))).replace(make(7), placeholder("bearer", make(7)))
    )
    assert steps(lambda: many.redact(text)) <= 2 * steps(lambda: few.redact(text))
    assert steps(lambda: many.found_in(text)) <= 2 * steps(lambda: few.found_in(text))


def test_a_text_of_many_secrets_costs_what_it_is_long() -> None:
    redactor = Redactor(("bearer", hexadecimal(number)) for number in range(800))

    def cost(count: int) -> int:
        text = " ".join(map(hexadecimal, range(count)))
        assert redactor.redact(text) == " ".join(placeholder("bearer", hexadecimal(each)) for each in range(count))
        return steps(lambda: redactor.redact(text))

    assert cost(800) < 10 * cost(100)


@_certain
@given(text=of("eyJ", "a", "-", "_", ".", "\u00e9", "abcdefgh", "eyJabcdefgh", " "))
def test_a_jwt_is_found_where_the_plain_pattern_finds_it(text: str) -> None:
    assert Redactor().redact(text) == _JWT.sub(lambda match: placeholder("jwt", match[0]), text)


@_certain
@given(
    text=of('"', ":", "token", "secret", "\\", "=", "?", "&", " ", "v", "<", "#", "\n", '"jwt":"', "?TOKEN=", "012345")
)  # fmt: skip
def test_a_named_value_is_found_where_the_plain_pattern_finds_it(text: str) -> None:
    def replaced(match: re.Match[str]) -> str:
        before, value = (match[1], match[2]) if match[1] else (match[3], match[4])
        return match[0] if not value or value.startswith("<") else before + placeholder("secret", value)

    assert redact_named(text) == _NAMED.sub(replaced, text)
