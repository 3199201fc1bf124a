"""Text that came from a server, made safe to look at.

A report shows what servers answered. Terminal escapes, characters that turn the reading direction, and
characters that cannot be seen would let an answer change how the report around it reads, so each of them is
written out as `⟨U+202E⟩`. Joiners and variation selectors stay: names and emoji need them.
"""

import re

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, delete, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, direction
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    "]"
)


def visible(text: str) -> str:
    """The text with every control, direction and invisible character written out; tabs and line feeds stay."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_written_out, text)


def one_line(text: str) -> str:
    """As `visible`, for places of one line: tabs and line feeds are written out, too."""
    return visible(text).replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩")


def prose(text: str) -> str:
    """As `visible`, for sentences: any run of white space is one space."""
    return visible(" ".join(text.split()))


def in_encoding(text: str, encoding: str) -> str:
    """The text as an encoding can write it: what it lacks becomes an escape. Logs are not always UTF-8."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _written_out(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match.group()):04X}⟩"
