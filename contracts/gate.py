"""The gate before the network: a request that its story does not declare, or that the deployment does not allow, is not
sent."""

import asyncio
import time
from collections.abc import Callable, Iterator

from contracts.changes import CLEAN_UP, sessions_begun
from contracts.hi_events_page.redirects import query_of
from contracts.request_effects import RequestEffects, SentRequest
from harness.change_journal import ChangeJournal
from harness.deployment import Deployment, Linked
from harness.effects import EVERYTHING, NOT_ATTACKED, Effect, Effects, NotAllowedError, named, profile_of
from harness.http import Answer, Call, header, object_or_empty
from harness.traffic_limits import TargetGoneError

_PAGE = "openCrossAppPage"
Declared = Callable[[str], Effects | None]
"""From a story's name to what it may do; None for a story that talks to simulators only."""


def anything(_story: str) -> Effects | None:
    """What traffic of others may do as far as the deployment allows it."""
    return EVERYTHING


class Gate:
    """Lets through what `declared` says of the story and `allowed` (default: the profile of the targets' kinds) says of
    the deployment, within the deployment's budget of requests. What a request may change is noted in `journal`, if
    there is one, before it is let through.

    `sent` are the requests that were let through. `refused` has, by story, why a request of it was not: a story that
    sends more than it declares is a fault of crossapp.
    """

    def __init__(
        self,
        deployment: Deployment,
        declared: Declared,
        allowed: Effects | None = None,
        *,
        journal: ChangeJournal | None = None,
    ) -> None:
        self.journal = journal
        self.sent: list[SentRequest] = []
        self.refused: dict[str, str] = {}
        self._deployment = deployment
        self._declared = declared
        self._allowed = profile_of(each.kind for each in deployment.targets.values()) if allowed is None else allowed
        self._effects = RequestEffects(deployment)
        self._next = 0.0

    def owns(self, event: Linked) -> None:
        """Note that an event was made at hi.events for an event of the deployment file."""
        self._effects.owns(event)
        self._made(event.hi, event.tuvens)

    def learn(self, call: Call, answer: Answer) -> Iterator[tuple[str, str]]:
        """(kind, value) of the secrets that an answer hands out; from then on they are right."""
        if call.operation == _PAGE:
            self._made(
                query_of(header(answer.headers, "location") or "").get("hi_events_event_id", ""),
                query_of(call.target).get("event_id", ""),
            )
        return self._effects.learn(call, answer)

    async def admit(self, step: str, app: str, call: Call, *, by_page: bool = False) -> None:
        """Let a request of a step through, in its turn; `by_page`: a page sends it in a browser.

        Raises NotAllowedError, and TargetGoneError when the budget of requests is used up.
        """
        sent = self._effects.of_page(app, call) if by_page else self._effects.of(app, call)
        story = step.partition("/")[0]
        self._check(story, sent, call)
        safety = self._deployment.safety
        if safety.most_requests and len(self.sent) >= safety.most_requests and story != CLEAN_UP:
            raise TargetGoneError(
                f"{safety.most_requests} requests were sent, as many as safety.most_requests allows: nothing more is "
                "sent"
            )
        if self.journal is not None and story != CLEAN_UP:
            self._note(self.journal, sent, call, by_page=by_page)
        self.sent.append(sent)
        if safety.requests_a_second:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / safety.requests_a_second
            await asyncio.sleep(turn - now)

    def _note(self, journal: ChangeJournal, sent: SentRequest, call: Call, *, by_page: bool) -> None:
        for app, event in self._effects.changed_events(call):
            if Effect.FORGE in sent.effects and not journal.knows(app, event):
                continue  # a probe of a route: it has no credentials, and is refused
            journal.changes(app, event)
            if by_page and app == sent.app:
                # What a page notes on an event is what hi.events made.
                self._made(str(object_or_empty(call.body or b"").get("hiEventsEventId") or ""), event)
        for app, until in sessions_begun(self._deployment, sent):
            journal.begins_session(app, until)

    def _made(self, hi_event: str, tuvens_event: str) -> None:
        if self.journal is not None and hi_event and hi_event not in {each.hi for each in self._deployment.linked}:
            self.journal.made("hi.events", hi_event, tuvens_event)

    def _check(self, story: str, sent: SentRequest, call: Call) -> None:
        declared = self._declared(story)
        what = f"{call.method} {sent.operation or 'of no operation'} at {sent.app} ({named(sent.effects)})"
        why = ""
        if declared is None:
            target = self._deployment.targets.get(sent.app)
            if target is None or target.kind != "simulated":
                why = f"the story {story} does not declare what it may do, so it talks to simulators only"
        elif not sent.effects <= declared:
            why = f"the story {story} does not declare {named(sent.effects - declared)}"
        if not why and not sent.effects <= self._allowed:
            why = f"{NOT_ATTACKED}: the deployment does not allow {named(sent.effects - self._allowed)}"
        if why:
            text = f"not sent: {what}: {why}"
            self.refused.setdefault(story, text)
            raise NotAllowedError(text)
