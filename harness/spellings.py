"""Finds the known secrets in a text in one pass, however many there are, in every encoding in which they travel."""

import base64
import html
import json
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Characters that a secret must have at least: shorter ones would be found in ordinary words."""
_WINDOW = 8
_TRIES = 64
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9]", re.ASCII)
# Texts of which every character is escaped. They are decoded, not spelled: 8 bytes of them tell too little.
_ESCAPED = {
    begins: re.compile(one + rb"(?:" + one + rb"){7,}+")
    for begins, one in (
        (b"%", rb"%(?:25)?[0-9A-Fa-f]{2}"),
        (b"\\u", rb"\\{1,2}u[0-9A-Fa-f]{4}"),  # in JSON, and in JSON quoted in JSON
        (b"&#", rb"&#(?:[0-9]{1,7}|[Xx][0-9A-Fa-f]{1,6});"),
    )
}
_ESCAPE = re.compile(rb"\\{1,2}u(....)|%25([^%]{2})|%(..)|&#([0-9]+);|&#[Xx]([0-9A-Fa-f]+);", re.DOTALL)


class Found(NamedTuple):
    """A secret in a text: where it begins and ends in the text's UTF-8, and its placeholder."""

    start: int
    end: int
    mark: str


class Spellings:
    """The spellings of secrets. Each is known by an anchor: 8 of its bytes that few others have. A text is searched for
    all anchors at once, and compared with a spelling only where its anchor stands."""

    def __init__(self) -> None:
        self._by_anchor: dict[int, tuple[tuple[bytes, int, str], ...]] = {}
        self._shortest = sys.maxsize

    def add(self, secret: str, mark: str) -> None:
        """Add a secret of at least 8 characters, with its placeholder."""
        for spelling in _spellings(secret):
            raw = _utf8(spelling)
            self._shortest = min(self._shortest, len(raw))
            anchor, offset = self._anchor_of(raw)
            self._by_anchor[anchor] = (*self._by_anchor.get(anchor, ()), (raw, offset, mark))

    def stand_in(self, text: str) -> bool:
        """Whether a text may contain a secret: always true where it does."""
        raw = _utf8(text)
        if len(raw) < self._shortest:
            return False
        if any(self._by_anchor.keys() & _windows(raw, first) for first in range(_WINDOW)):
            return True
        return next(_escaped(raw), None) is not None

    def found_in(self, text: str) -> list[Found]:
        """The secrets in a text, in order. Where two overlap, the longer one: a secret may be part of another."""
        raw = _utf8(text)
        found = sorted(self._matches(raw), key=lambda each: (each.start - each.end, each.start))
        taken = bytearray(len(raw))
        kept = []
        for each in found:
            if taken.find(1, each.start, each.end) < 0:
                taken[each.start : each.end] = b"\1" * (each.end - each.start)
                kept.append(each)
        return sorted(kept)

    def replaced(self, text: str) -> str:
        """The text with the placeholders of its secrets in their place."""
        found = self.found_in(text)
        if not found:
            return text
        raw, parts, end = _utf8(text), [], 0
        for each in found:
            parts += [raw[end : each.start], each.mark.encode()]
            end = each.end
        return b"".join([*parts, raw[end:]]).decode("utf-8", "surrogatepass")

    def _anchor_of(self, raw: bytes) -> tuple[int, int]:
        """The 8 bytes of a spelling by which it is known, as a number, and where they are in it. Tokens often begin
        alike, so the end is tried first."""
        fewest, best = sys.maxsize, (0, 0)
        for offset in range(len(raw) - _WINDOW, -1, -(len(raw) // _TRIES + 1)):
            anchor = int.from_bytes(raw[offset : offset + _WINDOW], sys.byteorder)
            others = len(self._by_anchor.get(anchor, ()))
            if others < fewest:
                fewest, best = others, (anchor, offset)
            if not others:
                break
        return best

    def _matches(self, raw: bytes) -> Iterator[Found]:
        yield from self._matches_as_written(raw)
        for part in _escaped(raw) if self._by_anchor else ():
            decoded, begins, ends = _unescaped(part)
            for each in self._matches_as_written(decoded):
                yield Found(begins[each.start], ends[each.end - 1], each.mark)

    def _matches_as_written(self, raw: bytes) -> Iterator[Found]:
        if len(raw) < self._shortest:
            return
        for first in range(_WINDOW):
            windows = _windows(raw, first)
            here = self._by_anchor.keys() & windows
            for index, anchor in enumerate(windows) if here else ():
                if anchor not in here:
                    continue
                for spelling, offset, mark in self._by_anchor[anchor]:
                    start = first + index * _WINDOW - offset
                    if start >= 0 and raw.startswith(spelling, start):
                        yield Found(start, start + len(spelling), mark)


def _windows(raw: bytes, first: int) -> memoryview:
    """Every eighth window of 8 bytes, from a place on, as a number."""
    end = first + (len(raw) - first) // _WINDOW * _WINDOW
    return memoryview(raw)[first : max(first, end)].cast("Q")


def _escaped(raw: bytes) -> Iterator[re.Match[bytes]]:
    """The parts of a text of which every character is escaped."""
    for begins, pattern in _ESCAPED.items():
        if begins in raw:
            yield from pattern.finditer(raw)


def _unescaped(part: re.Match[bytes]) -> tuple[bytes, list[int], list[int]]:
    """Such a part decoded, and where the escape of each byte begins and ends in the text."""
    decoded, begins, ends = bytearray(), [], []
    for escape in _ESCAPE.finditer(part[0]):
        unicode, twice, percent, decimal, hexadecimal = escape.groups()
        if percent or twice:
            piece = bytes.fromhex((percent or twice).decode())
        else:
            code = int(decimal) if decimal else int(unicode or hexadecimal, 16)
            piece = _utf8(chr(min(code, sys.maxunicode)))
        decoded += piece
        begins += [part.start() + escape.start()] * len(piece)
        ends += [part.start() + escape.end()] * len(piece)
    return bytes(decoded), begins, ends


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spellings(value: str) -> set[str]:
    """The encodings of a secret; one of letters, digits and `-._~` is mostly the same in URLs, JSON and pages."""
    raw = _utf8(value)
    numbers = set(map(ord, _OTHER.findall(value)))
    entities = (
        value.translate({number: write.format(number) for number in numbers})
        for write in ("&#{};", "&#x{:x};", "&#x{:X};")
    )
    found = {value, raw.hex(), raw.hex().upper(), *_in_base64(raw), *entities}
    if _PLAIN.fullmatch(value):
        return found
    percent = quote(raw, safe="")
    as_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    found |= {
        percent,
        re.sub("%..", lambda match: match.group().lower(), percent),
        quote(raw, safe="!'()*"),  # JavaScript's encodeURIComponent
        quote(raw, safe=";,/?:@&=+$-_.!~*'()#"),  # and its encodeURI
        quote(raw),
        quote_plus(raw),
        quote(percent, safe=""),
        html.escape(value),
        html.escape(value).replace("&#x27;", "&#039;"),  # PHP's htmlspecialchars
        html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),  # Python's MarkupSafe
        html.escape(value, quote=False),
        *as_json,
        *(each.replace("/", "\\/") for each in as_json),  # PHP's json_encode
        *(each.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e") for each in as_json),  # Go's
        *(json.dumps(each)[1:-1] for each in as_json),  # JSON quoted in JSON
    }
    return found | {_utf8(each).decode("latin-1") for each in found}


def _in_base64(raw: bytes) -> Iterator[str]:
    """The base64 of a secret, also as a part of more, such as `user:secret`: then its first or last character may be
    another one, and is left out."""
    spelled = {base64.b64encode(raw).decode().rstrip("=")}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        spelled.add(whole[(0, 2, 3)[before] : len(whole) - (0, 3, 2)[(before + len(raw)) % 3]].decode())
    for each in spelled:
        yield each
        yield each.replace("+", "-").replace("/", "_")
        yield quote(each, safe="")
