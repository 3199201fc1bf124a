"""Clients against mocked applications: what they get, and what is said of requests that are wrong."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator

import httpx
import pytest
import respx

import openapi
from contracts import placeholders
from contracts.pacts.interactions import interactions
from contracts.session_token import wire
from contracts.webhook.wire import event_status_changed, fate_of
from crossapp.mocks import MocksNotInstalledError, mock_hi_events, mock_tuvens_api, signed_webhook
from crossapp.mocks.table import fault_names, provider_states, table
from harness.http import Answer, Call

SECRET = placeholders.SHARED_SECRET
LIVE = "the organiser has a live session"
TOKEN = "Zm9yLXRoZS1kb2N1bWVudC1vbmx5LW5vdC1hLXRva2Vu"


@pytest.fixture
def router() -> Iterator[respx.Router]:
    with respx.mock as started:
        yield started


def _send(url: str, call: Call) -> Answer:
    response = httpx.request(call.method, url + call.target, headers=list(call.headers), content=call.body)
    return Answer(response.status_code, tuple(response.headers.multi_items()), response.content)


def test_a_client_reads_whose_session_it_is(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given=LIVE)
    user = wire.read_session_user(_send(api.url, wire.validate_session(SECRET, TOKEN)))
    assert user.email == "user@example.com"
    assert api["validate_session_tells_whose_it_is"].called
    assert not api["user_accounts_lists_them"].called
    assert "validate_session_tells_whose_it_is" not in api.unused


def test_an_asynchronous_client_is_served(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given=LIVE)
    call = wire.list_user_accounts(SECRET, TOKEN)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.request(call.method, api.url + call.target, headers=list(call.headers))

    assert asyncio.run(ask()).json()["accounts"]


def test_credentials_of_a_test_replace_the_placeholders(router: respx.Router) -> None:
    values = {SECRET: "of this test", placeholders.session_token(): "my-token"}
    api = mock_tuvens_api(router, given=LIVE, values=values, url="https://api.example/v1/")
    assert _send(api.url, wire.validate_session("of this test", "my-token")).status == 200
    with pytest.raises(
        AssertionError, match=r"/headers/x-shared-secret: 'crossapp.shared-secret' is expected"
    ) as error:
        _send(api.url, wire.list_user_accounts("not of this test", "my-token"))
    assert "not of this test" not in str(error.value)


def test_a_session_that_was_handed_out_can_be_used(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given=["the organiser belongs to the account", LIVE])
    session = wire.read_session(_send(api.url, wire.generate_session(placeholders.jwt(), 7)))
    assert _send(api.url, wire.validate_session(SECRET, session.session_token)).status == 200


def test_an_expired_session_is_refused(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given="the session has expired")
    assert _send(api.url, wire.validate_session(SECRET, "any token")).status == 404


def test_without_a_state_each_operation_returns_its_example(router: respx.Router) -> None:
    api = mock_tuvens_api(router)
    answer = _send(api.url, wire.validate_permission("any secret", "any token", "create_events"))
    assert wire.read_permission(answer)
    assert api["validatePermission"].call_count == 1


def test_a_fault_is_the_documented_error_of_each_operation(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given=LIVE, fault="too_many_requests")
    answer = _send(api.url, wire.validate_session(SECRET, TOKEN))
    assert answer.status == 429
    assert openapi.find("validateSession").response_problems(status=429, headers=answer.headers, body=answer.body) == []


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (wire.validate_session(None, "token"), "validateSession.*\n.*/headers/x-shared-secret: is required"),
        (wire.validate_session(SECRET, 7), "validateSession.*\n.*/body/session_token: .*string"),
        (wire.list_user_accounts(SECRET, None), "listUserAccounts.*\n.*/query/session_token: is required"),
        (wire.generate_session("x", 7).with_header("Authorization", "x"), "generateSession.*\n.*does not begin with"),
        (wire.validate_session(SECRET, "t").with_header("Content-Type", "text/csv"), "/headers/content-type: is "),
        (Call("", "GET", "/api/cross-app/generate-session"), "no operation GET /api/cross-app/generate-session"),
        (Call("", "GET", "/api/events/updates"), "streamEventUpdates is unexpected"),
    ],
)
def test_a_request_that_the_document_forbids_is_refused(router: respx.Router, call: Call, said: str) -> None:
    api = mock_tuvens_api(router)
    with pytest.raises(AssertionError, match=said):
        _send(api.url, call)


def test_a_value_whose_type_alone_counts_is_checked_by_the_document(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given="the organiser belongs to the account")
    with pytest.raises(AssertionError, match=r"generateSession.*\n.*/body/account_id"):
        _send(api.url, wire.generate_session(placeholders.jwt(), -3))


def test_a_forbidden_request_is_refused_by_the_interaction_that_is_about_it(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given=LIVE)
    assert _send(api.url, wire.validate_session(SECRET, "")).status == 400
    assert _send(api.url, wire.validate_session(None, TOKEN)).status == 401
    assert api["validate_session_without_secret"].called


def test_a_request_of_no_interaction_is_reported_with_the_closest_one(router: respx.Router) -> None:
    api = mock_tuvens_api(router, given=LIVE, only=["user_accounts_lists_them"])
    with pytest.raises(AssertionError, match=r"validateSession is unexpected"):
        _send(api.url, wire.validate_session(SECRET, TOKEN))
    with pytest.raises(AssertionError, match=r"user_accounts_lists_them differs in\n.*/query/session_token"):
        _send(api.url, wire.list_user_accounts(SECRET, "x"))


def test_a_refusal_that_the_client_hides_is_raised_at_the_end_of_the_block(router: respx.Router) -> None:
    with (
        pytest.raises(AssertionError, match=r"/body/session_token"),
        mock_tuvens_api(router, given=LIVE) as api,
        pytest.raises(AssertionError),
    ):
        _send(api.url, wire.validate_session(SECRET, 7))


def test_unused_interactions_are_named(router: respx.Router) -> None:
    keys = ["user_accounts_lists_them", "validate_session_tells_whose_it_is"]
    api = mock_tuvens_api(router, given=LIVE, only=keys)
    _send(api.url, wire.validate_session(SECRET, TOKEN))
    with pytest.raises(AssertionError, match=r"no request was sent for user_accounts_lists_them$"):
        api.assert_all_called()
    _send(api.url, wire.list_user_accounts(SECRET, TOKEN))
    api.assert_all_called()


def test_respx_reports_a_mock_without_any_request() -> None:
    with pytest.raises(AssertionError, match=r"not called"), respx.MockRouter() as router:
        mock_tuvens_api(router, given=LIVE)


def test_names_that_do_not_exist_are_refused_with_close_ones(router: respx.Router) -> None:
    with pytest.raises(ValueError, match=r"no provider state .*'the organiser has a live session'"):
        mock_tuvens_api(router, given="the organiser has a living session")
    with pytest.raises(ValueError, match=r"no fault 'too_many'; close: 'too_many_requests'"):
        mock_tuvens_api(router, fault="too_many")
    with pytest.raises(ValueError, match=r"no interaction 'nothing' here"):
        mock_tuvens_api(router, given=LIVE, only=["nothing"])
    with pytest.raises(KeyError, match=r"validate_session_tells_whose_it_is"):
        mock_tuvens_api(router, given=LIVE)["nothing"]
    router.clear()


def test_a_webhook_counts_with_its_signature_alone(router: respx.Router) -> None:
    values = {SECRET: "of this test"}
    api = mock_tuvens_api(router, given="the event exists", values=values)
    call = signed_webhook("of this test", tuvens_event_id="77")
    assert fate_of(_send(api.url, call).status).value == "delivered"
    assert api["webhook_live"].called
    assert call.body is not None
    wrong = event_status_changed(call.body, "sha256=" + "1" * 64)
    with pytest.raises(AssertionError, match=r"/headers/x-hi-events-signature: the signature of the body"):
        _send(api.url, wrong)


def test_hi_events_is_mocked_with_its_pages(router: respx.Router) -> None:
    hi_events = mock_hi_events(
        router, given=["the organiser is signed in", "no session has this token and a return URL is known"]
    )
    headers = {"Authorization": "Bearer for-the-document-only-not-a-token", "Accept": "application/json, */*"}
    assert httpx.get(hi_events.url + "/auth/cross-app/accounts", headers=headers).json()["accounts"]
    query = {
        "session_token": "a-token-that-nobody-minted-0000000000000000",
        "return_url": "https://my.example/back",
        "app_id": "tuvens",
    }
    page = httpx.get(hi_events.url + "/auth/cross-app", params=query)
    assert page.status_code == 302
    assert "status=error" in page.headers["location"]


@pytest.mark.parametrize("app", ["tuvens-api", "hi.events"])
def test_every_response_is_what_the_document_allows(app: str) -> None:
    rows = [*table(app), *table(app, provider_states(app))]
    rows += [row for fault in fault_names(app) for row in table(app, fault=fault)]
    expected = [each for each in interactions() if each.provider == app and each.status]
    assert len({row.key for row in rows if row.state}) == len(expected) > 0
    for row in rows:
        value = row.response_body
        body = value.encode() if isinstance(value, str) else b"" if value is None else json.dumps(value).encode()
        found = openapi.find(row.operation).response_problems(
            status=row.status, headers=list(row.response_headers.items()), body=body
        )
        assert found == [], row.key


def test_without_respx_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, router: respx.Router
) -> None:
    monkeypatch.setitem(sys.modules, "respx", None)
    with pytest.raises(MocksNotInstalledError, match=re.escape("pip install 'respx>=")):
        mock_tuvens_api(router, given=LIVE)
