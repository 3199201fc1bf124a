"""The capabilities of a deployment, derived from its file, and the remedy for each one that is missing."""

import ipaddress
from urllib.parse import urlsplit

from harness.deployment import Deployment, Target

# A capability is `word` or `word:subject`; {} in a remedy is the subject.
_REMEDIES = {
    "target": "the deployment has no {}: add its url under [targets.{}]",
    "control": "{} has no control plane: only simulators have one",
    "database": "no access to the database of {}: add its SQLAlchemy URL as database (or database_env) under "
    "[targets.{}]",
    "audit-log": "no access to the audit log of {}: add its database and audit_table under [targets.{}]",
    "launch": "no second instance of {} can be started: add a launch command under [targets.{}]",
    "role": 'no user has this role: add [[users]] with role = "{}", its account_id and a jwt',
    "expired-jwt": "no expired JWT is available: add expired_jwt to a user, or credentials.jwt_secret",
    "jwt-secret": "no JWT can be signed: add credentials.jwt_secret",
    "expiry": "sessions expire too late to wait for: run with --patience 16m, or against a deployment with a short "
    "session_expiry or the simulator",
    "receiver": "webhooks cannot be received: add an address in [receiver], and let hi.events send them to its url",
    "failures": "{} cannot be made to fail: add an address in [receiver], which takes its place, or simulate it",
    "retries": "retries to {} cannot be waited for: add an address in [receiver] and run with --patience of at least "
    "its retry_within, or simulate {}",
    "events": "no event may be changed: add events of the organiser's account as events.tuvens, with "
    "safety.change_events = true",
    "foreign-event": "no event of another account is known: add one as events.foreign",
    "linked-event": "no event is known in both applications: add {{ hi = …, tuvens = … }} in events.linked, with "
    "safety.change_events = true",
    "exhaust": "rate limits may not be used up: set safety.exhaust_rate_limits = true",
    "hostile-input": "hostile input and forged JWTs are never sent to a production: verify a staging, too",
    "fuzzing": "fuzzing is switched off: set safety.fuzz = true",
    "near": "timing is measured only on this machine and never in production: {} runs elsewhere",
    "https": "{} is not served over https: checked on real deployments only",
    "raised-limits": "the rate limit of {} is too low: raise it, and state the new limit under rate_limits",
    "browser": "no browser is installed: apt-get install chromium && pip install -c constraints.txt -e '.[browser]' "
    "(CROSSAPP_CHROMIUM names another Chromium)",
    "return-origin": "no allowed return URL is known: add return_origin",
}


def remedy_for(capability: str) -> str:
    """A sentence: what is missing and what would provide it."""
    word, _, subject = capability.partition(":")
    template = _REMEDIES.get(word, f"the deployment lacks {capability}")
    return template.replace("{{", "\0").replace("}}", "\1").replace("{}", subject).replace("\0", "{").replace("\1", "}")


def capabilities_of(deployment: Deployment, *, patience: float = 0.0, browser: bool = False) -> frozenset[str]:
    """The capabilities of a deployment. `patience`: seconds that a run may wait for an expiry or a retry; `browser`:
    whether a browser is installed."""
    found: set[str] = {"browser"} if browser else set()
    for target in deployment.targets.values():
        found |= _of_target(target, patience)
        if deployment.receiver is not None:
            found.add(f"failures:{target.app}")
            if patience >= deployment.receiver.retry_within:
                found.add(f"retries:{target.app}")
    if deployment.receiver is not None:
        found.add("receiver")
    found |= {f"role:{user.role}" for user in deployment.users}
    if deployment.jwt_secret:
        found |= {"jwt-secret", "expired-jwt"}
    if any(user.expired_jwt for user in deployment.users):
        found.add("expired-jwt")
    if deployment.events and deployment.safety.change_events:
        found.add("events")
    if deployment.linked and deployment.safety.change_events:
        found.add("linked-event")
    if deployment.foreign_event:
        found.add("foreign-event")
    if deployment.return_origin:
        found.add("return-origin")
    if deployment.safety.exhaust_rate_limits:
        found.add("exhaust")
    if not any(each.kind == "production" for each in deployment.targets.values()):
        found.add("hostile-input")
    if deployment.safety.fuzz:
        found.add("fuzzing")
    return frozenset(found)


def _of_target(target: Target, patience: float) -> set[str]:
    app = target.app
    found = {f"target:{app}"}
    if target.control is not None:
        found |= {f"{word}:{app}" for word in ("control", "expiry", "failures", "retries")}
    if target.session_expiry is not None and target.session_expiry + 5 <= max(patience, 60.0):
        found.add(f"expiry:{app}")
    if patience >= (target.session_expiry or 900) + 5:
        found.add(f"expiry:{app}")
    if target.database:
        found.add(f"database:{app}")
        if target.audit_table:
            found.add(f"audit-log:{app}")
    if target.launch:
        found.add(f"launch:{app}")
    if _is_loopback(target.api_url) and target.kind != "production":
        found.add(f"near:{app}")
    if target.url.startswith("https://"):
        found.add(f"https:{app}")
    return found


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
