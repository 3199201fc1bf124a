"""The rules about tuvens-client's generate-session, each on an honest history and on one that breaks it."""

import pytest

from harness.history import Entry, Exchange
from harness.verdict import Held, Inconclusive, Violated
from tests.contracts.client_session.examples import STORY, WHOSE, seen, whose, wrapped
from tests.contracts.histories import answer, history, no_answer, observed, verdict

SEAM = "client_session"
PAGES = "client_pages_are_read"
SECRET = [["shared-secret", "1f0c33a2", "body"]]


@pytest.mark.parametrize("name", ["token", "sessionToken"])
def test_a_session_under_another_name_is_none(name: str) -> None:
    found = seen(wrapped("first", 200, {name: "x" * 43, "expires_at": "2025-07-25T14:45:00.000Z"}))
    assert isinstance(verdict(f"{SEAM}.wraps_a_session", found), Violated)


@pytest.mark.parametrize("changes", [{"account_id": 124}, {"email": "other@example.com"}, {"account_id": None}])
def test_a_session_for_another_user_or_account_is_no_wrapped_one(changes: dict[str, object]) -> None:
    assert isinstance(verdict(f"{SEAM}.session_is_of_the_user_and_account", whose(**changes)), Violated)


def test_another_users_session_is_shown_with_the_answer_that_gave_it() -> None:
    found = verdict(f"{SEAM}.session_is_of_the_user_and_account", seen(_asked_by_the_second(WHOSE)))
    assert isinstance(found, Violated)
    assert found.evidence == (4, 3)


def _asked_by_the_second(body: object) -> Exchange:
    return answer(f"{STORY}/whose session/1", 200, body, operation="validateSession")


def test_a_silent_server_breaks_no_rule() -> None:
    found = history(no_answer(f"{STORY}/first"))
    assert isinstance(verdict(f"{SEAM}.wraps_a_session", found), Inconclusive)


def _page(status: int = 200, **facts: object) -> Exchange:
    return answer(f"{PAGES}/page/event", status, b"<title>", callee="tuvens-client", facts=facts)


def test_pages_and_files_without_a_secret_hold_none() -> None:
    found = history(
        _page(secrets=[["jwt", "1f0c33a2", "body"]]),
        answer(f"{PAGES}/file/1", 200, b"", callee="tuvens-client"),
        answer(f"{PAGES}/file/2", 404, b"", callee="tuvens-client"),
        observed(f"{PAGES}/files", loaded=2, **{"left out": 0}),
    )
    assert isinstance(verdict("secrecy.client_pages_hold_no_secret", found), Held)


@pytest.mark.parametrize("kind", ["shared-secret", "session-token", "bearer", "jwt-secret", "database-password"])
@pytest.mark.parametrize("step", [f"{PAGES}/page/event", f"{PAGES}/file/1", "another_story/step"])
def test_a_secret_in_a_page_or_a_file_is_seen_wherever_it_was_loaded(step: str, kind: str) -> None:
    secret = answer(step, 200, b"", callee="tuvens-client", facts={"secrets": [[kind, "1f0c33a2", "body"]]})
    found = history(_page(), secret, observed(f"{PAGES}/files", loaded=1, **{"left out": 0}))
    assert isinstance(verdict("secrecy.client_pages_hold_no_secret", found), Violated)


def test_the_answer_that_hands_a_session_out_has_it_by_right() -> None:
    facts = {"secrets": [["session-token", "1f0c33a2", "body"]]}

    def wraps(status: int) -> Exchange:
        return answer("x/y", status, {}, callee="tuvens-client", operation="wrapGenerateSession", facts=facts)

    files = observed(f"{PAGES}/files", loaded=0, **{"left out": 0})
    rule = "secrecy.client_pages_hold_no_secret"
    assert isinstance(verdict(rule, history(_page(), wraps(200), files)), Held)
    assert isinstance(verdict(rule, history(_page(), wraps(500), files)), Violated)


@pytest.mark.parametrize(
    "others",
    [
        [answer(f"{PAGES}/file/1", 503, b"", callee="tuvens-client")],
        [no_answer(f"{PAGES}/file/1", callee="tuvens-client")],
    ],
)
def test_what_was_not_looked_at_is_not_called_clean(others: list[Entry]) -> None:
    files = observed(f"{PAGES}/files", loaded=1, **{"left out": 0})
    found = history(_page(), *others, files)
    assert isinstance(verdict("secrecy.client_pages_hold_no_secret", found), Inconclusive)


def test_pages_that_are_not_there_and_files_left_out_decide_nothing() -> None:
    rule = "secrecy.client_pages_hold_no_secret"
    none = observed(f"{PAGES}/files", loaded=0, **{"left out": 0})
    some = observed(f"{PAGES}/files", loaded=100, **{"left out": 3})
    assert isinstance(verdict(rule, history(_page(404), none)), Inconclusive)
    assert isinstance(verdict(rule, history(_page(), some)), Inconclusive)
