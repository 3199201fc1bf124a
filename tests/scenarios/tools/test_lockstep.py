"""What two answers differ in, and what of it may be learned to be no difference."""

import json
from typing import Any

import openapi
from harness.history import Exchange, Outcome
from harness.http import Answer
from scenarios.cast.sending import Reply
from scenarios.tools.lockstep.calls import AskSession, Mint, Update, described, tour
from scenarios.tools.lockstep.compare import ABSENT, Difference, Learned, Seen, closed_fields, differences, seen

_ADDRESSES = {"http://here": "tuvens-api"}


def reply(body: object, status: int = 200, operation: str = "validateSession") -> Reply:
    answer = Answer(status, (("Content-Type", "application/json"),), json.dumps(body).encode())
    exchange = Exchange(
        number=1,
        step="lockstep/x",
        caller="hi.events",
        callee="tuvens-api",
        operation=operation,
        method="POST",
        url="http://here/x",
        request_headers=(),
        request_body=b"",
        outcome=Outcome.ANSWERED,
        status=status,
        response_headers=answer.headers,
        response_body=answer.body,
        started=0.0,
        seconds=0.0,
        error="",
        facts={},
    )
    return Reply(exchange, answer)


def looked_at(body: object, status: int = 200, operation: str = "validateSession") -> Seen:
    found = seen(operation, reply(body, status, operation), _ADDRESSES)
    assert found is not None
    return found


def between(left: object, right: object, **kind: Any) -> list[Difference]:
    return list(differences(looked_at(left, **kind), looked_at(right, **kind)))


def value(left: object, right: object, at: str = "/name", status: int = 200) -> Difference:
    return Difference("validateSession", status, at, left, right)


def lenient() -> Learned:
    return Learned(strict=False, closed=frozenset({"ticketing_status"}))


def test_equal_answers_do_not_differ() -> None:
    assert between({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_another_status_is_all_that_is_said_of_two_answers() -> None:
    found = list(differences(looked_at({"a": 1}), looked_at({"b": 2}, status=404)))
    assert [(each.at, each.left, each.right) for each in found] == [("status", 200, 404)]


def test_statuses_among_which_the_contract_leaves_the_choice_do_not_differ() -> None:
    kind = "validateCrossAppSession"
    assert list(differences(looked_at({}, 401, kind), looked_at({}, 422, kind))) == []
    assert list(differences(looked_at({}, 401, kind), looked_at({}, 500, kind))) != []
    assert list(differences(looked_at({}, 401), looked_at({}, 422))) != []


def test_true_is_not_one_and_one_is_not_the_text_1() -> None:
    assert [each.at for each in between({"a": 1, "b": 1}, {"a": True, "b": "1"})] == ["/a", "/b"]


def test_what_the_document_says_of_one_answer_alone_is_a_difference_of_form() -> None:
    whole = {"user_id": "1", "email": "a@example.com", "name": "A", "account_id": 1}
    found = between(whole, {**whole, "user_id": 1})
    assert "form" in [each.at for each in found]


def test_lists_are_compared_by_the_numbers_of_their_objects() -> None:
    assert between({"accounts": [{"id": 1}, {"id": 2}]}, {"accounts": [{"id": 2}, {"id": 1}]}) == []


def test_of_a_longer_list_only_the_length_differs() -> None:
    found = between({"accounts": [{"id": 1}]}, {"accounts": [{"id": 1}, {"id": 2}]})
    assert [each.at for each in found if each.is_value] == ["/accounts/length"]


def test_a_sides_own_address_stands_for_its_application() -> None:
    assert looked_at({"url": "http://here/event/1"}).values == {"/url": "<tuvens-api>/event/1"}


def test_an_answer_that_tells_of_a_limit_is_not_compared() -> None:
    assert seen("validateSession", reply({}, 429), _ADDRESSES) is None


def test_a_strict_comparison_learns_nothing_but_what_is_volatile() -> None:
    strict = Learned(strict=True)
    assert not strict.take(value("Acme Events", "Acme Event"), at_first_sight=True)
    strict.learn_volatile(value("one", "two", "/session_token"))
    assert strict.explains(value("three", "four", "/session_token"))
    assert not strict.explains(value("three", "four", "/email"))


def test_one_word_of_the_contract_is_never_volatile_nor_renamed() -> None:
    learned = lenient()
    changed = value("active", "setup", "/ticketing_status")
    learned.learn_volatile(changed)
    assert not learned.take(changed, at_first_sight=True)
    assert not learned.explains(changed)


def test_yes_is_never_another_name_for_no() -> None:
    learned = lenient()
    learned.learn_volatile(value(True, False))
    assert not learned.take(value(True, False), at_first_sight=True)
    assert not learned.explains(value(True, False))


def test_a_value_has_one_name_at_the_other_side() -> None:
    learned = lenient()
    assert learned.take(value("ann", "u-1", "/user_id"))
    assert learned.explains(value("ann", "u-1", "/accounts/0/user_id"))
    assert not learned.take(value("ann", "u-2", "/user_id"))
    assert not learned.take(value("bob", "u-1", "/user_id"))
    assert learned.take(value("bob", "u-2", "/user_id"))


def test_what_stands_for_itself_is_no_other_values_name() -> None:
    learned = lenient()
    learned.same(looked_at({"user_id": "ann"}), looked_at({"user_id": "ann"}))
    assert not learned.take(value("bob", "ann", "/user_id"))


def test_texts_for_people_and_errors_are_each_sides_own() -> None:
    learned = lenient()
    assert learned.take(value("Event updated", "Thank you"))
    assert learned.take(value("NOT_FOUND", "E404", "/origin/code", status=404))
    assert learned.take(value("more", ABSENT, "/role"))


def test_an_empty_field_is_a_deployments_data_at_first_sight_only() -> None:
    learned = lenient()
    assert not learned.take(value(None, "2", "/hi_events_event_id"))
    assert learned.take(value(None, "2030-01-01T00:00:00Z", "/endDate"), at_first_sight=True)


def test_the_words_of_the_documents_are_closed() -> None:
    closed = closed_fields(openapi.load("tuvens-api"), openapi.load("hi.events"))
    assert {"ticketing_status", "ticketStatus", "type", "status"} <= closed
    assert not {"name", "email", "session_token", "message"} & closed


def test_a_call_is_told_by_what_is_not_as_usual() -> None:
    assert described(Update(0, "LIVE")) == "Update(event=0, status='LIVE')"
    assert described(AskSession("validate", -1, "wrong")) == "AskSession(question='validate', token=-1, secret='wrong')"


def test_a_tour_without_events_asks_about_sessions_only() -> None:
    kinds = {type(call) for sequence in tour(["organiser"], 0, 0) for call in sequence}
    assert kinds == {Mint, AskSession}
