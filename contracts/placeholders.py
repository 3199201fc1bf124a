"""Stand-ins for credentials: what a third-party tool sends, and whoever forwards the request replaces.

A Pact file, an example or a fuzzer never holds a credential. It holds one of these texts; the signing proxy puts the
real thing in their place, in headers, query, path and JSON strings. Every other text is forwarded as it came, so that
wrong credentials stay wrong.
"""

import re

ORGANISER = "organiser"
SHARED_SECRET = "crossapp.shared-secret"
SIGNATURE = "sha256=" + "0" * 64
"""Stands for the signature over exactly the bytes that are forwarded; of the right form, so that readers of the form
take it."""

_JWT = "crossapp.jwt."
_SESSION_TOKEN = "crossapp.session-token."
_BEARER = "crossapp.bearer."
PATTERN = re.compile(
    r"(?<![A-Za-z0-9._-])crossapp\.(?:shared-secret|(?:jwt|session-token|bearer)\.[a-z]+)(?![A-Za-z0-9._-])"
)
"""Matches each of the texts where it stands whole, the signature aside."""


def jwt(role: str = ORGANISER) -> str:
    """Stands for the JWT of the first user of a role of the deployment file."""
    return _JWT + role


def session_token(role: str = ORGANISER) -> str:
    """Stands for a living Tuvens session token of such a user."""
    return _SESSION_TOKEN + role


def bearer(role: str = ORGANISER) -> str:
    """Stands for the bearer token of a living Hi.Events session of such a user."""
    return _BEARER + role
