"""Placeholders for credentials in requests of third-party tools, which the proxy replaces as it forwards them.

A Pact file, an example or a fuzzer never holds a credential, but one of these texts. The signing proxy replaces them in
headers, query, path and JSON strings. It forwards every other text unchanged, so that wrong credentials stay wrong.
"""

import re

ORGANISER = "organiser"
SHARED_SECRET = "crossapp.shared-secret"
SIGNATURE = "sha256=" + "0" * 64
"""Replaced by the signature of exactly the forwarded bytes; it has the form of a signature, so that tools accept it."""

_JWT = "crossapp.jwt."
_SESSION_TOKEN = "crossapp.session-token."
_BEARER = "crossapp.bearer."
PATTERN = re.compile(
    r"(?<![A-Za-z0-9._-])crossapp\.(?:shared-secret|(?:jwt|session-token|bearer)\.[a-z]+)(?![A-Za-z0-9._-])"
)
"""Matches each placeholder as a whole word, except the signature."""


def jwt(role: str = ORGANISER) -> str:
    """Replaced by the JWT of the deployment's first user with a role."""
    return _JWT + role


def session_token(role: str = ORGANISER) -> str:
    """Replaced by a Tuvens session token of that user that has not expired."""
    return _SESSION_TOKEN + role


def bearer(role: str = ORGANISER) -> str:
    """Replaced by the bearer token of a Hi.Events session of that user that has not expired."""
    return _BEARER + role
