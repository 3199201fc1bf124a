"""Removal of secrets: nothing is stored or printed before it went through a `SecretBook`."""

import base64
import hashlib
import html
import json
import re
from bisect import insort
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_SHORTEST = 8
_SAYS_SECRET = r"(?:token|secret|passw|jwt|credential|api[-_]?key|authorization|bearer|cookie)"
_NAMES_SECRET = re.compile(_SAYS_SECRET, re.IGNORECASE)
# A JSON field with a text, or a query or form parameter; group 1 is what stands before the value.
_NAMED = re.compile(
    rf"""("[^"\\]*{_SAYS_SECRET}[^"\\]*"\s{{0,16}}:\s{{0,16}}")([^"\\]*(?:\\.[^"\\]*)*)(?=")"""
    rf"""|((?:^|[?&])[^=&?"\s]*{_SAYS_SECRET}[^=&?"\s]*=)([^&#"\s]+)""",
    re.IGNORECASE | re.DOTALL,
)
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}", re.ASCII)


def fingerprint(value: str) -> str:
    """The first 8 hex digits of the SHA-256: enough to tell two secrets apart, too little to use one."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def placeholder(kind: str, value: str) -> str:
    """What stands in for a secret: `<kind:fingerprint>`."""
    return f"<{kind}:{fingerprint(value)}>"


class SecretBook:
    """The secrets known so far, each with its kind (shared-secret, session-token, jwt, bearer, control-token).

    `clean` replaces every one of them, and whatever looks like a JWT, by its placeholder. A secret is also
    known in the spellings in which it travels: percent-encoded, JSON-escaped, as HTML text, and as UTF-8 bytes that
    were read as Latin-1.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        # (spelling, placeholder), the longest first: a secret may be a part of a longer one. A plain search for each
        # is quicker than a pattern of them all, which would have to be compiled anew with every token.
        self._spellings: list[tuple[str, str]] = []
        self._shortest = 1 << 30

    def learn(self, kind: str, value: str) -> None:
        """Remember a secret. Values shorter than 8 characters are left out: they would blacken plain words."""
        if len(value) < _SHORTEST or value in self._kinds:
            return
        self._kinds[value] = kind
        mark = placeholder(kind, value)
        self._shortest = min(self._shortest, len(value))
        for spelling in _spellings(value):
            insort(self._spellings, (spelling, mark), key=lambda each: -len(each[0]))

    def kind_of(self, value: str) -> str | None:
        """The kind of a known secret, None for any other text."""
        return self._kinds.get(value)

    def found_in(self, text: str) -> list[tuple[str, str]]:
        """(kind, fingerprint) of each known secret that stands in `text`, whole, once each; one that stands there only
        as a part of a longer one is not counted."""
        marks: set[str] = set()
        if len(text) < self._shortest:
            return []
        for spelling, mark in self._spellings:
            if spelling in text:
                marks.add(mark)
                text = text.replace(spelling, "\0")
        return sorted((kind, digits) for kind, _, digits in (mark[1:-1].rpartition(":") for mark in marks))

    def clean(self, text: str) -> str:
        """The text with every known secret, and every JWT, replaced."""
        if len(text) >= self._shortest:
            for spelling, mark in self._spellings:
                if spelling in text:
                    text = text.replace(spelling, mark)
        return _JWT.sub(lambda match: placeholder("jwt", match.group()), text) if "eyJ" in text else text

    def clean_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Named values such as JSON is made of, and bytes in them, with every text in them cleaned (keys, too, but for
        the names of the fields); tuples and sets become lists."""
        texts = "\0".join(_texts(fields))
        suspicious = "eyJ" in texts or any(spelling in texts for spelling, _ in self._spellings)
        return {name: self._rebuilt(value, suspicious) for name, value in fields.items()}

    def _rebuilt(self, value: Any, suspicious: bool) -> Any:
        match value:
            case str():
                return self.clean(value) if suspicious else value
            case bytes():
                return self.clean_bytes(value) if suspicious else value
            case Mapping():
                return {
                    self._rebuilt(str(key), suspicious): self._rebuilt(each, suspicious) for key, each in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self._rebuilt(each, suspicious) for each in value]
            case _:
                return value

    def clean_bytes(self, body: bytes) -> bytes:
        """As `clean`, for bytes: all that is no secret stays byte for byte the same."""
        return self.clean(body.decode("latin-1")).encode("latin-1", "replace") if body else body


def names_secret(name: str) -> bool:
    """Whether the name of a header or a field says that its value is a secret."""
    return _NAMES_SECRET.search(name) is not None


def named_tokens(text: str) -> Iterator[str]:
    """Values of JSON fields, query and form parameters whose names say secret, as far as they look like a token."""
    for match in _NAMED.finditer(text):
        value = match[2] or match[4] or ""
        if _LIKE_A_TOKEN.fullmatch(value):
            yield value


def clean_named(text: str, shortest: int = 1) -> str:
    """The text without the values of JSON fields, query and form parameters whose names say secret; what is replaced
    already, has fewer than `shortest` characters, and all else, stays as it is."""

    def cleaned(match: re.Match[str]) -> str:
        before, value = (match[1], match[2]) if match[1] else (match[3], match[4])
        kept = len(value) < shortest or value.startswith("<")
        return match[0] if kept else before + placeholder("secret", value)

    return _NAMED.sub(cleaned, text)


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
    """A secret as programs write it; one of letters, digits and `-._~` has only the one spelling."""
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
    """The claims of a JWT, unverified; None where the text is no JWT with an object for a payload."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None
