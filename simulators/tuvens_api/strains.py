"""How tuvens-api fails under load; seen by the budgets of `crossapp load` alone."""

from simulators.kit.strain import Strain

_GENERATE, _VALIDATE = frozenset({"generateSession"}), frozenset({"validateSession"})
_ASK = frozenset({"validateSession", "listUserAccounts", "validatePermission"})
_WEBHOOK = frozenset({"receiveEventStatusChanged"})

SENTENCES = {
    "generation-takes-20-ms": "Each generation hashes the token with bcrypt: 20 ms.",
    "generation-takes-300-ms": "Each generation asks an identity provider about the user: 300 ms.",
    "one-generation-in-ten-takes-60-ms": "One generation in ten opens a new connection to the database: 60 ms.",
    "validation-takes-150-ms": "Each validation reads the user's whole history: 150 ms.",
    "webhook-takes-40-ms": "Each webhook waits for the search index to be written: 40 ms.",
    "queries-take-20-ms": "Every query scans a table without an index: 20 ms in the database.",
    "pool-of-fifty": "A pool has 50 connections and no queue: who comes beyond that gets 503.",
    "one-generation-in-twenty-fails": "One generation in twenty runs into a deadlock: 500.",
    "one-validation-in-twenty-fails": "One validation in twenty runs into a deadlock: 500.",
    "one-secret-in-twenty-refused": "One of twenty instances has an older shared secret: 401.",
    "one-webhook-in-twenty-fails": "One webhook in twenty finds its queue full: 503.",
}
STRAINS = {
    "generation-takes-20-ms": Strain(_GENERATE, 0.02),
    "generation-takes-300-ms": Strain(_GENERATE, 0.3),
    "one-generation-in-ten-takes-60-ms": Strain(_GENERATE, 0.06, every=10),
    "validation-takes-150-ms": Strain(_VALIDATE, 0.15),
    "webhook-takes-40-ms": Strain(_WEBHOOK, 0.04),
    "queries-take-20-ms": Strain(seconds=0.02, stored=True),
    "pool-of-fifty": Strain(_VALIDATE, 0.01, at_once=50, refused=(503, "UNAVAILABLE")),
    "one-generation-in-twenty-fails": Strain(_GENERATE, every=20, refused=(500, "INTERNAL_ERROR")),
    "one-validation-in-twenty-fails": Strain(_VALIDATE, every=20, refused=(500, "INTERNAL_ERROR")),
    "one-secret-in-twenty-refused": Strain(_ASK, every=20, refused=(401, "UNAUTHORIZED")),
    "one-webhook-in-twenty-fails": Strain(_WEBHOOK, every=20, refused=(503, "UNAVAILABLE")),
}
