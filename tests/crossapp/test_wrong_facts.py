"""A deployment file that says something untrue of a correct deployment accuses nobody: both readings are named."""

import asyncio
import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import jwt as pyjwt
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse

import openapi
from contracts.deployment_file.premises import STORY
from crossapp.run import Settings, perform, report_of
from harness.deployment_file import build_deployment
from harness.history import History
from harness.report import Report
from harness.saved_history import Run
from harness.verdict import VerdictName
from simulators.launch import LaunchOptions
from tests.launching import launched, serving

Description = dict[str, Any]


@pytest.fixture(scope="module")
def staging() -> Iterator[Description]:
    """Correct applications, described as a staging: no control plane, no key that signs JWTs."""
    with launched(LaunchOptions(limits="raised", control=False)) as built:
        described = copy.deepcopy(built.description())
        described["safety"] = {"exhaust_rate_limits": False, "fuzz": False}
        yield described


def user(described: Description, role: str) -> dict[str, Any]:
    return next(each for each in described["users"] if each["role"] == role)


def as_staging(described: Description) -> Description:
    found = copy.deepcopy(described)
    for target in found["targets"].values():
        target["kind"] = "staging"
    found["credentials"].pop("jwt_secret", None)
    return found


def driven(described: Description, settings: Settings) -> Run:
    deployment = build_deployment(described, apps=openapi.APPS, editions=(openapi.EDITION,))
    return asyncio.run(perform(deployment, settings))


def verified(described: Description, *select: str) -> Report:
    settings = Settings(select=select, quick=True)
    return report_of(driven(described, settings), settings)


def expired(described: Description) -> None:
    organiser = user(described, "organiser")
    claims = pyjwt.decode(organiser["jwt"], options={"verify_signature": False})
    ago = int(time.time()) - 600
    organiser["jwt"] = pyjwt.encode(
        {**claims, "iat": ago - 60, "exp": ago}, "the-key-that-signs-jwts-0123456789abcdef", algorithm="HS256"
    )


def expired_and_signed(described: Description) -> None:
    expired(described)
    described["credentials"]["jwt_secret"] = "the-key-that-signs-jwts-0123456789abcdef"


def another_key(described: Description) -> None:
    organiser = user(described, "organiser")
    claims = pyjwt.decode(organiser["jwt"], options={"verify_signature": False})
    organiser["jwt"] = pyjwt.encode(claims, "y" * 32, algorithm="HS256")
    described["credentials"]["jwt_secret"] = "y" * 32


def of_another_user(described: Description) -> None:
    user(described, "organiser")["jwt"] = user(described, "outsider")["jwt"]


def _set(role: str, **fields: object) -> Callable[[Description], None]:
    return lambda described: user(described, role).update(fields)


def _events(**fields: object) -> Callable[[Description], None]:
    return lambda described: described["events"].update(fields)


def wrong_secret(described: Description) -> None:
    described["credentials"]["shared_secret"] = "another-secret-of-a-deployment"


def outsider_of_the_account(described: Description) -> None:
    user(described, "outsider")["jwt"] = user(described, "organiser")["jwt"]
    user(described, "outsider")["account_id"] = user(described, "organiser")["account_id"]


def member_who_manages(described: Description) -> None:
    user(described, "member")["jwt"] = user(described, "organiser")["jwt"]


def foreign_event_of_the_account(described: Description) -> None:
    described["events"]["foreign"] = described["events"]["tuvens"][0]


def foreign_event_among_the_own(described: Description) -> None:
    described["events"]["tuvens"] = [described["events"]["foreign"], *described["events"]["tuvens"]]


def crossed_links(described: Description) -> None:
    first, second = described["events"]["linked"][:2]
    described["events"]["linked"] = [{**first, "tuvens": second["tuvens"]}, {**second, "tuvens": first["tuvens"]}]


def longer_expiry(described: Description) -> None:
    described["targets"]["tuvens-api"]["session_expiry"] = 1800


def shorter_expiry(described: Description) -> None:
    described["targets"]["tuvens-api"]["session_expiry"] = 5


def swapped_urls(described: Description) -> None:
    api, tickets = described["targets"]["tuvens-api"], described["targets"]["hi.events"]
    for field in ("url", "api_url"):
        if field in api or field in tickets:
            api[field], tickets[field] = tickets.get(field, tickets["url"]), api.get(field, api["url"])


