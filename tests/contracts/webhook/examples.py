"""Example histories of the rules about the webhook."""

from typing import Any

from contracts.status_changes import TICKETING
from contracts.times import iso_millis
from contracts.webhook import rules_bodies, rules_processing, rules_refusals, rules_repeats, rules_timing
from contracts.webhook.wire import status_changed_body
from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, honest, leaves_open, one_change_breaks
from tests.contracts.histories import NOW, answer, asleep, history, instead
from tests.contracts.timings import comparisons

REPORTED, NOTED = rules_processing.STORY, rules_processing.NOTED
STRANGERS, SENSELESS = rules_refusals.STRANGERS, rules_refusals.SENSELESS
LANGUAGES = rules_bodies.STORY
REPEATED, OVERTAKEN = rules_repeats.REPEATED, rules_repeats.OVERTAKEN
SUCCESS = {"success": True, "message": "Event status updated"}
HI = 2


def update(step: str, status: int = 200, body: object = SUCCESS, *, told: str = "LIVE", at: float = NOW) -> Exchange:
    """A delivery and its answer. `told` is the status that it reports."""
    sent = status_changed_body(
        event_id=HI, title="An evening", status=told, tuvens_event_id="11", sent_at=iso_millis(at)
    )
    return answer(step, status, body, sent=sent, operation="receiveEventStatusChanged", caller="hi.events", at=at)


def event(step: str, ticketing: object, told: str | None = None, *, at: float = NOW, **noted: Any) -> Exchange:
    """A reading of the event: its ticketing status, and what its contactData say (none where nothing was told)."""
    contact = {"hiEventsEventId": HI, "hiEventsStatus": told, "hiEventsLastUpdated": iso_millis(at), **noted}
    value = {"id": "11", "ticketing_status": ticketing, "contactData": contact if told or noted else None}
    return answer(step, 200, value, operation="getEvent", method="GET", at=at)


def reported() -> list[Entry]:
    """Each status, from another ticketing status before."""
    entries: list[Entry] = [event(f"{REPORTED}/begin", None)]
    for status in ("LIVE", "CANCELLED", "DRAFT", "ENDED", "ARCHIVED", "POSTPONED", "live"):
        ticketing = TICKETING.get(status, "setup")
        if status in ("POSTPONED", "live"):
            entries += [
                update(f"{REPORTED}/{status}/aside"),
                event(f"{REPORTED}/{status}/before", "active", "LIVE"),
            ]
        entries += [
            update(f"{REPORTED}/{status}/update", told=status),
            event(f"{REPORTED}/{status}/after", ticketing, status),
        ]
    return entries


def _applied_later() -> Seen:
    """The event is as before when it is read after the first update, and changed when it is read again."""
    found = reported()
    first = next(index for index, each in enumerate(found) if each.step == f"{REPORTED}/LIVE/after")
    return history(*found[:first], event(f"{REPORTED}/LIVE/after", None), *found[first:])


def noted() -> list[Entry]:
    """Two updates, three seconds apart."""
    return [
        event(f"{NOTED}/begin", None),
        update(f"{NOTED}/first/update"),
        event(f"{NOTED}/first/after", "active", "LIVE"),
        update(f"{NOTED}/second/update", told="CANCELLED", at=NOW + 3),
        event(f"{NOTED}/second/after", "inactive", "CANCELLED", at=NOW + 3),
    ]


def refused() -> list[Entry]:
    """Everything that must be refused is."""
    strangers = (
        "missing/absent", "missing/empty", "without prefix/hex alone", "other key/another", "other key/zeros",
        "other algorithm/sha1", "upper case/hex", "malformed/cut", "altered body/other white space",
        "nonsense/not JSON", "nonsense/unknown event",
    )  # fmt: skip
    senseless = ("nonsense/not JSON", "nonsense/no body", "missing/title", "ill-typed/id is a word", "other type")
    return [
        event(f"{STRANGERS}/base/event", "active", "LIVE"),
        *(update(f"{STRANGERS}/{each}", 401, {}, told="CANCELLED") for each in strangers),
        update(f"{STRANGERS}/unusual/very long", 431, None),
        event(f"{STRANGERS}/afterwards", "active", "LIVE"),
        event(f"{SENSELESS}/base/event", "active", "LIVE"),
        *(update(f"{SENSELESS}/{each}", 400, {}, told="CANCELLED") for each in senseless),
        update(f"{SENSELESS}/unknown event", 404, {}),
        event(f"{SENSELESS}/afterwards", "active", "LIVE"),
    ]


