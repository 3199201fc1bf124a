"""How hi.events fails under load; seen by the budgets of `crossapp load` alone."""

from simulators.kit.strain import Strain

_EMBED = frozenset({"showEventEmbed"})
_SIGN_IN = frozenset({"validateCrossAppSession"})

SENTENCES = {
    "sign-in-takes-6-s": "Each sign-in waits for a message to be sent to the user: 6 s.",
    "one-sign-in-in-three-fails": "One of three instances cannot reach tuvens-api: its sign-ins fail with 500.",
    "widget-loads-slowly": "The page for embedding is rendered anew for each visitor: 2.2 s.",
    "widget-fails-now-and-then": "One of ten pages for embedding is answered 500, by an instance with an old build.",
}
STRAINS = {
    "sign-in-takes-6-s": Strain(_SIGN_IN, 6.0),
    "one-sign-in-in-three-fails": Strain(_SIGN_IN, every=3, refused=(500, "INTERNAL_ERROR")),
    "widget-loads-slowly": Strain(_EMBED, 2.2),
    "widget-fails-now-and-then": Strain(_EMBED, every=10, refused=(500, "INTERNAL_ERROR")),
}
