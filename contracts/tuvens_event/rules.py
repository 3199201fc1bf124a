"""The event at tuvens-api: reading it, changing it, and the permissions for both."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from contracts.catalogue import RuleFamily
from contracts.status_changes import expect_ours_alone
from harness.capabilities import remedy_for
from harness.expectations import (
    UnseenError,
    expect,
    expect_field,
    expect_status,
    expect_success,
    held,
    json_object,
    lacking_without,
    statuses,
)
from harness.history import Exchange, History
from harness.http import object_or_empty
from harness.requirement import MUST, WHOLE_RECORD
from harness.verdict import Verdict

READ, CHANGED = "events_are_read", "an_event_is_changed"
_SECTION = "GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)"
_IS_READ = "tuvens_event.an_event_is_read"
_DEMANDS_JWT = "tuvens_event.a_change_without_jwt_is_refused"
_ALIASES = {
    "ticketStatus": "ticketing_status",
    "hasTicketing": "ticketing_enabled",
    "hiEventsEventId": "hi_events_event_id",
}

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Errors",
    quote="then existence and permission (404, 403)",
    story=CHANGED,
    operations=["updateEvent", "getEvent"],
    depends_on="tuvens_event.the_callback_is_noted",
)


@rule(
    section=_SECTION,
    quote="The event as the client reads it: `id` (string)",
    story=READ,
    operations="getEvent",
    depends_on="deployment_file.events_are_the_organisers",
)
def an_event_is_read(history: History) -> Verdict:
    """tuvens-api returns 200 to anyone who reads an event, with its id as text and its account."""
    answer = expect_status(_read(history, "known event"), 200)
    value = json_object(answer)
    asked = history.observation(f"{READ}/known event").values
    expect(
        value.get("id") == asked["event"],
        expected=f"id {asked['event']!r}",
        observed=f"id {value.get('id')!r}"[:160],
        at=answer,
    )
    expect_field(answer, "account_id", int)
    return held(answer)


@rule(story=READ, operations="getEvent", depends_on=_IS_READ)
def an_unknown_event_is_not_found(history: History) -> Verdict:
    """Reading an event that does not exist returns 404."""
    return held(expect_status(_read(history, "unknown event"), 404))


@rule(section=_SECTION, quote='PATCH `{"hasTicketing": true, "hiEventsEventId": "..."}` (JWT)', depends_on=_IS_READ)
def the_callback_is_noted(history: History) -> Verdict:
    """tuvens-api stores what the callback page sends: that an event has ticketing, and the id of its hi.events
    event."""
    seen = []
    for step in ("first", "second"):
        change, after = _changed(history, step)
        event, sent = json_object(after), history.observation(f"{CHANGED}/{step}").values["hi"]
        enabled, number = event.get("ticketing_enabled"), event.get("hi_events_event_id")
        for expected, fits, observed in (
            ("ticketing_enabled true", enabled is True, f"ticketing_enabled {enabled!r}"),
            (f"hi_events_event_id {sent}, as sent", str(number) == sent, f"hi_events_event_id {number!r}"),
        ):
            expect(fits, expected=expected, observed=observed[:160], at=(after, change))
        seen += [change, after]
    return held(seen)


@rule(section=_SECTION, quote="(`setup` | `active` | `inactive`, null before ticketing is enabled)")
def an_event_with_ticketing_has_a_status(history: History) -> Verdict:
    """tuvens-api gives an event a ticketing status (setup, active or inactive) once ticketing is enabled."""
    _, after = _changed(history, "first")
    status = json_object(after).get("ticketing_status")
    expect(
        status in ("setup", "active", "inactive"),
        expected="ticketing_status setup, active or inactive",
        observed=f"ticketing_status {status!r}"[:160],
        at=after,
    )
    return held(after)


@rule(
    section=_SECTION,
    quote="`hi_events_event_id`, `hi_events_event_url`, `contactData`",
    story=[CHANGED, WHOLE_RECORD],
    operations="getEvent",
    depends_on=_IS_READ,
    next_step="Build the URL from hi.events' address, hi_events_event_id and a slug: /event/{id}/{slug}.",
)
def a_linked_event_has_the_url_of_its_page(history: History) -> Verdict:
    """tuvens-api returns, for an event with ticketing and a linked hi.events event, the URL of its page there
    (hi_events_event_url)."""
    seen = [each for each in history.exchanges("getEvent", "tuvens-api") if each.status == 200]
    # Whether a response is an object at all is for the rule of the document to say.
    linked = [(each, value) for each in seen if _is_linked(value := object_or_empty(each.response_body))]
    if not linked:
        raise UnseenError("the run read no event with ticketing and an hi_events_event_id")
    for each, value in linked:
        expect(
            _is_web_address(value.get("hi_events_event_url")),
            expected="hi_events_event_url, an http or https URL",
            observed=f"hi_events_event_url {value.get('hi_events_event_url')!r} of event {value.get('id')!r}"[:160],
            at=each,
        )
    return held([each for each, _ in linked[:6]], f"{len(linked)} readings of linked events")


@rule(section=_SECTION, quote="legacy aliases `ticketStatus`, `hasTicketing`, `hiEventsEventId`")
def legacy_aliases_agree(history: History) -> Verdict:
    """tuvens-api returns ticketStatus, hasTicketing and hiEventsEventId with the same values as their newer names."""
    readings = [_changed(history, step)[1] for step in ("first", "second")]
    for after in readings:
        event = json_object(after)
        for alias, name in _ALIASES.items():
            # The id of hi.events' event may be text in one field and a number in the other.
            same = alias in event and _plain(event[alias]) == _plain(event.get(name))
            expected = f"{alias} {event.get(name)!r}, as {name} says"
            observed = f"{alias} {event[alias]!r}" if alias in event else f"no {alias}"
            expect(same, expected=expected[:160], observed=observed[:160], at=after)
    return held(readings)


@rule(quote="Order on every route: authentication (401), then the request's form (400)", security=True)
def a_change_without_jwt_is_refused(history: History) -> Verdict:
    """tuvens-api returns 401 for a change of an event with a missing or malformed JWT."""
    return statuses(history.every(f"{CHANGED}/no jwt"), 401)


@rule(quote="Order on every route: authentication (401), then the request's form (400)", depends_on=_DEMANDS_JWT)
def a_change_is_authenticated_before_it_is_read(history: History) -> Verdict:
    """tuvens-api returns 401 for a change without a JWT, even if it is malformed or of an unknown event; a parser may
    return 400 for invalid JSON."""
    by_parser = expect_status(history.one(f"{CHANGED}/no jwt and no JSON"), 401, 400)
    return held([*statuses(history.every(f"{CHANGED}/no jwt and"), 401).evidence, by_parser.number])


@rule(needs="role:member", depends_on=_DEMANDS_JWT, security=True)
def a_change_without_permission_is_refused(history: History) -> Verdict:
    """tuvens-api returns 403 for a change of an event by a member of its account who lacks manage_ticketing."""
    return statuses(history.every(f"{CHANGED}/by the member"), 403)


@rule(needs="role:outsider", depends_on=_DEMANDS_JWT, security=True)
def a_change_by_an_outsider_is_refused(history: History) -> Verdict:
    """tuvens-api returns 403 for a change of an event by a user who holds manage_ticketing only in another account."""
    return statuses(history.every(f"{CHANGED}/by the outsider"), 403)


@rule()
def a_change_of_an_unknown_event_is_not_found(history: History) -> Verdict:
    """tuvens-api returns 404 for a change of an event that does not exist."""
    return held(expect_status(history.one(f"{CHANGED}/unknown event"), 404))


@rule(quote="Order on every route: authentication (401), then the request's form (400)", security=True)
def refused_changes_change_nothing(history: History) -> Verdict:
    """tuvens-api leaves an event unchanged when it rejects a change."""
    before, after = _after(history, "second"), _after(history, "refusals")
    was, found = _ticketing(json_object(before)), _ticketing(json_object(after))
    if found != was:
        expect_ours_alone(before, after)
    expect(found == was, expected=f"{was}, as before", observed=str(found)[:160], at=(after, before))
    return held((before, after))


def _read(history: History, step: str) -> Exchange:
    with lacking_without(history, READ, remedy_for("events")):
        return history.one(f"{READ}/{step}")


def _changed(history: History, step: str) -> tuple[Exchange, Exchange]:
    """A change that succeeded, and the event read after it."""
    return expect_success(history.one(f"{CHANGED}/{step}")), _after(history, step)


def _after(history: History, step: str) -> Exchange:
    return expect_status(history.one(f"{CHANGED}/{step}/event"), 200)


def _is_linked(event: Mapping[str, Any]) -> bool:
    return event.get("ticketing_enabled") is True and event.get("hi_events_event_id") is not None


def _is_web_address(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _plain(value: object) -> object:
    return str(value) if type(value) is int else value


def _ticketing(event: Mapping[str, Any]) -> dict[str, object]:
    return {name: _plain(event.get(name)) for name in ("ticketing_enabled", "ticketing_status", "hi_events_event_id")}
