"""The deployment file: each mistake is named with its field and its remedy, and no secret is shown."""

import copy
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.capabilities import capabilities_of, remedy_for
from harness.deployment import Deployment, DeploymentError, ReceiverSettings, Target, User
from harness.deployment_file import build_deployment, read_deployment

APPS = ("tuvens-api", "hi.events", "tuvens-client")
EDITIONS = ("2025-07",)
GOOD: dict[str, Any] = {
    "name": "staging",
    "targets": {"tuvens-api": {"url": "https://api.example.com/"}},
    "credentials": {"shared_secret": "a-secret-that-nobody-may-see"},
    "users": [{"role": "organiser", "account_id": 123, "jwt": "a-jwt-that-nobody-may-see"}],
}
DEVIATION = {"requirement": "a.b", "reason": "r", "owner": "o", "until": "2026-12-31"}


def build(value: dict[str, Any]) -> Deployment:
    return build_deployment(value, apps=APPS, editions=EDITIONS)


def changed(path: str, value: object) -> dict[str, Any]:
    """The good file with one field changed; `...` takes it out. A path's parts are parted by slashes."""
    whole = copy.deepcopy(GOOD)
    at: Any = whole
    *parents, last = path.split("/")
    for name in parents:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    if value is ...:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return whole


TARGET = "targets/tuvens-api"
WRONG: list[tuple[str, object, str]] = [
    ("colour", "red", "colour: unknown field; known are name, edition"),
    ("target", {}, "target: unknown field; did you mean 'targets'?"),
    ("name", 1, "name: must be text"),
    ("targets", [], "targets: must be a table"),
    (TARGET, "https://api.example.com", "targets.tuvens-api: must be a table with url"),
    (f"{TARGET}/url", ..., "targets.tuvens-api.url: missing; it must be text"),
    (f"{TARGET}/url", "", "targets.tuvens-api.url: must be text"),
    *(
        (f"{TARGET}/url", url, f"targets.tuvens-api.url: {url!r} is not a base URL such as https://api.example.com")
        for url in (
            "api.example.com", "ftp://a.example.com", "https://", "http://[", "http://a:port", "http://a:99999",
            "https://a.example.com?x=1", "https://a.example.com/#x", "/api", "https:a",
        )
    ),
    (f"{TARGET}/api_url", "x", "targets.tuvens-api.api_url: 'x' is not a base URL"),
    (f"{TARGET}/urll", "x", "targets.tuvens-api.urll: unknown field; did you mean 'url'?"),
    (f"{TARGET}/kind", "prod", "targets.tuvens-api.kind: 'prod' is none of simulated, local, staging, production"),
    *(
        (f"{TARGET}/session_expiry", each, "targets.tuvens-api.session_expiry: must be a whole number of seconds")
        for each in ("900", 0, -1, 1.5, True)
    ),
    *(
        (f"{TARGET}/rate_limits", {"generateSession": each}, "rate_limits.generateSession: must be a whole number")
        for each in (-1, "10", 1.5, True, None)
    ),
    (f"{TARGET}/rate_limits", 10, "targets.tuvens-api.rate_limits: must be a table"),
    (f"{TARGET}/cors_origins", "https://a", "targets.tuvens-api.cors_origins: must be a list"),
    (f"{TARGET}/cors_origins", [1], "targets.tuvens-api.cors_origins: must be a list of texts"),
    *(
        (f"{TARGET}/cors_origins", ["https://a.b", each], f"cors_origins[1]: {each!r} is not an origin such as https://")
        for each in ("tickets.example.com", "*", "https://a.b/path", "https://a.b?x", "null", "https://[")
    ),
    ("events/test", ["5"], "events.test: '5' is neither in events.tuvens nor the tuvens id of one in events.linked"),
    ("users/0/test", "yes", "users[0].test: must be true or false"),
    *(("safety/most_requests", each, "safety.most_requests: must be a whole number of requests") for each in (0, 1.5)),
    ("safety/requests_a_second", 0, "safety.requests_a_second: must be a number above 0"),
    (f"{TARGET}/control", "http://127.0.0.1:1", "targets.tuvens-api.control: must be a table"),
    (f"{TARGET}/control", {"url": "http://127.0.0.1:1"}, "tuvens-api.control.token: missing; give token, token_env"),
    (f"{TARGET}/control", {"token": "x"}, "targets.tuvens-api.control.url: missing; it must be text"),
    (f"{TARGET}/control", {"tok": "x"}, "targets.tuvens-api.control.tok: unknown field; did you mean 'token'?"),
    (f"{TARGET}/database", 1, "targets.tuvens-api.database: must be text"),
    (f"{TARGET}/database_env", "CROSSAPP_NOT_SET", "the environment variable CROSSAPP_NOT_SET is not set"),
    (f"{TARGET}/audit_table", 1, "targets.tuvens-api.audit_table: must be text"),
    (f"{TARGET}/launch", "npm start", "targets.tuvens-api.launch: must be a list"),
    ("credentials", "secret", "credentials: must be a table"),
    ("credentials", {}, "credentials.shared_secret: missing; give shared_secret, shared_secret_env"),
    ("credentials", {"shared_secret": ""}, "credentials.shared_secret: must be text"),
    ("credentials", {"shared_secret": 12345678}, "credentials.shared_secret: must be text"),
    ("credentials", {"shared_secret": "two\nlines"}, "credentials.shared_secret: holds a line break"),
    ("credentials", {"shared_secret": "pässword"}, "credentials.shared_secret: holds a line break or a character that"),
    ("credentials", {"secret": "x"}, "credentials.secret: unknown field; did you mean"),
    ("credentials", {"shared_secret_env": "CROSSAPP_NOT_SET"}, "shared_secret_env: the environment variable"),
    ("credentials", {"shared_secret_file": "/no/such/file"}, "shared_secret_file: '/no/such/file' cannot be"),
    ("credentials", {"shared_secret_file": "/"}, "credentials.shared_secret_file: '/' cannot be read"),
    ("credentials", {"shared_secret_command": "false"}, "shared_secret_command: exit code 1, 0 lines printed"),
    ("credentials", {"shared_secret_command": "true"}, "exit code 0, 0 lines printed; it must print the secret"),
    ("credentials", {"shared_secret_command": "/no/such/program"}, "shared_secret_command: cannot be run"),
    ("credentials", {"shared_secret_command": "echo 'unclosed"}, "shared_secret_command: cannot be run (No closing"),
    ("credentials", {"shared_secret": "x" * 8, "shared_secret_env": "Y"}, "credentials.shared_secret: give one of"),
    ("users", [], "users: name at least one [[users]] with role"),
    ("users", {}, "users: must be a list"),
    ("users/0", "organiser", "users[0]: must be a table"),
    ("users/0/role", "user", 'users: one of them must have role = "organiser"'),
    ("users/0/role", "organizer", "users[0].role: 'organizer' is none of organiser, member, outsider, nameless, user"),
    ("users/0/role", 1, "users[0].role: must be text"),
    *(
        ("users/0/account_id", each, "users[0].account_id: must be the number of an account that this user belongs to")
        for each in ("123", 0, -1, 1.5, True, None, ...)
    ),
    ("users/0/jwt", ..., "users[0].jwt: missing; give jwt, jwt_env, jwt_file or jwt_command"),
    ("users/0/jwt", "a\nb", "users[0].jwt: holds a line break"),
    ("users/0/jwt", "Token abc", "users[0].jwt: holds a blank"),
    ("users/0/jwt", "'eyJhbGciOiJIUzI1NiJ9'", "users[0].jwt: stands in quotes; take them out"),
    ("credentials", {"shared_secret": '"x-x-x-x-x-x"'}, "credentials.shared_secret: stands in quotes"),
    ("credentials", {"shared_secret_file": "/dev/null"}, "credentials.shared_secret_file: '/dev/null' is empty"),
    (f"{TARGET}/url", "http://bob:pass-word-123@a.b", "targets.tuvens-api.url: 'http://…@a.b' is not a base URL"),
    ("users/0/jwt_env", "X", "users[0].jwt: give one of jwt, jwt_env, not 2"),
    ("users/0/expired_jwt_env", "CROSSAPP_NOT_SET", "users[0].expired_jwt_env: the environment variable"),
    ("users/0/expired_jwt", "\x7f", "users[0].expired_jwt: holds a line break"),
    *(
        ("credentials", {"shared_secret": "s" * 16, name: each}, f"credentials.{name}: has {len(each)} characters")
        for name in ("shared_secret", "jwt_secret")
        for each in ("s", "seven-7")
    ),
    ("users/0/jwt", "Bearer abcdefg", "users[0].jwt: has 7 characters; give one of at least 8"),
    (f"{TARGET}/control", {"url": "http://a", "token": "abc"}, "targets.tuvens-api.control.token: has 3 characters"),
    *(
        ("credentials", {"shared_secret": each}, "credentials.shared_secret: is what a template has in its place")
        for each in (
            "<the secret>", "${SHARED_SECRET}", "$SHARED_SECRET", "{{ secret }}", "%SECRET%", "abc...", "xxxxxxxxxxxx",
            "********", "please-fill-in", "your-secret-here", "CHANGEME", "change-me", "insert_here", "todo",
        )
    ),
    ("events", {"tuvens": ["11", 12, 11]}, "events.tuvens: names the event '11' twice; remove one of them"),
    *(
        ("events", {"linked": [{"hi": 1, "tuvens": "11"}, each]}, "events.linked: names the event")
        for each in ({"hi": 1, "tuvens": "12"}, {"hi": 2, "tuvens": "11"})
    ),
    ("users/0/jwt", "Bearer <jwt>", "users[0].jwt: is what a template has in its place"),
    ("users/0/email", 1, "users[0].email: must be text"),
    ("users/0/name", 1, "users[0].name: must be text"),
    ("users/0/user_id", [1], "users[0].user_id: must be the user's id"),
    ("users/0/user_id", True, "users[0].user_id: must be the user's id"),
    ("users/0/mail", "x", "users[0].mail: unknown field; did you mean 'email'?"),
    ("events", [], "events: must be a table"),
    ("events", {"tuvens": "11"}, "events.tuvens: must be a list"),
    ("events", {"tuvens": ["11", ""]}, "events.tuvens[1]: must be an event's id"),
    ("events", {"tuvens": [True]}, "events.tuvens[0]: must be an event's id"),
    ("events", {"tuvens": [None]}, "events.tuvens[0]: must be an event's id"),
    ("events", {"foreign": ["61"]}, "events.foreign: must be an event's id"),
    ("events", {"linked": [{"hi": 2}]}, "events.linked[0]: must be { hi = …, tuvens = … }"),
    ("events", {"linked": ["11"]}, "events.linked[0]: must be { hi = …, tuvens = … }"),
    ("events", {"linked": [{"hi": {}, "tuvens": "11"}]}, "events.linked[0].hi: must be an event's id"),
    ("events", {"tuven": []}, "events.tuven: unknown field; did you mean 'tuvens'?"),
    ("return_origin", "https://a.b/callback", "return_origin: 'https://a.b/callback' is not an origin such as https://"),
    ("return_origin", 1, "return_origin: must be text"),
    ("safety", True, "safety: must be a table"),
    ("safety", {"exhaust_rate_limits": "no"}, "safety.exhaust_rate_limits: must be true or false"),
    ("safety", {"change_events": 0}, "safety.change_events: must be true or false"),
    ("safety", {"fuzz": "a little"}, "safety.fuzz: must be true or false"),
    ("safety", {"unexpected_methods": 1}, "safety.unexpected_methods: must be true or false"),
    *(
        ("safety", {name: each}, f"safety.{name}: must be a number above 0")
        for name in ("seconds", "minutes")
        for each in (0, -1, "15", True, float("nan"), float("inf"))
    ),
    ("safety", {"minute": 1}, "safety.minute: unknown field; did you mean 'minutes'?"),
    ("deviations", {}, "deviations: must be a list"),
    ("deviations", ["a.b"], "deviations[0]: must be a table"),
    *(
        ("deviations", [{**DEVIATION, name: value}], f"deviations[0].{name}: must be text")
        for name in ("requirement", "reason", "owner")
        for value in ("", None, 1)
    ),
    *(
        ("deviations", [{**DEVIATION, "until": each}], "deviations[0].until: must be a date such as 2026-12-31")
        for each in ("soon", "2026-02-30", "31.12.2026", 2026, None)
    ),
    ("deviations", [{**DEVIATION, "target": "other"}], "deviations[0].target: unknown application 'other'; known are"),
    ("deviations", [{**DEVIATION, "expected": "held"}], 'deviations[0].expected: only "violated" can be waived'),
    ("deviations", [{**DEVIATION, "reasons": "x"}], "deviations[0].reasons: unknown field; did you mean 'reason'?"),
    ("ca_file", "/no/such/file", "ca_file: '/no/such/file' holds no certificates"),
    ("ca_file", __file__, "holds no certificates in PEM form that can be read"),
    ("ca_file", 1, "ca_file: must be text"),
    ("receiver", "127.0.0.1:8099", "receiver: must be a table"),
    ("receiver", {}, "receiver.listen: missing; it must be text"),
    *(
        ("receiver/listen", each, f"receiver.listen: {each!r} is not an address and port such as 127.0.0.1:8099")
        for each in ("8099", ":8099", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:http")
    ),
    ("receiver", {"listen": "0.0.0.0:8099"}, "receiver.url: missing; with listen on every address"),
    ("receiver", {"listen": "127.0.0.1:8099", "url": "me"}, "receiver.url: 'me' is not a base URL"),
    ("receiver", {"listen": "127.0.0.1:8099", "retry_within": 0}, "receiver.retry_within: must be a number above 0"),
    ("receiver", {"listen": "127.0.0.1:8099", "port": 1}, "receiver.port: unknown field"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "said"), WRONG, ids=[f"{number} {row[0]}" for number, row in enumerate(WRONG)]
)
def test_a_wrong_field_is_named_with_its_remedy_in_one_line(path: str, value: object, said: str) -> None:
    with pytest.raises(DeploymentError) as error:
        build(changed(path, value))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "nobody-may-see" not in str(error.value)


def read(path: Path) -> Deployment:
    return build(dict(read_deployment(path, apps=APPS, editions=EDITIONS)))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("d.toml", "name = ", "not readable as TOML: Invalid value (at end of document)"),
        ("d.toml", "{}", "not readable as TOML"),
        ("d.json", "name = 1", "not readable as JSON: Expecting value: line 1"),
        ("d.json", "[]", "must be a table of fields"),
        ("d.json", "[" * 100_000, "not readable as JSON: nested too deeply"),
        ("d.toml", '[targets.other]\nurl = "x"', "targets.other: unknown application; known are tuvens-api, hi.events"),
        (
            "d.toml",
            '[targets.tuvens_api]\nurl = "x"',
            "targets.tuvens_api: unknown application; did you mean 'tuvens-api'?",
        ),
        ("d.toml", '[targets.hi.events]\nurl = "x"', 'targets.hi: unknown application; write [targets."hi.events"]'),
        ("d.toml", '[tuvens-api]\nurl = "x"', "tuvens-api: unknown field; write [targets.tuvens-api]"),
        ("d.toml", '[hi.events]\nurl = "x"', 'hi: unknown field; write [targets."hi.events"]'),
        ("d.toml", '[targets]\ntuvens-api = "x"', "targets.tuvens-api: must be a table with url"),
        ("d.toml", 'edition = "1999-01"', "edition: '1999-01' is not known; known is 2025-07"),
        ("d.toml", "edition = 2025-07-01", "edition: "),
        ("d.toml", 'nmae = "x"', "nmae: unknown field; did you mean 'name'?"),
        ("d.toml", "targets = 1", "targets: must be a table"),
        *(
            ("d.toml", f'[[deviations]]\nowner = "x"\nuntil = 2026-12-31\n{fields}', said)
            for fields, said in (
                ("", "must say either the name of a deviation, or a requirement"),
                ('name = "a"\nrequirement = "a.b"\nreason = "r"', "must say either the name of a deviation"),
                ('requirement = "a.b"', "must say the reason"),
            )
        ),
        ("d.toml", "credentials = 1", "credentials: must be a table"),
        ("d.toml", "events = 1", "events: must be a table"),
        ("d.toml", "", "d.toml: the file is empty: crossapp init writes one"),
        ("d.toml", '[targets."hi.events"]\nurll = "x"', "d.toml: targets.hi.events.urll: unknown field"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(DeploymentError) as error:
        read(file)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for path, said in (
        (tmp_path / "none.toml", "cannot be read (No such file or directory)"),
        (tmp_path, "cannot be read (Is a directory)"),
        (tmp_path / "binary.toml", "is not UTF-8 text"),
    ):
        with pytest.raises(DeploymentError) as error:
            read(path)
        assert str(error.value) == f"{path}: {said}"


TOML = """
name = "all of it"
edition = "2025-07"
return_origin = "https://staging.example.com/"

[targets.tuvens-api]
url = "https://api.example.com/"
kind = "local"
session_expiry = 60
rate_limits = { generateSession = 0, validateSession = 1000 }
cors_origins = ["https://tickets.example.com/", "http://localhost:5173"]
database = "postgresql+psycopg://user:database-password@db/x"
audit_table = "audit"
launch = ["npm", "start"]
control = { url = "http://127.0.0.1:3000/__crossapp__", token = "control-token-0123" }

[targets."hi.events"]
url = "https://tickets.example.com"
api_url = "https://tickets.example.com/api/"

[credentials]
shared_secret = "the-shared-secret"
jwt_secret = "the-jwt-secret-0123"

[[users]]
role = "organiser"
user_id = 1
email = "organiser@example.com"
name = "Zoë"
account_id = 123
jwt = "the-organisers-jwt"
expired_jwt = "the-expired-jwt"

[[users]]
account_id = 200
jwt = "another-jwt"

[events]
tuvens = [11, "12"]
foreign = 61
linked = [{ hi = 2, tuvens = "11" }]

[safety]
exhaust_rate_limits = false
change_events = true
fuzz = false
unexpected_methods = true
seconds = 3
minutes = 0.5

[receiver]
listen = "[::1]:8099"
url = "https://hooks.example.com/crossapp/"
retry_within = 30

[[deviations]]
requirement = "session_token.*"
reason = "until release 12"
owner = "team"
until = 2026-12-31
target = "tuvens-api"
"""


def test_every_field_is_read_from_toml_and_the_same_from_json(tmp_path: Path) -> None:
    toml, as_json = tmp_path / "d.toml", tmp_path / "d.json"
    toml.write_text(TOML, "utf-8")
    value = read_deployment(toml, apps=APPS, editions=EDITIONS)
    as_json.write_text(json.dumps(value, default=str), "utf-8")
    found = read(toml)
    assert read(as_json) == found
    target = found.targets["tuvens-api"]
    assert (target.url, target.api_url) == ("https://api.example.com", "https://api.example.com")
    assert found.targets["hi.events"].api_url == "https://tickets.example.com/api"
    assert (target.session_expiry, target.rate_limits["generateSession"], target.launch) == (60, 0, ("npm", "start"))
    assert target.cors_origins == ("https://tickets.example.com", "http://localhost:5173")
    assert found.return_origin == "https://staging.example.com"
    assert found.events == ("11", "12")
    assert (found.foreign_event, found.linked[0].hi, found.linked[0].tuvens) == ("61", "2", "11")
    organiser, other = found.users
    assert (organiser.user_id, organiser.name, other.role, other.user_id) == ("1", "Zoë", "user", "")
    assert found.user("organiser") is organiser
    assert found.user("member") is None
    assert (found.safety.seconds, found.safety.minutes, found.safety.change_events) == (3.0, 0.5, True)
    assert (found.safety.fuzz, found.safety.unexpected_methods) == (False, True)
    assert found.deviations[0].until == date(2026, 12, 31)
    assert found.receiver == ReceiverSettings("::1", 8099, "https://hooks.example.com/crossapp", 30.0)


def test_a_time_is_no_date(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text(TOML.replace("2026-12-31", "2026-12-31T00:00:00"), "utf-8")
    with pytest.raises(DeploymentError, match="until: must be a date"):
        read(file)


def test_no_secret_stands_in_a_representation_and_all_of_them_are_named_for_removal(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text(TOML, "utf-8")
    found = read(file)
    assert {value: kind for kind, value in found.secrets()} == {
        "the-shared-secret": "shared-secret",
        "the-jwt-secret-0123": "jwt-secret",
        "the-organisers-jwt": "jwt",
        "the-expired-jwt": "jwt",
        "another-jwt": "jwt",
        "control-token-0123": "control-token",
        "database-password": "database-password",
    }
    for text in (repr(found), str(found), f"{found.targets} {found.users}"):
        assert not [value for _, value in found.secrets() if value in text]


def test_files_are_looked_for_beside_the_deployment_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "below"
    folder.mkdir()
    file = folder / "d.json"
    value = changed("credentials", {"shared_secret_file": "secret.txt"})
    file.write_text(json.dumps(value), "utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeploymentError, match=re.escape(repr(str(folder / "secret.txt")))):
        read(Path("below/d.json"))
    (folder / "secret.txt").write_text("a-secret-beside-its-file\n", "utf-8")
    assert read(Path("below/d.json")).shared_secret == "a-secret-beside-its-file"


def test_a_plain_word_and_what_a_browser_keeps_besides_are_no_secrets() -> None:
    state = {
        "cookies": [{"name": "last_page", "value": "http%3A%2F%2Flocalhost%3A5173%2Fevent%2F11"}],
        "origins": [
            {
                "origin": "http://a",
                "localStorage": [
                    {"name": "title", "value": "An Evening of Songs 2026"},
                    {"name": "token", "value": "Zk3J-x8f_Q2mB7LwYp0a"},
                ],
            }
        ],
    }
    users = (User("organiser", "eyJ.eyJ.sig", 1, storage_state=state),)
    target = Target("tuvens-api", "http://a", "http://a", "local", database="postgresql://postgres:postgres@db/x")
    found = Deployment("d", "2025-07", {"tuvens-api": target}, users, "the-shared-secret").secrets()
    assert [value for _, value in found] == ["the-shared-secret", "eyJ.eyJ.sig", "Zk3J-x8f_Q2mB7LwYp0a"]


@pytest.mark.parametrize(
    ("path", "typed", "read"),
    [
        (f"{TARGET}/url", " HTTPS://API.Example.com:443/Base/ ", "https://api.example.com/Base"),
        (f"{TARGET}/url", "http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        (f"{TARGET}/cors_origins", ["http://LocalHost:5173/"], ("http://localhost:5173",)),
        (f"{TARGET}/cors_origins", ["http://a.b:80"], ("http://a.b",)),
        ("return_origin", "https://A.B:443", "https://a.b"),
        ("users/0/jwt", "Bearer eyJ.eyJ.sig ", "eyJ.eyJ.sig"),
        ("users/0/jwt", "bearer eyJ.eyJ.sig", "eyJ.eyJ.sig"),
        ("users/0/expired_jwt", "Bearer eyJ.eyJ.old", "eyJ.eyJ.old"),
        ("credentials/shared_secret", " a-secret-with-blanks-around\t", "a-secret-with-blanks-around"),
    ],
)
def test_a_value_is_read_as_it_is_sent(path: str, typed: object, read: object) -> None:
    found = build(changed(path, typed))
    place, _, name = path.rpartition("/")
    owner = {
        TARGET: found.targets["tuvens-api"],
        "users/0": found.users[0],
        "credentials": found,
        "": found,
    }[place]
    assert getattr(owner, name) == read


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_bytes(b'\xef\xbb\xbfname = "staging"\n')
    assert read_deployment(file, apps=APPS, editions=EDITIONS)["name"] == "staging"


@pytest.mark.parametrize("name", ["shared_secret", "jwt_secret"])
def test_a_secret_comes_from_the_environment_a_file_or_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(" from-a-file\n")
    monkeypatch.setenv("CROSSAPP_TEST_SECRET", "from-the-environment")
    for form, text, expected in (
        ("env", "CROSSAPP_TEST_SECRET", "from-the-environment"),
        ("file", str(file), "from-a-file"),
        ("command", "printf 'a greeting\\nfrom-a-command\\n'", "from-a-command"),
        ("command", f"{sys.executable} -c \"print('with words')\"", "with words"),
    ):
        others = {} if name == "shared_secret" else {"shared_secret": "s" * 16}
        found = build(changed("credentials", {f"{name}_{form}": text, **others}))
        assert getattr(found, name) == expected
        assert expected not in repr(found)


@pytest.mark.parametrize(
    "secret",
    ["eight-88", "yourself-is-a-word", "replacement-of-2026", "x-and-more-of-it", "$6$rounds=5$hash", "a<b>c-d-e-f"],
)
def test_a_secret_that_only_looks_a_little_like_a_template_is_taken(secret: str) -> None:
    assert build(changed("credentials", {"shared_secret": secret})).shared_secret == secret


def test_a_command_finds_the_programs_of_our_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    python = Path(sys.executable).name
    assert (
        build(changed("credentials", {"shared_secret_command": f"{python} -c 'print(\"found it\")'"})).shared_secret
        == "found it"
    )


def test_a_failing_command_does_not_show_what_it_printed() -> None:
    with pytest.raises(DeploymentError) as error:
        build(changed("credentials", {"shared_secret_command": "sh -c 'echo half-of-a-secret; exit 3'"}))
    assert "exit code 3" in str(error.value)
    assert "half-of-a-secret" not in str(error.value)


# Capabilities


def production(**more: Any) -> dict[str, Any]:
    """The good file as one of a production, whose organiser is a test user."""
    return changed(f"{TARGET}/kind", "production") | {"users": [GOOD["users"][0] | {"test": True}]} | more


EVENTS = {"tuvens": ["1", "2"], "linked": [{"hi": 7, "tuvens": 1}, {"hi": 8, "tuvens": 3}]}
ATTACKS = frozenset({"malformed", "forge", "load", "exhaust", "fuzzing", "methods"})


def test_a_production_is_read_and_its_test_users_begin_sessions_and_that_is_all() -> None:
    found = capabilities_of(build(production(events=EVENTS)))
    assert found >= {"read", "mint"}
    assert found & (ATTACKS | {"change", "events", "linked-event", "near:tuvens-api"}) == set()
    assert capabilities_of(build(GOOD | {"events": EVENTS})) >= ATTACKS - {"methods"} | {"change", "events"}


def test_only_the_test_events_of_a_production_are_changed() -> None:
    deployment = build(production(events=EVENTS | {"test": ["1"]}))
    assert capabilities_of(deployment) >= {"change", "events", "linked-event"}
    assert deployment.changeable_events == ("1",)
    assert [each.hi for each in deployment.changeable_linked] == ["7"]
    off = build(production(events=EVENTS | {"test": ["1"]}, safety={"change_events": False}))
    assert capabilities_of(off) & {"change", "events", "linked-event"} == set()


def test_one_production_among_the_targets_protects_all_of_them() -> None:
    targets = production()["targets"] | {"hi.events": {"url": "https://tickets.example.com"}}
    assert capabilities_of(build(production(targets=targets))) & ATTACKS == set()


def test_only_test_users_are_used_in_a_production_and_secrets_of_others_are_not_read() -> None:
    other = {"role": "member", "account_id": 123, "jwt_env": "A_VARIABLE_THAT_IS_NOT_SET"}
    whole = production(users=[*production()["users"], other])
    assert [each.role for each in build(whole).users] == ["organiser"]
    with pytest.raises(DeploymentError, match=r"^users: .* only test users are used: add test = true to the organiser"):
        build(production(users=GOOD["users"]))


@pytest.mark.parametrize("field", ["exhaust_rate_limits", "change_events", "fuzz", "unexpected_methods"])
def test_no_field_allows_more_in_a_production(field: str) -> None:
    with pytest.raises(DeploymentError, match=f"safety.{field}: must not be true where the kind of a target is prod"):
        build(production(safety={field: True}))
    build(production(safety={field: False}))


@pytest.mark.parametrize(("field", "most"), [("requests_a_second", 10), ("most_requests", 500)])
def test_the_budget_of_a_production_can_only_be_lowered(field: str, most: int) -> None:
    assert getattr(build(production()).safety, field) == most
    assert getattr(build(production(safety={field: 3})).safety, field) == 3
    with pytest.raises(DeploymentError, match=f"safety.{field}: must be at most {most} where the kind of a target"):
        build(production(safety={field: most + 1}))
    assert getattr(build(GOOD).safety, field) == 0
    assert getattr(build(GOOD | {"safety": {field: most + 1}}).safety, field) == most + 1


def test_a_full_file_gives_every_capability_and_a_bare_one_few(tmp_path: Path) -> None:
    file = tmp_path / "d.toml"
    file.write_text(TOML, "utf-8")
    assert capabilities_of(read(file)) == {
        "target:tuvens-api", "target:hi.events", "role:organiser", "role:user", "jwt-secret", "expired-jwt", "events",
        "linked-event", "foreign-event", "return-origin", "control:tuvens-api", "expiry:tuvens-api",
        "database:tuvens-api", "audit-log:tuvens-api", "launch:tuvens-api", "https:tuvens-api", "https:hi.events",
        "read", "mint", "change", "malformed", "forge", "load", "methods", "receiver", "failures:tuvens-api",
        "failures:hi.events", "retries:tuvens-api",
    }  # fmt: skip
    assert capabilities_of(build(GOOD)) == {
        "target:tuvens-api",
        "role:organiser",
        *("read", "mint", "change", "malformed", "forge", "load", "exhaust", "fuzzing"),
        "https:tuvens-api",
    }


@pytest.mark.parametrize(
    ("expiry", "patience", "can"),
    [(None, 0, False), (None, 904, False), (None, 905, True), (55, 0, True), (56, 0, False), (56, 61, True)],
)
def test_an_expiry_is_waited_for_within_a_minute_or_the_patience_given(
    expiry: int | None, patience: float, can: bool
) -> None:
    whole = build(changed(f"{TARGET}/session_expiry", expiry))
    assert ("expiry:tuvens-api" in capabilities_of(whole, patience=patience)) is can


@pytest.mark.parametrize(
    ("url", "near"),
    [
        ("http://127.0.0.1:3000", True), ("http://localhost", True), ("http://[::1]:1", True),
        ("http://127.9.9.9", True),
        ("http://10.0.0.1", False), ("http://localhost.example.com", False), ("http://127.0.0.1.example.com", False),
    ],
)  # fmt: skip
def test_only_a_server_on_this_machine_is_near(url: str, near: bool) -> None:
    assert ("near:tuvens-api" in capabilities_of(build(changed(f"{TARGET}/url", url)))) is near


@pytest.mark.parametrize(("patience", "can"), [(0, False), (29, False), (30, True)])
def test_retries_are_waited_for_as_long_as_the_deployment_says_they_take(
    patience: float, can: bool, tmp_path: Path
) -> None:
    file = tmp_path / "d.toml"
    file.write_text(TOML, "utf-8")
    assert ("retries:hi.events" in capabilities_of(read(file), patience=patience)) is can


def test_a_receiver_is_reached_where_it_listens_unless_said() -> None:
    found = build(changed("receiver/listen", "127.0.0.1:8099")).receiver
    assert found == ReceiverSettings("127.0.0.1", 8099, "http://127.0.0.1:8099", 60.0)


def test_a_remedy_names_its_subject() -> None:
    assert remedy_for("role:member").startswith('no user has this role: add [[users]] with role = "member"')
    assert "[targets.hi.events]" in remedy_for("target:hi.events")
    assert "{ hi = …, tuvens = … }" in remedy_for("linked-event")
    assert remedy_for("unheard-of") == "the deployment lacks unheard-of"


def test_selectors_are_texts_by_name() -> None:
    selectors = {"enable": "role=button[name='Sell']"}
    assert build(changed("targets/tuvens-api/selectors", selectors)).targets["tuvens-api"].selectors == selectors
    for wrong in (7, "", None, ["a"]):
        with pytest.raises(DeploymentError, match=r"targets\.tuvens-api\.selectors\.enable: must be text"):
            build(changed("targets/tuvens-api/selectors", {"enable": wrong}))
    with pytest.raises(DeploymentError, match=r"targets\.tuvens-api\.selectors: must be a table"):
        build(changed("targets/tuvens-api/selectors", "role=button"))
