"""The capabilities of a deployment, derived from its file, and the remedy for each one that is missing."""

from collections.abc import Collection

from harness.addresses import is_loopback
from harness.deployment import Deployment, Target
from harness.effects import NOT_ATTACKED, Effect, Effects, profile_of
from harness.extras import command, remedy

# A capability is `word` or `word:subject`; {} in a remedy is the subject.
_REMEDIES = {
    "target": "the deployment has no {}: add its url under [targets.{}]",
    "control": "{} has no control plane: only simulators have one",
    "database": "no access to the database of {}: add its SQLAlchemy URL as database (or database_env) under "
    "[targets.{}]",
    "audit-log": "no access to the audit log of {}: add its database and audit_table, or an audit_command, under "
    "[targets.{}]",
    "metrics": "no access to the metrics of {}: add where they are as url under [targets.{}.metrics]",
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
    "safety.change_events = true; of a production, name its test events as events.test",
    "foreign-event": "no event of another account is known: add one as events.foreign",
    "linked-event": "no event is known in both applications: add {{ hi = …, tuvens = … }} in events.linked, with "
    "safety.change_events = true; of a production, name its test events as events.test",
    Effect.CHANGE: "no event may be changed: set safety.change_events = true; of a production, name its test events as "
    "events.test",
    Effect.MALFORMED: f"{NOT_ATTACKED} with malformed or hostile input: verify a staging, too",
    Effect.FORGE: f"{NOT_ATTACKED} with forged credentials: verify a staging, too",
    Effect.LOAD: f"{NOT_ATTACKED} with many requests at once: verify a staging, too",
    Effect.EXHAUST: "rate limits may not be used up: set safety.exhaust_rate_limits = true",
    Effect.FUZZ: "fuzzing is switched off: set safety.fuzz = true",
    Effect.METHODS: "other methods are switched off: set safety.unexpected_methods = true",
    "simulated": "only where all applications are simulated",
    "near": "timing is measured only on this machine and never in production: {} runs elsewhere",
    "https": "{} is not served over https: checked on real deployments only",
    "raised-limits": "the rate limit of {} is too low: raise it, and state the new limit under rate_limits",
    "browser": "no browser is installed: apt-get install chromium && {} "
    "(CROSSAPP_CHROMIUM names another Chromium); with proxy or client_certificate none is used",
    "return-origin": "no allowed return URL is known: add return_origin",
}


def remedy_for(capability: str, kinds: Collection[str] = ()) -> str:
    """A sentence: what is missing and what would provide it; `kinds` are those of the deployment's targets."""
    word, _, subject = capability.partition(":")
    if word in (Effect.EXHAUST, Effect.FUZZ, Effect.METHODS) and "production" in kinds:
        return f"{NOT_ATTACKED}: verify a staging, too"
    if word == "extra":
        return remedy(subject)
    if word == "browser":
        subject = command("browser")
    template = _REMEDIES.get(word, f"the deployment lacks {capability}")
    return template.replace("{{", "\0").replace("}}", "\1").replace("{}", subject).replace("\0", "{").replace("\1", "}")


def capabilities_of(
    deployment: Deployment, *, patience: float = 0.0, browser: bool = False, extras: Collection[str] = ()
) -> frozenset[str]:
    """The capabilities of a deployment. `patience`: seconds that a run may wait for an expiry or a retry; `browser`:
    whether a browser is installed; `extras`: those that are installed."""
    straight = not (deployment.proxy or deployment.client_certificate)
    found: set[str] = {"browser"} if browser and straight else set()
    found |= {f"extra:{each}" for each in extras}
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
    if deployment.changeable_events and deployment.safety.change_events:
        found.add("events")
    if deployment.changeable_linked and deployment.safety.change_events:
        found.add("linked-event")
    if deployment.foreign_event:
        found.add("foreign-event")
    if deployment.return_origin:
        found.add("return-origin")
    if all(each.kind == "simulated" for each in deployment.targets.values()):
        found.add("simulated")
    return frozenset(found | allowed_effects(deployment))


def allowed_effects(deployment: Deployment) -> Effects:
    """What stories may do to a deployment: what the kinds of its targets allow, without what its file forbids."""
    safety = deployment.safety
    allowed = {
        Effect.CHANGE: safety.change_events,
        Effect.EXHAUST: safety.exhaust_rate_limits,
        Effect.FUZZ: safety.fuzz,
        Effect.METHODS: safety.unexpected_methods,
    }
    profile = profile_of(each.kind for each in deployment.targets.values())
    return frozenset(each for each in profile if allowed.get(each, True))


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
    if target.audit_command or (target.database and target.audit_table):
        found.add(f"audit-log:{app}")
    if target.metrics is not None:
        found.add(f"metrics:{app}")
    if target.launch:
        found.add(f"launch:{app}")
    if is_loopback(target.api_url) and target.kind != "production":
        found.add(f"near:{app}")
    if target.url.startswith("https://"):
        found.add(f"https:{app}")
    return found
