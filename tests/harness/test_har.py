"""HAR in: browsers', proxies' and hostile ones. HAR out: read back as it was."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import har_reader
from harness.har import to_har
from harness.har_reader import Har, HarError, looks_like_har, read_har
from harness.history import Outcome
from harness.redact import Redactor
from tests.harness.examples import exchange, history

CONTEXT = history().context


def entry(**response: Any) -> dict[str, Any]:
    """An entry as a browser exports it."""
    content = {"size": 2, "mimeType": "application/json", "text": "{}"}
    return {
        "startedDateTime": "2026-11-22T10:00:00.250Z",
        "time": 12.5,
        "request": {
            "method": "post",
            "url": "https://api.example.com/x?y=1#part",
            "headers": [{"name": ":authority", "value": "x"}, {"name": "A", "value": "b"}],
            "postData": {"mimeType": "application/json", "text": '{"a": 1}'},
        },
        "response": {"status": 200, "headers": [{"name": "C", "value": "d"}], "content": content, **response},
    }


def har(*entries: Any, **log: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries), **log}})


def read(folder: Path, text: str | bytes) -> Har:
    file = folder / "traffic.har"
    file.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return read_har(file)


def test_an_entry_is_read_as_it_was(tmp_path: Path) -> None:
    found = read(tmp_path, "\ufeff" + har(entry())).entries[0]
    assert (found.number, found.method, found.url) == (1, "POST", "https://api.example.com/x?y=1")
    assert (found.request_headers, found.response_headers) == ((("A", "b"),), (("C", "d"),))
    assert (found.request_body, found.response_body, found.status) == (b'{"a": 1}', b"{}", 200)
    assert (found.started, found.seconds, found.error) == (1_795_341_600.25, 0.0125, "")


def test_a_body_may_be_base64_and_may_have_been_compressed_on_the_wire(tmp_path: Path) -> None:
    encoded = {"size": 3, "text": base64.b64encode(b"\xff\x00x").decode(), "encoding": "base64"}
    wire_size = {"size": 60, "compression": -20, "text": "x" * 40}
    saved = {"size": 20, "compression": 80, "text": "x" * 100}
    found = read(tmp_path, har(entry(content=encoded), entry(content=wire_size), entry(content=saved))).entries
    assert [each.response_body for each in found] == [b"\xff\x00x", b"x" * 40, b"x" * 100]
    assert [each.error for each in found] == [""] * 3


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"content": {"size": 500}}, "does not hold the body"),
        ({"content": {}, "headers": [{"name": "content-length", "value": "9"}]}, "does not hold the body"),
        ({"content": {"size": 500, "text": "{"}}, "1 of the body's 500 bytes"),
        ({"status": 0, "content": {}}, "tells of no answer"),
        ({"content": {"size": 0}}, ""),
        ({"status": 304, "content": {"size": 700}}, ""),
        ({"content": {"size": 9}, "headers": [{"name": "Content-Type", "value": "text/event-stream"}]}, ""),
    ],
)
def test_an_answer_that_is_not_whole_is_said_to_be_so(response: dict[str, Any], said: str, tmp_path: Path) -> None:
    error = read(tmp_path, har(entry(**response))).entries[0].error
    assert said in error
    assert bool(error) == bool(said)


def test_a_body_beyond_the_bound_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_reader, "LONGEST_BODY", 10)
    found = read(tmp_path, har(entry(content={"text": "x" * 11}))).entries[0]
    assert (found.response_body, found.error) == (b"", "the body has more than 10 bytes: it was not read")


def test_what_came_over_no_network_is_left_out(tmp_path: Path) -> None:
    elsewhere = [{"request": {"url": url}} for url in ("data:,x", "wss://a/b", "blob:https://a/b")]
    found = read(tmp_path, har(entry(), {**entry(), "_fromCache": "disk"}, *elsewhere))
    assert ([each.number for each in found.entries], found.cached) == ([1], 1)


def test_missing_fields_and_odd_numbers_are_lived_with(tmp_path: Path) -> None:
    bare = {"request": {"method": "GET", "url": "http://a/"}, "response": {"status": 200}, "time": float("nan")}
    huge = {**bare, "time": 10**400, "startedDateTime": None}
    below = {**bare, "time": -1, "response": {"status": 200, "content": {"size": "many", "text": "\ud800"}}}
    found = read(tmp_path, har(bare, huge, below)).entries
    assert [each.seconds for each in found] == [0.0, 0.0, 0.0]
    assert found[2].response_body == b"?"


def test_a_form_is_made_of_its_parameters(tmp_path: Path) -> None:
    form = entry()
    form["request"]["postData"] = {"mimeType": "x", "params": [{"name": "a b", "value": "é"}, {"name": "c"}]}
    assert read(tmp_path, har(form)).entries[0].request_body == b"a+b=%C3%A9&c="


def _with(path: str, value: Any) -> str:
    broken = {"log": {"entries": [entry(), entry()]}}
    *keys, last = path.split(".")
    node: Any = broken
    for key in keys:
        node = node[int(key) if key.isdigit() else key]
    node[last] = value
    return json.dumps(broken)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ('{"log": {"entries": [{"requ', "it may be cut off"),
        (b"\xff\xfe{\x00}\x00", "is not UTF-8"),
        ('{"log":' * 100_000, "nested too deeply"),
        ('{"log": ' + "9" * 5_000 + "}", "too many digits"),
        ("[]", "the document: must be an object"),
        ("{}", "log: missing"),
        ('{"log": []}', "log: must be an object"),
        ('{"log": {}}', "log.entries: missing"),
        (har(7), "none of its 1 entries can be read (log.entries[0]: must be an object)"),
    ],
)
def test_a_broken_har_is_told_with_the_place_and_the_remedy(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(HarError) as told:
        read(tmp_path, text)
    assert said in str(told.value)
    assert "export it again" in str(told.value)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_with("log.entries.1.request", None), "log.entries[1].request: missing"),
        (_with("log.entries.1.request.url", 5), "log.entries[1].request.url: must be text"),
        (_with("log.entries.1.request.url", "http://[bad"), "log.entries[1].request.url: is not a URL"),
        (_with("log.entries.1.request.url", "http://a:99999/"), "log.entries[1].request.url: is not a URL"),
        (_with("log.entries.1.request.method", ""), "log.entries[1].request.method: must be text"),
        (_with("log.entries.1.request.headers", {}), "log.entries[1].request.headers: must be a list"),
        (_with("log.entries.1.request.headers", [{"name": 1}]), "log.entries[1].request.headers[0].name: must be text"),
        (_with("log.entries.1.request.postData", "x"), "log.entries[1].request.postData: must be an object"),
        (_with("log.entries.1.response", []), "log.entries[1].response: must be an object"),
        (_with("log.entries.1.response.status", "200"), "log.entries[1].response.status: must be a status"),
        (_with("log.entries.1.response.status", 10**30), "log.entries[1].response.status: must be a status"),
        (_with("log.entries.1.response.content", [1]), "log.entries[1].response.content: must be an object"),
        (_with("log.entries.1.response.content.text", 5), "log.entries[1].response.content.text: must be text"),
        (_with("log.entries.1.response.content.encoding", "rot13"), 'content.encoding: must be "base64"'),
        (_with("log.entries.1.response.content.encoding", "base64"), "content.text: is not Base64"),
        (_with("log.entries.1.startedDateTime", "yesterday"), "log.entries[1].startedDateTime: must be an ISO 8601"),
        (_with("log.entries.1._facts", 5), "log.entries[1]._facts: must be an object"),
    ],
)
def test_an_odd_entry_is_skipped_and_said_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert [each.number for each in found.entries] == [1]
    (why,) = found.skipped
    assert said in why
    assert len(why) < 200


@pytest.mark.parametrize(
    "marks",
    [
        {"_fromCache": "memory"},  # Chrome
        {"_fetchedViaServiceWorker": True},
        {"cache": {"afterRequest": None}, "timings": {}, "time": 0},  # Firefox
        {"_fetchType": "Disk Cache"},  # Safari
        {"_wasFulfilled": True},  # Playwright
    ],
)
def test_what_no_server_answered_is_left_out(marks: dict[str, Any], tmp_path: Path) -> None:
    found = read(tmp_path, har(entry(), {**entry(), **marks}))
    assert ([each.number for each in found.entries], found.cached) == ([1], 1)


@pytest.mark.parametrize(
    "marks",
    [
        {"cache": {}, "timings": {"send": 0, "wait": 12, "receive": 0}},
        {"cache": {"afterRequest": {"eTag": "x", "hitCount": 0}}, "timings": {"wait": 12}},
        {"_fetchType": "Network Load"},
        {"_fromCache": None, "_wasAborted": False},
    ],
)
def test_what_a_server_answered_is_kept(marks: dict[str, Any], tmp_path: Path) -> None:
    (found,) = read(tmp_path, har({**entry(), **marks})).entries
    assert found.error == ""


@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"status": -1, "content": {"size": -1}}, "tells of no answer"),  # Playwright
        ({"status": None}, "tells of no answer"),
        (
            {"headers": [], "content": {"size": -1, "mimeType": "x-unknown"}, "_failureText": "net::ERR_ABORTED"},
            "net::",
        ),
        ({"status": 0, "content": {}, "_error": "Client disconnected."}, "Client disconnected."),  # mitmproxy
        ({"content": {"size": -1}}, "does not hold the body"),
    ],
)
def test_a_request_that_was_aborted_has_no_answer(response: dict[str, Any], said: str, tmp_path: Path) -> None:
    found = read(tmp_path, har(entry(), entry(**response)))
    assert said in found.entries[1].error
    assert found.skipped == ()


def test_an_answer_to_head_has_no_body(tmp_path: Path) -> None:
    head = entry(content={"size": -1}, headers=[{"name": "Content-Length", "value": "70"}])
    head["request"]["method"] = "HEAD"
    assert read(tmp_path, har(head)).entries[0].error == ""


def test_a_huge_har_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.har"
    with file.open("wb") as sparse:
        sparse.truncate(har_reader.LONGEST_FILE + 1)
    with pytest.raises(HarError, match="filter it by the applications' hosts"):
        read_har(file)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("x.HAR", "", True),
        ("x.json", '\ufeff {\n "log" : {', True),
        ("x.jsonl", '{"type":"context","log":1}', False),
        ("x", "", False),
    ],
)
def test_a_har_is_known_by_its_name_or_beginning(name: str, text: str, found: bool, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert looks_like_har(tmp_path / name) is found


def test_what_is_written_is_read_back_and_holds_no_secret_that_became_known_later(tmp_path: Path) -> None:
    odd = replace(
        exchange(1, "proxy/x", 200, b"\xff\xfe"),
        url="http://b/x?a=%20&token=the-late-secret",
        request_headers=(("A", "the-late-secret"),),
        request_body=b"\x00\xff",
        facts={"problems": ["/x: is the-late-secret"]},
    )
    lost = replace(exchange(2, "proxy/x", None), error="ReadTimeout")
    again = replace(exchange(3, "proxy/x", 799, '{"é": 1}'.encode()), superseded=True)
    redactor = Redactor()
    redactor.register("jwt", "the-late-secret")
    text = "\n".join(to_har(CONTEXT, (odd, lost, again), redactor))
    assert "the-late-secret" not in text
    found = read(tmp_path, text).entries
    assert [each.response_body for each in found] == [b"\xff\xfe", b"", '{"é": 1}'.encode()]
    assert found[0].request_body == b"\x00\xff"
    assert found[0].facts is not None
    assert found[0].facts["problems"][0].startswith("/x: is <jwt:")
    assert (found[1].status, found[1].error, lost.outcome) == (0, "ReadTimeout", Outcome.NO_ANSWER)
    assert [each.superseded for each in found] == [False, False, True]


def test_an_empty_history_is_a_har_without_entries(tmp_path: Path) -> None:
    assert read(tmp_path, "\n".join(to_har(CONTEXT, (), Redactor()))).entries == ()
