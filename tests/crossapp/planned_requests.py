"""The requests of each story, counted in runs against the simulators.

`python -m tests.crossapp.planned_requests` writes scenarios/requests.tsv, which `crossapp verify --plan` reads."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import openapi
from crossapp.deployments import deployed
from crossapp.embedded import embedded
from crossapp.prove.running import as_staging
from crossapp.run import Settings, perform
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.history import Exchange, History
from scenarios.planned_requests import TABLE, Count

_BY = {"user": ("authorization", "cookie"), "shared-secret": ("x-shared-secret",), "address": (), "instance": ()}
_PORTS = [part for app in ("tuvens-api", "hi.events", "tuvens-client") for part in ("--port", f"{app}=0")]
_SHORT = {"CROSS_APP_SESSION_EXPIRY": "5"}


def sent(history: History) -> Mapping[str, Mapping[str, int]]:
    """How many requests each story sent, by operation."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for each in history.entries:
        if isinstance(each, Exchange) and not each.facts.get("delivery"):
            found[each.step.partition("/")[0]][each.operation] += 1
    return found


def _counted(history: History) -> Mapping[tuple[str, str], int]:
    """By story and operation, the requests that the rate limit counts together; for a limit by user, those of the
    organiser, who has most of them."""
    keys: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    everywhere: dict[str, Counter[str]] = defaultdict(Counter)
    for each in history.entries:
        if not isinstance(each, Exchange) or not each.operation or each.facts.get("delivery"):
            continue
        operation = openapi.find(each.operation)
        limit = operation.rate_limit
        key = "user" if operation.id == "wrapGenerateSession" else limit.key if limit is not None else ""
        # What has the wrong credentials is not counted, but by address.
        if key in _BY and each.method == operation.method and (key == "address" or each.status not in (401, 403)):
            who = "".join(value for name, value in each.request_headers if name.lower() in _BY[key])
            keys[each.step.partition("/")[0], operation.id][who] += 1
            everywhere[operation.id][who] += 1
    most = {operation: counts.most_common(1)[0][0] for operation, counts in everywhere.items()}
    return {(story, operation): counts[most[operation]] for (story, operation), counts in keys.items()}


def counts_in(*histories: History) -> dict[str, dict[str, Count]]:
    """The counts of the table: the highest of several runs."""
    found: dict[str, dict[str, Count]] = defaultdict(dict)
    for history in histories:
        counted = _counted(history)
        for story, by_operation in sent(history).items():
            for operation, requests in by_operation.items():
                known = found[story].get(operation, Count(0, 0))
                together = counted.get((story, operation), 0)
                found[story][operation] = Count(max(requests, known.requests), max(together, known.counted))
    return found


@contextmanager
def short_sessions() -> Iterator[Deployment]:
    """The simulators as a staging without rate limits, with four users and sessions of five seconds."""
    with embedded([*_PORTS, "--limits", "raised", "--no-control"], _SHORT) as described:
        staging = as_staging(build_deployment(described, apps=openapi.APPS, editions=(openapi.EDITION,)))
        yield replace(staging, users=tuple({each.role: each for each in reversed(staging.users)}.values()))


def driven(deployment: Deployment) -> History:
    """The record of a whole run."""
    return asyncio.run(perform(deployment, Settings())).history


def main() -> None:
    """Write the table."""
    with deployed(None) as simulated:
        first = driven(simulated)
    with short_sessions() as staging:
        second = driven(staging)
    lines = [
        f"{story}\t{operation}\t{count.requests}\t{count.counted}\n"
        for story, counts in sorted(counts_in(first, second).items())
        for operation, count in sorted(counts.items())
    ]
    TABLE.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
