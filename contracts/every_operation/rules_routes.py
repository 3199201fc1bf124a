"""Every operation is served: the premise of all other rules about it.

A probe carries no credentials, so a route that exists returns 401 (authentication comes first) or its public answer;
only a router returns 404 or 405. A missing route violates this one rule and blocks the rules that need the route.
"""

import openapi
from contracts.catalogue import RuleFamily
from harness.expectations import UndecidedError, expect, held, let_through, shown
from harness.history import History, Outcome
from harness.requirement import MUST, Judge
from harness.verdict import Verdict
from openapi import Operation, Quote

STORY = "every_route_is_probed"

rule = RuleFamily(level=MUST, story=STORY)


def _application_answers(app: str) -> Judge:
    def judge(history: History) -> Verdict:
        probes = [each for each in history.every(STORY) if each.callee == app]
        answered = [each for each in probes if each.outcome is Outcome.ANSWERED]
        if not answered:
            why = probes[0].error if probes else "no probe was sent"
            raise UndecidedError(f"{app} answers nothing: {why}")
        return held(answered[0])

    return judge


def _is_served(operation: Operation) -> Judge:
    finds_events = not operation.security and "{id}" in operation.path

    def judge(history: History) -> Verdict:
        probe = let_through(history.one(f"{STORY}/{operation.id}"))
        if finds_events and probe.status == 404 and "events" not in history.context.capabilities:
            raise UndecidedError(f"no event is known, so a 404 may be the application's: {shown(probe)}")
        expect(
            probe.status not in (404, 405),
            expected=f"{operation.method} {operation.path} is served",
            observed=f"a router's {shown(probe)}",
            at=probe,
        )
        return held(probe)

    return judge


def _stream_is_served(operation: Operation) -> Judge:
    def judge(history: History) -> Verdict:
        opening = history.stream(f"{STORY}/{operation.id}")[0]
        if opening.kind != "open":
            raise UndecidedError(f"the stream got no answer: {opening.data}")
        expect(
            opening.data.partition(" ")[0] not in ("404", "405"),
            expected=f"{operation.method} {operation.path} is served",
            observed=f"a router's {opening.data}",
            at=opening,
        )
        return held(opening)

    return judge


def premise_of(operation: Operation) -> str:
    """The id of the rule that an operation is served; where it has none, that its application answers at all."""
    has_rule = operation.contract.served is not None and not operation.contract.optional
    return f"routes.{operation.id if has_rule else f'{operation.app}_answers'}"


for _app in openapi.APPS:
    rule(
        id=f"routes.{_app}_answers",
        statement=f"{_app} answers requests at all.",
        obliged=_app,
        section="Systems",
        quote="| system | what it is | local | production |",
        needs=f"target:{_app}",
        next_step=f"See that {_app} runs and that its url in the deployment file is right.",
    )(_application_answers(_app))


def _add_rule(operation: Operation, served: Quote) -> None:
    rule(
        id=f"routes.{operation.id}",
        statement=f"{operation.app} serves {operation.method} {operation.path}.",
        obliged=operation.app,
        section=served.section,
        quote=served.text,
        settles=operation.contract.settles,
        needs=f"target:{operation.app}",
        depends_on=f"routes.{operation.app}_answers",
        next_step=f"Register the route in {operation.app}; nothing behind it can be verified before.",
    )(_stream_is_served(operation) if operation.streams else _is_served(operation))


for _operation in openapi.operations():
    if _operation.contract.served is not None and not _operation.contract.optional:
        _add_rule(_operation, _operation.contract.served)
