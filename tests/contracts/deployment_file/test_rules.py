"""A premise about the file blocks rules where the deployment contradicts it, not where nothing could be read."""

from typing import Any

import pytest

from contracts.catalogue import catalogue
from harness.history import History
from harness.verdict import Held, Inconclusive, NotApplicable
from tests.contracts.deployment_file.examples import linked, say, seen
from tests.contracts.histories import verdict

STATED: dict[str, Any] = {"session_expiry_stated": 900}
_NO_SESSION = seen(say("mint/organiser", 500), **STATED)
_UNREAD = {
    "organiser_is_admitted": _NO_SESSION,
    "shared_secret_is_accepted": seen(say("secret/validateSession", 500), say("secret/listUserAccounts", 500)),
    "organiser_is_described": seen(say("whose/organiser", 500)),
    "outsider_is_in_another_account": seen(say("accounts/outsider", 500)),
    "member_lacks_manage_ticketing": seen(without="permission/member"),
    "events_are_the_organisers": seen(say("event/11", 500)),
    "foreign_event_is_foreign": seen(say("foreign event", 500)),
    "linked_events_agree": seen(linked(None)),
    "session_expiry_is_announced": _NO_SESSION,
}


def test_each_premise_about_the_file_is_tried() -> None:
    prefix = "deployment_file."
    assert {each.id.removeprefix(prefix) for each in catalogue() if each.id.startswith(prefix)} == set(_UNREAD)


@pytest.mark.parametrize(("name", "nothing"), _UNREAD.items())
def test_what_could_not_be_read_is_undecided_and_blocks_nothing(name: str, nothing: History) -> None:
    found = verdict(f"deployment_file.{name}", nothing)
    assert isinstance(found, Inconclusive)
    assert found.reason.startswith("nothing in the file could be compared")
    assert not found.blocks
    assert isinstance(verdict(f"deployment_file.{name}", seen(**STATED)), Held)


def test_a_contradiction_blocks() -> None:
    found = verdict("deployment_file.linked_events_agree", seen(linked("12")))
    assert isinstance(found, Inconclusive)
    assert found.blocks


@pytest.mark.parametrize(
    ("name", "silent"),
    [("session_expiry_is_announced", seen()), ("events_are_the_organisers", seen(without="event/11"))],
)
def test_what_the_file_does_not_say_blocks_nothing(name: str, silent: History) -> None:
    found = verdict(f"deployment_file.{name}", silent)
    assert isinstance(found, NotApplicable)
    assert not found.blocks


def test_what_is_asked_in_a_story_that_stopped_blocks() -> None:
    """Nothing is known then, of the file or of the rules behind it."""
    entries = [each for each in seen().entries if not each.step.endswith("permission/member")]
    outcomes = [type(each)(each.story, "stopped", "no time") for each in seen().stories.values()]
    found = verdict("deployment_file.member_lacks_manage_ticketing", History(seen().context, entries, outcomes))
    assert isinstance(found, Inconclusive)
    assert found.blocks
