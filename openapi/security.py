"""The security schemes of the documents: how a caller of an operation authenticates."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

CredentialPlace = Literal["header", "query", "cookie"]


class Scheme(NamedTuple):
    """One security scheme.

    `place` and `field`: where the credential travels, such as the header `x-shared-secret`; `prefix` stands before it
    (`Bearer `, `sha256=`); `secret` is its kind (x-secret), empty for a signature, which `signs` (x-signature).
    """

    name: str
    place: CredentialPlace
    field: str
    prefix: str
    secret: str
    signs: bool


def scheme_of(name: str, raw: Mapping[str, Any]) -> Scheme:
    """A scheme of a document's `components.securitySchemes`."""
    signature = raw.get("x-signature")
    secret = raw.get("x-secret", "")
    if raw["type"] == "http":
        return Scheme(name, "header", "Authorization", "Bearer ", secret, signs=False)
    prefix = signature["prefix"] if signature else ""
    return Scheme(name, raw["in"], raw["name"], prefix, secret, signs=signature is not None)
