"""How hi.events fails under load; seen by the budgets of `crossapp load` alone."""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.kit.faults import Change
from simulators.kit.load_faults import delayed, failing

_EMBED = "showEventEmbed"
_SIGN_IN = "validateCrossAppSession"

SENTENCES = {
    "sign-in-takes-6-s": "Each sign-in waits for a message to be sent to the user: 6 s.",
    "one-sign-in-in-three-fails": "One of three instances cannot reach tuvens-api: its sign-ins fail with 500.",
    "widget-loads-slowly": "The page for embedding is rendered anew for each visitor: 2.2 s.",
    "widget-fails-now-and-then": "One of ten pages for embedding is answered 500, by an instance with an old build.",
}
STRAINS: Mapping[str, Callable[[Any], Change]] = {
    "sign-in-takes-6-s": lambda simulator: delayed(simulator, _SIGN_IN, seconds=6.0),
    "one-sign-in-in-three-fails": lambda simulator: failing(
        simulator, _SIGN_IN, every=3, status=500, code="INTERNAL_ERROR"
    ),
    "widget-loads-slowly": lambda simulator: delayed(simulator, _EMBED, seconds=2.2),
    "widget-fails-now-and-then": lambda simulator: failing(
        simulator, _EMBED, every=10, status=500, code="INTERNAL_ERROR"
    ),
}
