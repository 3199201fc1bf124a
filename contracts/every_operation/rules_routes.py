"""Every operation is served: the premise of all other rules about it.

A probe carries no credentials, so a route that exists returns 401 (authentication comes first) or its public answer;
only a router returns 404 or 405. A missing route violates this one rule and blocks the rules that need the route. What
a gateway, a redirect or a login page returns neither proves a route nor violates anything.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import openapi
from contracts.catalogue import RuleFamily
from harness.connection import IS_IT_RUNNING
from harness.expectations import LackingError, UndecidedError, expect, held, let_through, shown
from harness.fronts import front_of, media_type
from harness.history import Exchange, History, NothingObservedError, Outcome
from harness.http import object_or_empty
from harness.requirement import MUST, Judge
from harness.verdict import Verdict
from openapi import Operation, Quote

STORY = "every_route_is_probed"
_ROUTERS = (404, 405)

rule = RuleFamily(level=MUST, story=STORY)


def unknown_path_step(app: str, method: str) -> str:
    """The step below STORY in which a path that does not exist is asked for by GET or POST."""
    return f"unknown_path/{app}/{method}"


def connection_step(app: str) -> str:
    """The step below STORY at which it is observed how far a connection to an application comes."""
    return f"connection/{app}"


def connection_of(history: History, app: str) -> Mapping[str, Any]:
    """How far a connection to an application came (`harness.connection.Connection`); empty where it was not seen."""
    try:
        return history.observation(f"{STORY}/{connection_step(app)}").values
    except NothingObservedError:
        return {}


def _not_the_application(probe: Exchange, history: History) -> str:
    """What responded to a probe in place of the application; empty where the application did.

    A documented response is the application's. Any other one proves no route if a path that does not exist got the
    same: a login page, a firewall, a gateway's authorizer and a server that serves one page for every URL respond so.
    """
    front = front_of(probe)
    if front or probe.facts.get("problems") == []:
        return front
    method = "GET" if probe.method == "GET" else "POST"
    try:
        unknown = history.one(f"{STORY}/{unknown_path_step(probe.callee, method)}")
    except NothingObservedError:
        return ""
    if (unknown.status, media_type(unknown)) == (probe.status, media_type(probe)):
        return (
            f"a path that does not exist gets the same response ({shown(probe, length=60)}), as from a gateway, a "
            f"login page or a firewall: give the url at which {probe.callee} itself responds"
        )
    return ""


def _is_of_the_route(probe: Exchange, history: History) -> bool:
    """Whether a 404 is of a route that found nothing: a router says of a path that does not exist the same, but for the
    path."""
    try:
        unknown = history.one(f"{STORY}/{unknown_path_step(probe.callee, 'GET')}")
    except NothingObservedError:
        return False
    return unknown.status == 404 and _but_path_and_time(probe) != _but_path_and_time(unknown)


def _but_path_and_time(exchange: Exchange) -> object:
    value = object_or_empty(exchange.response_body.replace(urlsplit(exchange.url).path.encode(), b"/path"))
    return {name: each for name, each in value.items() if name != "timestamp"} or exchange.response_body


def _application_answers(app: str) -> Judge:
    def judge(history: History) -> Verdict:
        probes = [each for each in history.every(STORY) if each.callee == app and each.operation]
        answered = [each for each in probes if each.outcome is Outcome.ANSWERED]
        if not answered:
            seen = connection_of(history, app)
            if seen.get("trouble"):
                start = _how_to_start(history, app) if seen["remedy"].startswith(IS_IT_RUNNING) else ""
                remedy = f"To fix it: {seen['remedy']}.{start}"
                raise UndecidedError(f"{app} does not respond: {seen['trouble']}", remedy)
            why = probes[0].error if probes else "no probe was sent"
            raise UndecidedError(f"{app} does not respond: {why}", _is_it_running(history, app))
        if len(answered) > 1 and all(each.status in _ROUTERS for each in answered):
            base = history.context.targets.get(app, {}).get("api_url", "its url")
            raise UndecidedError(
                f"every route of {app} returns 404 or 405",
                f"Check that {base} is its base URL, with the path prefix of its routes.",
            )
        own = [each for each in answered if not _not_the_application(each, history)]
        if not own:
            raise UndecidedError(
                _not_the_application(answered[0], history), f"Check {app}'s url in the deployment file."
            )
        return held(own[0])

    return judge


def _is_it_running(history: History, app: str) -> str:
    url = history.context.targets.get(app, {}).get("api_url", "missing")
    return f"Check that {app} is running and that its url ({url}) is correct.{_how_to_start(history, app)}"


def _how_to_start(history: History, app: str) -> str:
    local = history.context.targets.get(app, {}).get("kind") == "local"
    return " Start it with: crossapp up." if local else ""


def _probe(history: History, operation: Operation) -> Exchange:
    try:
        return history.one(f"{STORY}/{operation.id}")
    except NothingObservedError:
        outcome = history.outcome(STORY)
        if outcome is not None and outcome.ended == "finished" and outcome.reason:
            # It was not probed: what rests on it is judged by what its own stories see.
            raise LackingError(outcome.reason, blocks=False) from None
        raise


def _is_served(operation: Operation) -> Judge:
    finds_events = not operation.security and "{id}" in operation.path

    def judge(history: History) -> Verdict:
        probe = let_through(_probe(history, operation))
        if finds_events and probe.status == 404 and "events" not in history.context.capabilities:
            raise UndecidedError(f"no event is known, so a 404 may be the application's: {shown(probe)}")
        if finds_events and probe.status == 404 and _is_of_the_route(probe, history):
            return held(probe, "the application itself reports that the event does not exist")
        expect(
            probe.status not in _ROUTERS,
            expected=f"{operation.method} {operation.path} is served",
            observed=f"a router's {shown(probe)}",
            at=probe,
        )
        other = _not_the_application(probe, history) if operation.base == "api" else ""
        if other:
            raise UndecidedError(other)
        return held(probe)

    return judge


def _stream_is_served(operation: Operation) -> Judge:
    def judge(history: History) -> Verdict:
        opening = history.stream(f"{STORY}/{operation.id}")[0]
        if opening.kind != "open":
            raise UndecidedError(f"the stream got no response: {opening.data}")
        status, _, kind = opening.data.partition(" ")
        expect(
            status not in map(str, _ROUTERS),
            expected=f"{operation.method} {operation.path} is served",
            observed=f"a router's {opening.data}",
            at=opening,
        )
        if status.startswith("3") or (not kind.startswith("application/json") and status.startswith("5")):
            raise UndecidedError(f"a redirect or a gateway responded ({opening.data}), not {operation.app}")
        if status == "200" and kind.startswith("text/html"):
            raise UndecidedError(f"a page responded ({opening.data}), not the stream of {operation.app}")
        return held(opening)

    return judge


def answers_rule(app: str) -> str:
    """The id of the rule that an application answers requests at all."""
    return f"routes.{app}_answers"


def premise_of(operation: Operation) -> str:
    """The id of the rule that an operation is served; where it has none, that its application answers at all."""
    has_rule = operation.contract.served is not None and not operation.contract.optional
    return f"routes.{operation.id}" if has_rule else answers_rule(operation.app)


for _app in openapi.APPS:
    rule(
        id=answers_rule(_app),
        statement=f"{_app} responds to requests.",
        obliged=_app,
        section="Systems",
        quote="| system | what it is | local | production |",
        needs=f"target:{_app}",
        next_step=f"Check that {_app} is running and that its url in the deployment file is correct.",
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
        depends_on=answers_rule(operation.app),
        next_step=f"Register {operation.method} {operation.path}; until then nothing that needs it can be verified.",
    )(_stream_is_served(operation) if operation.streams else _is_served(operation))


for _operation in openapi.operations():
    if _operation.contract.served is not None and not _operation.contract.optional:
        _add_rule(_operation, _operation.contract.served)