def spoken() -> list[Entry]:
    """Two bodies of each language, both applied, and one whose time has an offset."""
    entries: list[Entry] = [event(f"{LANGUAGES}/base/event", "inactive", "CANCELLED")]
    for language in ("php", "node", "python"):
        for name, told in (("compact", "LIVE"), ("pretty", "CANCELLED")):
            step = f"{LANGUAGES}/{language}/{name}"
            entries += [update(f"{step}/update", told=told), event(f"{step}/after", TICKETING[told], told)]
    step = f"{LANGUAGES}/time with offset/of zero"
    return [*entries, update(f"{step}/update"), event(f"{step}/after", "active", "LIVE")]


def repeated() -> list[Entry]:
    """A first update that comes three times, with a second one between."""
    return [
        update(f"{REPEATED}/live"),
        event(f"{REPEATED}/live/event", "active", "LIVE"),
        update(f"{REPEATED}/live again"),
        event(f"{REPEATED}/live again/event", "active", "LIVE"),
        update(f"{REPEATED}/cancelled", told="CANCELLED"),
        event(f"{REPEATED}/cancelled/event", "inactive", "CANCELLED"),
        update(f"{REPEATED}/live once more"),
        event(f"{REPEATED}/live once more/event", "inactive", "CANCELLED"),
    ]


def overtaken() -> list[Entry]:
    """A newest update, two older ones, and a new one."""
    entries: list[Entry] = []
    for step, told, shown in (
        ("live", "LIVE", "LIVE"),
        ("ten seconds older", "CANCELLED", "LIVE"),
        ("a second older", "CANCELLED", "LIVE"),
        ("newer", "CANCELLED", "CANCELLED"),
    ):
        entries += [
            update(f"{OVERTAKEN}/{step}", told=told),
            event(f"{OVERTAKEN}/{step}/event", TICKETING[shown], shown),
        ]
    return entries


def reports(*others: Entry) -> Seen:
    """The honest story of all statuses, some of it otherwise."""
    return history(*instead(reported(), *others))


def notes(*others: Entry) -> Seen:
    """The honest story of two updates, some of it otherwise."""
    return history(*instead(noted(), *others))


def refusals(*others: Entry) -> Seen:
    """The honest stories of refusals, some of it otherwise."""
    return history(*instead(refused(), *others))


def speech(*others: Entry) -> Seen:
    """The honest story of three languages, some of it otherwise."""
    return history(*instead(spoken(), *others))


def repeats(*others: Entry) -> Seen:
    """The honest story of repeated updates, some of it otherwise."""
    return history(*instead(repeated(), *others))


def races(*others: Entry) -> Seen:
    """The honest story of overtaken updates, some of it otherwise."""
    return history(*instead(overtaken(), *others))


def _unmoved() -> Seen:
    """All updates are accepted, and the event stays as it is."""
    readings = [each for each in reported() if isinstance(each, Exchange) and each.operation == "getEvent"]
    return reports(*(event(each.step, None) for each in readings))


