"""How programs write a text, and what a curious reader makes of it."""

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus


def _each(text: str, write: str) -> str:
    """Every character escaped: `write` formats its number."""
    return "".join(write.format(ord(each)) for each in text)


def _percent(text: str, write: str) -> str:
    """Every byte escaped."""
    return "".join(write.format(each) for each in text.encode())


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: re.sub("%..", lambda each: each.group().lower(), quote(text, safe="")),
    "percent, slashes left": quote,
    "percent, every byte": lambda text: _percent(text, "%{:02X}"),
    "percent, every byte, lower case": lambda text: _percent(text, "%{:02x}"),
    "percent, every byte, twice": lambda text: _percent(text, "%25{:02x}"),
    "encodeURIComponent": lambda text: quote(text, safe="!'()*"),
    "encodeURI": lambda text: quote(text, safe=";,/?:@&=+$-_.!~*'()#"),
    "a form": quote_plus,
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON of ASCII": json.dumps,
    "JSON, every character": lambda text: _each(text, "\\u{:04x}"),
    "JSON, every character, upper case": lambda text: _each(text, "\\u{:04X}"),
    "JSON, every character, in JSON": lambda text: json.dumps(_each(text, "\\u{:04x}")),
    "JSON by PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON by Go": lambda text: re.sub(
        "[&<>]", lambda each: f"\\u{ord(each[0]):04x}", json.dumps(text, ensure_ascii=False)
    ),
    "JSON in JSON": lambda text: json.dumps({"message": json.dumps({"token": text})}),
    "HTML": html.escape,
    "HTML by PHP": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "HTML by MarkupSafe": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "HTML, every character": lambda text: _each(text, "&#{};"),
    "HTML, every character, hexadecimal": lambda text: _each(text, "&#x{:x};"),
    "HTML, all but letters and digits": lambda text: re.sub("[^A-Za-z0-9]", lambda each: f"&#{ord(each[0])};", text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()), safe=""),
    "basic authentication": lambda text: "Basic " + base64.b64encode(f"a-user:{text}".encode()).decode(),
    "basic authentication, another length": lambda text: base64.b64encode(f"user:{text}!".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, upper case": lambda text: text.encode().hex().upper(),
}
"""Raw, in a query, in JSON, in a page, in base64 and hexadecimal."""


def views(text: str) -> Iterator[str]:
    """A text as it is, and as a curious reader decodes it."""
    yield text
    yield unquote(text)
    yield unquote(unquote(text))
    yield unquote_plus(text)
    yield html.unescape(text)
    for layer in (text, text.replace('\\"', '"').replace("\\\\", "\\")):
        yield re.sub(
            r"\\(u[0-9a-fA-F]{4}|.)", lambda each: chr(int(each[1][1:], 16)) if len(each[1]) == 5 else each[1], layer
        )
    yield text.encode("latin-1", "replace").decode("utf-8", "replace")
    for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", unquote(text)):
        for part in (run[start:] for start in range(4)):
            whole = part[: len(part) - (len(part) % 4 == 1)].replace("-", "+").replace("_", "/")
            yield base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("utf-8", "replace")
    for run in re.findall(r"[0-9a-fA-F]{16,}", text):
        for part in (run, run[1:]):
            yield bytes.fromhex(part[: len(part) // 2 * 2]).decode("utf-8", "replace")


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value, the bytes of encoded bodies among them."""
    match value:
        case {"base64": str(body)}:
            yield base64.b64decode(body).decode("utf-8", "replace")
        case dict():
            for name, each in value.items():
                yield name
                yield from texts_in(each)
        case list():
            for each in value:
                yield from texts_in(each)
        case str():
            yield value
