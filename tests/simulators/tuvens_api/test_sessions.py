"""generate-session, validate-session, user-accounts, validate-permission."""

import base64
import re

import pytest
from sqlalchemy import text

from contracts.session_token import wire
from contracts.times import parse_iso
from tests.simulators.tuvens_api.world import START, World, error_code


def test_a_member_gets_a_token_that_expires_in_900_seconds(world: World) -> None:
    answer = world.send(wire.generate_session(world.jwt(), 123))
    session = wire.read_session(answer)
    assert answer.status == 200
    assert session.account_id == 123
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", session.session_token)
    assert parse_iso(session.expires_at) == START + 900


def test_tokens_hold_32_bytes_and_never_repeat(sqlite: World) -> None:
    tokens = {sqlite.mint() for _ in range(50)}
    assert len(tokens) == 50
    assert {len(base64.urlsafe_b64decode(token + "=")) for token in tokens} == {32}


def test_a_token_tells_whose_session_it_is(world: World) -> None:
    answer = world.validate(world.mint(account=124))
    assert answer.status == 200
    assert answer.json() == {
        "user_id": "1",
        "email": "organiser@example.com",
        "name": "Zoë Müller",
        "account_id": 124,
    }


def test_a_user_without_a_name_is_named_by_the_email(world: World) -> None:
    session = wire.read_session_user(world.validate(world.mint("nameless@example.com")))
    assert session.name == "nameless@example.com"


def test_a_token_may_be_validated_again_and_again(world: World) -> None:
    token = world.mint()
    assert [world.validate(token).status for _ in range(3)] == [200, 200, 200]


def test_a_token_is_good_until_the_last_millisecond_and_not_after(world: World) -> None:
    token = world.mint()
    world.api.clock.set(START + 899.999)
    assert [world.validate(token).status, world.accounts(token).status] == [200, 200]
    assert world.permission(token, "create_events").status == 200
    world.api.clock.set(START + 900)
    answers = [world.validate(token), world.accounts(token), world.permission(token, "create_events")]
    assert [answer.status for answer in answers] == [404, 404, 404]


def test_unknown_and_expired_tokens_have_one_answer(world: World) -> None:
    token = world.mint()
    world.api.clock.set(START + 1000)
    assert world.validate(token).body == world.validate("x" * 43).body
    assert error_code(world.validate(token)) == "SESSION_NOT_FOUND"


def test_a_token_with_one_character_changed_is_unknown(world: World) -> None:
    token = world.mint()
    for wrong in (token[:-1], f"{token}A", token.swapcase(), f" {token}", token[::-1]):
        assert world.validate(wrong).status == 404


def test_validation_moves_the_last_used_time_and_only_that(world: World) -> None:
    token = world.mint()
    (before,) = world.api.list_sessions()
    assert before["last_used"] is None
    world.api.clock.set(START + 60)
    world.validate(token)
    (after,) = world.api.list_sessions()
    assert after["last_used"] == START + 60
    assert {**after, "last_used": None} == before


def test_a_refused_validation_moves_nothing(world: World) -> None:
    token = world.mint()
    world.validate(token, secret="wrong")
    world.api.clock.set(START + 900)
    world.validate(token)
    assert world.api.list_sessions()[0]["last_used"] is None


def test_the_table_holds_only_the_hash_of_a_token(world: World) -> None:
    token = world.mint()
    rows = world.api.database.execute(text('SELECT * FROM "crossAppSession"')).mappings().all()
    assert token not in str(rows)
    assert re.fullmatch("[0-9a-f]{64}", rows[0]["sessionToken"])


@pytest.mark.parametrize("account", [None, 0, -1, 1.5, "123", True, [], {}, 123.5, 10**400], ids=range(10))
def test_an_account_id_that_is_no_positive_integer_is_400(sqlite: World, account: object) -> None:
    answer = sqlite.send(wire.generate_session(sqlite.jwt(), account))
    # 10**400 is a positive integer, of an account that nobody is a member of.
    assert answer.status == (400 if account != 10**400 else 403)


@pytest.mark.parametrize("account", [124, 200, 999, 2**31, 2**63, 10**30])
def test_an_account_that_the_user_is_no_member_of_is_403(world: World, account: int) -> None:
    answer = world.send(wire.generate_session(world.jwt("member@example.com"), account))
    assert (answer.status, error_code(answer)) == (403, "FORBIDDEN")


@pytest.mark.parametrize("token", [None, "", 7, True, [], {"a": 1}])
def test_a_session_token_that_is_no_text_is_400(sqlite: World, token: object) -> None:
    assert sqlite.validate(token).status == 400
    assert sqlite.permission(token, "create_events").status == 400


def test_user_accounts_without_a_token_is_400(sqlite: World) -> None:
    assert sqlite.accounts(None).status == 400
    assert sqlite.accounts("").status == 400
    secret = ("x-shared-secret", sqlite.secret)
    assert sqlite.request("GET", "/api/cross-app/user-accounts?session_token=a&session_token=b", secret).status == 400


def test_user_accounts_lists_the_users_accounts_and_no_others(world: World) -> None:
    accounts = wire.read_accounts(world.accounts(world.mint()))
    assert [(each.id, each.name, each.slug) for each in accounts] == [
        (123, "Acme Events", "acme-events"),
        (124, "Bluebird Concerts", "bluebird-concerts"),
    ]
    assert [each.id for each in wire.read_accounts(world.accounts(world.mint("outsider@example.com", 200)))] == [200]


