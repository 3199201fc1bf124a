"""HTTPS is enforced. Judged on deployments that are served by https."""

import re

from contracts.catalogue import RuleFamily
from harness.expectations import answered, expect, held, let_through, shown
from harness.history import History, NothingObservedError, Outcome
from harness.requirement import SHOULD
from harness.verdict import Verdict

STORY = "transport_is_checked"

rule = RuleFamily(
    security=True,
    level=SHOULD,
    obliged="tuvens-api",
    section="Systems",
    quote="https://api.tuvens.com",
    story=STORY,
    settles="C-SE-01",
    operations="getEvent",
    needs="https:tuvens-api",
)


@rule()
def plain_http_is_refused(history: History) -> Verdict:
    """tuvens-api serves nothing over http://: it redirects to https:// or rejects the request."""
    # Only a host that answers by https can be said to refuse http.
    reached = answered(history.one(f"{STORY}/https"))
    try:
        plain = history.one(f"{STORY}/http")
    except NothingObservedError:
        return held(reached, "served on a separate port, which speaks https only")
    if plain.outcome is not Outcome.ANSWERED:
        return held((plain, reached), "refused")
    redirected = plain.status in (301, 302, 307, 308) and (plain.header("Location") or "").startswith("https://")
    expect(
        redirected or plain.is_error, expected="a redirect to https://, or an error", observed=shown(plain), at=plain
    )
    return held(plain)


@rule()
def strict_transport_is_demanded(history: History) -> Verdict:
    """tuvens-api requires browsers to use https only (Strict-Transport-Security)."""
    answer = let_through(history.one(f"{STORY}/https"))
    value = answer.header("Strict-Transport-Security") or ""
    # max-age=0 withdraws it (RFC 6797, 6.1.1); the value may be quoted.
    lasting = re.search(r"max-age\s*=\s*\"?0*[1-9]", value, re.IGNORECASE) is not None
    expect(lasting, expected="Strict-Transport-Security", observed=value[:160] or "none", at=answer)
    return held(answer)


@rule()
def old_tls_is_refused(history: History) -> Verdict:
    """tuvens-api rejects TLS versions older than 1.2."""
    seen = history.observation(f"{STORY}/old versions")
    reached = answered(history.one(f"{STORY}/https"))
    accepted = ", ".join(seen.values["accepted"])
    expect(not accepted, expected="TLS 1.2 or newer", observed=f"accepts {accepted}", at=seen)
    return held((seen, reached))
