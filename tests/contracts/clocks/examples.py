"""Example histories of the notes about clocks."""

from collections.abc import Sequence
from email.utils import formatdate

from contracts.clocks.rules import rule_of
from harness.history import Exchange
from openapi import APPS
from tests.contracts.examples import Example, Examples, breaks, holds, lacks
from tests.contracts.histories import NOW, answer, history


def of_application(name: str) -> Sequence[Example]:
    app = next(each for each in APPS if rule_of(each) == f"clocks.{name}")

    def dated(ahead: float, **headers: str) -> Exchange:
        date = {"Date": formatdate(NOW + ahead, usegmt=True)}
        return answer("a story/step", 200, {}, callee=app, headers={**date, **headers})

    return (
        holds("the clocks agree", history(dated(0))),
        holds("it is ahead by less than two minutes", history(dated(110))),
        holds("a cache kept an old answer", history(dated(0), dated(-5_000, Age="5000"), dated(-9_000, Age="9000"))),
        breaks("it is ten minutes ahead", history(dated(600), dated(601))),
        breaks("it is behind by hours", history(dated(-12_000))),
        lacks("no answer has a Date", history(answer("a story/step", 200, {}, callee=app, headers={"Date": ""}))),
        lacks("the run moves it", history(dated(600), capabilities=[f"control:{app}"])),
    )


EXAMPLES: Examples = {"*": of_application}
