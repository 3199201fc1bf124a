"""Every success of the run fits its OpenAPI document: media type, headers, body."""

import openapi
from contracts.accept import accepts_json
from contracts.catalogue import RuleFamily
from contracts.every_operation.rules_routes import premise_of
from harness.expectations import LackingError, expect, held, shown
from harness.fronts import media_type
from harness.history import History
from harness.requirement import MUST, WHOLE_RECORD, Judge
from harness.verdict import Verdict
from openapi import Operation, Quote

rule = RuleFamily(level=MUST, story=WHOLE_RECORD)


def _conforms(operation: Operation) -> Judge:
    def judge(history: History) -> Verdict:
        successes = [
            each
            for each in history.exchanges(operation.id, operation.app)
            if each.status in operation.statuses
            and (each.status or 0) < 300
            and each.method == operation.method
            and accepts_json(each)
            # No rule says that an optional route is served: a site may give a page for every URL.
            and not (operation.contract.optional and media_type(each) == "text/html")
        ]
        if not successes:
            raise LackingError(f"this run has no successful response of {operation.id}")
        for each in successes:
            # Rate-limit headers have rules of their own.
            problems = [text for text in each.facts.get("problems", ()) if not text.startswith("/headers/x-ratelimit")]
            expect(
                not problems,
                expected="a response that matches the OpenAPI document",
                observed=f"{problems[0] if problems else ''} in {shown(each)}",
                at=each,
            )
        return held(successes[:6], f"{len(successes)} responses")

    return judge


def _add_rule(operation: Operation, success: Quote) -> None:
    rule(
        id=f"conformity.{operation.id}",
        statement=f"{operation.app} returns successful responses to {operation.method} {operation.path} that match the "
        "OpenAPI document.",
        obliged=operation.app,
        section=success.section,
        quote=success.text,
        depends_on=premise_of(operation),
        next_step=f"Compare the response with the schema in openapi/ ({operation.id}).",
    )(_conforms(operation))


for _operation in openapi.operations():
    if _operation.contract.success is not None:
        _add_rule(_operation, _operation.contract.success)
