"""Authentication: the shared secret of back ends, users' JWTs, the webhook's signature."""

import hashlib
import hmac

from contracts.session_token.wire import SECRET_HEADER
from contracts.webhook.wire import SIGNATURE_HEADER, signature_matches
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.messages import Header, Request
from simulators.tuvens_api.jwts import JwtReader, JwtRefused
from simulators.tuvens_api.store import LARGEST, TuvensApiStore

_BEARER: Header = (b"www-authenticate", b"Bearer")
_SECRET_HEADER = SECRET_HEADER.lower().encode()
_SIGNATURE_HEADER = SIGNATURE_HEADER.lower().encode()


class SharedSecretGuard:
    """The header X-Shared-Secret of back ends."""

    def __init__(self, secret: str) -> None:
        self.secret = secret.encode()
        self._digest = hashlib.sha256(self.secret).digest()

    def check(self, request: Request) -> None:
        """Raise Refusal (401) for a missing or wrong secret, or more than one."""
        given = request.header_values(_SECRET_HEADER)
        if len(given) != 1 or not self.matches(given[0]):
            raise Refusal(401, "UNAUTHORIZED", f"{SECRET_HEADER} is missing or wrong")

    def matches(self, given: bytes) -> bool:
        """Whether this is the secret."""
        # Digests have one length: the time does not tell the secret's.
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)


class UserGuard:
    """The JWT of a user."""

    def __init__(self, jwts: JwtReader, store: TuvensApiStore, clock: Clock) -> None:
        self._jwts = jwts
        self._store = store
        self._clock = clock

    def check(self, request: Request) -> None:
        """Set the request's user. Raises Refusal (401)."""
        token = bearer(request)
        if token is None:
            raise Refusal(401, "UNAUTHORIZED", "Authorization: Bearer <jwt> is missing", headers=[_BEARER])
        try:
            subject = self._jwts.subject(token, self._clock.now())
        except JwtRefused as error:
            raise Refusal(401, "UNAUTHORIZED", str(error), headers=[_BEARER]) from None
        if not _is_id(subject) or not self._store.user_exists(int(subject)):
            raise Refusal(401, "UNAUTHORIZED", "the JWT names a user who does not exist", headers=[_BEARER])
        request.user_id = subject


class SignatureGuard:
    """The signature of a webhook, over the bytes of its body."""

    def __init__(self, secret: str) -> None:
        self.secret = secret.encode()

    def check(self, request: Request) -> None:
        """Raise Refusal (401) for a missing or wrong signature."""
        header = self.note(request)
        if not self.accepts(request.body, header, request.notes["signature_valid"] is True):
            raise Refusal(401, "UNAUTHORIZED", f"{SIGNATURE_HEADER} is missing or wrong")

    def note(self, request: Request) -> str:
        """Note for the journal whether the signature is right; returns the header, empty where it is not there once."""
        given = request.header_values(_SIGNATURE_HEADER)
        header = given[0].decode("latin-1") if len(given) == 1 else ""
        request.notes["signature_valid"] = signature_matches(self.secret, request.body, header)
        return header

    def accepts(self, body: bytes, header: str, valid: bool) -> bool:
        """Whether a signature is accepted; `valid` says whether it is right for the bytes of this body."""
        return valid


def bearer(request: Request) -> str | None:
    """The bearer token of a request; None where there is none, or more than one."""
    given = request.header_values(b"authorization")
    scheme, _, token = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and str(int(text)) == text and int(text) <= LARGEST
