"""From a verdict to a finding of the report: evidence as readable exchanges, and what to do next."""

from collections.abc import Sequence
from typing import assert_never

from harness.curl import curl
from harness.deployment import Deviation
from harness.history import Exchange, History, Observation, Outcome
from harness.render.words import fix_it
from harness.report import Finding, ShownExchange, Waiver
from harness.requirement import Requirement
from harness.verdict import (
    Blocked,
    HarnessFault,
    Held,
    Inconclusive,
    NotApplicable,
    Verdict,
    VerdictName,
    Violated,
    name_of,
)

_SHOWN_BODY = 4_000
_SHOWN_EXCHANGES = 6


def finding_of(
    requirement: Requirement,
    verdict: Verdict,
    history: History,
    deviation: Deviation | None,
    explained: Sequence[str] = (),
    cause: str = "",
) -> Finding:
    """The finding of a verdict. `deviation` is the declared one that applies to the requirement and is not past its
    date: a violation is then reported as waived. `explained`: the known deviations that explain a violation;
    `cause`: what it has in common with others."""
    expected = observed = reason = blocked_by = remedy = lacks = ""
    evidence: tuple[int, ...] = ()
    name = name_of(verdict)
    match verdict:
        case Held(evidence=evidence, note=reason):
            pass
        case Violated(expected=expected, observed=observed, evidence=evidence):
            if deviation is not None:
                name = VerdictName.WAIVED
                reason = deviation.reason
        case Blocked(by=blocked_by, reason=reason):
            pass
        case Inconclusive(reason=reason, evidence=evidence, remedy=remedy):
            pass
        case NotApplicable(reason=reason, lacks=lacks):
            pass
        case HarnessFault(error=reason, remedy=remedy):
            pass
        case _:
            assert_never(verdict)
    exchanges = _exchanges(history, evidence, whole=name is not VerdictName.HELD)
    if isinstance(verdict, Held):
        again = [
            f"exchange {each.number} was sent again after {each.sent_again_after[0]}"
            for each in exchanges
            if each.sent_again_after
        ]
        reason = "; ".join([reason, *again] if reason else again)
    reproduce = next((each.curl for each in exchanges if each.curl), "")
    files = _files(history, evidence) if name is not VerdictName.HELD else ()
    return Finding(
        requirement=requirement.id,
        statement=requirement.statement,
        level=requirement.level,
        obliged=requirement.obliged,
        verdict=name,
        claims=requirement.settles,
        source=requirement.source,
        expected=expected,
        observed=observed,
        reason=reason,
        blocked_by=blocked_by,
        reproduce=reproduce,
        next=remedy or _next_step(requirement, name, blocked_by, curl=bool(reproduce), files=bool(files)),
        evidence=evidence,
        exchanges=exchanges,
        files=files,
        waiver=_waiver(deviation) if name is VerdictName.WAIVED else None,
        deviations=tuple(explained) if isinstance(verdict, Violated) else (),
        cause=cause,
        lacks=lacks,
        security=requirement.security,
    )


def _waiver(deviation: Deviation | None) -> Waiver | None:
    if deviation is None:
        return None
    return Waiver(deviation.what, deviation.reason, deviation.owner, deviation.until.isoformat())


def _next_step(requirement: Requirement, verdict: VerdictName, blocked_by: str, *, curl: bool, files: bool) -> str:
    match verdict:
        case VerdictName.VIOLATED:
            return requirement.next_step or fix_it(requirement.obliged, curl=curl, files=files)
        case VerdictName.BLOCKED:
            return f"Fix {blocked_by} first."
        case VerdictName.HARNESS_FAULT:
            return "This is a bug in crossapp: report it with the saved history."
        case VerdictName.INCONCLUSIVE:
            return f"Run again with --select {requirement.id}."
        case _:
            return ""


def _exchanges(history: History, evidence: Sequence[int], *, whole: bool) -> tuple[ShownExchange, ...]:
    found = (history.numbered(number) for number in evidence[:_SHOWN_EXCHANGES])
    return tuple(
        exchange_shown(
            each, whole=whole, sent_again_after=[_outcome_of(earlier) for earlier in history.earlier_tries(each)]
        )
        for each in found
        if isinstance(each, Exchange)
    )


def _outcome_of(earlier: Exchange) -> str:
    came = f"{earlier.status}" if earlier.outcome is Outcome.ANSWERED else f"no response: {earlier.error}"
    return f"exchange {earlier.number} got {came}"


def _files(history: History, evidence: Sequence[int]) -> tuple[str, ...]:
    """The files, such as screenshots, that observations among the evidence name."""
    found = (history.numbered(number) for number in evidence)
    named = (str(file) for each in found if isinstance(each, Observation) for file in each.values.get("files", ()))
    return tuple(dict.fromkeys(named))


def exchange_shown(exchange: Exchange, *, whole: bool = True, sent_again_after: Sequence[str] = ()) -> ShownExchange:
    """An exchange as a report shows it; `whole`: with headers, and with bodies cut to 4,000 characters."""
    return ShownExchange(
        number=exchange.number,
        step=exchange.step,
        caller=exchange.caller,
        callee=exchange.callee,
        method=exchange.method,
        url=exchange.url,
        outcome=exchange.outcome,
        status=exchange.status,
        milliseconds=round(exchange.seconds * 1000, 3),
        request_headers=exchange.request_headers if whole else (),
        request_body=_readable(exchange.request_body) if whole else "",
        response_headers=exchange.response_headers if whole else (),
        response_body=_readable(exchange.response_body) if whole else "",
        error=exchange.error,
        curl=curl(exchange),
        sent_again_after=tuple(sent_again_after),
    )


def _readable(body: bytes) -> str:
    text = body[: _SHOWN_BODY * 4].decode("utf-8", "backslashreplace")
    return text if len(text) <= _SHOWN_BODY else f"{text[:_SHOWN_BODY]}… ({len(body)} bytes in all)"
