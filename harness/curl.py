"""A curl command that sends an exchange's request again."""

import re
import shlex

from harness.history import Exchange

_PLACEHOLDER = re.compile(r"<([a-z]+(?:-[a-z]+)*):[0-9a-f]{8}>")
_LONGEST_BODY = 2_000


def curl(exchange: Exchange) -> str:
    """A command for a POSIX shell. Secrets are shell variables named after their kind ($SHARED_SECRET, $JWT,
    $SESSION_TOKEN, $BEARER), which the reader sets. A body above 2,000 bytes is left to a file named in the command."""
    parts = ["curl", "-i", "-X", exchange.method, _quoted(exchange.url)]
    for name, value in exchange.request_headers:
        parts += ["-H", _quoted(f"{name}: {value}" if value else f"{name};")]
    if exchange.request_body:
        if len(exchange.request_body) > _LONGEST_BODY or not _is_text(exchange.request_body):
            parts += ["--data-binary", f"@exchange-{exchange.number}.body"]
        else:
            parts += ["--data-binary", _quoted(exchange.request_body.decode("utf-8"))]
    return " ".join(parts)


def _is_text(body: bytes) -> bool:
    try:
        return body.decode("utf-8").replace("\n", "").replace("\t", "").replace("\r", "").isprintable()
    except UnicodeDecodeError:
        return False


def _quoted(text: str) -> str:
    """Shell-quoted, but with each placeholder of a secret as a shell variable."""
    if not _PLACEHOLDER.search(text):
        return shlex.quote(text)
    pieces = []
    last = 0
    for match in _PLACEHOLDER.finditer(text):
        if match.start() > last:
            pieces.append(shlex.quote(text[last : match.start()]))
        pieces.append('"$' + match[1].upper().replace("-", "_") + '"')
        last = match.end()
    if last < len(text):
        pieces.append(shlex.quote(text[last:]))
    return "".join(pieces)
