"""Statistics of a sample of session tokens. They can show that tokens are not random, never that they are.

Tokens are opaque: of parts joined by dots, as in JWTs, only the last (the signature) is expected to look random, and
positions that never change are left out.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_BASE64URL = f"{_LETTERS}{_LETTERS.lower()}{_DIGITS}-_"
# Alphabets whose symbols encode whole bits, each with symbols of which one must occur. Otherwise an alphabet of another
# size is likelier (decimal digits, letters and digits), whose symbols need not balance as bits.
_ALPHABETS = (
    (f"{_DIGITS}abcdef", "abcdef"),
    (f"{_DIGITS}ABCDEF", "ABCDEF"),
    (f"{_LETTERS}234567", "234567"),
    (f"{_LETTERS.lower()}234567", "234567"),
    (f"{_DIGITS}{_LETTERS[:22]}", "ABCDEFGHIJKLMNOPQRSTUV"),
    (f"{_DIGITS}{_LETTERS[:22].lower()}", "abcdefghijklmnopqrstuv"),
    (f"{_DIGITS}ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHJKMNPQRSTVWXYZ"),
    (f"{_DIGITS}abcdefghjkmnpqrstvwxyz", "abcdefghjkmnpqrstvwxyz"),
    (_BASE64URL, "-_"),
)


def sample_statistics(tokens: Sequence[str]) -> dict[str, Any]:
    """`count`, `repeats`, `shortest`, `bits` (of the varying positions of one token), `shared_prefix` (the longest
    that two tokens share, in varying positions), and the z scores `monobit` and `runs` (NIST SP 800-22, 2.1 and 2.3);
    None where the alphabet is none of hex, base32 and base64url, or the sample is too small."""
    count = len(tokens)
    found: dict[str, Any] = {
        "count": count,
        "repeats": count - len(set(tokens)),
        "shortest": min((len(each) for each in tokens), default=0),
        "bits": None,
        "shared_prefix": None,
        "monobit": None,
        "runs": None,
    }
    distinct = sorted({each.rpartition(".")[2] for each in set(tokens)})
    if len(distinct) < 8 or len({len(each) for each in distinct}) != 1:
        return found
    varying = [index for index in range(len(distinct[0])) if len({each[index] for each in distinct}) > 1]
    parts = ["".join(each[index] for index in varying) for each in distinct]
    alphabet, width = _alphabet("".join(parts))
    found["bits"] = len(varying) * width if width else int(len(varying) * math.log2(len(set("".join(parts)))))
    found["shared_prefix"] = max(_shared(a, b) for a, b in pairwise(parts))
    if width:
        # The last character of an encoding may carry fewer bits than its width: it is left out.
        digits = [alphabet.index(char) for each in parts for char in each[:-1]]
        bits = [(digit >> shift) & 1 for digit in digits for shift in reversed(range(width))]
        found["monobit"], found["runs"] = _monobit(bits), _runs(bits)
    return found


def _alphabet(text: str) -> tuple[str, int]:
    """The alphabet of a text and the bits that one symbol encodes; 0 bits if the alphabet is unknown."""
    seen = set(text)
    for alphabet, telling in _ALPHABETS:
        if seen <= set(alphabet) and seen & set(telling):
            return alphabet, len(alphabet).bit_length() - 1
    return "", 0


def _shared(one: str, other: str) -> int:
    length = 0
    for a, b in zip(one, other, strict=True):
        if a != b:
            break
        length += 1
    return length


def _monobit(bits: Sequence[int]) -> float:
    """The number of standard deviations by which the number of ones differs from half."""
    n = len(bits)
    return (2 * sum(bits) - n) / math.sqrt(n) if n else 0.0


def _runs(bits: Sequence[int]) -> float:
    """The number of standard deviations by which the number of runs differs from what the share of ones predicts."""
    n = len(bits)
    share = sum(bits) / n if n else 0.0
    spread = 2 * math.sqrt(n) * share * (1 - share)
    if not spread:
        return math.inf
    runs = 1 + sum(a != b for a, b in pairwise(bits))
    return (runs - 2 * n * share * (1 - share)) / spread
