"""Traffic as lines for a terminal: one for each exchange, readable without colour and in 80 columns."""

import time
from typing import Any

import pytest

from harness.inspector.row import Webhook
from harness.inspector.traffic_lines import TrafficLines, shown
from tests.harness.inspector.rows import row

APPS = ("shop", "till")


def lines(*events: tuple[str, dict[str, Any]], columns: int | None = 80, colour: bool = False) -> list[str]:
    """What is printed of some events, without the time of day."""
    reader = TrafficLines(APPS)
    made = [line for name, value in events for line in reader.read(name, value)]
    texts = shown(made, columns, colour=colour).splitlines()
    return [each if each.startswith(" ") else each[9:] for each in texts]


def rows(*values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "rows", {"rows": list(values)}


def said(app: str = "shop", number: int = 1, direction: str = "in", **more: Any) -> dict[str, Any]:
    return row(app, number, direction, **{"begun": time.time(), **more}).to_json()


def test_a_request_is_time_caller_callee_operation_status_duration() -> None:
    moment = time.mktime((2026, 11, 30, 9, 13, 2, 0, 0, -1))
    (line,) = TrafficLines(APPS).read(*rows(said(caller="curl", begun=moment, seconds=0.0123)))
    assert line.text() == f"09:13:02 {'curl → shop':<26} {'buy':<26} 200 12 ms"


def test_the_two_records_of_one_call_are_one_line_with_what_both_know() -> None:
    callee = said(signature_valid=False, faults=("fault-of-the-shop",))
    caller = said("till", direction="out", webhook=Webhook(3, 2, replay=False), seconds=1.2)
    assert lines(rows(callee), rows({**caller, "of": {"app": "shop", "number": 1}}), columns=None) == [
        f"{'till → shop':<26} {'buy':<26} 200 1.2 s  #3 attempt 2; wrong signature; fault: fault-of-the-shop"
    ]


def test_a_call_that_the_caller_gave_up_is_one_line_too() -> None:
    caller = said("till", direction="out", status=None, error="no answer within 10 s")
    callee = {**said(status=None, error="the caller left"), "of": {"app": "till", "number": 1}}
    (line, more) = lines(rows(caller), rows(callee))
    assert line == f"{'till → shop':<26} {'buy':<26} --- 10 ms"
    assert more == "         no answer within 10 s"


def test_who_uses_the_name_of_an_application_is_shown_a_second_later() -> None:
    old = said(begun=time.time() - 5)
    assert lines(rows(old)) == []
    assert lines(rows(old), ("", {})) == [f"{'till → shop':<26} {'buy':<26} 200 10 ms"]


def test_a_webhook_fits_into_80_columns_and_further_facts_follow_below() -> None:
    longest: dict[str, Any] = {
        "operation": "validateCrossAppPermission",
        "caller": "Mozilla",
        "callee": "tuvens-client",
    }
    first = said(**longest, seconds=0.8, webhook=Webhook(1, 1, replay=False))
    replay = Webhook(1, 1, replay=True)
    again = said(number=2, **longest, seconds=0.8, webhook=replay, faults=("some-fault",))
    printed = lines(rows(first, again))
    assert printed[0].endswith("200 800 ms  #1")
    assert printed[1:] == [printed[0].removesuffix("  #1"), "         #1 replayed; fault: some-fault"]
    assert max(len(each) for each in printed) <= 80


def test_a_stream_message_names_its_listeners_and_its_values() -> None:
    data = '{"type":"ticketing_status_changed","eventId":"11","status":"active","timestamp":"2026"}'
    sent = [{"number": 1, "at": time.time(), "listeners": each, "data": data} for each in (0, 1)]
    assert lines(("messages", {"app": "shop", "messages": sent})) == [
        f"{'shop → 0 listeners':<26} ticketing_status_changed 11 active",
        f"{'shop → 1 listener':<26} ticketing_status_changed 11 active",
    ]


def test_what_a_caller_sends_cannot_move_the_cursor() -> None:
    hostile = said(caller="\x1b[2Jcurl\r", operation=None, target="/\x9b2J" + "x" * 100)
    (line,) = lines(rows(hostile), columns=None)
    assert line.isprintable()
    assert line.startswith("?[2Jcurl? → shop")
    assert len(line) < 90


@pytest.mark.parametrize(("status", "code"), [(200, ""), (404, "\033[33m"), (503, "\033[31m"), (None, "\033[31m")])
def test_colour_marks_the_status_alone(status: int | None, code: str) -> None:
    one = rows(said(caller="curl", status=status))
    (coloured,), (plain,) = lines(one, colour=True), lines(one)
    assert "\033" not in plain
    assert coloured.replace(code, "").replace("\033[0m", "") == plain
    assert ("\033" in coloured) == bool(code)


def test_requests_that_were_skipped_are_counted() -> None:
    assert lines(("skipped", {"app": "shop", "count": 940})) == [
        "         940 more requests at shop: too many to print"
    ]
