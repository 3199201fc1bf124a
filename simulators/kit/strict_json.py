"""JSON as no two parsers can disagree about it."""

import json
import math
from typing import Any

DEEPEST = 64


def read_strict(body: bytes) -> Any:
    """Parse JSON. Raises ValueError with a sentence that quotes nothing of it.

    Refused beside invalid JSON: duplicate keys, NaN and infinities, more than 64 levels, invalid UTF-8, NUL characters
    and lone surrogates (neither can be stored as text).
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not valid UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (position {error.pos})") from None
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith("has ") else "has a number of too many digits") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    # The two characters that JSON can spell and a database cannot hold are always written as \\u escapes.
    if "\\u" in text or text.count("[") + text.count("{") > DEEPEST:
        _inspect(value)
    return value


def refuse_unstorable(text: str) -> None:
    """Raise ValueError for a text with a NUL character or a lone surrogate."""
    if "\x00" in text:
        raise ValueError("has a NUL character")
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        raise ValueError("has a lone surrogate")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("has a key twice")
    return value


def _constant(_word: str) -> Any:
    raise ValueError("has NaN or Infinity, which is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("has a number out of range")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)


def _inspect(value: Any) -> None:
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("is nested too deeply")
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                for key in each:
                    refuse_unstorable(key)
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
            elif isinstance(each, str):
                refuse_unstorable(each)
        level = below
