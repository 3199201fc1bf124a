"""Rows and a source of them, for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.inspector.row import ExchangeRow, StreamMessage

CALL = ExchangeRow("shop", 1, "in", "till", "shop", "buy", "POST", "/buy", 200, None, 100.0, 0.010, twin=7)


def row(app: str = "shop", number: int = 1, direction: str = "in", **more: Any) -> ExchangeRow:
    """A call of the till at the shop, as one of them recorded it."""
    return replace(CALL, app=app, number=number, direction=direction, **more)


class Listed:
    """A source that keeps the last `keeps` of its rows."""

    def __init__(self, app: str, keeps: int = 10_000) -> None:
        self.app = app
        self.keeps = keeps
        self.all: list[ExchangeRow] = []
        self.said: list[StreamMessage] = []

    def add(self, direction: str = "in", **more: Any) -> None:
        self.all.append(row(self.app, len(self.all) + 1, direction, **more))

    @property
    def kept(self) -> tuple[int, int]:
        return max(1, len(self.all) - self.keeps + 1), len(self.all)

    def rows(self, after: int, limit: int) -> Sequence[ExchangeRow]:
        first = self.kept[0]
        return [each for each in self.all if each.number > after and each.number >= first][:limit]

    def messages(self, after: int) -> Sequence[StreamMessage]:
        return [each for each in self.said if each.number > after]

    def detail(self, number: int) -> Mapping[str, Any] | None:
        return None
