"""The reader of server-sent events: fields and lines as the HTML standard says, wherever the bytes are cut."""

import pytest

from harness.sse import LONGEST_LINE, SseMessage, SseReader, StreamTooLongError, messages


def read(text: str | bytes) -> list[SseMessage]:
    """The messages of a stream that comes in one chunk, which are those of one that comes byte by byte."""
    whole = text.encode() if isinstance(text, str) else text
    found = list(messages([whole]))
    assert list(messages(bytes([each]) for each in whole)) == found
    return found


def test_an_event_has_its_fields_and_its_lines_as_sent() -> None:
    comment, event = read(': hello\n\nid: 7\nevent: status\nretry: 9\ndata: {"a":\ndata: 1}\n\n')
    assert (comment.kind, comment.data, comment.lines) == ("comment", "hello", (": hello",))
    assert (event.kind, event.event, event.id, event.data) == ("event", "status", "7", '{"a":\n1}')
    assert event.lines == ("id: 7", "event: status", "retry: 9", 'data: {"a":', "data: 1}", "")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("data: 1\n\nevent: message\ndata: 2\n\n", [("", "", "1"), ("message", "", "2")]),
        ("id: 1\ndata: x\n\n: beat\n\ndata: y\n\n", [("", "1", "x"), ("", "1", "y")]),
        ("id: 1\n\nevent: lost\n\ndata: x\n\n", [("", "1", "x")]),
        ("id: 1\nid: a\0b\ndata: x\n\nid\ndata: y\n\n", [("", "1", "x"), ("", "", "y")]),
        ("data\n\ndata:  two\ndata:\n\n", [("", "", ""), ("", "", " two\n")]),
        ("event: a\nevent: b\ndataset: z\ndata: x\n\n", [("b", "", "x")]),
        ("data: never ended", []),
    ],
    ids=["names", "the last id", "without data", "ids", "empty", "the last name", "cut off"],
)
def test_fields_are_read_as_browsers_read_them(text: str, fields: list[tuple[str, str, str]]) -> None:
    assert [(each.event, each.id, each.data) for each in read(text) if each.kind == "event"] == fields


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_the_standard_allows(end: str) -> None:
    first, second, _ = read(f"id: 1{end}data: é one{end}{end}data: two{end}{end}: still here{end}")
    assert [(each.id, each.data) for each in (first, second)] == [("1", "é one"), ("1", "two")]
    assert first.lines == ("id: 1", "data: é one", "")


def test_an_event_that_ends_in_a_lone_cr_is_read_at_once() -> None:
    assert [each.data for each in SseReader().read(b"data: x\r\r")] == ["x"]


def test_a_byte_order_mark_and_bytes_that_are_not_utf_8_do_not_end_a_stream() -> None:
    assert [each.data for each in read(b"\xef\xbb\xbfdata: 1\n\ndata: \xff\n\n")] == ["1", "\ufffd"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("data: " + "x" * LONGEST_LINE, "a line of the stream"), ("data: x\n" * 30, "an event of the stream")],
)
def test_a_line_or_an_event_without_end_is_refused(text: str, said: str) -> None:
    with pytest.raises(StreamTooLongError, match=said):
        list(SseReader(longest_event=200).read(text.encode()))
