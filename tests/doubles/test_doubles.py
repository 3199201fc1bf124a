"""The harness can fail: an always-wrong double, and servers that are empty, are never green."""

import asyncio
import json
import time

import pytest

import openapi
from contracts.catalogue import catalogue
from crossapp.run import Settings, perform, report_of
from harness.deployment_file import build_deployment
from harness.exit_codes import ExitCode
from harness.report import Report
from harness.requirement import MUST
from harness.verdict import VerdictName
from tests.harness.hostile import Serve, answering, hangs_up, in_thread, silent

PLAUSIBLE = {
    "session_token": "c29tZXRoaW5nLXRoYXQtbG9va3MtbGlrZS1hLXRva2Vu",
    "expires_at": "2020-01-01T00:00:00.000Z",
    "user_id": "0",
    "email": "nobody@example.com",
    "name": "Nobody",
    "account_id": 0,
    "accounts": [{"id": 200, "name": "Nobody's", "slug": "nobodys"}],
    "has_permission": True,
    "success": True,
    "message": "Done",
    "id": "0",
    "title": "Nothing",
    "startDate": "2020-01-01T00:00:00.000Z",
    "ticketing_enabled": True,
    "ticketing_status": "setup",
    "hi_events_event_id": 0,
    "contactData": {"hiEventsEventId": 0, "hiEventsStatus": "DRAFT", "hiEventsLastUpdated": "2020-01-01T00:00:00Z"},
    "token": "bm90LWEtYmVhcmVy",
    "token_type": "bearer",
    "expires_in": 3600,
    "user": {"id": 0, "email": "nobody@example.com", "first_name": "No", "last_name": "Body", "external_user_id": "0"},
    "authenticated": True,
    "status": "DRAFT",
    "tuvens_event_id": "0",
}
"""An answer that has every field of every success, and nothing true in it."""

# What a server that answers 200 and the right fields to everything does do: it serves the routes, answers 200, has the
# fields, tells no secret, and crashes at nothing.
TRUE_OF_IT = {
    "conformity.",
    # Nothing contradicts the file: it names no account and no lifetime.
    "deployment_file.",
    "fuzzing.getEvent",
    "hi_events_session.sign_in_answers_200",
    "hi_events_session.sign_in_describes_",
    "hi_events_session.status_is_told",
    "hi_events_session.permission_is_answered",
    "hostile_input.hostile_questions_break_nothing",
    "hostile_input.hostile_questions_change_nothing",
    # A pact asks for fields and their types, not for the truth.
    "pact.hi_events_user_accounts_lists_them",
    "pact.hi_events_validate_permission_in_the_account",
    "pact.hi_events_validate_permission_on_own_event",
    "pact.hi_events_validate_session_tells_whose_it_is",
    "pact.tuvens_client_event_gets_ticketing",
    "routes.",
    "secrecy.",
    "session_token.a_live_session_is_validated",
    "session_token.a_session_is_not_consumed_by_validation",
    "session_token.accounts_of_a_session_are_listed",
    "session_token.generate_session_answers_200",
    "session_token.held_permission_is_true",
    "session_token.mints_a_session",
    "session_token.permission_is_answered_by_a_boolean",
    "session_token.token_has_32_to_1024_url_safe_characters",
    "session_token.user_accounts_answers_200",
    "session_token.validate_permission_answers_200",
    "session_token.validate_session_answers_200",
    "webhook.accepted_update_is_",
    "webhook.repeated_update_is_no_failure",
    "webhook.signed_update_is_accepted",
}

TRUE_OF_NOTHING = (
    "cors.other_origins_are_not_admitted",
    # hi.events need not show its events, so nothing contradicts the file.
    "deployment_file.linked_events_agree",
    # Pages of events that are not there are answered 404.
    "fuzzing.show",
    "hi_events_page.never_leads_to_a_foreign_origin",
    "hostile_input.",
    "routes.",
    "secrecy.",
    "webhook.accepted_update_is_answered_200",
    "webhook.signed_update_is_accepted",
)
"""What a server does right that does nothing: it admits nobody, leads nowhere, tells nothing, and may answer 200."""


