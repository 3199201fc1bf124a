"""How long the credentials of a request were still good for: the premise of every success that needs one.

A request may wait for its turn, and the machine be slow, so that a session token, a bearer token or a JWT expires on
the way. Where that cannot be ruled out, the refusal of the request breaks no rule. Credentials are told apart in the
record by the digest in their placeholder. The issuer's clock decides where it answers itself (its Date header), else
the time that passed on our side since the credential was asked for, and by which simulators' clocks were moved.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import openapi
from contracts.times import iso_or_none, parse_http_date
from harness.expectations import CREDENTIAL_LEFT
from harness.history import Exchange, History
from harness.http import object_or_empty

_PLACEHOLDER = re.compile(r"<(?:session-token|bearer|jwt):[0-9a-f]{8}>")
_LONGEST = 65_536
_CLOCKS_DIFFER = 120.0
_ISSUERS = {"session_token": "tuvens-api", "token": "hi.events"}


class Lifetime(NamedTuple):
    """The least time for which a credential of a `kind` is good: `ends` by the issuer's clock, in Unix seconds, and
    `lasts`, seconds from when the request for it was `sent`; None for what is not known. `behind`: the placeholder of
    the session token that it was had for."""

    kind: str
    issuer: str
    ends: float | None
    lasts: float | None
    sent: float = 0.0
    behind: str = ""


def handed_out(exchange: Exchange) -> tuple[str, Lifetime] | None:
    """The placeholder of the session or bearer token in an answer, and its lifetime; None if there is none."""
    body = object_or_empty(exchange.response_body) if exchange.is_success else {}
    for name, issuer in _ISSUERS.items():
        token = body.get(name)
        if isinstance(token, str) and _PLACEHOLDER.fullmatch(token):
            return token, _announced(exchange, body, issuer)
    return None


def _announced(exchange: Exchange, body: Mapping[str, object], issuer: str) -> Lifetime:
    date, ends, lasts = parse_http_date(exchange.header("date")), iso_or_none(body.get("expires_at")), None
    if issuer == "tuvens-api":
        # A Date header has whole seconds: the token may be up to one second older than it says.
        if date is not None and ends is not None and exchange.callee == issuer:
            lasts = ends - date - 1.0
        return Lifetime("session-token", issuer, ends, lasts, exchange.started)
    seconds = body.get("expires_in")
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        lasts = float(seconds)
    ends = date + lasts if date is not None and lasts is not None else None
    behind = next((each for each in _named_in(exchange) if each.startswith("<session-token:")), "")
    return Lifetime("bearer", issuer, ends, lasts, exchange.started, behind)


class Lifetimes:
    """The lifetimes of the credentials of a record; `jwts`: when each JWT of the deployment file ends, in Unix seconds,
    by placeholder."""

    def __init__(self, history: History, jwts: Mapping[str, float] | None = None) -> None:
        self._history = history
        self._known = {
            placeholder: Lifetime("jwt", "tuvens-api", ends, None) for placeholder, ends in (jwts or {}).items()
        }
        for each in history.exchanges():
            found = handed_out(each)
            if found is not None:
                self._known.setdefault(*found)

    def left(self, exchange: Exchange) -> tuple[float, str] | None:
        """Seconds for which every credential of a request was surely still good when its answer came, negative if one
        may have expired before, and the kind of the one that ends first; None if nothing is known."""
        found = [(self._left(exchange, each), each.kind) for each in self._concerned(exchange)]
        return min(((seconds, kind) for seconds, kind in found if seconds is not None), default=None)

    def _concerned(self, exchange: Exchange) -> Iterator[Lifetime]:
        for placeholder in _named_in(exchange):
            lifetime = self._known.get(placeholder)
            if lifetime is None:
                continue
            yield lifetime
            if lifetime.behind in self._known and exchange.operation and openapi.find(exchange.operation).calls:
                yield self._known[lifetime.behind]

    def _left(self, exchange: Exchange, lifetime: Lifetime) -> float | None:
        date, answered = parse_http_date(exchange.header("date")), exchange.started + exchange.seconds
        if lifetime.ends is not None and date is not None and exchange.callee == lifetime.issuer:
            return lifetime.ends - date - 1.0
        if lifetime.lasts is not None:
            return lifetime.lasts - (answered - lifetime.sent) - self._history.moved(lifetime.sent, answered)
        if lifetime.kind != "jwt" or not lifetime.ends:
            return None
        return lifetime.ends - answered - self._history.moved(0.0, answered) - _CLOCKS_DIFFER


def note_lifetimes(history: History, jwts: Mapping[str, float]) -> None:
    """Add to each exchange with a credential whose end is known how long that was still good for, as a fact."""
    lifetimes = Lifetimes(history, jwts)
    facts: dict[int, Mapping[str, object]] = {}
    for each in history.exchanges():
        left = lifetimes.left(each)
        if left is not None:
            facts[each.number] = {CREDENTIAL_LEFT: {"seconds": round(left[0], 3), "kind": left[1]}}
    history.add_facts(facts)


def _named_in(exchange: Exchange) -> list[str]:
    """The placeholders of credentials in a request."""
    texts = (exchange.url, *(value for _, value in exchange.request_headers))
    body = exchange.request_body[:_LONGEST].decode("latin-1")
    return [found for text in (*texts, body) for found in _PLACEHOLDER.findall(text)]
