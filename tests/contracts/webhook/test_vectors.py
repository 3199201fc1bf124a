"""The vectors: three languages agree on them, our own senders and receivers are pinned to them."""

import json
import os
from collections import Counter
from contextlib import ExitStack
from functools import cache

import httpx
import jsonschema_rs
import pytest

from contracts.hi_events_session.wire import set_event_status
from contracts.webhook.vectors import (
    EVENT,
    FILE,
    LANGUAGES,
    NUMBER,
    SCHEMA,
    SENT_AT,
    STATUS,
    Vector,
    body_of,
    every,
    make,
    tools,
    written_by,
)
from contracts.webhook.wire import SIGNATURE_HEADER, event_status_changed, sign, signature_matches
from simulators.launch import HI_EVENTS, TUVENS_API, LaunchOptions
from simulators.people import main_account
from simulators.seed import HiEvent, Seed, SeedEvent, default_seed
from tests.launching import launched
from tests.simulators.hi_events.world import World as HiEvents

_BODIES = [each for each in every() if each.written_by]
_each = pytest.mark.parametrize("vector", every(), ids=lambda each: each.id)
_each_body = pytest.mark.parametrize("vector", _BODIES, ids=lambda each: each.id)
_each_language = pytest.mark.parametrize("language", LANGUAGES)


def need(language: str) -> None:
    """Skip where a language is not installed; on CI, where it must be, fail."""
    if tools.available(language):
        return
    message = f"{language} is not installed: the vectors cannot be computed with it (Debian: php-cli, nodejs)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@cache
def _computed(language: str) -> list[str]:
    return tools.run(language, signed=[(each.key, each.body) for each in every()])[2]


# -- the file


def test_the_file_is_of_the_form_that_its_schema_says() -> None:
    validator = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    problems = [f"{each.instance_path}: {each.message}" for each in validator.iter_errors(json.loads(FILE.read_text()))]
    assert problems == []


def test_there_are_enough_of_either_kind_and_no_two_say_the_same() -> None:
    counted = Counter(each.outcome for each in every())
    assert len(every()) >= 60
    assert counted["accept"] >= 30
    assert counted["malformed"] >= 10
    assert counted["refuse"] >= 30
    assert len({each.id for each in every()}) == len(every())
    assert len({(each.key, each.body, each.header) for each in every()}) == len(every())


@_each
def test_the_header_is_the_right_signature_unless_it_is_to_be_refused(vector: Vector) -> None:
    assert (vector.header in vector.answers.values()) == (vector.outcome != "refuse")


def test_bodies_stand_as_text_where_they_are_text() -> None:
    bodies = [each["body"] for each in json.loads(FILE.read_text("utf-8"))["vectors"]]
    binary = [body_of(each) for each in bodies if "base64" in each]
    assert 0 < len(binary) < 10
    for body in binary:
        text = body.decode("utf-8", "replace")
        assert {"\ufeff", "\ufffd", "\0"} & set(text), body


# -- three languages


@_each_language
def test_a_language_computes_the_answers_that_are_committed(language: str) -> None:
    need(language)
    committed = [each.answers[language] for each in every()]
    different = [each.id for each, old, new in zip(every(), committed, _computed(language), strict=True) if old != new]
    assert different == []


def test_all_three_languages_agree() -> None:
    for language in LANGUAGES:
        need(language)
    assert _computed("php") == _computed("node") == _computed("python")


@_each_language
def test_a_language_writes_the_bodies_that_are_committed(language: str) -> None:
    need(language)
    vectors = written_by(language)
    _, bodies, _ = tools.run(language, update=make.UPDATE, expressions=[each.expression for each in vectors])
    assert bodies == [each.body for each in vectors]


def test_the_file_is_what_its_maker_makes() -> None:
    for language in LANGUAGES:
        need(language)
    made, committed = make.build(), json.loads(FILE.read_text("utf-8"))
    assert {**made, "tools": committed["tools"]} == committed