EXAMPLES: Examples = {
    **one_change_breaks(
        reports,
        {
            "signed_update_is_accepted": ("it is answered 401", update(f"{REPORTED}/LIVE/update", 401, {})),
            "accepted_update_is_answered_200": ("it is answered 201", update(f"{REPORTED}/LIVE/update", 201)),
            "accepted_update_is_called_a_success": (
                "success is text",
                update(f"{REPORTED}/LIVE/update", body={"success": "true", "message": "ok"}),
            ),
            "live_gives_active": ("it gives setup", event(f"{REPORTED}/LIVE/after", "setup", "LIVE")),
            "draft_gives_setup": ("it gives inactive", event(f"{REPORTED}/DRAFT/after", "inactive", "DRAFT")),
            "cancelled_gives_inactive": ("it gives setup", event(f"{REPORTED}/CANCELLED/after", "setup", "CANCELLED")),
            "ended_gives_inactive": ("it gives active", event(f"{REPORTED}/ENDED/after", "active", "ENDED")),
            "an_unknown_word_gives_setup": ("it is refused", update(f"{REPORTED}/POSTPONED/update", 400, {})),
            "archived_gives_setup": ("it gives inactive", event(f"{REPORTED}/ARCHIVED/after", "inactive", "ARCHIVED")),
            "status_in_lower_case_gives_setup": ("it gives active", event(f"{REPORTED}/live/after", "active", "live")),
        },
    ),
    "acknowledged_update_can_be_read": (
        honest(reports()),
        breaks("the event changes some time later", _applied_later()),
    ),
    "an_update_changes_the_event": (
        honest(reports()),
        breaks("the event stays as it is", _unmoved()),
        leaves_open("it does while we are late", asleep(_unmoved())),
    ),
    **one_change_breaks(
        notes,
        {
            "metadata_name_the_hi_events_event": (
                "there is no contactData",
                event(f"{NOTED}/second/after", "inactive"),
            ),
            "metadata_name_the_status": (
                "the former status stays",
                event(f"{NOTED}/second/after", "inactive", "LIVE", at=NOW + 3),
            ),
            "metadata_tell_when": (
                "the time does not move",
                event(f"{NOTED}/second/after", "inactive", "CANCELLED", at=NOW),
            ),
        },
    ),
    **one_change_breaks(
        refusals,
        {
            "wrong_signature_is_refused": ("one is accepted", update(f"{STRANGERS}/other key/zeros")),
            "missing_signature_is_refused": (
                "an empty one is answered 400",
                update(f"{STRANGERS}/missing/empty", 400, {}),
            ),
            "signature_without_prefix_is_refused": ("it is accepted", update(f"{STRANGERS}/without prefix/hex alone")),
            "signature_by_another_algorithm_is_refused": (
                "SHA-1 is accepted",
                update(f"{STRANGERS}/other algorithm/sha1"),
            ),
            "signature_in_upper_case_is_refused": ("it is accepted", update(f"{STRANGERS}/upper case/hex")),
            "malformed_signature_is_refused": (
                "a long one is answered 500",
                update(f"{STRANGERS}/unusual/very long", 500, {}),
            ),
            "altered_body_is_refused": ("it is accepted", update(f"{STRANGERS}/altered body/other white space")),
            "webhook_authenticates_before_it_reads": (
                "an unknown event is answered 404",
                update(f"{STRANGERS}/nonsense/unknown event", 404, {}),
            ),
            "nonsense_is_refused": ("it is answered 500", update(f"{SENSELESS}/nonsense/no body", 500, {})),
            "incomplete_update_is_refused": ("it is accepted", update(f"{SENSELESS}/missing/title")),
            "ill_typed_update_is_refused": (
                "it is answered 422",
                update(f"{SENSELESS}/ill-typed/id is a word", 422, {}),
            ),
            "another_event_type_is_refused": ("it is accepted", update(f"{SENSELESS}/other type")),
            "unknown_event_is_not_found": ("it is accepted", update(f"{SENSELESS}/unknown event")),
            "refused_updates_change_nothing": (
                "the event has changed",
                event(f"{STRANGERS}/afterwards", "inactive", "CANCELLED"),
            ),
        },
    ),
    "no_timing_leak_is_seen": comparisons(rules_timing.STORY, "receiveEventStatusChanged"),
    **one_change_breaks(
        speech,
        {
            "updates_by_php_are_applied": ("one is answered 401", update(f"{LANGUAGES}/php/pretty/update", 401, {})),
            "updates_by_node_are_applied": (
                "one changes nothing",
                event(f"{LANGUAGES}/node/compact/after", "inactive", "LIVE"),
            ),
            "updates_by_python_are_applied": (
                "one is answered 400",
                update(f"{LANGUAGES}/python/compact/update", 400, {}),
            ),
            "a_time_with_an_offset_of_zero_is_read": (
                "it is answered 400",
                update(f"{LANGUAGES}/time with offset/of zero/update", 400, {}),
            ),
        },
    ),
    **one_change_breaks(
        repeats,
        {
            "repeated_update_leaves_the_same_state": (
                "the state is another one",
                event(f"{REPEATED}/live again/event", "setup", "LIVE"),
            ),
            "repeated_update_is_no_failure": ("it is answered 500", update(f"{REPEATED}/live once more", 500, {})),
            "repeated_update_does_not_undo_a_later_one": (
                "the earlier status is back",
                event(f"{REPEATED}/live once more/event", "active", "LIVE"),
            ),
        },
    ),
    **one_change_breaks(
        races,
        {
            "stale_update_does_not_overwrite": (
                "it overwrites the newer one",
                event(f"{OVERTAKEN}/a second older/event", "inactive", "CANCELLED"),
            ),
            "newer_update_is_applied_after_a_stale_one": (
                "it changes nothing",
                event(f"{OVERTAKEN}/newer/event", "active", "LIVE"),
            ),
        },
    ),
}
