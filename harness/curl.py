"""curl commands that repeat a recorded request."""

import re
import shlex
from collections.abc import Iterator

from harness.history import Exchange
from harness.http import header

_PLACEHOLDER = re.compile(r"<([a-z]+(?:-[a-z]+)*):[0-9a-f]{8}>")
_LONGEST_BODY = 2_000


def curl(exchange: Exchange) -> str:
    """A command for a POSIX shell. Secrets become shell variables named after their kind ($SHARED_SECRET, $JWT,
    $SESSION_TOKEN, $BEARER), which the reader sets. A body above 2,000 bytes is read from a file that the command
    names."""
    body = exchange.request_body
    parts = ["curl", "-i", *(("-I",) if exchange.method == "HEAD" else ("-X", exchange.method))]
    if re.search(r"[][{}]", exchange.url):
        parts.append("-g")
    parts.append(_quoted(exchange.url))
    for name, value in exchange.request_headers:
        parts += ["-H", _quoted(f"{name}: {value}" if value else f"{name};")]
    if not body and exchange.method not in ("POST", "PUT", "PATCH"):
        return " ".join(parts)
    if header(exchange.request_headers, "Content-Type") is None:
        parts += ["-H", "Content-Type:"]  # or curl adds one
    if len(body) > _LONGEST_BODY:
        return " ".join([*parts, "--data-binary", f"@exchange-{exchange.number}.body"])
    if _is_text(body):
        return " ".join([*parts, "--data-raw", _quoted(body.decode("utf-8"))])
    return f"{_printf(body)} | {' '.join([*parts, '--data-binary', '@-'])}"


def printed(body: bytes) -> str:
    """A command for a POSIX shell that prints these bytes, with secrets as shell variables as in `curl`."""
    return f"printf %s {_quoted(body.decode('utf-8'))}" if _is_text(body) else _printf(body)


def _is_text(body: bytes) -> bool:
    try:
        return body.decode("utf-8").replace("\n", "").replace("\t", "").replace("\r", "").isprintable()
    except UnicodeDecodeError:
        return False


def _printf(body: bytes) -> str:
    """A printf command for bytes that are not printable text."""
    template, variables = "", []
    for text, variable in _pieces(body.decode("latin-1")):
        template += "".join(each if each.isascii() and each.isalnum() else f"\\{ord(each):03o}" for each in text)
        if variable:
            template += "%s"
            variables.append(variable)
    return " ".join(["printf", shlex.quote(template), *variables])


def _quoted(text: str) -> str:
    """Shell-quoted text, with each placeholder of a secret as a shell variable."""
    return "".join((shlex.quote(plain) if plain else "") + variable for plain, variable in _pieces(text)) or "''"


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Pieces of plain text, each with the shell variable of the secret that follows it (empty after the last piece)."""
    last = 0
    for match in _PLACEHOLDER.finditer(text):
        yield text[last : match.start()], '"$' + match[1].upper().replace("-", "_") + '"'
        last = match.end()
    yield text[last:], ""
