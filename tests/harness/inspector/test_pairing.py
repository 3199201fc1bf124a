"""The two records of an exchange are found, whichever comes first, and others are left alone."""

import pytest

from harness.inspector import pairing
from harness.inspector.pairing import Pairing
from harness.inspector.row import ExchangeRow
from tests.counting import steps
from tests.harness.inspector.rows import row

OUT = row("till", 1, "out", begun=100.0, seconds=0.020)
IN = row("shop", 1, "in", begun=100.005, seconds=0.010)


def test_a_pair_is_found_in_either_order_and_once() -> None:
    for first, second in ((IN, OUT), (OUT, IN)):
        found = Pairing()
        assert found.match(first) is None
        assert found.match(second) is first
        assert found.match(second) is None


@pytest.mark.parametrize(
    "other",
    [
        row("shop", 1, "in", begun=100.021),
        row("shop", 1, "in", begun=99.9),
        row("shop", 1, "in", begun=100.005, twin=8),
        row("shop", 1, "in", begun=100.005, target="/buy?x=1"),
        row("shop", 1, "in", begun=100.005, method="PUT"),
        row("shop", 1, "in", begun=100.005, caller="curl"),
        row("till", 2, "out", begun=100.005),
    ],
    ids=["after", "before", "other bytes", "other target", "other method", "other caller", "same side"],
)
def test_what_is_another_exchange_is_no_pair(other: ExchangeRow) -> None:
    found = Pairing()
    found.match(other)
    assert found.match(OUT) is None


def test_of_several_that_are_alike_each_is_taken_once_the_earliest_first() -> None:
    found = Pairing()
    asked = [row("till", n, "out", begun=100 + n / 1000, seconds=0.5) for n in range(1, 4)]
    taken = [row("shop", n, "in", begun=100.01 + n / 1000) for n in range(1, 4)]
    assert [found.match(each) for each in taken] == [None, None, None]
    assert [found.match(each) for each in asked] == taken


def test_what_never_finds_its_other_half_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "_MOST", 10)
    found = Pairing()
    for number in range(200):
        found.match(row("till", number, "out", begun=1000.0 * number, target=f"/{number}"))
    assert sum(map(len, found._single.values())) <= 11
    late = row("till", 201, "out", begun=500_000.0, seconds=1.0)
    assert found.match(late) is None
    assert found.match(row("shop", 1, "in", begun=500_000.1)) is late


def test_forgetting_costs_little_for_each_row_however_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "_MOST", 300)
    seconds = pairing._OLD / 299  # so many are young enough that each row would make another one be forgotten
    rows = [row("shop", n, "in", begun=100 + n * seconds, seconds=0.0) for n in range(1_500)]
    found = Pairing()
    assert steps(lambda: [found.match(each) for each in rows]) < 600 * len(rows)
