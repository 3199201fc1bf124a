"""Examines a deployment before it is verified: by the stories with which a verification begins, their rules, and what
the answers and the file say besides."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import openapi
from contracts.catalogue import catalogue
from contracts.clocks.rules import rule_of as clock_rule
from contracts.deployment_file.premises import premises_in_file
from contracts.every_operation.rules_routes import answers_rule, connection_of
from crossapp.checkup.checks import Checkpoint, State
from crossapp.run import Settings, context_of, perform, report_of, unanswered
from harness.capabilities import capabilities_of, remedy_for
from harness.deployment import Deployment, Target
from harness.effects import Effect
from harness.history import Exchange, History, Outcome
from harness.judge import judge_one
from harness.redact import jwt_claims
from harness.render.words import count
from harness.report import Finding
from harness.requirement import Requirement
from harness.verdict import Held, Inconclusive, VerdictName, Violated, lets_through
from scenarios.catalogue import stories

_METRICS = "metrics.requests_are_counted"
_RULES = ("routes.*", "deployment_file.*", "cors.*", "transport.*", _METRICS)
_FILE = "the file"
_SOON = 3600.0
_IN_EFFECT_NONE = 1_000_000
_WEEK = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. `sent`: requests; `sessions`: sessions that tuvens-api issued for it; `judged` and `blocked`: how
    many of the `requirements` a verification can judge, and how many it cannot because of what is wrong; `lacking`: how
    many need a capability that the deployment lacks, by the remedy."""

    deployment: str
    checks: tuple[Checkpoint, ...]
    silent: tuple[str, ...]
    sent: int
    sessions: int
    requirements: int
    judged: int
    blocked: int
    lacking: Mapping[str, int]


async def examine(deployment: Deployment, settings: Settings) -> Examination:
    """Examine a deployment. It is read, and tuvens-api issues one session for the organiser; a production issues none,
    and its routes are probed with GET alone."""
    production = deployment.is_production
    organiser = deployment.user("organiser")
    asked = replace(deployment, users=() if organiser is None else (organiser,), linked=())
    effects = frozenset({Effect.READ} if production else {Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE})
    run = await perform(asked, replace(settings, select=_RULES, without=(), effects=effects))
    findings = {each.requirement: each for each in report_of(run, replace(settings, select=_RULES)).findings}
    history = run.history
    left = capabilities_of(deployment, browser=True) - capabilities_of(asked, browser=True)
    checks: list[Checkpoint] = []
    for app in deployment.targets:
        checks += _of_application(app, deployment, history, findings)
    checks += _of_file(deployment, history, findings, left, production=production)
    checks += [_check("CORS", each, history) for name, each in findings.items() if name.startswith("cors.")]
    context = context_of(deployment, settings)
    in_the_way = {name for name, each in findings.items() if _stands_in_the_way(each, history)}
    wanted = list(catalogue())
    lacking = Counter(
        remedy_for(need)
        for each in wanted
        if (need := next((need for need in each.needs if need not in context.capabilities), "")) != ""
    )
    able = [each for each in wanted if all(need in context.capabilities for need in each.needs)]
    blocked = sum(_is_blocked(each, in_the_way) for each in able)
    exchanges = list(history.exchanges())
    return Examination(
        deployment=deployment.name,
        checks=tuple(checks),
        silent=tuple(unanswered(history)),
        sent=len(exchanges),
        sessions=sum(each.operation == "generateSession" and _is_asked(each) and each.is_success for each in exchanges),
        requirements=len(wanted),
        judged=len(able) - blocked,
        blocked=blocked,
        lacking=dict(lacking.most_common()),
    )


def _of_application(
    app: str, deployment: Deployment, history: History, findings: Mapping[str, Finding]
) -> Iterator[Checkpoint]:
    target, own = deployment.targets[app], list(history.exchanges(callee=app))
    yield from _of_connection(app, target, deployment, history)
    answers = findings[answers_rule(app)]
    yield _check(app, answers, history, "responds")
    if answers.verdict is not VerdictName.HELD:
        return
    clock = judge_one(catalogue()[clock_rule(app)], history)
    if isinstance(clock, Held):
        yield Checkpoint(app, "clock", State.OK, clock.note, requirement=clock_rule(app))
    elif isinstance(clock, Violated):
        remedy = f"synchronise the clocks of {app} and this machine by NTP"
        yield Checkpoint(app, "clock", State.NOTE, clock.observed, remedy, clock_rule(app))
    for name, each in findings.items():
        if name.startswith("transport.") and each.obliged == app and each.verdict is not VerdictName.NOT_APPLICABLE:
            yield _check(app, each, history)
    if target.metrics is not None:
        yield _check(app, findings[_METRICS], history, "metrics")
    yield from _of_routes(app, history, findings)
    yield from _of_documents(app, deployment.edition, own)
    yield from _of_limits(app, target, own)
    yield from _of_proxies(app, own)


