"""Each interaction of the Pact files holds at its provider.

Pact's verifier replays an interaction through the signing proxy. The story records its result as an observation, beside
the exchange itself.
"""

from collections.abc import Callable, Mapping

import openapi
from contracts.catalogue import RuleFamily
from contracts.hi_events_page.rules import works_in_a_browser
from contracts.pacts.interactions import Interaction, interactions
from contracts.pacts.states import When
from contracts.upstream import says_unreachable
from harness.expectations import (
    BrokenRuleError,
    LackingError,
    UndecidedError,
    alive,
    answered,
    awake,
    held,
    let_through,
    numbers,
    seen_by_application,
    shown,
)
from harness.history import Exchange, History, NothingObservedError, Observation
from harness.requirement import MUST
from harness.verdict import HarnessFault, Verdict

VERIFIED, MISMATCHED = "verified", "mismatched"
LACKING, UNREACHED, UNREADABLE, FAULTY = "lacking", "state not reached", "unreadable", "faulty"
"""The outcomes of an interaction in the observation of a story."""

# hi.events passes tuvens-api's responses on, so it is not to blame if these break an interaction.
_RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "tuvens_client_sign_in_with_living_session": (
        "session_token.mints_a_session",
        "pact.hi_events_validate_session_tells_whose_it_is",
    ),
    "tuvens_client_sign_in_with_expired_token": ("pact.hi_events_validate_session_expired_token",),
    "tuvens_client_accounts_of_living_session": ("pact.hi_events_user_accounts_lists_them",),
    "tuvens_client_permission_on_own_event": ("pact.hi_events_validate_permission_on_own_event",),
    "tuvens_client_update_active": ("event_stream.it_is_an_event_stream",),
    "tuvens_client_permission_on_event_of_others": ("pact.hi_events_validate_permission_on_event_of_others",),
}

# Seconds for which a message is waited for.
_WATCHED = 5.0

rule = RuleFamily(level=MUST)


def _judge(interaction: Interaction) -> Callable[[History], Verdict]:
    def judge(history: History) -> Verdict:
        seen = _observed(history, interaction)
        outcome, reason = seen.values["outcome"], str(seen.values.get("reason", ""))
        if outcome == LACKING:
            raise LackingError(reason)
        if outcome == UNREACHED:
            raise UndecidedError(f"the provider state “{interaction.state}” could not be set up: {reason}")
        if outcome == UNREADABLE:
            raise UndecidedError(reason)
        if outcome == FAULTY:
            return HarnessFault(reason)
        if seen.values.get("count") != 1:
            return HarnessFault(f"Pact's verifier verified {seen.values.get('count')} interactions instead of one")
        return _verdict(history, interaction, outcome, _exchanges(history, interaction, seen), seen)

    return judge


def _verdict(
    history: History, interaction: Interaction, outcome: str, exchanges: list[Exchange], seen: Observation
) -> Verdict:
    check = answered if interaction.status == 429 else let_through
    for each in exchanges:
        check(each)
    evidence = numbers(exchanges) or tuple(map(int, seen.values.get("evidence", ())))
    if not evidence:
        raise UndecidedError("no request of the interaction reached the provider")
    if outcome == VERIFIED:
        return held(evidence)
    if interaction.operation == "openCrossAppPage" and works_in_a_browser(exchanges[-1]):
        raise LackingError("the page runs in a browser and redirects by a script, which Pact cannot follow")
    silent = history.numbered(evidence[0]) if interaction.status is None else None
    if isinstance(silent, Exchange):
        # Without a message the evidence is the webhook that should have caused it.
        awake(history, silent.started, silent.started + _WATCHED)
    if interaction.status is not None and 200 <= interaction.status < 300 and exchanges[-1].is_client_error:
        alive(exchanges[-1])
    for each in exchanges:
        seen_by_application(each)
    if interaction.provider_state.when is not When.TROUBLE and any(map(says_unreachable, exchanges)):
        raise UndecidedError(
            f"hi.events reports that it could not reach tuvens-api: {shown(exchanges[-1])}", "Run again."
        )
    if interaction.status == 429 and exchanges[-1].status != 429:
        asked = history.exchanges(exchanges[-1].operation, interaction.provider)
        if any(each.status == 429 and each.step == f"{seen.step}/state/asked" for each in asked):
            raise UndecidedError("the rate limit was exhausted, but its minute ended before the request", "Run again.")
    mismatches = "; ".join(map(str, seen.values.get("mismatches", ())))
    where = f" in {shown(exchanges[-1])}" if exchanges else ""
    raise BrokenRuleError(_expected(interaction), f"{mismatches}{where}", evidence)


def _expected(interaction: Interaction) -> str:
    what = "the message" if interaction.status is None else f"the response {interaction.status}"
    return f"{what} that {interaction.file.name} describes"


def _statement(interaction: Interaction) -> str:
    if interaction.status is None:
        what = f"sends {interaction.consumer} {interaction.description}"
    else:
        what = f"returns the {interaction.status} response that {interaction.consumer} expects for "
        what += interaction.description
    return f"{interaction.provider} {what}, if {interaction.state}."


def _observed(history: History, interaction: Interaction) -> Observation:
    """The observation of an interaction. Raises NothingObservedError for the story that this deployment can drive."""
    for step in interaction.steps:
        try:
            return history.observation(step)
        except NothingObservedError:
            continue
    by_clock = "control:tuvens-api" in history.context.capabilities
    raise NothingObservedError(interaction.steps[0 if by_clock else -1])


def _exchanges(history: History, interaction: Interaction, seen: Observation) -> list[Exchange]:
    """The exchanges of the replay; a message has none."""
    if interaction.status is None:
        return []
    return history.every(f"{seen.step}/request")


for _interaction in interactions():
    _state = _interaction.provider_state
    _route = () if openapi.find(_interaction.operation).contract.optional else (f"routes.{_interaction.operation}",)
    rule(
        id=f"pact.{_interaction.name}",
        statement=_statement(_interaction),
        obliged=_interaction.provider,
        section=_interaction.section,
        quote=_interaction.quote,
        story=[step.partition("/")[0] for step in _interaction.steps],
        needs=list(dict.fromkeys((f"target:{_interaction.provider}", "extra:pact", *_state.needs))),
        depends_on=list(dict.fromkeys((*_route, *_state.premises, *_RESTS_ON.get(_interaction.name, ())))),
        next_step=f"Compare the exchange with the interaction “{_interaction.description}” of "
        f"contracts/pacts/{_interaction.file.name}.",
    )(_judge(_interaction))
