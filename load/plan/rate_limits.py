"""Whether a schedule stays within the rate limits of a deployment."""

from collections.abc import Iterator

import openapi
from harness.deployment import Deployment
from load.plan.arrivals import Schedule
from load.plan.measures import FLOW

# The change of a status makes hi.events deliver a webhook.
_FLOW = ("generateSession", "validateCrossAppSession", "receiveEventStatusChanged")
_BY_PERSON = ("user", "session-token")


def beyond_limits(deployment: Deployment, schedule: Schedule) -> Iterator[str]:
    """A sentence for each limit that the schedule's highest rate exceeds, with a remedy."""
    highest = schedule.highest_rate
    total = sum(schedule.mix.values())
    for app, target in deployment.targets.items():
        for operation in openapi.load(app, deployment.edition).operations.values():
            if operation.rate_limit is None:
                continue
            limit = operation.limit_in_force(target.rate_limits)
            by_person = operation.rate_limit.key in _BY_PERSON
            people = len(deployment.users) if by_person else 1
            share = sum(weight for name, weight in schedule.mix.items() if operation.id in _calls(name)) / total
            needed = 60 * highest * share / people
            if limit and needed > limit:
                each = "by each user" if by_person else f"by {operation.rate_limit.key.replace('-', ' ')}"
                remedy = " or use more users" if by_person else ""
                yield (
                    f"{operation.id} would get {needed:.0f} calls per minute {each}; its rate limit is {limit}: raise "
                    f"it on the deployment and state it under targets.{app}.rate_limits{remedy}, or lower --rate"
                )


def _calls(journey: str) -> set[str]:
    """The operations that a journey calls, and those that the applications call because of it."""
    direct = _FLOW if journey == FLOW else (journey,)
    return {*direct, *(called for each in direct for called in openapi.find(each).calls)}
