"""Real credentials in place of placeholders (contracts/placeholders.py), or of credentials that a request lacks."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum
from urllib.parse import quote

import openapi
from contracts import placeholders
from contracts.webhook import wire as webhook_wire
from harness.deployment import ROLES
from harness.history import SHARED
from harness.http import Call, Headers, header, object_or_empty
from harness.story import StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.sessions import user_key
from scenarios.cast.stage import Stage

_MINTED = f"{SHARED}/generate session"
_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?', re.DOTALL)  # a key with its colon


class Adding(StrEnum):
    """When a request gets credentials: in place of PLACEHOLDERS, or ALWAYS, also if it has none."""

    PLACEHOLDERS = "placeholders"
    ALWAYS = "always"


_SIGN_INS = frozenset({"validateCrossAppSession", "openCrossAppPage"})
"""The operations that may use a session token up."""


class UnfilledError(Exception):
    """A placeholder without a credential; the text names it, says why, and the remedy."""


class Credentials:
    """Fills in the credentials of a deployment; mints sessions when they are needed.

    Requests share a user's session token, but each that signs in gets a new one, which is good for that, unless
    `signs_in_anew` is False.
    """

    def __init__(self, stage: Stage, adding: Adding = Adding.PLACEHOLDERS, *, signs_in_anew: bool = True) -> None:
        self._stage = stage
        self._adding = adding
        self._signs_in_anew = signs_in_anew

    async def fill(self, call: Call) -> Call:
        """The call with real credentials for its placeholders, and a signature of exactly its body.

        Placeholders are replaced in headers, path, query and the JSON strings of the body; all other bytes stay. Raises
        UnfilledError.
        """
        operation = openapi.find(call.operation) if call.operation else None
        schemes = operation.schemes if operation is not None else ()
        if self._adding is Adding.ALWAYS and schemes and not any(_given(call, each) for each in schemes):
            call = _with_placeholder(call, schemes)
        anew = self._signs_in_anew and call.operation in _SIGN_INS
        target = await self._filled(call.target, lambda value: quote(value, safe="-._~"), anew)
        body = await self._filled_body(call, anew)
        headers = _with_length(await self._filled_headers(call.headers, anew), len(body or b""))
        filled = replace(call, target=target, body=body, headers=headers)
        signed = {each.field.lower() for each in schemes if each.signs}
        return replace(filled, headers=tuple(self._signed(*each, signed, body) for each in filled.headers))

    def limit_key(self, call: Call) -> str | None:
        """The key by which the rate limit counts a filled call; None if it is not counted."""
        operation = openapi.find(call.operation) if call.operation else None
        if operation is None or operation.rate_limit is None:
            return None
        if operation.rate_limit.key == "user":
            user = next((each for each in self._stage.deployment.users if each.jwt == _bearer(call)), None)
            return user_key(user) if user is not None else None
        if operation.rate_limit.key == "address":
            return "address"
        if operation.rate_limit.key == "instance":
            return "instance"
        if not any(value == self._stage.deployment.shared_secret for _, value in call.headers):
            return None
        return "shared-secret" if operation.rate_limit.key == "shared-secret" else session_token_of(call)

    async def _filled_headers(self, headers: Headers, anew: bool) -> Headers:
        return tuple([(name, await self._filled(value, str, anew)) for name, value in headers])

    async def _filled_body(self, call: Call, anew: bool) -> bytes | None:
        if not call.body or b"crossapp." not in call.body or not _says_json(call):
            return call.body
        text = call.body.decode("latin-1")  # one character a byte: all other bytes stay

        async def in_string(string: str) -> str:
            if string.endswith(":"):
                return string
            return await self._filled(string, lambda value: json.dumps(value)[1:-1], anew)

        return (await _each(_JSON_STRING, text, in_string)).encode("latin-1")

    async def _filled(self, text: str, spell: Callable[[str], str], anew: bool) -> str:
        async def real(placeholder: str) -> str:
            return spell(await self._real(placeholder, anew))

        return await _each(placeholders.PATTERN, text, real)

    async def _real(self, placeholder: str, anew: bool) -> str:
        """The credential of a placeholder; a session token that was not used before if `anew`. Raises UnfilledError."""
        deployment = self._stage.deployment
        if placeholder == placeholders.SHARED_SECRET:
            return deployment.shared_secret
        role = placeholder.rpartition(".")[2]
        user = deployment.user(role)
        if user is None:
            there = ", ".join(dict.fromkeys(each.role for each in deployment.users))
            remedy = (
                f'add [[users]] with role = "{role}" to the deployment file' if role in ROLES else "use one of those"
            )
            raise UnfilledError(f"{placeholder}: the deployment has no user with role {role!r}, but {there}; {remedy}")
        if placeholder == placeholders.jwt(role):
            return user.jwt
        try:
            sessions = self._stage.sessions
            if placeholder == placeholders.session_token(role):
                return (await (sessions.mint(user, _MINTED) if anew else sessions.shared(user))).token
            return (await self._stage.sessions.signed_in(user, tuvens_alive=True)).bearer
        except (StoryStoppedError, TargetGoneError) as error:
            raise UnfilledError(f"{placeholder}: {error}") from None

    def _signed(self, name: str, value: str, signed: set[str], body: bytes | None) -> tuple[str, str]:
        if value == placeholders.SIGNATURE and name.lower() in signed:
            return name, webhook_wire.sign(self._stage.deployment.shared_secret, body or b"")
        return name, value


async def _each(pattern: re.Pattern[str], text: str, replaced: Callable[[str], Awaitable[str]]) -> str:
    """The text with each match of the pattern replaced."""
    parts, last = [], 0
    for match in pattern.finditer(text):
        parts += [text[last : match.start()], await replaced(match.group())]
        last = match.end()
    return "".join([*parts, text[last:]])


def _with_length(headers: Headers, length: int) -> Headers:
    """The headers with the Content-Length of the filled body."""
    return tuple((name, str(length) if name.lower() == "content-length" else value) for name, value in headers)


def _says_json(call: Call) -> bool:
    media_type = (header(call.headers, "Content-Type") or "application/json").partition(";")[0].strip().lower()
    return media_type.endswith(("/json", "+json"))


def _bearer(call: Call) -> str:
    scheme, _, token = (header(call.headers, "Authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def session_token_of(call: Call) -> str | None:
    """The session token in a request's query or JSON body; None if there is none."""
    found = re.search(r"[?&]session_token=([^&#]+)", call.target)
    if found:
        return found[1]
    token = object_or_empty(call.body or b"").get("session_token")
    return token if isinstance(token, str) else None


def _given(call: Call, scheme: openapi.Scheme) -> bool:
    """Whether a request has a credential of a scheme, right or wrong."""
    match scheme.place:
        case "header":
            return header(call.headers, scheme.field) is not None
        case "cookie":
            cookies = header(call.headers, "Cookie") or ""
            return any(each.partition("=")[0].strip() == scheme.field for each in cookies.split(";"))
        case "query":
            return re.search(rf"[?&]{re.escape(scheme.field)}=", call.target) is not None


_BY_SECRET = {
    "jwt": placeholders.jwt(),
    "shared-secret": placeholders.SHARED_SECRET,
    "session-token": placeholders.session_token(),
    "bearer": placeholders.bearer(),
}


def _with_placeholder(call: Call, schemes: tuple[openapi.Scheme, ...]) -> Call:
    """The call with the organiser's placeholder for the first scheme that uses a header."""
    scheme = next((each for each in schemes if each.place == "header"), None)
    if scheme is None:
        return call
    value = placeholders.SIGNATURE if scheme.signs else scheme.prefix + _BY_SECRET[scheme.secret]
    return call.with_header(scheme.field, value)