def verified(serve: Serve) -> Report:
    """A verification of a server that stands for both applications."""
    with in_thread(serve) as url:
        limited = {
            app: {each.id: 0 for each in openapi.load(app).operations.values() if each.rate_limit is not None}
            for app in ("tuvens-api", "hi.events")
        }
        description = {
            "name": "double",
            "edition": openapi.EDITION,
            "targets": {app: {"url": url, "kind": "local", "rate_limits": limits} for app, limits in limited.items()},
            "credentials": {"shared_secret": "a-secret-that-nobody-may-see-anywhere"},
            "users": [
                {"role": "organiser", "user_id": "1", "account_id": 123, "jwt": _jwt("1")},
                {"role": "outsider", "user_id": "2", "account_id": 200, "jwt": _jwt("2")},
                {"role": "member", "user_id": "3", "account_id": 123, "jwt": _jwt("3")},
            ],
            "events": {
                "tuvens": ["11", "12", "13"],
                "foreign": "61",
                "linked": [{"hi": "1", "tuvens": "11"}, {"hi": "2", "tuvens": "12"}],
            },
            "return_origin": "http://localhost:5173",
            "safety": {"seconds": 1.0, "minutes": 0.35, "change_events": True},
        }
        deployment = build_deployment(description, apps=openapi.APPS, editions=(openapi.EDITION,))
        # A page of a double is none: a browser would wait for each of its parts in vain.
        settings = Settings(quick=True, without=("browser.*",))
        return report_of(asyncio.run(perform(deployment, settings)), settings)


def _jwt(subject: str) -> str:
    return f"eyJhbGciOiJIUzI1NiJ9.c3ViamVjdC1{subject}.c2lnbmF0dXJlc2lnbmF0dXJl"


def held(report: Report) -> set[str]:
    return {each.requirement for each in report.findings if each.verdict is VerdictName.HELD}


def test_an_always_wrong_double_holds_nothing_but_what_is_true_of_it() -> None:
    report = verified(answering(json.dumps(PLAUSIBLE).encode()))
    verdicts = {each.requirement: each.verdict for each in report.findings}
    musts = [each.id for each in catalogue() if each.level is MUST and each.id in verdicts]
    wrong = [each for each in musts if verdicts[each] in (VerdictName.VIOLATED, VerdictName.BLOCKED)]
    assert report.footer.exit_code == ExitCode.VIOLATED
    assert {each for each in held(report) if not each.startswith((*TRUE_OF_IT, *TRUE_OF_NOTHING))} == set()
    assert VerdictName.HARNESS_FAULT not in verdicts.values()
    assert len(wrong) > 2 * len(held(report))


@pytest.mark.parametrize(
    ("serve", "code"),
    [
        (hangs_up, {ExitCode.UNDECIDED, ExitCode.NOTHING_JUDGED}),
        (silent, {ExitCode.UNDECIDED, ExitCode.NOTHING_JUDGED}),
        # With every route missing, the URL is more likely wrong than the application.
        (answering(b"", "404 Not Found"), {ExitCode.UNDECIDED, ExitCode.NOTHING_JUDGED}),
        (answering(b"", "204 No Content"), {ExitCode.UNDECIDED, ExitCode.NOTHING_JUDGED}),
        (answering(b"<h1>It works!</h1>", kind="text/html"), {ExitCode.UNDECIDED, ExitCode.NOTHING_JUDGED}),
    ],
    ids=["hangs up", "silent", "404 for all", "empty", "a welcome page"],
)
def test_an_empty_server_is_never_green(serve: Serve, code: set[ExitCode]) -> None:
    started = time.monotonic()
    report = verified(serve)
    assert report.footer.exit_code in code
    assert VerdictName.HARNESS_FAULT not in {each.verdict for each in report.findings}
    assert {each for each in held(report) if not each.startswith(TRUE_OF_NOTHING)} == set()
    assert time.monotonic() - started < 100, "a server that says nothing holds the run up"
