"""How many requests a story sends, by operation: as measured at the simulators (requests.tsv), computed where the
deployment or the options decide."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import openapi
from contracts.hi_events_session.rules_sign_in import MOST_TRIES
from harness.deployment import Deployment
from harness.effects import Effect
from scenarios.cast.exhausting import AT_ONCE, why_not
from scenarios.stories.limits_are_reached import limit_to_reach
from scenarios.stories.metrics_are_read import READS
from scenarios.stories.mock_credentials_are_tried import words_at_sign_in
from scenarios.stories.timing_is_compared import guesses
from scenarios.stories.users_sign_in import USERS, sign_ins_at_once
from scenarios.tools.fuzzing.campaign import most_counted

TABLE = Path(__file__).with_name("requests.tsv")
SHARED = "shared"
"""Stands for the requests that stories share: sessions, sign-ins."""

_QUESTIONS = ("listUserAccounts", "validatePermission", "validateSession")
_SIGN_IN = "validateCrossAppSession"
_MOST_SAMPLED = 48
_LONG = 300
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Count:
    """Requests for an operation, and how many of them its rate limit counts together: those of one user, of the
    address, with the secret."""

    requests: int
    counted: int


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides how much is sent: the deployment with its capabilities, and two options of a run."""

    deployment: Deployment
    capabilities: Collection[str]
    quick: bool = False
    examples: int = _EXAMPLES

    def limit(self, operation: str) -> int:
        """Requests a minute that an operation lets through; 0: no limit."""
        found = openapi.find(operation)
        target = self.deployment.targets.get(found.app)
        return found.limit_in_force(target.rate_limits) if target is not None else 0

    def limit_to_reach(self, operation: str) -> int:
        """The limit that a story uses up; 0 if it does not."""
        controlled = "control:tuvens-api" in self.capabilities
        limit = limit_to_reach(operation, self.limit(operation), controlled=controlled, quick=self.quick)
        return 0 if why_not(limit, self.deployment.safety.exhaust_up_to) else limit


@cache
def measured() -> Mapping[str, Mapping[str, Count]]:
    """The counts of the table, by story and operation."""
    found: dict[str, dict[str, Count]] = {}
    for line in TABLE.read_text("utf-8").splitlines():
        story, operation, requests, counted = line.split("\t")
        found.setdefault(story, {})[operation] = Count(int(requests), int(counted))
    return found


def counts_of(story: str, about: Circumstances) -> Mapping[str, Count]:
    """About how many requests a story sends, by operation."""
    compute = _COMPUTED.get(story)
    return compute(about) if compute is not None else measured().get(story, {})


def _same(**requests: int) -> Mapping[str, Count]:
    return {operation: Count(count, count) for operation, count in requests.items() if count}


def _reaching(about: Circumstances, *operations: str) -> Mapping[str, Count]:
    found = {each: about.limit_to_reach(each) for each in operations}
    # Besides, one first delivery or one request with another key.
    return _same(**{name: limit + AT_ONCE + 1 for name, limit in found.items() if limit})


def _asked_at_once(about: Circumstances) -> Mapping[str, Count]:
    users = min(USERS, len(about.deployment.users))
    return {"generateSession": Count(users, 1), "validateSession": Count(2 * users, 2 * users)}


def _signed_in_at_once(about: Circumstances) -> Mapping[str, Count]:
    count, users = sign_ins_at_once(about.limit(_SIGN_IN), len(about.deployment.users))
    tokens = (count + 1) // 2
    return {
        "generateSession": Count(tokens, -(-tokens // users)),
        _SIGN_IN: Count(count, count),
    }


def _sign_ins_too_often(about: Circumstances) -> Mapping[str, Count]:
    controlled = "control:hi.events" in about.capabilities
    limit = openapi.find(_SIGN_IN).limit_in_force({}) if controlled else about.limit(_SIGN_IN)
    return _same(validateCrossAppSession=limit + 1 if 0 < limit <= MOST_TRIES else 0)


def _words_tried(about: Circumstances) -> Mapping[str, Count]:
    found = dict(measured()["mock_credentials_are_tried_at_hi_events"])
    limit = about.limit(_SIGN_IN)
    if limit:
        words = min(found[_SIGN_IN].requests, words_at_sign_in(limit))
        found[_SIGN_IN] = Count(words, words)
    return found


def _shared(about: Circumstances) -> Mapping[str, Count]:
    """One session of each role, unless they are so short that there are many."""
    found = dict(measured()[SHARED])
    target = about.deployment.targets.get("tuvens-api")
    if target is not None and (target.session_expiry or _LONG) >= _LONG and target.control is None:
        roles = min(len({each.role for each in about.deployment.users}), 4)
        found |= {"generateSession": Count(2 * roles, 4), _SIGN_IN: Count(roles, roles)}
    return found


def _fuzzed(about: Circumstances) -> Mapping[str, Count]:
    more = about.examples - _EXAMPLES
    found = {}
    for operation, each in measured()["operations_are_fuzzed"].items():
        limit = about.limit(operation) if operation else 0
        budget = most_counted(limit) if limit else each.counted + more
        counted = min(each.counted + more, budget)
        # Not by the organiser, where there is somebody else.
        found[operation] = Count(each.requests + more, 0 if operation == "generateSession" else counted)
    return found


def _transport(about: Circumstances) -> Mapping[str, Count]:
    target = about.deployment.targets.get("tuvens-api")
    usual = target is not None and urlsplit(target.api_url).port in (None, 443)
    return {"getEvent": Count(1, 0), **({"": Count(1, 0)} if usual else {})}


def _metrics(about: Circumstances) -> Mapping[str, Count]:
    minted = Effect.MINT in about.capabilities
    return {"": Count(READS, 0), "getEvent": Count(1, 0), **({"generateSession": Count(1, 1)} if minted else {})}


_COMPUTED: Mapping[str, Callable[[Circumstances], Mapping[str, Count]]] = {
    "generate_session_is_asked_too_often": lambda about: _reaching(about, "generateSession"),
    "questions_are_asked_too_often": lambda about: _reaching(about, *_QUESTIONS),
    "webhooks_come_too_often": lambda about: _reaching(about, "receiveEventStatusChanged"),
    "sign_ins_come_too_often": _sign_ins_too_often,
    # Wrong secrets and signatures are not counted.
    "refusals_are_timed": lambda about: {"validateSession": Count(guesses(quick=about.quick), 0)},
    "forged_signatures_are_timed": lambda about: {"receiveEventStatusChanged": Count(guesses(quick=about.quick), 0)},
    "mock_credentials_are_tried_at_hi_events": _words_tried,
    SHARED: _shared,
    "many_are_asked_about_at_once": _asked_at_once,
    "many_sign_in_at_once": _signed_in_at_once,
    "transport_is_checked": _transport,
    "metrics_are_read": _metrics,
    "tokens_are_sampled": lambda about: {"generateSession": Count(_MOST_SAMPLED, 0)},
    "operations_are_fuzzed": _fuzzed,
}
