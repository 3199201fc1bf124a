"""The stream of rows: everything once, from a cursor on, and what is no more kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from harness.inspector import feed as module
from harness.inspector.feed import Feed
from harness.inspector.row import StreamMessage
from tests.harness.inspector.rows import Listed


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.001)


def read(event: bytes) -> tuple[str, Any, str]:
    """Name, data and id of an event; a comment has no name."""
    fields = dict(line.split(": ", 1) for line in event.decode().strip().split("\n") if not line.startswith(":"))
    return fields.get("event", ""), json.loads(fields.get("data", "null")), fields.get("id", "")


async def until(stream: AsyncIterator[bytes], name: str) -> list[tuple[str, Any, str]]:
    """The events up to the first of a name."""
    found = []
    async for event in stream:
        found.append(read(event))
        if found[-1][0] == name:
            return found
    raise AssertionError(f"the stream ended without {name}")


def numbers(events: list[tuple[str, Any, str]], app: str) -> list[int]:
    return [each["number"] for name, data, _ in events if name == "rows" for each in data["rows"] if each["app"] == app]


def test_all_that_there_is_comes_in_batches_then_what_is_new() -> None:
    shop, till = Listed("shop"), Listed("till")
    for _ in range(module.AT_ONCE + 3):
        shop.add()
    feed = Feed(lambda: [shop, till])

    async def run() -> None:
        stream = feed.stream()
        events = await until(stream, "whole")
        assert events[0][:2] == ("start", {"instance": events[0][1]["instance"], "fresh": True})
        assert numbers(events, "shop") == list(range(1, module.AT_ONCE + 4))
        assert [len(data["rows"]) for name, data, _ in events if name == "rows"] == [module.AT_ONCE, 3, 0]
        till.add("out", begun=99.999, seconds=0.02)
        (new,) = await until(stream, "rows")
        assert new[1]["rows"][0]["of"] == {"app": "shop", "number": 1}

    asyncio.run(run())


def test_a_cursor_goes_on_where_it_was_and_still_knows_the_other_half() -> None:
    shop, till = Listed("shop"), Listed("till")
    shop.add()
    feed = Feed(lambda: [shop, till])

    async def run() -> None:
        cursor = next(each[2] for each in await until(feed.stream(), "whole") if each[2])
        till.add("out", begun=99.999, seconds=0.02)
        shop.add(begun=200.0)
        events = await until(feed.stream(cursor), "whole")
        assert events[0][1]["fresh"] is False
        assert numbers(events, "shop") == [2]
        (row,) = [each for name, data, _ in events if name == "rows" for each in data["rows"] if each["app"] == "till"]
        assert row["of"] == {"app": "shop", "number": 1}

    asyncio.run(run())


@pytest.mark.parametrize("cursor", ["nonsense", "ffffffff!shop=1", "{}!shop", "{}!shop=x", "{}!=1", "{}!shop=²"])
def test_a_cursor_of_another_process_or_none_at_all_begins_anew(cursor: str) -> None:
    shop = Listed("shop")
    shop.add()
    feed = Feed(lambda: [shop])

    async def run() -> None:
        instance = read(await anext(feed.stream()))[1]["instance"]
        events = await until(feed.stream(cursor.format(instance)), "whole")
        assert events[0][1]["fresh"] is True
        assert numbers(events, "shop") == [1]

    asyncio.run(run())


def test_what_is_kept_no_more_is_told_also_when_nothing_new_came() -> None:
    shop = Listed("shop", keeps=2)
    for _ in range(5):
        shop.add()

    async def run() -> None:
        stream = Feed(lambda: [shop]).stream()
        events = await until(stream, "whole")
        assert numbers(events, "shop") == [4, 5]
        assert events[1][1]["kept"] == {"shop": 4}
        shop.keeps = 0
        (told,) = await until(stream, "rows")
        assert told[1] == {"rows": [], "kept": {"shop": 6}}

    asyncio.run(run())


def test_a_closed_feed_ends_its_streams() -> None:
    feed = Feed(lambda: [Listed("shop")])

    async def run() -> None:
        stream = feed.stream()
        await until(stream, "whole")
        feed.close()
        assert [each async for each in stream] == []

    asyncio.run(run())


def test_a_quiet_stream_says_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PING", 0.002)

    async def run() -> None:
        stream = Feed(lambda: [Listed("shop")]).stream()
        await until(stream, "whole")
        assert await anext(stream) == b": nothing new\n\n"

    asyncio.run(run())


def test_a_reader_in_a_hurry_leaves_out_all_but_the_last_rows_and_knows_how_many() -> None:
    shop = Listed("shop")
    for _ in range(30):
        shop.add()

    async def run() -> None:
        found = []
        async for event in Feed(lambda: [shop]).events(most=10):
            found.append(event)
            if event.name == "whole":
                break
        assert [(each.name, each.value.get("count")) for each in found[1:2]] == [("skipped", 20)]
        assert [each["number"] for each in found[2].value["rows"]] == list(range(21, 31))

    asyncio.run(run())


def test_messages_of_an_event_stream_come_once() -> None:
    shop = Listed("shop")
    shop.said.append(StreamMessage(1, 100.0, 2, "sold"))

    async def run() -> None:
        stream = Feed(lambda: [shop]).stream()
        events = await until(stream, "whole")
        assert [data for name, data, _ in events if name == "messages"] == [
            {"app": "shop", "messages": [{"number": 1, "at": 100.0, "listeners": 2, "data": "sold"}]}
        ]
        shop.said.append(StreamMessage(2, 101.0, 0, "sold out"))
        (event,) = await until(stream, "messages")
        assert [each["number"] for each in event[1]["messages"]] == [2]

    asyncio.run(run())