def test_a_language_that_is_not_there_or_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tools.ToolError, match=r"python failed with exit code 1: (.|\n)*NameError"):
        tools.run("python", expressions=["nothing_of_that_name"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(tools.ToolError, match="php is not installed"):
        tools.run("php")


# -- our own


@_each
def test_we_sign_as_the_languages_do(vector: Vector) -> None:
    assert {sign(vector.key, vector.body), sign(vector.key.encode(), vector.body)} == set(vector.answers.values())


@_each
def test_we_take_a_signature_or_refuse_it_as_the_vector_says(vector: Vector) -> None:
    assert signature_matches(vector.key, vector.body, vector.header) == (vector.outcome != "refuse")


@pytest.mark.parametrize("vector", [each for each in every() if each.outcome != "refuse"], ids=lambda each: each.id)
def test_we_take_a_signature_for_no_other_body_key_or_white_space(vector: Vector) -> None:
    key, body, header = vector.key, vector.body, vector.header
    assert not signature_matches(key, body + b" ", header)
    assert not signature_matches(key, body[1:] or b"x", header)
    assert not signature_matches(key + "x", body, header)
    # No header line can carry these, so that they are no vectors.
    for wrong in (f"{header}\n", f" {header}", f"{header}\r\n", f"{header}\0"):
        assert not signature_matches(key, body, wrong), wrong


def _seed() -> Seed:
    """The usual world, with the vectors' event on both sides."""
    usual = default_seed()
    account = main_account(usual)
    event = SeedEvent(EVENT, account, "Vector", "", "2030-08-01T19:00:00.000Z", "2030-08-01T23:00:00.000Z")
    linked = HiEvent(NUMBER, EVENT, account, make.TITLE)
    return Seed(usual.accounts, usual.users, (*usual.events, event), (*usual.hi_events, linked))


def test_the_simulated_tuvens_api_answers_as_the_vectors_say() -> None:
    options = LaunchOptions(
        only=(TUVENS_API,), seed=_seed(), limits="raised", environment={"HI_EVENTS_SHARED_SECRET": make.KEY}
    )
    vectors = [each for each in every() if each.key == make.KEY]
    assert len(vectors) >= 100
    with launched(options) as built, httpx.Client(trust_env=False, base_url=built.urls[TUVENS_API]) as client:
        answered = {each.id: _deliver(client, each) for each in vectors}
    wrong = {each.id: answered[each.id] for each in vectors if answered[each.id] not in each.statuses}
    assert wrong == {}
    assert {answered[each.id] for each in vectors if each.outcome == "accept"} == {200}


def _deliver(client: httpx.Client, vector: Vector) -> int:
    call = event_status_changed(vector.body, vector.header)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in call.headers]
    return client.request(call.method, call.target, headers=headers, content=call.body).status_code


def test_the_simulated_hi_events_sends_the_bytes_and_the_signature_of_the_vectors() -> None:
    options = LaunchOptions(seed=_seed(), limits="raised", environment={"HI_EVENTS_SHARED_SECRET": make.KEY})
    with launched(options) as built, ExitStack() as stack:
        world = HiEvents(built)
        stack.callback(world.client.close)
        call = set_event_status(world.bearer(), str(NUMBER), STATUS)
        world.client.request(call.method, world.hi + call.target, headers=dict(call.headers), content=call.body)
        world.delivered()
        (sent,) = world.control("GET", "/journal?operation=receiveEventStatusChanged", app=HI_EVENTS)["exchanges"]
    body = sent["request_body"].encode()
    node = next(each for each in _BODIES if each.expression == "JSON.stringify(update)")
    sent_at = json.loads(body)["event_sent_at"]
    assert body == node.body_for(event_id=EVENT, number=NUMBER, status=STATUS, sent_at=sent_at)
    for language in LANGUAGES:
        need(language)
        _, _, (signature,) = tools.run(language, signed=[(make.KEY, body)])
        assert dict(sent["request_headers"])[SIGNATURE_HEADER] == signature


# -- bodies that languages wrote


@_each_body
def test_the_bodies_mean_the_same_in_every_language(vector: Vector) -> None:
    assert json.loads(vector.body) == make.UPDATE


def test_the_bodies_differ_in_their_bytes() -> None:
    bodies = [each.body for each in _BODIES]
    assert len(set(bodies)) == len(bodies) >= 15
    assert any(b"\\/" in each for each in bodies)
    assert any(b"\\u00e9" in each for each in bodies)
    assert any("é".encode() in each for each in bodies)
    assert any("\u2028".encode() in each for each in bodies)
    assert any(each.endswith(b"\n") for each in bodies)


@_each_body
def test_a_body_for_another_event_differs_in_these_values_only(vector: Vector) -> None:
    made = vector.body_for(event_id="11", number=2, status="ENDED", sent_at="2030-01-01T00:00:00.000Z")
    payload = {"id": 2, "title": make.TITLE, "status": "ENDED", "tuvens_event_id": "11"}
    assert json.loads(made) == {**make.UPDATE, "event_sent_at": "2030-01-01T00:00:00.000Z", "payload": payload}
    back = made.replace(b'"11"', f'"{EVENT}"'.encode()).replace(b"ENDED", STATUS.encode())
    assert len(back) == len(vector.body) - len(str(NUMBER)) + 1
    assert SENT_AT.encode() in vector.body


def test_an_unknown_language_has_no_bodies() -> None:
    with pytest.raises(KeyError):
        written_by("cobol")
