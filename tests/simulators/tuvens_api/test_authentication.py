"""JWTs, the shared secret, and the order authentication, form, existence."""

import base64
import json
from collections.abc import Callable

import jwt
import pytest

from contracts.session_token import wire
from contracts.tuvens_event.wire import update_event
from harness.http import Answer, Call
from tests.simulators.tuvens_api.world import START, World, error_code


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _claims(**changes: object) -> dict[str, object]:
    claims: dict[str, object] = {"sub": "1", "email": "organiser@example.com", "iat": START, "exp": START + 3600}
    return {key: value for key, value in {**claims, **changes}.items() if value is not None}


def _signed(world: World, **changes: object) -> str:
    header, payload = _part({"alg": "HS256", "typ": "JWT"}), _part(_claims(**changes))
    key = jwt.get_algorithm_by_name("HS256")
    signature = key.sign(f"{header}.{payload}".encode(), world.api.config.jwt_secret.encode())
    return f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


WRONG: dict[str, Callable[[World], str]] = {
    "empty": lambda world: "",
    "nonsense": lambda world: "nonsense",
    "two parts": lambda world: "a.b",
    "no base64": lambda world: "!.!.!",
    "not JSON": lambda world: "YQ.YQ.YQ",
    "payload is a list": lambda world: f"{_part({'alg': 'HS256'})}.{_part([])}.YQ",
    "nested without end": lambda world: f"{base64.urlsafe_b64encode(b'[' * 20_000).decode()}.YQ.YQ",
    "alg none": lambda world: f"{_part({'alg': 'none'})}.{_part(_claims())}.",
    "alg None": lambda world: f"{_part({'alg': 'None'})}.{_part(_claims())}.",
    "alg HS512": lambda world: jwt.encode(_claims(), (world.api.config.jwt_secret * 2)[:64], algorithm="HS512"),
    "right key, alg HS384": lambda world: jwt.encode(
        _claims(), world.api.config.jwt_secret + "x" * 4, algorithm="HS384"
    ),
    "other key": lambda world: jwt.encode(_claims(), "another-secret-of-more-than-32-bytes!", algorithm="HS256"),
    "signature cut": lambda world: _signed(world)[:-4],
    "no signature": lambda world: _signed(world).rpartition(".")[0] + ".",
    "payload changed": lambda world: ".".join(
        [_signed(world).split(".")[0], _part(_claims(sub="2")), _signed(world).split(".")[2]]
    ),
    "expired": lambda world: _signed(world, exp=START - 1),
    "expires now": lambda world: _signed(world, exp=START),
    "without expiry": lambda world: _signed(world, exp=None),
    "expiry is a text": lambda world: _signed(world, exp=str(START + 3600)),
    "expiry is true": lambda world: _signed(world, exp=True),
    "not yet in force": lambda world: _signed(world, nbf=START + 60),
    "without subject": lambda world: _signed(world, sub=None),
    "subject is a number": lambda world: _signed(world, sub=1),
    "unknown subject": lambda world: _signed(world, sub="77777"),
    "subject beyond all ids": lambda world: _signed(world, sub="9" * 30),
    "subject is SQL": lambda world: _signed(world, sub="1' OR '1'='1"),
    "subject with zeros": lambda world: _signed(world, sub="01"),
    "subject with a NUL": lambda world: _signed(world, sub="1\x00"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_jwt_is_401(world: World, kind: str) -> None:
    token = WRONG[kind](world)
    for call in (wire.generate_session(token, 123), update_event(token, "11", {"hasTicketing": True})):
        answer = world.send(call)
        assert (answer.status, error_code(answer)) == (401, "UNAUTHORIZED")
        assert answer.header("www-authenticate") == "Bearer"


def test_the_jwt_that_the_wrong_ones_are_made_from_is_right(world: World) -> None:
    assert world.send(wire.generate_session(_signed(world), 123)).status == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic {}", "{}", "Token {}"])
def test_an_authorization_that_is_no_bearer_is_401(sqlite: World, header: str) -> None:
    call = wire.generate_session(None, 123).with_header("Authorization", header.format(sqlite.jwt()))
    assert sqlite.send(call).status == 401


def test_two_authorization_headers_are_401(sqlite: World) -> None:
    call = wire.generate_session(sqlite.jwt(), 123)
    assert sqlite.send(call, ("Authorization", "Bearer x")).status == 401


def test_a_jwt_expires_by_the_simulators_clock(sqlite: World) -> None:
    token = sqlite.jwt(lifetime=60)
    assert sqlite.send(wire.generate_session(token, 123)).status == 200
    sqlite.advance(60)
    assert sqlite.send(wire.generate_session(token, 123)).status == 401


def _guarded(world: World, secret: str | None, token: str) -> list[Answer]:
    return [
        world.send(wire.validate_session(secret, token)),
        world.send(wire.list_user_accounts(secret, token)),
        world.send(wire.validate_permission(secret, token, "create_events")),
    ]


def test_every_wrong_secret_is_401_on_every_guarded_route(world: World) -> None:
    token, right = world.mint(), world.secret
    wrong = [
        None,
        "",
        "x",
        right[:-1],
        right[:1],
        f"{right}x",
        right * 2,
        right.upper(),
        right[::-1],
        f"{right},{right}",
    ]
    for secret in wrong:
        assert [answer.status for answer in _guarded(world, secret, token)] == [401, 401, 401], secret
    assert [answer.status for answer in _guarded(world, right, token)] == [200, 200, 200]


def test_the_right_secret_beside_a_wrong_one_is_401(sqlite: World) -> None:
    call = wire.validate_session(sqlite.secret, sqlite.mint())
    assert sqlite.send(call, ("x-shared-secret", "wrong")).status == 401


def test_a_secret_of_foreign_bytes_is_401(sqlite: World) -> None:
    call = wire.validate_session(None, sqlite.mint())
    assert sqlite.send(call, ("x-shared-secret", "sécret")).status == 401


def test_authentication_comes_before_the_form(sqlite: World) -> None:
    broken = b'{"session_token": '
    for call in (
        wire.generate_session("wrong", None),
        wire.generate_session(None, 123).with_body(broken),
        wire.validate_session("wrong", None),
        wire.validate_session("wrong", "x").with_body(broken),
        wire.list_user_accounts("wrong", None),
        wire.validate_permission("wrong", None, None),
        update_event("wrong", "999", {"hasTicketing": 1}),
    ):
        assert sqlite.send(call).status == 401, call.target


def test_the_form_comes_before_membership_and_existence(sqlite: World) -> None:
    assert sqlite.send(wire.generate_session(sqlite.jwt("outsider@example.com"), "123")).status == 400
    assert sqlite.permission("x" * 43, 7).status == 400
    assert sqlite.send(update_event(sqlite.jwt(), "999", {"hasTicketing": 1})).status == 400


def test_an_error_names_the_field_and_never_repeats_a_value(sqlite: World) -> None:
    token = sqlite.mint()
    bodies = [
        json.dumps(token),
        json.dumps([token]),
        json.dumps({"session_token": [token]}),
        json.dumps({"session_token": {token: token}}),
        json.dumps({"session_token": token, "permission": 7}),
        f'{{"session_token": "{token}", "permission": ',
    ]
    for body in bodies:
        call = wire.validate_permission(sqlite.secret, token, "x").with_body(body.encode())
        answer = sqlite.send(call)
        assert answer.status == 400
        assert token.encode() not in answer.body
    assert b"permission" in sqlite.send(call.with_body(json.dumps({"session_token": token}).encode())).body


def test_a_token_in_the_path_is_masked_in_the_error(sqlite: World) -> None:
    token = sqlite.mint()
    answer = sqlite.request("GET", f"/api/events/{token}")
    assert answer.status == 404
    assert token.encode() not in answer.body


@pytest.mark.parametrize("path", ["/api", "/api/cross-app/validate-session/", "/api/events/", "/API/EVENTS/11"])
def test_an_unknown_path_is_404_in_the_error_shape(sqlite: World, path: str) -> None:
    answer = sqlite.request("GET", path)
    assert (answer.status, error_code(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/cross-app/validate-session", "POST, OPTIONS"),
        ("DELETE", "/api/events/11", "GET, PATCH, OPTIONS"),
        ("PUT", "/api/events/updates", "GET, OPTIONS"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(sqlite: World, method: str, path: str, allowed: str) -> None:
    answer = sqlite.request(method, path)
    assert (answer.status, answer.header("allow"), error_code(answer)) == (405, allowed, "METHOD_NOT_ALLOWED")


def test_a_wrong_content_type_is_400(sqlite: World) -> None:
    call: Call = wire.validate_session(sqlite.secret, sqlite.mint())
    assert sqlite.send(call.with_header("Content-Type", "text/plain")).status == 400
    assert sqlite.send(call.with_header("Content-Type", "application/json; charset=utf-8")).status == 200
