"""A HAR of a deployment's traffic as a history, with operations and facts, and redacted."""

from dataclasses import replace
from typing import Any

import openapi
from contracts import facts
from contracts.addresses import Addresses, RequestPlace
from contracts.recording import writer_for
from crossapp.run import Settings, context_of
from harness.deployment import Deployment
from harness.har_reader import Har, HarEntry, HarError, hosts_of
from harness.history import History, Outcome
from harness.http import Answer, Call
from harness.saved_history import history_lines, read_history

STORY = "har"


def history_of(har: Har, deployment: Deployment) -> tuple[History, int]:
    """The history of the entries that go to an application, and the number of the others. Raises HarError if none
    does."""
    addresses = Addresses.of(deployment)
    placed = [(each, place) for each in har.entries if (place := addresses.of_url(each.method, each.url)) is not None]
    if not placed:
        bases = [base for each in deployment.targets.values() for base in (each.url, each.api_url)]
        seen = ", ".join(list(hosts_of(har))[:5]) or "none"
        raise HarError(
            f"none of its {len(har.entries)} requests goes to {', '.join(dict.fromkeys(bases)) or 'nothing'}; it has "
            f"requests to {seen}: give the deployment file that names those addresses (--deployment)"
        )
    history = History(context_of(deployment, Settings()))
    writer = writer_for(deployment, history)
    calls = [(each, place, _call(each, place), _answer(each)) for each, place in placed]
    for _, _, call, answer in calls:  # before redacting: an entry may use a token that a later one hands out
        for kind, value in facts.handed_out(call, answer) if answer is not None else ():
            writer.redactor.register(kind, value)
    for each, place, call, answer in calls:
        exchange = writer.record(
            step=f"{STORY}/{call.operation or 'unknown'}",
            caller=STORY,
            callee=place.app,
            call=call,
            url=each.url,
            answer=answer,
            outcome=Outcome.ANSWERED if answer is not None else Outcome.NO_ANSWER,
            error=each.error,
            started=each.started,
            seconds=each.seconds,
        )
        if each.facts is not None:  # they cannot be computed from redacted entries
            history.entries[-1] = replace(exchange, facts=writer.redactor.redact_fields(each.facts))
        if each.superseded:
            history.supersede(exchange.number)
    return read_history(history_lines(history, writer.redactor)), len(har.entries) - len(placed)


def _call(entry: HarEntry, place: RequestPlace) -> Call:
    return Call(place.operation, entry.method, place.target, entry.request_headers, entry.request_body)


def _answer(entry: HarEntry) -> Answer | None:
    return None if entry.error else Answer(entry.status, entry.response_headers, entry.response_body)


def deployment_told_by(har: Har, otherwise: Deployment) -> Deployment:
    """The deployment that a HAR of crossapp names; `otherwise` for other HARs. Raises HarError."""
    told = har.context.get("targets")
    if not isinstance(told, dict) or not told:
        return otherwise
    targets = {}
    for app, each in told.items():
        known = otherwise.targets.get(app) or next(iter(otherwise.targets.values()))
        if app not in openapi.APPS or not isinstance(each, dict):
            raise HarError(f"log._crossapp.targets: {app!r} is not an application; give --deployment")
        url, api_url = (_url(each.get(name), name) for name in ("url", "api_url"))
        targets[app] = replace(known, app=app, url=url, api_url=api_url)
    return replace(otherwise, name=str(har.context.get("deployment", otherwise.name)), targets=targets)


def _url(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise HarError(f"log._crossapp.targets: {name} is not a base URL; give --deployment")
    return value.rstrip("/")
