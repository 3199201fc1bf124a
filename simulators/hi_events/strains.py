"""How hi.events fails under load; seen by the budgets of `crossapp load` alone."""

from simulators.kit.strain import Strain

_SIGN_IN = frozenset({"validateCrossAppSession"})

SENTENCES = {
    "sign-in-takes-6-s": "Each sign-in waits for a message to be sent to the user: 6 s.",
    "one-sign-in-in-three-fails": "One of three instances cannot reach tuvens-api: its sign-ins fail with 500.",
}
STRAINS = {
    "sign-in-takes-6-s": Strain(_SIGN_IN, 6.0),
    "one-sign-in-in-three-fails": Strain(_SIGN_IN, every=3, refused=(500, "INTERNAL_ERROR")),
}
