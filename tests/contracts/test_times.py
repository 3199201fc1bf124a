"""Times as the contract writes them."""

import pytest

from contracts.times import iso_millis, parse_http_date, parse_iso


@pytest.mark.parametrize(
    ("text", "unix"),
    [
        ("2025-07-25T14:30:00Z", 1_753_453_800.0),
        ("2025-07-25T14:30:00.5Z", 1_753_453_800.5),
        ("2025-07-25T14:30:00.123Z", 1_753_453_800.123),
        ("2025-07-25T14:30:00.123456Z", 1_753_453_800.123456),
        ("2025-07-25T14:30:00.123456789Z", 1_753_453_800.123456789),
        ("2024-02-29T23:59:59Z", 1_709_251_199.0),
        ("2025-07-25T14:30:00+00:00", 1_753_453_800.0),
        ("2025-07-25T14:30:00.123456+00:00", 1_753_453_800.123456),
    ],
)
def test_whole_seconds_and_decimals_are_read(text: str, unix: float) -> None:
    assert parse_iso(text) == pytest.approx(unix, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2025-07-25", "2025-07-25T14:30:00", "2025-07-25 14:30:00Z", "2025-07-25T14:30Z",
        "2025-07-25T14:30:00+02:00", "2025-07-25T14:30:00-00:00", "2025-07-25T14:30:00+0000",
        "2025-07-25T14:30:00z", "2025-07-25T14:30:00.Z", "2025-07-25T14:30:00.1234567890Z",
        "2025-07-25T14:30:00Z\n", " 2025-07-25T14:30:00Z", "2025-13-25T14:30:00Z", "2025-02-30T14:30:00Z",
        "2025-07-25T24:00:00Z", "2025-07-25T14:60:00Z", "2025-07-25T14:30:60Z", "0000-01-01T00:00:00Z",
        "\u0662\u0660\u0662\u0665-07-25T14:30:00Z", "20250725T143000Z", "1753453800", "+2025-07-25T14:30:00Z",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_iso(text)


@pytest.mark.parametrize(
    ("unix", "text"),
    [
        (1_753_453_800.0, "2025-07-25T14:30:00.000Z"),
        (1_753_453_800.1234, "2025-07-25T14:30:00.123Z"),
        (1_753_453_800.9996, "2025-07-25T14:30:01.000Z"),
        (0.0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_written_with_milliseconds(unix: float, text: str) -> None:
    assert iso_millis(unix) == text
    assert parse_iso(text) == pytest.approx(unix, abs=0.0006)


@pytest.mark.parametrize("text", [None, "", "soon", "Fri, 25 Jul 99999999999999999999 14:30:00 GMT", "\0"])
def test_a_date_header_that_is_no_date_is_none_whatever_it_is(text: str | None) -> None:
    assert parse_http_date(text) is None


def test_a_date_header_is_unix_seconds() -> None:
    assert parse_http_date("Fri, 25 Jul 2025 14:30:00 GMT") == 1_753_453_800.0
