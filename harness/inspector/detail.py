"""The details of one exchange, as JSON."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.curl import curl, printed
from harness.history import Exchange, Outcome
from harness.http import Headers, header
from harness.inspector.row import ExchangeRow
from harness.redact import names_secret, placeholder, redact_named

_PLACEHOLDER = re.compile(r"<[a-z]+(?:-[a-z]+)*:[0-9a-f]{8}>")
_SHORTEST_SECRET = 8
# curl sets these itself, and a length would be wrong once a placeholder is replaced.
_NOT_COPIED = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding", "user-agent"})


@dataclass(frozen=True, slots=True)
class Check:
    """One message validated against the OpenAPI document: its problems, or in `unread` why it was not checked."""

    problems: tuple[str, ...] = ()
    unread: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `verdict` is conforms, breaks or unread."""
        verdict = "unread" if self.unread else "breaks" if self.problems else "conforms"
        return {"verdict": verdict, "problems": list(self.problems), "why": self.unread}


@dataclass(frozen=True, slots=True)
class Signing:
    """How a body is signed: the header, the prefix of the digits in it, the algorithm in words, the kind of key."""

    header: str
    prefix: str
    words: str
    key: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row with its messages. `exchange.url` is absolute. `request_cut`, `response_cut`: only the beginning of a body
    is kept. `sentences`: what each fault does."""

    row: ExchangeRow
    exchange: Exchange
    request: Check
    response: Check
    signing: Signing | None = None
    request_cut: bool = False
    response_cut: bool = False
    sentences: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def detail(recorded: Recorded) -> dict[str, Any]:
    """The exchange as the inspector shows it, with fields redacted whose names suggest a secret."""
    row = recorded.row
    exchange = _redact(recorded.exchange)
    return {
        **row.to_json(),
        "url": exchange.url,
        "faults": [{"name": name, "sentence": recorded.sentences.get(name, "")} for name in row.faults],
        "request": _message(exchange.request_headers, exchange.request_body, cut=recorded.request_cut),
        "response": None
        if exchange.status is None
        else _message(exchange.response_headers, exchange.response_body, cut=recorded.response_cut),
        "validation": {"request": recorded.request.to_json(), "response": recorded.response.to_json()},
        "signature": None if recorded.signing is None else _signature(recorded, exchange, recorded.signing),
        "facts": dict(recorded.facts),
        "curl": None if recorded.request_cut else curl(_copied(exchange)),
    }


def _message(headers: Headers, body: bytes, *, cut: bool) -> dict[str, Any]:
    try:
        content: dict[str, str] = {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        content = {"base64": base64.b64encode(body).decode("ascii")}
    return {"headers": [list(each) for each in headers], "body": content, "bytes": len(body), "cut": cut}


def _signature(recorded: Recorded, exchange: Exchange, signing: Signing) -> dict[str, Any]:
    body = exchange.request_body
    altered = _PLACEHOLDER.search(body.decode("latin-1")) is not None
    whole = not altered and not recorded.request_cut
    key = signing.key.upper().replace("-", "_")
    return {
        "header": signing.header,
        "sent": header(exchange.request_headers, signing.header),
        "prefix": signing.prefix,
        "words": signing.words,
        "valid": recorded.row.signature_valid,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest() if whole else None,
        "incomplete": "" if whole else "a secret was removed from these bytes" if altered else "these bytes were cut",
        "command": None if recorded.request_cut else f'{printed(body)} | openssl dgst -sha256 -hmac "${key}"',
    }


def _copied(exchange: Exchange) -> Exchange:
    kept = tuple(
        (name, value)
        for name, value in exchange.request_headers
        if name.lower() not in _NOT_COPIED and not name.lower().startswith("sec-")
    )
    return replace(exchange, request_headers=kept, outcome=Outcome.ANSWERED)


def _redact(exchange: Exchange) -> Exchange:
    return replace(
        exchange,
        url=redact_named(exchange.url, _SHORTEST_SECRET),
        request_headers=_redact_headers(exchange.request_headers),
        response_headers=_redact_headers(exchange.response_headers),
        request_body=_redact_body(exchange.request_body),
        response_body=_redact_body(exchange.response_body),
    )


def _redact_headers(headers: Sequence[tuple[str, str]]) -> Headers:
    """Redacts headers whose names suggest a secret; placeholders and short values stay."""
    return tuple(
        (name, placeholder("secret", value))
        if names_secret(name) and len(value) >= _SHORTEST_SECRET and not _PLACEHOLDER.search(value)
        else (name, value)
        for name, value in headers
    )


def _redact_body(body: bytes) -> bytes:
    return redact_named(body.decode("latin-1"), _SHORTEST_SECRET).encode("latin-1")
