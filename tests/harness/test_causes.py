"""One cause is one problem, whoever saw it; two causes are never one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.causes import causes_of, chosen
from harness.history import Exchange, History
from harness.verdict import Held, Violated
from tests.contracts.histories import answer, history
from tests.harness.examples import BREAKS, rule

OBLIGED = BREAKS.obliged
EXPIRES = "/body/expires_at: is required"
BODY = {"session_token": "<session-token:1f0c33a2>", "expires_at": None}
ASK = (("Authorization", "Bearer <jwt:1f0c33a2>"),)


def seen(status: int = 200, *problems: str, sent: object = b"", asks: Any = ASK, **facts: Any) -> Exchange:
    """An exchange of an operation with what is wrong by the document."""
    said = {"problems": list(problems), **facts}
    return answer(
        "a_story/asks", status, BODY, operation="mint", callee=OBLIGED, facts=said, sent=sent, request_headers=asks
    )


def cause(found: Exchange, expected: str, observed: str, name: str = "one") -> str:
    """The cause of a violation that an exchange shows."""
    judged = rule(name, lambda _: Held((1,)))
    return causes_of(judged, Violated(expected, observed, (1,)), history(found), ())[0]


def shown(found: Exchange) -> str:
    return f'{found.status} {{"session_token":"<session-token:1f0c33a2>","expires_at":null}}'


def test_a_difference_from_the_document_is_one_cause_by_its_field_and_schema() -> None:
    found = seen(200, EXPIRES, schema="Session")
    said = [("expires_at as text", "expires_at is absent"), ("a fitting answer", f"{EXPIRES} in {shown(found)}")]
    assert {cause(found, *each) for each in said} == {f"{OBLIGED}: /body/expires_at of Session"}
    other = replace(found, operation="validate")
    assert cause(other, *said[0]) == cause(found, *said[0])
    assert cause(replace(other, facts={"problems": [EXPIRES]}), *said[0]) != cause(found, *said[0])
    assert cause(replace(found, callee="hi.events"), *said[0]) == "place.one"


def test_the_same_field_of_each_element_of_a_list_is_one() -> None:
    first, second = (seen(200, f"/body/accounts/{index}/id: is no integer", schema="List") for index in (0, 1))
    assert cause(first, "id 1", "id '1'") == cause(second, "id 1", "id '1'")


def test_a_field_in_the_body_that_a_verdict_shows_is_not_what_it_speaks_of() -> None:
    found = seen(200, EXPIRES, schema="Session")
    assert cause(found, "'mock' is rejected as a credential", shown(found)) == "place.one"
    assert cause(found, "status 401", shown(found)) == cause(
        found, "the response 401 that a pact describes", shown(found)
    )


def test_a_wrong_status_is_one_cause_for_one_request() -> None:
    without, other = seen(200, asks=()), seen(200, asks=(("Authorization", "Bearer <jwt:99999999>"),))
    assert cause(without, "status 401", "200") == cause(without, "401 without valid credentials", "no error", "two")
    assert cause(without, "status 401", "200") != cause(other, "status 401", "200")
    assert cause(replace(without, operation="validate"), "status 401", "200") != cause(without, "status 401", "200")
    assert cause(without, "a rejection without a token", "200") == "place.one"


_SECRET = (("x-shared-secret", "<shared-secret:1f0c33a2>"),)
_WRONG = (("x-shared-secret", "<shared-secret-other:99999999>"),)
_OTHER = (("x-shared-secret", "<shared-secret-prefix:12345678>"),)


def _causes_of_401(*found: Exchange) -> list[str]:
    """The cause of each exchange of a record, all of which had to be refused for their credentials."""
    entries = history(*found)
    judged = rule("one", lambda _: Held((1,)))
    said = [Violated("status 401", str(each.status), (each.number,)) for each in entries.exchanges()]
    return [causes_of(judged, each, entries, ())[0] for each in said]


def test_a_route_that_serves_requests_without_credentials_has_no_guard_whatever_else_it_takes() -> None:
    order = seen(400, asks=(), sent=b"nonsense")
    wrong, without = seen(200, asks=_WRONG), seen(200, asks=())
    assert len(set(_causes_of_401(wrong, without, order))) == 1
    assert len(set(_causes_of_401(wrong, order))) == 2


def test_where_the_credential_is_in_the_body_a_wrong_one_is_not_a_missing_one() -> None:
    assert len(set(_causes_of_401(seen(200, asks=(), sent=b"{}"), seen(200, asks=(), sent=b'{"token": "x"}')))) == 2


def test_wrong_secrets_are_one_cause_and_tokens_of_others_are_not() -> None:
    refused = seen(401, asks=())
    assert len(set(_causes_of_401(seen(200, asks=_WRONG), seen(200, asks=_OTHER, sent=b"{}")))) == 1
    tokens = [seen(200, asks=(("Authorization", f"Bearer <jwt:{number}>"),)) for number in ("11111111", "22222222")]
    assert len(set(_causes_of_401(*tokens, refused)[:2])) == 2


_JWT = (("Cookie", "jwt=<jwt:11111111>"),)
_OTHER_TOKEN = b'{"session_token":"<session-token:99999999>"}'


def test_an_answer_that_is_repeated_to_anybody_is_one_cause_whoever_asks() -> None:
    theirs, expired, nobody = (
        seen(200, asks=_JWT),
        seen(200, asks=(("Cookie", "jwt=<jwt:22222222>"),)),
        seen(200, asks=()),
    )
    assert len(set(_causes_of_401(theirs, expired, nobody)[1:])) == 1
    other = replace(expired, response_body=_OTHER_TOKEN)
    assert len(set(_causes_of_401(theirs, other, nobody)[1:])) == 2  # an answer of its own
    forged = seen(200, asks=(("Cookie", "jwt=<jwt:33333333>"),))
    assert len(set(_causes_of_401(theirs, expired, forged)[1:])) == 2  # all may be one user's: this is no repetition
    assert len(set(_causes_of_401(theirs, theirs, nobody)[1:])) == 2  # the same user's is none either


def test_what_another_application_says_of_a_repeated_answer_is_the_same_cause() -> None:
    asked = replace(seen(200, sent=BODY), callee="hi.events", operation="validate")
    entries = history(seen(200, asks=_JWT), seen(200, asks=ASK), seen(200, asks=()), asked)
    judged = rule("whose", lambda _: Held((1,)))

    def told(*evidence: int) -> str:
        return causes_of(judged, Violated("the user's", "another user's", evidence), entries, ())[0]

    assert told(4, 2) == _causes_of_401(*(each for each in entries.exchanges() if each.callee == OBLIGED))[2]
    assert told(4) == told(4, 1) == "place.whose"  # the first one was not repeated


_LIVE = {"credential_left": {"seconds": 800.0, "kind": "session-token"}}
_PAST = {"credential_left": {"seconds": -2.0, "kind": "session-token"}}


def _signed_in(token: str, user: str, **facts: Any) -> Exchange:
    found = seen(200, asks=(), sent={"session_token": token}, **facts)
    return replace(
        found, response_body=f'{{"token": "<bearer:{abs(hash(token)) % 10**8:08}>", "user": "{user}"}}'.encode()
    )


def test_tokens_that_nobody_issued_are_one_cause_and_an_expired_one_that_is_answered_alike() -> None:
    unknown = _signed_in("<unknown-token-random:12345678>", "guest"), _signed_in("nobody-minted-this-one-00", "guest")
    live, expired = _signed_in("<session-token:11111111>", "Zoe", **_LIVE), "<session-token:22222222>"
    guest, known = (_signed_in(expired, user, **_PAST) for user in ("guest", "Zoe"))
    missing = seen(200, asks=(), sent=b"{}")
    assert len(set(_causes_of_401(*unknown, guest, live)[:3])) == 1
    assert len(set(_causes_of_401(*unknown, known, live)[:3])) == 2  # whose it was is known: a cache
    assert len(set(_causes_of_401(*unknown, missing)[:3])) == 2
    assert len(set(_causes_of_401(*unknown, guest)[:3])) == 2  # how a live one is answered was not seen
    nameless = replace(live, response_body=unknown[0].response_body)
    assert len(set(_causes_of_401(*unknown, guest, nameless)[:3])) == 2  # all are answered alike
    assert _causes_of_401(guest, live)[0] != _causes_of_401(*unknown, live)[0]  # what is unknown is refused
    used = replace(guest, facts={"problems": []})
    assert len(set(_causes_of_401(*unknown, used, live)[:3])) == 2  # whether it had expired is not known


def test_the_wrong_refusal_of_one_ill_formed_field_is_one_cause() -> None:
    field, other = ["/body/session_token"], ["/body/permission"]
    null, empty = (seen(404, ill_formed=field, sent=each) for each in (b"null", b'""'))
    pact = "the response 400 that a pact describes"
    assert cause(null, "status 400", "404") == cause(empty, pact, "404 in 404")
    assert cause(replace(empty, status=403), pact, "403") != cause(null, "status 400", "404")
    assert cause(seen(404, ill_formed=other), pact, "404") != cause(null, "status 400", "404")
    assert cause(replace(empty, operation="validate"), pact, "404") != cause(null, "status 400", "404")
    assert cause(empty, "status 401", "404") != cause(null, "status 401", "404")  # its form is not what matters


def test_users_without_a_permission_are_one_cause_and_so_are_right_credentials_that_are_refused() -> None:
    member, outsider = (seen(200, asks=(("Authorization", f"Bearer <jwt:{who * 8}>"),)) for who in "12")
    assert cause(member, "status 403", "200") == cause(outsider, "status 403", "200")
    first, other = seen(401, sent=b"{}"), seen(401, sent=b"[]", asks=_SECRET)
    assert cause(first, "success (2xx)", "401") == cause(other, "the response 200 that a pact describes", "401")
    assert cause(first, "success (2xx)", "401") != cause(replace(first, status=404), "success (2xx)", "404")


def test_what_a_limit_should_have_refused_is_one_cause_however_it_was_sent() -> None:
    found = seen(200), seen(200, sent=b"[]")
    assert len({cause(each, "the response 429 that a pact describes", "200") for each in found}) == 1


def test_what_should_not_be_found_is_one_cause_but_for_tokens_that_were_real() -> None:
    unknown = seen(200, sent=b'{"id": 1}'), seen(200, sent=b'{"id": 2}')
    assert len({cause(each, "status 404", "200") for each in unknown}) == 1
    expired = [seen(200, sent=f'{{"session_token": "<session-token:{who * 8}>"}}'.encode()) for who in "12"]
    assert len({cause(each, "status 404 after the announced expires_at", "200") for each in expired}) == 1
    assert cause(expired[0], "status 404", "200") != cause(unknown[0], "status 404", "200")


def test_a_header_is_named_in_any_case() -> None:
    found = seen(200, "/headers/content-type: is text/plain")
    assert cause(found, "a pact", "Content-Type: mismatch") == cause(found, "a documented media type", "content-type")


def test_what_a_route_takes_and_returns_is_one_cause() -> None:
    problems = ("/body/hiEventsEventId: got an object", "/body/hi_events_event_id: got an object")
    found = seen(200, *problems, ill_formed=True, schema="Event")
    said = [("a fitting answer", problems[1]), ("an error (4xx)", "accepted, whose hiEventsEventId is an object")]
    assert len({cause(found, *each) for each in said}) == 1
    assert len({cause(replace(found, facts={"problems": problems}), *each) for each in said}) == 2


def test_a_check_that_several_rules_make_is_one_cause() -> None:
    found = history(seen(200), seen(404))
    both = [Violated("a", "b", (number,), check="every origin is admitted") for number in (1, 2)]
    assert len({causes_of(rule(each.observed, lambda _: Held((1,))), each, found, ()) for each in both}) == 1


def _kinds(*found: tuple[Exchange, str]) -> list[str]:
    return [cause(exchange, expected, f"500 {expected}") for exchange, expected in found]


def test_server_errors_are_told_apart_by_what_was_asked() -> None:
    well, ill = seen(500, ill_formed=False), seen(500, ill_formed=True)
    garbage = seen(500, ill_formed=False, asks=(("Authorization", "Bearer <bearer>"),))
    same = _kinds((ill, "status 401 or 422"), (ill, "a status below 500"))
    assert len(set(same)) == 1
    assert len(set(_kinds((garbage, "status 401"), (garbage, "a status below 500")))) == 1
    four = _kinds((ill, "status 401"), (well, "status 200"), (well, "status 401"), (well, "status 401 or 502 or 503"))
    assert len(set(four)) == 4
    undocumented = [seen(201, "/status: 201 is not documented", sent=each) for each in (b"{}", b"[]")]
    assert len({cause(each, "status 200", "201") for each in undocumented}) == 1


@pytest.mark.parametrize(
    ("causes", "told"),
    [
        ({"rule": ("a",), "fuzz": ("a", "b")}, {"rule": "a", "fuzz": "b"}),
        ({"rule": ("a",), "pact": ("b",), "fuzz": ("a", "b")}, {"rule": "a", "pact": "b", "fuzz": "a"}),
        ({"held": (), "fuzz": ("a", "b")}, {"held": "", "fuzz": "a"}),
    ],
)
def test_who_saw_several_causes_hides_none(causes: dict[str, Sequence[str]], told: dict[str, str]) -> None:
    assert chosen(causes) == told


def test_each_part_of_a_violation_has_its_cause() -> None:
    entries: History = history(seen(200, EXPIRES), seen(500, ill_formed=True))
    parts = (Violated("a body", EXPIRES, (1,)), Violated("a status below 500", "a server error in 500", (2,)))
    whole = Violated("both", "2 causes", (1, 2), parts)
    assert len(causes_of(rule("fuzz", lambda _: whole), whole, entries, ())) == 2
