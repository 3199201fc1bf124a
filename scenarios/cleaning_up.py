"""Undoes what a run changed, by the journal: with requests of the contract, where it has some; the rest is told."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from contracts.changes import (
    CLEAN_UP,
    differences,
    hi_events_state,
    patch_to_send,
    status_to_send,
    tuvens_state,
    webhook_is_needed,
)
from contracts.hi_events_session import wire
from contracts.times import iso_millis, iso_or_none
from contracts.webhook.wire import status_changed_body
from harness.change_journal import ChangeJournal, NotedEvent, State
from harness.effects import NotAllowedError
from harness.story import Phase, Story, StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import BACKEND, Cast
from scenarios.cast.deliveries import read_until_status
from scenarios.cast.updates import Updates

SECONDS = 90.0
"""How long it may take at the end of a run: a limit that the run used up is counted anew after a minute."""

_API = "tuvens-api"
_SETTLE = 3.0
_AT_ONCE = 8
# A change that tuvens-api dates so much later than ours is that of others: webhooks may be sent again for some minutes.
_OTHERS = 900.0
_NO_REQUEST = "the contract has no request that sets this back"


class _Left:
    """What is told at the end."""

    def __init__(self) -> None:
        self.undone: dict[str, int] = {}
        self.remains: dict[tuple[str, str], list[str]] = {}
        """The events of an application of which something remains, by the application and what remains."""
        self.lines: list[str] = []

    def told(self) -> Iterator[str]:
        """The sentences."""
        if self.undone:
            undone = " and ".join(f"{count} at {app}" for app, count in self.undone.items())
            yield f"Changed events that are as they were before: {undone}."
        for (app, what), events in self.remains.items():
            listed = ", ".join(sorted(events))
            yield f"{app}, {'event' if len(events) == 1 else 'events'} {listed}: {what}."
        yield from self.lines


def cleaning_up(journal: ChangeJournal) -> Story:
    """The story that ends a run: what it changed is undone."""

    async def run(cast: Cast) -> None:
        await clean_up(cast, journal)

    return Story(CLEAN_UP, "What the run changed is undone.", run, Phase.LAST, does=frozenset())


async def clean_up(cast: Cast, journal: ChangeJournal) -> list[str]:
    """Undo what the journal has, as far as requests of the contract can; what is left, in sentences, is recorded as
    well. Raises nothing for a deployment that does not answer."""
    left = _Left()
    changed = journal.changed
    drafts = {event: tuvens for event, tuvens in journal.drafts.items() if not _was_linked(changed, event, tuvens)}
    if changed and not journal.is_alone():
        left.lines.append("Another run on this deployment is under way: it undoes what both changed when it ends.")
        changed = {}
    if changed:
        which = "1 event" if len(changed) == 1 else f"{len(changed)} events"
        cast.says(f"undoes the changes of {which}; to stop at once, press Ctrl-C again")
    try:
        async with asyncio.timeout(SECONDS):
            # hi.events reports its changes to tuvens-api: that one comes last.
            for app in (BACKEND, _API):
                events = [(event, noted) for (at, event), noted in changed.items() if at == app]
                limit = asyncio.Semaphore(_AT_ONCE)
                await asyncio.gather(
                    *(_undo(cast, journal, left, app, event, noted, drafts, limit) for event, noted in events)
                )
    except TimeoutError:
        left.lines.append(f"Not everything could be undone within {SECONDS:.0f} s.")
    if journal.changed and journal.is_alone() and journal.remedy:
        left.lines.append(journal.remedy)
    told = [*left.told(), *_drafts(drafts), *sessions_left(journal)]
    if told:
        cast.observe("left", {"lines": told})
    return told


async def _undo(
    cast: Cast,
    journal: ChangeJournal,
    left: _Left,
    app: str,
    event: str,
    noted: NotedEvent,
    drafts: Mapping[str, str],
    limit: asyncio.Semaphore,
) -> None:
    try:
        async with limit:
            try:
                remains = await _set_back(cast, app, event, noted, drafts)
            except StoryStoppedError:
                # It begins by reading what there is, so nothing is done twice.
                remains = await _set_back(cast, app, event, noted, drafts)
        journal.restored(app, event)
    except (StoryStoppedError, TargetGoneError, NotAllowedError) as error:
        remains = f"could not be set back: {error}"
    if remains:
        left.remains.setdefault((app, remains), []).append(event)
    else:
        left.undone[app] = left.undone.get(app, 0) + 1


async def _set_back(cast: Cast, app: str, event: str, noted: NotedEvent, drafts: Mapping[str, str]) -> str:
    """Set an event of an application back; returns in words what remains. Raises StoryStoppedError."""
    if noted.before is None:
        return "may have been changed, and could not be read before: look at it"
    if app == BACKEND:
        return await _undo_at_hi_events(cast, event, noted.before, _tuvens_of(cast, event, drafts))
    return await _undo_at_tuvens(cast, event, noted.before, noted.changed_at)


async def _undo_at_hi_events(cast: Cast, event: str, before: State, tuvens_event: str) -> str:
    """Set an event's status back; returns in words what remains."""
    bearer = await cast.bearer()
    reply = await cast.asks_hi_events(f"read {event}", wire.read_event(bearer, event))
    reply.must("the event cannot be read")
    if not differences(before, hi_events_state(wire.event_of(reply.json_object()))):
        return ""
    status = str(before["status"])
    (await cast.sets_status(f"status of {event}", bearer, event, status)).must(f"it cannot be set to {status}")
    if tuvens_event:
        await read_until_status(cast, f"event {tuvens_event}", tuvens_event, status, seconds=_SETTLE)
    return ""


