"""Whatever is sent, an operation answers as its document says.

The cases are Schemathesis', made from the OpenAPI documents: the examples, each boundary of each field (coverage),
random requests, and sequences along the documents' links. A story sends them
(scenarios/stories/operations_are_fuzzed.py) and notes the distinct failures ("causes"). What the contract leaves open
is no failure.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import openapi
from contracts.catalogue import RuleFamily
from contracts.every_operation.rules_routes import STORY as PROBE
from contracts.every_operation.rules_routes import premise_of
from harness.expectations import LackingError, UndecidedError, held
from harness.fronts import refusal_of_front
from harness.history import Exchange, History, NothingObservedError, Observation, Outcome
from harness.requirement import MUST, Judge
from harness.verdict import Verdict, Violated
from openapi import Operation, Quote

STORY = "operations_are_fuzzed"
_MINTS = "session_token.mints_a_session"
_SIGNS_IN = "hi_events_session.accepts_a_live_session"
_STREAM = "event_stream.it_is_an_event_stream"  # an answer that never ends and is no stream is read for ever
_MOST_CAUSES = 5
_ABOUT_INPUT = ("not_a_server_error", "negative_data_rejection")

rule = RuleFamily(level=MUST, story=STORY)


@rule(
    id="fuzzing.nonsense_is_refused",
    obliged="tuvens-api",
    section="Errors",
    quote="then the request's form (400), then existence and permission (404, 403)",
    settles="C-TA-27",
    needs=["target:tuvens-api", "fuzzing", "extra:fuzz"],
    depends_on=["routes.tuvens-api_answers", _MINTS, _STREAM],
)
def nonsense_is_refused(history: History) -> Verdict:
    """tuvens-api rejects malformed input at every fuzzed operation, and never returns a server error (5xx)."""
    noted = {}
    for operation in fuzzed("tuvens-api"):
        with suppress(NothingObservedError):  # it may not be fuzzed here
            noted[operation.id] = history.observation(f"{STORY}/{operation.id}").values
    causes = [
        each
        for values in noted.values()
        for each in values["causes"]
        if each["check"] in _ABOUT_INPUT and _is_of_the_application(each, history)
    ]
    if causes:
        return _violated(causes)
    for name, values in noted.items():
        _expect_complete(name, values, history)
    numbers = [values["exchanges"][0] for values in noted.values() if values["exchanges"]]
    if not numbers:
        raise NothingObservedError(STORY)
    cases = sum(sum(values["cases"].values()) for values in noted.values())
    return held(numbers[:6], f"{cases} cases at {len(numbers)} operations")


def fuzzed(app: str) -> list[Operation]:
    """The operations of an application that are fuzzed."""
    return [each for each in openapi.load(app).operations.values() if each.contract.refusals is not None]


def _expect_complete(operation_id: str, values: Mapping[str, Any], history: History) -> None:
    """Raises UndecidedError where an operation did not answer all of its cases, or admitted none, or the engine gave
    up."""
    if values["error"]:
        raise UndecidedError(values["error"])
    sent = list(history.exchanges(operation_id, story=STORY))
    lost = [each for each in sent if each.outcome is not Outcome.ANSWERED]
    if lost:
        raise UndecidedError(f"{len(lost)} of {len(sent)} cases got no response, first exchange {lost[0].number}")
    if sent and (front := refusal_of_front(sent[0])) and all(refusal_of_front(each) for each in sent):
        raise UndecidedError(front)
    if sent and openapi.find(operation_id).security and all(each.status == 401 for each in sent):
        raise UndecidedError(
            f"all {len(sent)} cases returned 401: none was authenticated",
            remedy="Check that the credentials in the deployment file are valid and reach the application.",
        )


def _withstands(operation: Operation) -> Judge:
    def judge(history: History) -> Verdict:
        if operation.contract.optional and history.one(f"{PROBE}/{operation.id}").status in (404, 405):
            raise LackingError(f"the deployment does not serve {operation.id}")
        noted = history.observation(f"{STORY}/{operation.id}")
        causes = [each for each in noted.values["causes"] if _is_of_the_application(each, history)]
        if causes:
            return _violated(causes)
        _expect_complete(operation.id, noted.values, history)
        numbers = noted.values["exchanges"]
        if not numbers:
            raise UndecidedError(f"no case was sent: {noted.values['ended'] or 'the engine generated none'}")
        return held(numbers[:6], _counted(noted))

    return judge


def _is_of_the_application(cause: Mapping[str, Any], history: History) -> bool:
    shown = history.numbered(cause["exchanges"][0])
    return not (isinstance(shown, Exchange) and refusal_of_front(shown))


def _violated(causes: list[dict[str, Any]]) -> Violated:
    """A verdict that quotes the first causes and counts the others."""
    lines = [str(each["observed"]) for each in causes[:_MOST_CAUSES]]
    more = len(causes) - len(lines)
    observed = lines[0]
    if len(causes) > 1:
        numbered = "; ".join(f"({number}) {line}" for number, line in enumerate(lines, start=1))
        observed = f"{len(causes)} causes: {numbered}" + (f"; and {more} more" if more else "")
    evidence = tuple(each["exchanges"][0] for each in causes)
    expected = "; ".join(dict.fromkeys(str(each["expected"]) for each in causes))
    parts = tuple(Violated(str(each["expected"]), str(each["observed"]), (each["exchanges"][0],)) for each in causes)
    return Violated(expected, observed, evidence, parts)


def _counted(noted: Observation) -> str:
    by_phase = ", ".join(f"{count} {phase}" for phase, count in noted.values["cases"].items())
    ended = f"; {noted.values['ended']}" if noted.values["ended"] else ""
    return f"{sum(noted.values['cases'].values())} cases ({by_phase}), seed {noted.values['seed']}{ended}"


def _premises(operation: Operation) -> list[str]:
    """What must hold so that a well-formed request can be made, and its answer be read."""
    if operation.streams:
        return [_STREAM]
    if "hiEventsBearer" in operation.security:
        return [_SIGNS_IN]
    return [_MINTS] if "session-token" in operation.required_secrets else []


def _add_rule(operation: Operation, refusals: Quote) -> None:
    rule(
        id=f"fuzzing.{operation.id}",
        statement=f"{operation.app} handles any input to {operation.method} {operation.path} as the OpenAPI document "
        "says: it rejects malformed or unauthenticated requests and never returns a server error.",
        obliged=operation.app,
        section=refusals.section,
        quote=refusals.text,
        story=[STORY, PROBE] if operation.contract.optional else STORY,
        needs=[f"target:{operation.app}", "fuzzing", "extra:fuzz", *filter(None, [operation.changes])],
        depends_on=[premise_of(operation), *_premises(operation)],
        next_step="Repeat the case with the curl command; the exchanges contain the smallest request for each cause.",
    )(_withstands(operation))


for _operation in openapi.operations():
    if _operation.contract.refusals is not None:
        _add_rule(_operation, _operation.contract.refusals)
