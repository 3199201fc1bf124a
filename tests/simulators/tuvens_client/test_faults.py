"""Every fault of tuvens-client shows in what its server sends, is counted, and is gone once disarmed."""

from collections.abc import Callable

import pytest

from simulators.faults import FAULTS as ALL_FAULTS
from simulators.launch import TUVENS_CLIENT
from simulators.tuvens_client.faults import FAULTS
from tests.simulators.tuvens_client.world import World


def _wrapped(here: World) -> int:
    return here.wraps(headers=here.cookie()).status_code


def _after_a_user(here: World) -> int:
    _wrapped(here)
    return here.wraps().status_code


def _page_with_a_token(here: World) -> bool:
    token = here.wraps(headers=here.cookie()).json()["session_token"]
    return token in here.get("/event/31").text


def _patched(here: World) -> object:
    here.get("/hi-events/callback?status=success&event_id=31&hi_events_event_id=7", here.cookie())
    return here.tuvens_event("31")["ticketing_enabled"]


def _callback(query: str) -> Callable[[World], object]:
    return lambda here: here.get(f"/hi-events/callback?{query}", here.cookie()).text


SYMPTOMS: dict[str, Callable[[World], object]] = {
    "wrapper-drops-jwt": _wrapped,
    "wrapper-keeps-last-jwt": _after_a_user,
    "wrapper-forgets-account-id": _wrapped,
    "wrapper-answers-201": _wrapped,
    "wrapper-renames-fields": lambda here: sorted(here.wraps(headers=here.cookie()).json()),
    "wrapper-reshapes-errors": lambda here: sorted(here.wraps().json()),
    "wrapper-hides-403": lambda here: here.wraps({"account_id": 200}, here.cookie()).status_code,
    "wrapper-hides-401": lambda here: here.wraps().status_code,
    "wrapper-fills-in-account": lambda here: [_wrapped(here), here.wraps({}, here.cookie()).status_code],
    "wrapper-caches-by-account": _after_a_user,
    "wrapper-not-deployed": _wrapped,
    "event-page-decodes-twice": lambda here: here.get("/event/100%25").status_code,
    "callback-decodes-twice": lambda here: here.get("/hi-events/callback?status=success&event_id=100%25").status_code,
    "shared-secret-in-script": lambda here: here.built.shared_secret in here.get("/_app/page.js").text,
    "session-token-in-page": _page_with_a_token,
    "mock-user-accepted": lambda here: here.wraps(headers={"Authorization": "Bearer mock-jwt-token"}).status_code,
    "jwt-in-local-storage": lambda here: (
        here.get("/hi-events/callback?status=success&event_id=31&hi_events_event_id=7").text
    ),
    "callback-ignores-cancelled": _callback("status=cancelled&event_id=31"),
    "callback-takes-errors-for-success": _callback("status=error&event_id=31"),
    "callback-does-not-patch": _patched,
    "callback-reads-one-spelling": _callback("success=true&tuvens_event_id=31&hi_events_event_id=7"),
}
PAGE = sorted(set(FAULTS) - set(SYMPTOMS))
ASSETS = ("event.js", "updates.js", "journey.js", "tickets.js", "page.js", "tuvens.css")


@pytest.mark.parametrize("name", sorted(SYMPTOMS))
def test_an_armed_fault_shows_and_is_counted(here: World, name: str) -> None:
    honest = SYMPTOMS[name](here)
    here.reset()
    here.arm(name)
    assert SYMPTOMS[name](here) != honest
    described = {each["name"]: each for each in here.control("GET", "/faults")["faults"]}
    assert described[name]["fired"] > 0
    health = here.control("GET", "/health")
    assert (health["failures"], health["contract_problems"]) == (0, 0)


@pytest.mark.parametrize("name", PAGE)
def test_a_fault_of_a_page_changes_one_of_its_files_and_is_counted(here: World, name: str) -> None:
    honest = {each: here.get(f"/_app/{each}").text for each in ASSETS}
    here.arm(name)
    changed = [each for each in ASSETS if here.get(f"/_app/{each}").text != honest[each]]
    described = {each["name"]: each for each in here.control("GET", "/faults")["faults"]}
    assert (len(changed), described[name]["fired"]) == (1, 1)
    here.reset()
    assert {each: here.get(f"/_app/{each}").text for each in ASSETS} == honest


def test_a_jwt_in_local_storage_is_sent_by_the_scripts_of_all_pages(here: World) -> None:
    journey, honest = "/hi-events/callback?status=success&event_id=31&hi_events_event_id=7", {}
    bearer = {"Authorization": f"Bearer {here.jwt('organiser')}"}
    for name in ("event.js", "journey.js", "page.js"):
        honest[name] = here.get(f"/_app/{name}").text
    here.arm("jwt-in-local-storage")
    for name, text in honest.items():
        assert ("localStorage" in here.get(f"/_app/{name}").text) > ("localStorage" in text)
    assert "data-waits" in here.get(journey).text
    assert "Ticketing is set up" in here.get(journey, bearer).text
    assert here.tuvens_event("31")["ticketing_enabled"]


def test_faults_are_told_in_sentences_and_say_which_suite_sees_them() -> None:
    assert all(each.sentence.endswith(".") for each in ALL_FAULTS.values())
    for fault in FAULTS.values():
        assert ALL_FAULTS[fault.name] is fault
        assert fault.app == TUVENS_CLIENT
        assert fault.suite in ("verify", "browser")
        assert bool(fault.kills) == (fault.kind == "fault")
    assert set(SYMPTOMS) < set(FAULTS)