@pytest.mark.parametrize(
    ("email", "account", "permission", "resource", "held"),
    [
        ("organiser@example.com", 123, "manage_ticketing", None, True),
        ("organiser@example.com", 123, "manage_ticketing", 11, True),
        ("organiser@example.com", 124, "manage_ticketing", 11, True),
        ("organiser@example.com", 123, "manage_ticketing", 11.0, True),
        ("organiser@example.com", 123, "manage_ticketing", 61, False),
        ("organiser@example.com", 123, "manage_ticketing", 999, False),
        ("organiser@example.com", 123, "manage_ticketing", -11, False),
        ("organiser@example.com", 123, "manage_ticketing", 10**40, False),
        ("organiser@example.com", 123, "rule_the_world", None, False),
        ("organiser@example.com", 123, "", None, False),
        ("organiser@example.com", 123, "MANAGE_TICKETING", None, False),
        ("organiser@example.com", 123, "create_events manage_ticketing", None, False),
        ("member@example.com", 123, "manage_ticketing", None, False),
        ("member@example.com", 123, "create_events", None, True),
        ("member@example.com", 123, "create_events", 11, True),
        ("outsider@example.com", 200, "manage_ticketing", 61, True),
        ("outsider@example.com", 200, "manage_ticketing", 11, False),
    ],
)
def test_a_permission_is_held_in_the_account_of_the_resource(
    world: World, email: str, account: int, permission: str, resource: float | None, held: bool
) -> None:
    answer = world.permission(world.mint(email, account), permission, resource)
    assert wire.read_permission(answer) is held


@pytest.mark.parametrize(
    ("permission", "resource"), [(None, None), (7, None), ([], 11), ("create_events", "11"), ("create_events", 1.5)]
)
def test_an_ill_typed_permission_or_resource_is_400(sqlite: World, permission: object, resource: object) -> None:
    assert sqlite.permission(sqlite.mint(), permission, resource).status == 400


def test_sessions_of_many_users_stay_apart_under_concurrency(world: World) -> None:
    emails = [f"guest-{number}@example.com" for number in range(101, 151)]
    minted = world.send_all([wire.generate_session(world.jwt(email), 123) for email in emails])
    tokens = [wire.read_session(answer).session_token for answer in minted]
    answers = world.send_all([wire.validate_session(world.secret, token) for token in tokens])
    assert [wire.read_session_user(answer).email for answer in answers] == emails


def test_expired_sessions_leave_the_table_by_themselves(world: World) -> None:
    world.mint()
    world.advance(899)
    kept = world.mint()
    assert len(world.api.list_sessions()) == 2
    world.advance(61)
    (left,) = world.api.list_sessions()
    assert left["created_at"] == START + 899
    assert world.validate(kept).status == 200


def test_the_audit_log_and_the_messages_keep_what_is_newest(world: World) -> None:
    for event in ("11", "12", "13"):
        world.validate("x")
        world.deliver(event=event)
    store = world.api.store
    audit, messages = store.audit(0), store.messages(0)
    store.forget_old()
    assert (store.audit(0), store.messages(0)) == (audit, messages)
    assert min(len(audit), len(messages)) > 2
    store.forget_old(audit=2, messages=1)
    assert (store.audit(0), store.messages(0)) == (audit[-2:], messages[-1:])


def test_a_session_that_was_removed_stays_so_though_the_clock_is_set_back(world: World) -> None:
    token = world.mint()
    assert world.validate(token).status == 200
    world.advance(960)
    assert world.api.list_sessions() == []
    world.api.clock.set(START)
    assert world.validate(token).status == 404


def test_a_session_that_is_revoked_is_gone_though_it_was_asked_about_before(world: World) -> None:
    world.api.faults.arm("wrong-secret-revokes-the-session")
    token = world.mint()
    assert world.accounts(token).status == 200
    assert world.validate(token, secret="wrong").status == 401
    assert world.accounts(token).status == 404


def test_the_last_sessions_are_listed_in_order_and_all_are_counted(world: World) -> None:
    for second in range(5):
        world.api.clock.set(START + second)
        world.mint()
    everything = world.control("GET", "/sessions")
    assert [each["created_at"] - START for each in everything["sessions"]] == [0, 1, 2, 3, 4]
    last = world.control("GET", "/sessions?limit=2")
    assert last["sessions"] == everything["sessions"][-2:]
    assert (everything["total"], last["total"]) == (5, 5)


def test_deleting_a_user_removes_the_users_sessions(world: World) -> None:
    world.mint()
    with world.api.database.write() as connection:
        connection.exec_driver_sql('DELETE FROM "tuvensUser" WHERE id = 1')
    assert world.api.list_sessions() == []


def test_a_session_of_nobody_cannot_be_stored(world: World) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), world.api.database.write() as connection:
        connection.exec_driver_sql(
            'INSERT INTO "crossAppSession" ("sessionToken", "userId", "accountId", "appId", "expiresAt", "createdAt", '
            "\"sysCreated\", \"sysModified\") VALUES ('x', 77777, 123, 'hi.events', '2030-01-01', '2030-01-01', "
            "'2030-01-01', '2030-01-01')"
        )