WRONG_FACTS: dict[str, tuple[Callable[[Description], None], str, str]] = {
    "an expired JWT": (expired, "deployment_file.organiser_is_admitted", "expired 6"),
    "an expired JWT that the file's key signed": (
        expired_and_signed,
        "deployment_file.organiser_is_admitted",
        "expired 6",
    ),
    "another key that signs JWTs": (another_key, "deployment_file.organiser_is_admitted", "tuvens-api's JWT_SECRET"),
    "the JWT of another user": (
        of_another_user,
        "deployment_file.organiser_is_admitted",
        "does not belong to account_id",
    ),
    "another account": (_set("organiser", account_id=200), "deployment_file.organiser_is_admitted", "account_id 200"),
    "another email": (_set("organiser", email="b@example.com"), "deployment_file.organiser_is_described", "email of"),
    "another secret": (wrong_secret, "deployment_file.shared_secret_is_accepted", "rejects the correct secret"),
    "an outsider of the account": (
        outsider_of_the_account,
        "deployment_file.outsider_is_in_another_account",
        "tuvens-api lists other people's accounts",
    ),
    "a member who manages": (member_who_manages, "deployment_file.member_lacks_manage_ticketing", "the member holds"),
    "events that do not exist": (
        _events(tuvens=["99998", "99999"]),
        "deployment_file.events_are_the_organisers",
        "there is no event 99998",
    ),
    "a foreign event among the own": (
        foreign_event_among_the_own,
        "deployment_file.events_are_the_organisers",
        "belongs to account",
    ),
    "an own event as foreign": (
        foreign_event_of_the_account,
        "deployment_file.foreign_event_is_foreign",
        "events.foreign belongs to the organiser's account",
    ),
    "crossed links": (crossed_links, "deployment_file.linked_events_agree", "links the event to another one"),
    "a longer expiry": (longer_expiry, "deployment_file.session_expiry_is_announced", "another lifetime: 90"),
    "a shorter expiry": (shorter_expiry, "deployment_file.session_expiry_is_announced", "another lifetime: 90"),
    "swapped urls": (swapped_urls, "routes.tuvens-api_answers", "is its base URL"),
}

_ABOUT_THEM = (
    "deployment_file.*",
    "session_token.validation_names_the_user",
    "session_token.expires_900_seconds_after_generation",
    "session_token.foreign_accounts_are_not_listed",
    "tuvens_event.*",
    "webhook.live_gives_active",
)


@pytest.mark.parametrize("fact", WRONG_FACTS)
def test_a_wrong_fact_is_named_with_both_readings_and_accuses_nobody(staging: Description, fact: str) -> None:
    change, premise, said = WRONG_FACTS[fact]
    described = as_staging(staging)
    change(described)
    report = verified(described, *_ABOUT_THEM)
    found = {each.requirement: each for each in report.findings}
    assert [each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED] == []
    assert found[premise].verdict is VerdictName.INCONCLUSIVE
    assert said in f"{found[premise].reason} {found[premise].next}"
    if premise.startswith("deployment_file."):
        assert "either the deployment file is wrong" in found[premise].reason


def test_a_right_file_is_confirmed_in_every_fact(staging: Description) -> None:
    report = verified(as_staging(staging), *_ABOUT_THEM)
    of_the_file = [each for each in report.findings if each.requirement.startswith("deployment_file.")]
    assert {each.verdict for each in of_the_file} == {VerdictName.HELD}
    assert [each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED] == []
    assert [each.requirement for each in report.findings if each.verdict is VerdictName.BLOCKED] == []


def test_a_record_from_before_the_comparison_is_judged_without_it(staging: Description) -> None:
    settings = Settings(select=("session_token.mints_a_session",), quick=True)
    run = driven(as_staging(staging), settings)
    entries = [each for each in run.history.entries if not each.step.startswith(STORY)]
    outcomes = [each for each in run.history.stories.values() if each.story != STORY]
    report = report_of(replace(run, history=History(run.history.context, entries, outcomes)), settings)
    found = {each.requirement: each.verdict for each in report.findings}
    assert found["session_token.mints_a_session"] is VerdictName.HELD
    assert not any(each.startswith("deployment_file.") for each in found)


def test_an_application_that_cannot_mint_is_found_so_and_not_taken_for_a_wrong_file(staging: Description) -> None:
    described = as_staging(staging)
    behind = described["targets"]["tuvens-api"]["url"]

    async def front(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return None
        request = Request(scope, receive)
        if request.method == "POST" and request.url.path.endswith("/generate-session"):
            answer = JSONResponse({"error": "internal_error", "message": "out of order"}, 500)
            return await answer(scope, receive, send)
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            url = f"{behind}{request.url.path}?{request.url.query}"
            headers = [(name, value) for name, value in request.headers.raw if name != b"host"]
            sent = client.build_request(request.method, url, headers=headers, content=await request.body())
            found = await client.send(sent, stream=True)
            return await StreamingResponse(found.aiter_raw(), found.status_code, found.headers)(scope, receive, send)

    with serving(front) as (url,):
        described["targets"]["tuvens-api"]["url"] = url
        report = verified(described, "session_token.mints_a_session")
    found = {each.requirement: each.verdict for each in report.findings}
    assert found["session_token.mints_a_session"] is VerdictName.VIOLATED
