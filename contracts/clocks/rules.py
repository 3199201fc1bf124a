"""The clocks of the deployment. Rules about time reckon with the server's own; that it differs from ours is a note."""

import re
import statistics

import openapi
from contracts.catalogue import RuleFamily
from contracts.every_operation.rules_routes import answers_rule
from contracts.times import parse_http_date
from harness.expectations import LackingError, expect, held
from harness.history import Exchange, History
from harness.requirement import OBSERVE, WHOLE_RECORD, Judge
from harness.verdict import Verdict

_APART = 120.0

rule = RuleFamily(
    level=OBSERVE,
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="a server's clock may be up to 120 s off ours",
    story=WHOLE_RECORD,
)


def rule_of(app: str) -> str:
    """The id of the rule about the clock of an application."""
    return f"clocks.{re.sub('[^a-z]', '_', app)}_agrees"


def _agrees(app: str) -> Judge:
    def judge(history: History) -> Verdict:
        if f"control:{app}" in history.context.capabilities:
            raise LackingError("the run moves the clock itself")
        dated = [each for each in history.exchanges(callee=app) if _is_of_now(each)]
        if not dated:
            raise LackingError("no response has a Date")
        apart = statistics.median(_ahead(each) for each in dated)
        expect(
            abs(apart) <= _APART,
            expected=f"a clock at most {_APART:.0f} s from the clock of crossapp's machine",
            observed=f"{app} is {_duration(apart)} it, by the Date of its responses; either may be wrong",
            at=dated[:3],
        )
        return held(dated[:3], f"{_duration(apart)} ours, by {len(dated)} responses")

    return judge


def _is_of_now(answer: Exchange) -> bool:
    """Whether an answer has a Date, and no cache kept it."""
    return parse_http_date(answer.header("date")) is not None and answer.header("age") in (None, "0")


def _ahead(answer: Exchange) -> float:
    # The Date has whole seconds, and is of some moment between request and answer.
    date = parse_http_date(answer.header("date"))
    assert date is not None
    return date + 0.5 - (answer.started + answer.seconds / 2)


def _duration(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds >= 0 else 'behind'}"


for _app in openapi.APPS:
    rule(
        id=rule_of(_app),
        statement=f"Observed only: how far the clock of {_app} is from the clock of crossapp's machine.",
        obliged=_app,
        needs=f"target:{_app}",
        depends_on=answers_rule(_app),
        next_step=f"Synchronise the clocks of {_app} and this machine by NTP: otherwise JWTs expire early or late.",
    )(_agrees(_app))
