"""The signature against what PHP, Node, Python and openssl made: signer and verifier share no bug with them."""

import json

import pytest

from contracts.webhook.vectors import EVENT, LANGUAGES, NUMBER, SENT_AT, STATUS, Vector, vectors
from contracts.webhook.wire import sign, signature_matches

_ALL = [each for language in LANGUAGES for each in vectors(language)]
_BODIES = [each for each in _ALL if each.language != "openssl"]


def _name(vector: Vector) -> str:
    return f"{vector.language}: {vector.name}"


@pytest.mark.parametrize("vector", _ALL, ids=_name)
def test_we_sign_as_other_tools_do(vector: Vector) -> None:
    assert sign(vector.key, vector.body) == vector.signature
    assert sign(vector.key.encode(), vector.body) == vector.signature


@pytest.mark.parametrize("vector", _ALL, ids=_name)
def test_we_take_the_signatures_of_other_tools(vector: Vector) -> None:
    assert signature_matches(vector.key, vector.body, vector.signature)


@pytest.mark.parametrize("vector", _ALL, ids=_name)
def test_we_take_them_for_no_other_body_key_or_spelling(vector: Vector) -> None:
    key, body, signature = vector.key, vector.body, vector.signature
    digits = signature.removeprefix("sha256=")
    assert not signature_matches(key, body + b" ", signature)
    assert not signature_matches(key, body[1:] or b"x", signature)
    assert not signature_matches(key + "x", body, signature)
    for wrong in (
        None, "", digits, f"sha256={digits.upper()}", f"SHA256={digits}", f"sha1={digits}", signature[:-1],
        f"{signature}0", f"{signature}\n", f" {signature}", f"sha256= {digits}", f"{signature},{signature}",
    ):  # fmt: skip
        assert not signature_matches(key, body, wrong), wrong


@pytest.mark.parametrize("vector", _BODIES, ids=_name)
def test_the_bodies_mean_the_same_in_every_language(vector: Vector) -> None:
    value = json.loads(vector.body)
    assert value["event_type"] == "event.status_changed"
    assert value["event_sent_at"] == SENT_AT
    payload = value["payload"]
    assert payload == {"id": NUMBER, "title": payload["title"], "status": STATUS, "tuvens_event_id": EVENT}
    assert payload["title"] == json.loads(_BODIES[0].body)["payload"]["title"]


def test_the_bodies_differ_in_their_bytes() -> None:
    bodies = [each.body for each in _BODIES]
    assert len(set(bodies)) == len(bodies) >= 12
    assert any(b"\\/" in each for each in bodies)
    assert any(b"\\u00e9" in each for each in bodies)
    assert any("é".encode() in each for each in bodies)
    assert any("\u2028".encode() in each for each in bodies)
    assert any(each.endswith(b"\n") for each in bodies)


@pytest.mark.parametrize("vector", _BODIES, ids=_name)
def test_a_body_for_another_event_differs_in_these_values_only(vector: Vector) -> None:
    made = vector.body_for(event_id="11", number=2, status="ENDED", sent_at="2030-01-01T00:00:00.000Z")
    value, was = json.loads(made), json.loads(vector.body)
    assert value["event_sent_at"] == "2030-01-01T00:00:00.000Z"
    assert value["payload"] == {"id": 2, "title": was["payload"]["title"], "status": "ENDED", "tuvens_event_id": "11"}
    back = made.replace(b'"11"', f'"{EVENT}"'.encode()).replace(b"ENDED", STATUS.encode())
    assert len(back) == len(vector.body) - len(str(NUMBER)) + 1


def test_every_language_says_which_tool_made_its_vectors() -> None:
    assert {each.tool.partition(" ")[0] for each in _ALL} == {"PHP", "Node.js", "Python", "OpenSSL"}


def test_an_unknown_language_has_no_vectors() -> None:
    with pytest.raises(KeyError):
        vectors("cobol")