def _of_connection(app: str, target: Target, deployment: Deployment, history: History) -> Iterator[Checkpoint]:
    if deployment.proxy:
        yield Checkpoint(app, "connection", State.NOTE, "by the proxy of the file; name and TLS are not seen from here")
        return
    seen = connection_of(history, app)
    if not seen:
        yield Checkpoint(app, "connection", State.OK, "simulated")
        return
    if seen["addresses"]:
        yield Checkpoint(app, "address", State.OK, ", ".join(seen["addresses"]))
    if seen["trouble"]:
        yield Checkpoint(app, "connection", State.WRONG, seen["trouble"], seen["remedy"])
    elif seen["tls"]:
        until = seen["valid_until"]
        text = f"{seen['tls']}, certificate of {seen['issuer'] or 'an unnamed authority'}"
        text += f" until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}" if until else ""
        text += "; HTTP/2 only" if seen.get("http_2") else ""
        soon = until is not None and until - time.time() < _WEEK
        yield Checkpoint(app, "TLS", State.NOTE if soon else State.OK, text, "renew the certificate" if soon else "")
    elif target.kind in ("staging", "production"):
        yield Checkpoint(app, "TLS", State.NOTE, "http without TLS", "write https:// in url where it is served so, too")


def _of_routes(app: str, history: History, findings: Mapping[str, Finding]) -> Iterator[Checkpoint]:
    ids = [f"routes.{each}" for each in openapi.load(app).operations]
    own = [findings[each] for each in ids if each in findings]
    held = sum(each.verdict is VerdictName.HELD for each in own)
    state = State.OK if held == len(own) else State.NOTE
    unasked = [each.requirement.partition(".")[2] for each in own if each.verdict is VerdictName.NOT_APPLICABLE]
    text = f"{held} of {len(own)} are registered"
    text += f"; not probed in a production: {', '.join(unasked)}" if unasked else ""
    yield Checkpoint(app, "routes", state, text)
    for each in own:
        if each.verdict not in (VerdictName.HELD, VerdictName.NOT_APPLICABLE):
            yield _check(app, each, history, each.requirement.replace(".", " "))


def _of_documents(app: str, edition: str, own: list[Exchange]) -> Iterator[Checkpoint]:
    judged = [each for each in own if _is_asked(each) and "problems" in each.facts]
    if not judged:
        return
    odd = [each for each in judged if each.facts["problems"]]
    fitting = f"{len(judged) - len(odd)} of {len(judged)} responses are as the documents of {edition} have them"
    if not odd:
        yield Checkpoint(app, "edition", State.OK, fitting)
        return
    first = f"{odd[0].operation}: {_problem(odd[0].facts['problems'][0])}"
    yield Checkpoint(app, "edition", State.BAD, f"{fitting}; {first}", "crossapp verify says what differs")


def _is_asked(exchange: Exchange) -> bool:
    """Whether an operation was asked and answered; a preflight asks none."""
    asked = bool(exchange.operation) and exchange.method == openapi.find(exchange.operation).method
    return asked and exchange.outcome is Outcome.ANSWERED


def _problem(problem: Any) -> str:
    return str(problem.get("text") or problem.get("message") or problem) if isinstance(problem, dict) else str(problem)


def _of_limits(app: str, target: Target, own: list[Exchange]) -> Iterator[Checkpoint]:
    said: dict[str, str] = {}
    for each in own:
        announced = each.header("x-ratelimit-limit")
        if announced is not None and _is_asked(each) and openapi.find(each.operation).rate_limit is not None:
            said[each.operation] = announced.strip()
    other = {}
    for name, announced in said.items():
        limit = openapi.find(name).limit_in_force(target.rate_limits)
        none = not limit and announced.isdecimal() and int(announced) >= _IN_EFFECT_NONE
        if announced != str(limit) and not none:
            other[name] = f"{name} announces {announced[:20]} a minute, the file says {limit or 'none'}"
    if said and not other:
        yield Checkpoint(app, "rate limits", State.OK, f"{count(len(said), 'announced limit')}, as the file has them")
    for name, text in other.items():
        yield Checkpoint(app, "rate limits", State.WRONG, text, f"set rate_limits.{name} under [targets.{app}]")


def _of_proxies(app: str, own: list[Exchange]) -> Iterator[Checkpoint]:
    names = ("via", "server", "cf-ray", "x-cache", "x-served-by", "x-envoy-upstream-service-time")
    seen = {name: value for each in own for name in names if (value := each.header(name))}
    if seen:
        text = ", ".join(f"{name}: {value[:40]}" for name, value in seen.items())
        yield Checkpoint(app, "in between", State.NOTE, f"responses have {text}")


