"""How long credentials were still good for: by the issuer's clock where it answers, else by the time that passed."""

from collections.abc import Mapping

import pytest

from contracts.lifetimes import Lifetimes, note_lifetimes
from contracts.times import iso_millis
from harness.expectations import CREDENTIAL_LEFT, BrokenRuleError, UndecidedError, expect_status, expect_success
from harness.history import MOVED, Exchange, Observation
from tests.contracts.histories import NOW, answer, history

_TOKEN, _BEARER, _JWT = "<session-token:11111111>", "<bearer:22222222>", "<jwt:33333333>"


def _minted(lasts: float = 5.0, **said: object) -> Exchange:
    body = {"session_token": _TOKEN, "expires_at": iso_millis(NOW + lasts)}
    return answer("a_story/mint", 200, body, operation="generateSession", **said)  # type: ignore[arg-type]


def _signed_in(expires_in: int = 3600) -> Exchange:
    body = {"token": _BEARER, "expires_in": expires_in}
    sent = {"session_token": _TOKEN}
    return answer(
        "a_story/sign in", 200, body, sent=sent, operation="validateCrossAppSession", callee="hi.events", at=NOW + 1
    )


def _asked(at: float, status: int = 404, *, headers: Mapping[str, str] | None = None, seconds: float = 0.0) -> Exchange:
    return answer(
        "a_story/asked",
        status,
        sent={"session_token": _TOKEN},
        operation="validateSession",
        at=NOW + at,
        headers=headers,
        seconds=seconds,
    )


def _with_bearer(operation: str, at: float, bearer: str = _BEARER, callee: str = "hi.events") -> Exchange:
    headers = (("Authorization", f"Bearer {bearer}"),)
    return answer("a_story/asked", 401, operation=operation, callee=callee, at=NOW + at, request_headers=headers)


def _left(*entries: Exchange, jwts: Mapping[str, float] | None = None) -> float | None:
    seen = history(*entries)
    found = Lifetimes(seen, jwts).left(list(seen.exchanges())[-1])
    return None if found is None else round(found[0], 1)


def test_the_issuers_clock_says_how_long_a_session_token_was_good() -> None:
    assert _left(_minted(), _asked(2.0)) == 2.0
    assert _left(_minted(), _asked(7.0)) == -3.0
    # Our side was slow to read the answer; the server's Date says that the request came in time.
    in_time = {"Date": "Fri, 25 Jul 2025 14:30:02 GMT"}
    assert _left(_minted(), _asked(2.0, headers=in_time, seconds=9.0)) == 2.0


def test_time_that_passed_says_it_where_another_server_answers() -> None:
    late = answer("a_story/sign in", 401, sent={"session_token": _TOKEN}, callee="hi.events", at=NOW + 6, seconds=0.5)
    assert _left(_minted(), late) == -2.5


def test_the_time_by_which_clocks_were_moved_counts_too() -> None:
    late = answer("a_story/sign in", 401, sent={"session_token": _TOKEN}, callee="hi.events", at=NOW + 2)
    for at, left in ((NOW - 1, 2.0), (NOW + 1, -28.0), (NOW + 3, 2.0)):
        seen = history(_minted(), late)
        seen.entries.append(Observation(9, MOVED, {"at": at, "seconds": 30.0}))
        found = Lifetimes(seen).left(late)
        assert found is not None
        assert round(found[0], 1) == left


def test_a_session_behind_a_bearer_counts_for_questions_that_are_passed_on() -> None:
    before = _minted(), _signed_in()
    assert _left(*before, _with_bearer("listCrossAppAccounts", 9.0)) == -5.0
    assert _left(*before, _with_bearer("getCrossAppStatus", 9.0)) == 3591.0


def test_a_jwt_ends_by_its_own_word() -> None:
    jwts = {_JWT: NOW + 10}
    assert _left(_with_bearer("generateSession", 12.0, _JWT, "tuvens-api"), jwts=jwts) == -3.0
    # The clock of tuvens-client may be another one.
    assert _left(_with_bearer("wrapGenerateSession", 0.0, _JWT, "tuvens-client"), jwts=jwts) == pytest.approx(
        -110.0, abs=0.1
    )


def test_nothing_is_known_of_tokens_that_nobody_minted() -> None:
    assert _left(_asked(2.0)) is None
    assert _left(_minted(headers={"Date": "soon"}), answer("a_story/other", 404)) is None


def test_a_refusal_that_an_expiry_explains_breaks_no_rule() -> None:
    seen = history(_minted(), _asked(7.0))
    note_lifetimes(seen, {})
    refused = list(seen.exchanges())[-1]
    assert refused.facts[CREDENTIAL_LEFT] == {"seconds": -3.0, "kind": "session-token"}
    with pytest.raises(UndecidedError, match="session token may have expired"):
        expect_success(refused)
    with pytest.raises(UndecidedError, match="session token may have expired"):
        expect_status(refused, 200)
    assert expect_status(refused, 404) is refused
    # Where an expired token is sent on purpose, another refusal than the right one stays wrong.
    with pytest.raises(BrokenRuleError):
        expect_status(refused, 401)


def test_a_dead_jwt_explains_a_401_and_nothing_else() -> None:
    for status, error in ((401, UndecidedError), (500, BrokenRuleError), (404, BrokenRuleError)):
        asked = answer("a_story/asked", status, facts={CREDENTIAL_LEFT: {"seconds": -1.0, "kind": "jwt"}})
        with pytest.raises(error):
            expect_status(asked, 400)


def test_a_living_token_excuses_nothing() -> None:
    seen = history(_minted(), _asked(2.0))
    note_lifetimes(seen, {})
    with pytest.raises(BrokenRuleError):
        expect_success(list(seen.exchanges())[-1])
