"""What the user may have meant by a wrong name."""

from collections.abc import Collection
from difflib import get_close_matches


def meant(name: str, known: Collection[str]) -> str:
    """`did you mean 'hi.events'?`, or all known names if none is close."""
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
