"""Redaction: secrets are replaced by placeholders before anything is stored or printed."""

import base64
import hashlib
import html
import json
import re
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_SHORTEST = 8
_SAYS_SECRET = r"(?:token|secret|passw|jwt|credential|api[-_]?key|authorization|bearer|cookie)"
_NAMES_SECRET = re.compile(_SAYS_SECRET, re.IGNORECASE)
# A JSON field whose value is a string, or a query or form parameter. Groups 1 and 3 are the text before the value.
_NAMED = re.compile(
    rf"""("[^"\\]*{_SAYS_SECRET}[^"\\]*"\s{{0,16}}:\s{{0,16}}")([^"\\]*(?:\\.[^"\\]*)*)(?=")"""
    rf"""|((?:^|[?&])[^=&?"\s]*{_SAYS_SECRET}[^=&?"\s]*=)([^&#"\s]+)""",
    re.IGNORECASE | re.DOTALL,
)
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
        # (spelling, placeholder), the longest first: a secret may be part of a longer one. Searching for each one is
        # faster than one regular expression for all, which every new token would recompile.
        self._spellings: list[tuple[str, str]] = []
        self._shortest = 1 << 30
        for kind, value in secrets:
            self.register(kind, value)

    def register(self, kind: str, value: str) -> None:
        """Add a secret. Values shorter than 8 characters are ignored: they would redact ordinary words."""
        if len(value) < _SHORTEST or value in self._registered:
            return
        self._registered.add(value)
        mark = placeholder(kind, value)
        self._shortest = min(self._shortest, len(value))
        for spelling in _spellings(value):
            insort(self._spellings, (spelling, mark), key=lambda each: -len(each[0]))

    def found_in(self, text: str) -> list[tuple[str, str]]:
        """(kind, fingerprint) of each registered secret in `text`, once each. A secret that occurs only as part of a
        longer one is not reported."""
        marks: set[str] = set()
        if len(text) < self._shortest:
            return []
        for spelling, mark in self._spellings:
            if spelling in text:
                marks.add(mark)
                text = text.replace(spelling, "\0")
        return sorted((kind, digits) for kind, _, digits in (mark[1:-1].rpartition(":") for mark in marks))

    def redact(self, text: str) -> str:
        """The text with every registered secret, and every JWT, replaced."""
        if len(text) >= self._shortest:
            for spelling, mark in self._spellings:
                if spelling in text:
                    text = text.replace(spelling, mark)
        return _JWT.sub(lambda match: placeholder("jwt", match.group()), text) if "eyJ" in text else text

    def redact_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A mapping of JSON-like values (and bytes) with every string in them redacted, nested keys included; the
        top-level keys stay. Tuples and sets become lists."""
        texts = "\0".join(_texts(fields))
        suspicious = "eyJ" in texts or any(spelling in texts for spelling, _ in self._spellings)
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
    for match in _NAMED.finditer(text):
        value = match[2] or match[4] or ""
        if _LIKE_A_TOKEN.fullmatch(value):
            yield value


def redact_named(text: str, shortest: int = 1) -> str:
    """Replaces the values of JSON fields, query and form parameters whose names suggest a secret. Placeholders and
    values shorter than `shortest` characters stay."""

    def replaced(match: re.Match[str]) -> str:
        before, value = (match[1], match[2]) if match[1] else (match[3], match[4])
        kept = len(value) < shortest or value.startswith("<")
        return match[0] if kept else before + placeholder("secret", value)

    return _NAMED.sub(replaced, text)


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


def _spellings(value: str) -> set[str]:
    """The encodings of a secret; one of letters, digits and `-._~` has only one spelling."""
    raw = value.encode("utf-8", "surrogatepass")
    percent = quote(raw, safe="")
    as_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    found = {
        value,
        percent,
        re.sub("%..", lambda match: match.group().lower(), percent),
        quote(raw, safe="!'()*"),  # JavaScript's encodeURIComponent
        quote_plus(raw),
        quote(percent, safe=""),
        html.escape(value),
        html.escape(value).replace("&#x27;", "&#039;"),  # PHP's htmlspecialchars
        html.escape(value, quote=False),
        *as_json,
        *(each.replace("/", "\\/") for each in as_json),  # PHP's json_encode
        *(each.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e") for each in as_json),  # Go's
        *(json.dumps(each)[1:-1] for each in as_json),  # JSON quoted in JSON
    }
    return found | {each.encode("utf-8", "surrogatepass").decode("latin-1") for each in found}


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
