"""Makes text from servers safe to display.

Terminal escapes, characters that change the reading direction and invisible characters could change how the report
around them reads, so each is written out as `⟨U+202E⟩`. Joiners and variation selectors stay: names and emoji need
them.
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
    """The text with control, direction and invisible characters written out, except tabs and line feeds."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_written_out, text)


def one_line(text: str) -> str:
    """As `visible`, with tabs and line feeds written out as well."""
    return visible(text).replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩")


def prose(text: str) -> str:
    """As `visible`, with each run of white space as one space."""
    return visible(" ".join(text.split()))


def in_encoding(text: str, encoding: str) -> str:
    """The text with an escape for each character that an encoding lacks (logs are not always UTF-8)."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _written_out(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match.group()):04X}⟩"
