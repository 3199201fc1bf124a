"""Redaction: secrets are replaced by placeholders before anything is stored or printed."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from harness.spellings import SHORTEST, Spellings

# Every part is searched once, from its beginning and without going back: a text of megabytes may be all one part.
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])(?>[A-Za-z0-9_-]*?(?=\beyJ))([A-Za-z0-9_-]{11,}+\.[A-Za-z0-9_-]{2,}+\.[A-Za-z0-9_-]*+)"
)
_NAMES_SECRET = re.compile(r"token|secret|passw|jwt|credential|api[-_]?key|authorization|bearer|cookie", re.IGNORECASE)
# The name of a JSON field whose value is a string, or of a query or form parameter, and where its value begins; nothing
# but the character before the name is consumed, so that each stretch between two such characters is searched once.
_NAME = re.compile(r'"(?=([^"\\]*)"\s{0,16}:\s{0,16}"())|(?:^|[?&])(?=([^=&?"\s]*)=())')
_JSON_VALUE = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*(?=")', re.DOTALL)
_PARAMETER_VALUE = re.compile(r'[^&#"\s]+')
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=|%:!$&*,;@^#-]{8,}", re.ASCII)
_ADDRESS = re.compile(r"/.*|.*://.*|[\w.-]+:\d{1,5}(/.*)?|[^@]+@[^@]+\.[A-Za-z]+", re.ASCII | re.DOTALL)
_LONG = 16


def fingerprint(value: str) -> str:
    """The first 8 hex digits of the SHA-256: enough to tell two secrets apart, too few to recover one."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def placeholder(kind: str, value: str) -> str:
    """The placeholder of a secret: `<kind:fingerprint>`."""
    return f"<{kind}:{fingerprint(value)}>"


class Redactor:
    """Replaces every registered secret, and every JWT, by its placeholder.

    A secret has a kind (shared-secret, session-token, jwt, bearer, control-token, …). It is also found in the encodings
    in which it travels: percent-encoded, JSON-escaped, HTML-escaped, and as UTF-8 bytes decoded as Latin-1. `secrets`
    are (kind, value).
    """

    def __init__(self, secrets: Iterable[tuple[str, str]] = ()) -> None:
        self._registered: set[str] = set()
        self._spellings = Spellings()
        for kind, value in secrets:
            self.register(kind, value)

    def register(self, kind: str, value: str) -> None:
        """Add a secret. Values shorter than 8 characters are ignored: they would redact ordinary words."""
        if len(value) < SHORTEST or value in self._registered:
            return
        self._registered.add(value)
        self._spellings.add(value, placeholder(kind, value))

    def found_in(self, text: str) -> list[tuple[str, str]]:
        """(kind, fingerprint) of each registered secret in `text`, once each. A secret that occurs only as part of a
        longer one is not reported."""
        marks = {each.mark for each in self._spellings.found_in(text)}
        return sorted((kind, digits) for kind, _, digits in (mark[1:-1].rpartition(":") for mark in marks))

    def suspects(self, texts: Iterable[str]) -> bool:
        """Whether `redact` may change one of the texts."""
        whole = "\0".join(texts)
        return "eyJ" in whole or self._spellings.stand_in(whole)

    def redact(self, text: str) -> str:
        """The text with every registered secret, and every JWT, replaced."""
        text = self._spellings.replaced(text)
        if "eyJ" not in text:
            return text
        return _JWT.sub(lambda match: _before(match, 1) + placeholder("jwt", match[1]), text)

    def redact_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A mapping of JSON-like values (and bytes) with every string in them redacted, nested keys included; the
        top-level keys stay. Tuples and sets become lists."""
        suspicious = self.suspects(_texts(fields))
        return {name: self._rebuilt(value, suspicious) for name, value in fields.items()}

    def _rebuilt(self, value: Any, suspicious: bool) -> Any:
        match value:
            case str():
                return self.redact(value) if suspicious else value
            case bytes():
                return self.redact_bytes(value) if suspicious else value
            case Mapping():
                return {
                    self._rebuilt(str(key), suspicious): self._rebuilt(each, suspicious) for key, each in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self._rebuilt(each, suspicious) for each in value]
            case _:
                return value

    def redact_bytes(self, body: bytes) -> bytes:
        """As `redact`, for bytes; everything that is not a secret keeps its exact bytes."""
        return self.redact(body.decode("latin-1")).encode("latin-1", "replace") if body else body


def like_a_token(value: str) -> bool:
    """Whether a value has the form of a token: no address, no text with blanks or brackets, and so long that it is no
    plain word or number: 16 characters, or 8 of digits and letters, or of both cases. What has not, such as
    `undefined`, a title, an id or a URL, stands in pages and responses for other reasons, and would be taken for a leak
    wherever it does."""
    plain = unquote(value)
    if not _TOKEN.fullmatch(plain) or _ADDRESS.fullmatch(plain):
        return False
    return len(plain) >= _LONG or sum(any(map(kind, plain)) for kind in (str.isdigit, str.islower, str.isupper)) > 1


def names_secret(name: str) -> bool:
    """Whether the name of a header or a field suggests that its value is a secret."""
    return _NAMES_SECRET.search(name) is not None


def named_tokens(text: str) -> Iterator[str]:
    """Token-like values of JSON fields, query and form parameters whose names suggest a secret."""
    return (each[0] for each in _named(text) if _LIKE_A_TOKEN.fullmatch(each[0]))


def redact_named(text: str, shortest: int = 1) -> str:
    """Replaces the values of JSON fields, query and form parameters whose names suggest a secret. Placeholders and
    values shorter than `shortest` characters stay."""
    parts, end = [], 0
    for each in _named(text):
        if len(each[0]) >= shortest and not each[0].startswith("<"):
            parts += [text[end : each.start()], placeholder("secret", each[0])]
            end = each.end()
    return "".join([*parts, text[end:]])


def _named(text: str) -> Iterator[re.Match[str]]:
    """The values of fields and parameters whose names suggest a secret."""
    end = 0
    for match in _NAME.finditer(text):
        is_json = match[1] is not None
        if match.start() >= end and names_secret(match[1] if is_json else match[3]):
            begins = match.start(2 if is_json else 4)
            value = (_JSON_VALUE if is_json else _PARAMETER_VALUE).match(text, begins)
            if value is not None:
                end = value.end()
                yield value


def _before(match: re.Match[str], group: int) -> str:
    """What a pattern matched before one of its groups."""
    return match.string[match.start() : match.start(group)]


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case bytes():
            yield value.decode("latin-1")
        case Mapping():
            for key, each in value.items():
                yield str(key)
                yield from _texts(each)
        case list() | tuple() | set() | frozenset():
            for each in value:
                yield from _texts(each)


def jwt_claims(token: str) -> dict[str, object] | None:
    """The claims of a JWT, unverified; None if the text is not a JWT with an object as its payload."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None
