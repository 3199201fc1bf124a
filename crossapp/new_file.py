"""A deployment file with comments, written from its fields; secrets become names of environment variables."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_COMMENTS_AT, _LONGEST = 51, 120
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SECRETS = ("shared_secret", "jwt_secret", "jwt", "expired_jwt", "token", "database")
_FORMS = ("env", "file", "command")
_MOST_USERS = 6
"""As many users without a role take turns where each has a rate limit of its own."""


class _Line(NamedTuple):
    """A field: an example of it as TOML, which is a comment where the field is not given, and what it means."""

    name: str
    example: str
    meaning: str = ""


_TOP = (
    _Line("name", '"staging"'),
    _Line("edition", '"2025-07"'),
    _Line(
        "return_origin", '"https://staging.example.com"', "an origin to which hi.events may redirect after a sign-in"
    ),
    _Line("ca_file", '"company-ca.pem"', "certificates of your own CA; paths are relative to this file"),
)
_KIND = _Line("kind", '"staging"', "simulated, local, staging or production")
_TARGETS: Mapping[str, Sequence[_Line]] = {
    "tuvens-api": (
        _Line("url", '"https://api.staging.example.com"'),
        _KIND,
        _Line("cors_origins", '["https://tickets.staging.example.com"]', "origins that its API allows"),
        _Line("session_expiry", "900", "CROSS_APP_SESSION_EXPIRY, if not 900"),
        _Line("rate_limits", "{ validateSession = 1000 }", "if they are not the contract's; 0: none"),
        _Line("database_env", '"STAGING_DATABASE_URL"', "an SQLAlchemy URL, if access is given"),
        _Line("audit_table", '"crossAppAudit"', "its audit log; or audit_command, which prints it"),
        _Line("metrics", '{ url = "https://api.staging.example.com/metrics" }', "Prometheus; docs/staging.md"),
    ),
    "hi.events": (
        _Line("url", '"https://tickets.staging.example.com"', "leave the table out, and hi.events is simulated"),
        _Line("api_url", '"https://tickets.staging.example.com/api"', "where its API is, if not at url"),
        _KIND,
    ),
    "tuvens-client": (
        _Line("url", '"https://staging.example.com"', "leave the table out, and tuvens-client is simulated"),
        _KIND,
        _Line("jwt_cookie", '"jwt"', 'the cookie with the user\'s JWT, if not jwt; "": a header'),
        _Line("jwt_storage", '"localStorage:tuvens_auth_token"', "where its pages keep the JWT, if not in a cookie"),
        _Line("selectors", "{ enable = \"role=button[name='Sell tickets']\" }", "parts of its pages: docs/browser.md"),
    ),
}
_CREDENTIALS = (
    _Line("shared_secret_env", '"CROSSAPP_SHARED_SECRET"', "or shared_secret_file, shared_secret_command"),
    _Line("jwt_secret_env", '"CROSSAPP_JWT_SECRET"', "tuvens-api's JWT_SECRET, to make expired and forged JWTs"),
)
_ROLES: Mapping[str, str] = {
    "organiser": "holds manage_ticketing in account_id",
    "member": "of the same account, without manage_ticketing",
    "outsider": "of another account only",
}
_EVENTS = (
    _Line("tuvens", '["11", "12", "13"]', "of the organiser's account; the stories change them"),
    _Line("foreign", '"61"', "of an account that the organiser does not belong to"),
    _Line("linked", '[{ hi = 2, tuvens = "11" }]', "the same event on both sides"),
    _Line("test", '["11"]', "test events among these: in a production no others are changed"),
)
_RECEIVER = (
    _Line("listen", '"127.0.0.1:8099"', "where it listens during a run"),
    _Line("url", '"https://hooks.staging.example.com"', "by which hi.events reaches it, instead of tuvens-api"),
    _Line("retry_within", "60", "seconds within which hi.events tries a failed delivery again"),
)
_SAFETY = (
    _Line("exhaust_rate_limits", "true", "not allowed where a target's kind is production"),
    _Line("exhaust_up_to", "1000", "limits above this number of requests a minute are not used up"),
    _Line("change_events", "true", "in a production only events.test are changed"),
    _Line("fuzz", "true", "random and malformed requests; never in a production"),
    _Line("unexpected_methods", "true", "also by undocumented methods, such as DELETE"),
    _Line("requests_a_second", "5", "at most; in a production never more than 10"),
    _Line("most_requests", "300", "at most in a run; in a production never more than 500"),
    _Line("seconds", "15", "timeout of one request"),
    _Line("minutes", "15", "longest duration of the run"),
)
_DEVIATION = (
    _Line("name", '"post-success-201"', "ready-made ones by name, others by requirement: docs/deviations.md"),
    _Line("reason", '"NestJS returns 201 until release 12"'),
    _Line("owner", '"tuvens-api team"'),
    _Line("until", "2027-01-31"),
)


def without_secrets(value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a deployment with names of environment variables in place of its secrets, and the secrets by these
    names. Of the users without a role the first few stay."""
    secrets: dict[str, str] = {}

    def hidden(table: Mapping[str, Any], name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field, each in table.items():
            if field in _SECRETS and isinstance(each, str):
                variable = _variable(name, "" if field == name else field)
                found[f"{field}_env"], secrets[variable] = variable, each
            elif isinstance(each, Mapping):
                found[field] = hidden(each, f"{name} {field}")
            elif each is not None:
                found[field] = each
        return found

    whole = dict(value)
    whole["targets"] = {app: hidden(each, app) for app, each in value.get("targets", {}).items()}
    whole["credentials"] = hidden(value.get("credentials", {}), "")
    whole["users"] = [hidden(each, name) for name, each in _named(value.get("users", ()))]
    return whole, secrets


def _named(users: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Users with a name for each: its role, with a number from the second one on."""
    counted: dict[str, int] = {}
    for each in users:
        role = str(each.get("role", "user"))
        counted[role] = counted.get(role, 0) + 1
        if role != "user" or counted[role] <= _MOST_USERS:
            yield role if counted[role] == 1 else f"{role} {counted[role]}", each


def _variable(*words: str) -> str:
    return "_".join(re.sub(r"[^A-Z0-9]+", "_", each.upper()) for each in ("crossapp", *words) if each.strip())


def written(value: Mapping[str, Any]) -> str:
    """A deployment file in TOML. Fields that are not given stand in it as comments, with examples."""
    text = [
        "# What crossapp verifies. Secrets come from environment variables; this file contains none.",
        *_table(
            "", value, _TOP, leave=("targets", "credentials", "users", "events", "receiver", "safety", "deviations")
        ),
    ]
    targets = value.get("targets", {})
    for app, lines in _TARGETS.items():
        table = f'targets."{app}"' if "." in app else f"targets.{app}"
        text += ["", *_table(f"[{table}]", targets.get(app), lines)]
    text += ["", *_table("[credentials]", value.get("credentials", {}), _CREDENTIALS)]
    users = list(value.get("users", ()))
    missing = [{"role": role} for role in _ROLES if all(each.get("role") != role for each in users)]
    for each in (*users, *missing):
        text += ["", *_user(each, given=each not in missing)]
    text += ["", *_table("[events]", value.get("events", {}), _EVENTS)]
    text += [
        "",
        *_table(
            "[receiver]", value.get("receiver"), _RECEIVER, "crossapp receives the webhooks: docs/webhook-receiver.md"
        ),
    ]
    text += ["", *_table("[safety]", value.get("safety", {}), _SAFETY)]
    for each in value.get("deviations") or (None,):
        text += ["", *_table("[[deviations]]", each, _DEVIATION)]
    return "".join(f"{line}\n" for line in text)


def _user(user: Mapping[str, Any], *, given: bool) -> list[str]:
    role = str(user.get("role", "user"))
    lines = [
        _Line("role", _toml(role), _ROLES.get(role, "")),
        _Line("account_id", "200" if role == "outsider" else "123"),
        _Line("jwt_env", _toml(_variable(role, "jwt")), "or jwt_file, jwt_command; valid now" if given else ""),
    ]
    if given:
        lines.append(_Line("test", "true", "a test user: in a production no others are used (docs/safety.md)"))
    return _table("[[users]]", user if given else None, lines)


def _table(
    heading: str,
    values: Mapping[str, Any] | None,
    lines: Sequence[_Line],
    meaning: str = "",
    leave: Sequence[str] = (),
) -> list[str]:
    """The lines of a table; of one that is not given (None), as comments."""
    given = dict(values or {})
    found = _commented(heading if values is not None else f"# {heading}", meaning) if heading else []
    for line in lines:
        forms = [
            line.name,
            *(f"{line.name.removesuffix('_env')}_{each}" for each in _FORMS if line.name.endswith("_env")),
        ]
        name = next((each for each in forms if each in given), "")
        text = f"{name} = {_toml(given.pop(name))}" if name else f"# {line.name} = {line.example}"
        found += _commented(text, line.meaning)
    return found + [f"{name} = {_toml(each)}" for name, each in given.items() if name not in leave]


def _commented(text: str, meaning: str) -> list[str]:
    """A line with a comment behind it, or above it where it is long."""
    line = f"{text:<{_COMMENTS_AT - 1}} # {meaning}" if meaning else text
    return [f"# {meaning}", text] if meaning and len(line) > _LONGEST else [line]


def _toml(value: object) -> str:
    """A value as TOML, tables inline."""
    match value:
        case Mapping():
            pairs = (
                f"{name if _BARE.fullmatch(name) else json.dumps(name)} = {_toml(each)}" for name, each in value.items()
            )
            return f"{{ {', '.join(pairs)} }}" if value else "{}"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool() | int() | float():
            return str(value).lower()
        case _:
            # JSON's escapes are also TOML's.
            return json.dumps(str(value), ensure_ascii=False)