def _of_file(
    deployment: Deployment,
    history: History,
    findings: Mapping[str, Finding],
    left: frozenset[str],
    *,
    production: bool,
) -> Iterator[Checkpoint]:
    yield from _of_jwts(deployment)
    for name, each in findings.items():
        if not name.startswith("deployment_file."):
            continue
        found = _check(_FILE, each, history)
        if each.verdict is VerdictName.NOT_APPLICABLE:
            if each.lacks not in left:
                continue
            found = replace(found, state=State.OPEN, text="verify asks first: it takes another session", remedy="")
        elif production and _is_unasked(each, history):
            found = replace(found, state=State.OPEN, text="not asked in a production: it takes a session", remedy="")
        yield found


def _of_jwts(deployment: Deployment) -> Iterator[Checkpoint]:
    """What the users' JWTs say of themselves."""
    now = time.time()
    for number, user in enumerate(deployment.users):
        claims = jwt_claims(user.jwt) or {}
        name, field = f"jwt of {user.role}", f"users[{number}]"
        ends, subject = claims.get("exp"), claims.get("sub")
        if isinstance(ends, int | float) and ends <= now:
            yield Checkpoint(_FILE, name, State.WRONG, f"expired {now - ends:.0f} s ago", f"give a new {field}.jwt")
        elif user.user_id and subject is not None and str(subject) != user.user_id:
            text = f"belongs to user {subject}, the file says {user.user_id}"
            yield Checkpoint(_FILE, name, State.WRONG, text, f"correct {field}.user_id, or give that user's jwt")
        elif isinstance(ends, int | float) and ends - now < _SOON:
            yield Checkpoint(_FILE, name, State.NOTE, f"expires in {(ends - now) / 60:.0f} minutes")
        elif user.role != "user":
            yield Checkpoint(_FILE, name, State.OK, "" if claims else "says nothing of itself")


def _check(group: str, finding: Finding, history: History, name: str = "") -> Checkpoint:
    """A finding of a rule as a check."""
    name = name or finding.requirement.partition(".")[2].replace("_", " ")
    text, remedy = finding.observed or finding.reason, finding.next
    if finding.verdict is VerdictName.INCONCLUSIVE and finding.requirement.startswith("deployment_file."):
        remedy = catalogue()[finding.requirement].next_step
    match finding.verdict:
        case VerdictName.HELD:
            state, text, remedy = State.OK, finding.reason, ""
        case VerdictName.VIOLATED:
            state = State.BAD if finding.level == "MUST" else State.NOTE
        case VerdictName.NOT_APPLICABLE:
            state = State.NOTE
        case VerdictName.BLOCKED:
            state, text, remedy = State.OPEN, f"not known: {finding.blocked_by} does not hold", ""
        case _:
            state = State.WRONG if _stands_in_the_way(finding, history) else State.OPEN
    return Checkpoint(group, name, state, text, remedy, finding.requirement)


def _stands_in_the_way(finding: Finding, history: History) -> bool:
    """Whether rules that rest on it cannot be judged."""
    if finding.verdict is VerdictName.HARNESS_FAULT:
        return True
    if finding.verdict is VerdictName.INCONCLUSIVE:
        # What is not asked here, verify asks.
        alone = judge_one(catalogue()[finding.requirement], history)
        return not _is_unasked(finding, history) and not lets_through(alone)
    return finding.verdict is VerdictName.VIOLATED and fnmatchcase(finding.requirement, "routes.*")


def _is_unasked(finding: Finding, history: History) -> bool:
    """Whether a rule is not decided because what it reads was not asked."""
    alone = judge_one(catalogue()[finding.requirement], history)
    return isinstance(alone, Inconclusive) and alone.unasked


def _is_blocked(requirement: Requirement, in_the_way: set[str]) -> bool:
    """Whether a premise of a requirement, or of one of its stories, is among these."""
    known, seen, todo = catalogue(), set(), [requirement.id, *_premises_of_stories(requirement)]
    while todo:
        name = todo.pop()
        if name in in_the_way:
            return True
        if name not in seen and name in known:
            seen.add(name)
            todo += known[name].depends_on
    return False


def _premises_of_stories(requirement: Requirement) -> Iterator[str]:
    known = stories()
    for name in requirement.stories:
        if name in known:
            operations = [openapi.find(each) for each in known[name].operations]
            yield from premises_in_file(known[name].needs, operations)
            yield from (answers_rule(each.app) for each in operations)