async def _undo_at_tuvens(cast: Cast, event: str, before: State, changed_at: float) -> str:
    """Set an event's ticketing back; returns in words what remains."""
    step = f"event {event}"
    updates = Updates(cast, event)
    found = await updates.begins(step)
    if not found:
        raise StoryStoppedError("it cannot be read")
    now = tuvens_state(found)
    if not differences(before, now):
        return ""
    contact = found.get("contactData")
    applied = iso_or_none(contact.get("hiEventsLastUpdated")) if isinstance(contact, dict) else None
    ahead = cast.now_at(_API) - cast.now()
    if applied is not None and applied - ahead > changed_at + _OTHERS:
        return "others have changed it since; it is left as it is"
    status = status_to_send(before)
    if status is not None and webhook_is_needed(before, now):
        number = next((int(each) for each in _numbers(before, now) if each.isdecimal()), updates.number)
        title = before.get("title") or "Event"
        sent_at = iso_millis(updates.next_time())
        body = status_changed_body(event_id=number, title=title, status=status, tuvens_event_id=event, sent_at=sent_at)
        (await cast.delivers(f"webhook about {event}", body)).must("the webhook that sets it back is refused")
        now = tuvens_state(await updates.reads_until_reported(step, status))
    changes = patch_to_send(before, now)
    if changes:
        reply = await cast.changes_event(f"change of {event}", cast.organiser.jwt, event, changes)
        reply.must("the change that sets it back is refused")
        now = tuvens_state(await updates.reads(step))
    remains = differences(before, now)
    return f"{' and '.join(remains)} not as before: {_NO_REQUEST}" if remains else ""


def _was_linked(changed: Mapping[tuple[str, str], NotedEvent], event: str, tuvens_event: str) -> bool:
    """Whether tuvens-api named an event of hi.events before the run: then its page has not made it now."""
    noted = changed.get((_API, tuvens_event))
    return noted is not None and noted.before is not None and event in _numbers(noted.before)


def _numbers(*states: State) -> Iterator[str]:
    """The ids at hi.events that states of an event of tuvens-api name."""
    for state in states:
        for name in ("contactData.hiEventsEventId", "hiEventsEventId"):
            yield str(state.get(name))


def _tuvens_of(cast: Cast, event: str, drafts: Mapping[str, str]) -> str:
    return drafts.get(event, "") or next((each.tuvens for each in cast.deployment.linked if each.hi == event), "")


def _drafts(drafts: Mapping[str, str]) -> Iterator[str]:
    if drafts:
        listed = ", ".join(f"{event} (of the Tuvens event {tuvens})" for event, tuvens in sorted(drafts.items()))
        yield (
            f"Left at hi.events: what its page made, as drafts, unless they were there before: {listed}. The contract "
            "has no request that deletes them: remove them there."
        )


def sessions_left(journal: ChangeJournal) -> Iterator[str]:
    """A sentence for each application at which sessions were started."""
    for app, noted in journal.sessions.items():
        until = datetime.fromtimestamp(noted.until, UTC)
        sessions = "session" if noted.count == 1 else "sessions"
        yield (
            f"Left at {app}: {noted.count} {sessions} at most, which expire by themselves, the last at "
            f"{until:%H:%M} UTC."
        )
