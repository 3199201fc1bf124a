"""The shared secret: the operations for back ends demand it, whole and exact."""

import openapi
from contracts.catalogue import RuleFamily
from harness.expectations import expect_status, held, statuses
from harness.history import History
from harness.requirement import MUST, Judge
from harness.verdict import Verdict

STORY = "back_ends_are_refused_without_the_secret"

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="Authentication",
    quote="Backend to backend: header `x-shared-secret`.",
    story=STORY,
    settles="C-TA-07",
    depends_on="session_token.mints_a_session",
)


def _each(step: str) -> Judge:
    def judge(history: History) -> Verdict:
        return statuses(history.every(f"{STORY}/{step}"), 401)

    return judge


def _first(step: str) -> Judge:
    def judge(history: History) -> Verdict:
        return held(expect_status(history.one(f"{STORY}/{step}"), 401))

    return judge


for _operation in openapi.load("tuvens-api").operations.values():
    if "sharedSecret" not in _operation.security:
        continue
    _route = _operation.path.rpartition("/")[2]
    _prefix = f"shared_secret.{_route.replace('-', '_')}"
    rule(
        id=f"{_prefix}_refuses_a_missing_secret",
        statement=f"tuvens-api's {_route} rejects a missing or empty shared secret with 401.",
        operations=_operation.id,
    )(_each(f"{_operation.id}/missing"))
    rule(
        id=f"{_prefix}_refuses_a_wrong_secret",
        statement=f"tuvens-api's {_route} rejects a wrong shared secret with 401: another one, a part of it, a longer "
        "one, or one in other case.",
        operations=_operation.id,
    )(_each(f"{_operation.id}/wrong"))
    rule(
        id=f"{_prefix}_authenticates_before_it_reads",
        statement=f"tuvens-api's {_route} returns 401, not 400, for a malformed request without the shared secret.",
        section="Errors",
        quote="Order on every route: authentication (401), then the request's form (400)",
        settles=(),
        operations=_operation.id,
    )(_first(f"ill-formed/{_operation.id}"))
