"""Read access to a real PostgreSQL: what tuvens-api keeps there is judged, and nothing can be changed by it."""

import asyncio
import copy
import re
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

import openapi
from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.history import Context, History
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.report import Finding
from harness.story import Phase, Story, StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage
from scenarios.cast.storage import SESSIONS, NewLines, database
from simulators.launch import LaunchOptions
from tests.launching import launched
from tests.simulators import postgresql

_SETTINGS = Settings(select=("session_storage.*",), quick=True)
_AUDIT = "crossAppAudit"
_OF_LOG = ("every_call_is_audited", "audit_log_holds_no_secret")


@contextmanager
def staging(
    audit: str = _AUDIT, command: Sequence[str] = (), faults: tuple[str, ...] = ()
) -> Iterator[tuple[Deployment, Callable[[str], None]]]:
    """Simulators on PostgreSQL, seen as a staging with the URL of a user who may only read two tables; and a function
    that runs a statement as the owner, in which {reader} and {schema} stand for their names, as in a `command` that
    prints the audit log in place of the URL."""
    address = make_url(postgresql.URL).set(drivername="postgresql").render_as_string(hide_password=False)
    reader = f"crossapp_reader_{uuid.uuid4().hex[:8]}"
    with (
        postgresql.schema() as schema,
        psycopg.connect(address, autocommit=True) as owner,
        launched(
            LaunchOptions(
                control=False,
                database=postgresql.URL,
                database_schema=schema,
                limits="raised",
                only=("tuvens-api",),
                faults=faults,
            )
        ) as built,
    ):

        def run(statement: str) -> None:
            owner.execute(statement.format(reader=reader, schema=f'"{schema}"'))

        run("CREATE USER {reader}")
        try:
            run("GRANT USAGE ON SCHEMA {schema} TO {reader}")
            run(f'GRANT SELECT ON {{schema}}."{SESSIONS}", {{schema}}."{_AUDIT}" TO {{reader}}')
            value = copy.deepcopy(built.description())
            url = (
                make_url(postgresql.URL).set(username=reader).update_query_dict({"options": f"-csearch_path={schema}"})
            )
            target = {**value["targets"]["tuvens-api"], "kind": "staging", "audit_table": audit}
            if command:
                target["audit_command"] = [each.format(reader=reader, schema=schema, url=address) for each in command]
            else:
                target["database"] = url.render_as_string(hide_password=False)
            value["targets"] = {"tuvens-api": target}
            yield build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,)), run
        finally:
            run("DROP OWNED BY {reader}")
            run("DROP USER {reader}")


def verified(deployment: Deployment) -> Mapping[str, Finding]:
    """The findings about what tuvens-api keeps, by the name of the rule."""
    found = report_of(asyncio.run(perform(deployment, _SETTINGS)), _SETTINGS).findings
    kept = [each for each in found if each.requirement.startswith("session_storage.")]
    return {each.requirement.partition(".")[2]: each for each in kept}


def test_what_tuvens_api_keeps_is_judged_with_a_user_who_may_only_read() -> None:
    with staging() as (deployment, _):
        found = verified(deployment)
    assert {name: each.verdict.value for name, each in found.items()} == {
        "session_table_has_its_columns": "held",
        "session_table_is_indexed": "held",
        "sessions_have_foreign_keys": "held",
        "validation_moves_the_last_used_time": "held",
        "expired_sessions_are_removed": "not_applicable",
        "every_call_is_audited": "held",
        "audit_log_holds_no_secret": "held",
    }


@pytest.mark.parametrize(
    ("days", "deleted", "verdict", "said"),
    [
        (0, True, "held", "1 were deleted"),
        (0, False, "not_applicable", "no row that was ever deleted"),
        (3, False, "not_applicable", "1 rows of sessions that expired more than a day ago, none of them a month ago"),
        (40, True, "violated", "1 of them"),
    ],
)
def test_sessions_that_expired_long_ago_show_whether_they_are_removed(
    days: int, deleted: bool, verdict: str, said: str
) -> None:
    with staging() as (deployment, run):
        verified(deployment)  # there are sessions
        place = f'{{schema}}."{SESSIONS}"'
        one = f'(SELECT min("id") FROM {place})'
        if deleted:
            run(f'DELETE FROM {place} WHERE "id" = (SELECT max("id") FROM {place})')
        if days:
            run(f'UPDATE {place} SET "expiresAt" = now() - interval \'{days} days\' WHERE "id" = {one}')
        run("SELECT pg_stat_force_next_flush()")
        found = verified(deployment)["expired_sessions_are_removed"]
    assert found.verdict.value == verdict
    assert said in (found.observed or found.reason)


@pytest.mark.parametrize(
    ("statement", "audit", "rule", "said"),
    [
        (
            f'REVOKE SELECT ON {{schema}}."{_AUDIT}" FROM {{reader}}',
            _AUDIT,
            "every_call_is_audited",
            f'GRANT SELECT ON "{_AUDIT}"',
        ),
        ("SELECT 1", "audit_2", "audit_log_holds_no_secret", "no table audit_2 .* correct database, or audit_table"),
        (
            "REVOKE USAGE ON SCHEMA {schema} FROM {reader}",
            _AUDIT,
            "validation_moves_the_last_used_time",
            "GRANT USAGE ON SCHEMA",
        ),
    ],
    ids=["no right to read a table", "no such table", "no right to see any table"],
)
def test_what_cannot_be_read_accuses_nobody_and_says_what_to_do(
    statement: str, audit: str, rule: str, said: str
) -> None:
    with staging(audit) as (deployment, run):
        run(statement)
        found = verified(deployment)
    assert not [name for name, each in found.items() if each.verdict.value == "violated"]
    assert found[rule].verdict.value == "inconclusive"
    assert re.search(said, found[rule].reason)


_PRINTS = """
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    for (record,) in connection.execute(f'SELECT row_to_json(t)::text FROM "{sys.argv[2]}"."crossAppAudit" t'):
        print(record)
"""


@pytest.mark.parametrize(
    ("faults", "broken"),
    [((), set()), (("audit-misses-failures",), {"every_call_is_audited"})],
    ids=["honest", "failures are not written down"],
)
def test_an_audit_log_that_a_command_prints_is_judged_without_the_database(
    faults: tuple[str, ...], broken: set[str]
) -> None:
    command = [sys.executable, "-c", _PRINTS.replace("{", "{{").replace("}", "}}"), "{url}", "{schema}"]
    with staging(command=command, faults=faults) as (deployment, _):
        found = verified(deployment)
    wanted = {each: "violated" if each in broken else "held" for each in _OF_LOG}
    assert {each: found[each].verdict.value for each in _OF_LOG} == wanted
    assert found["session_table_is_indexed"].verdict.value == "not_applicable"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["a-command-that-nobody-has"], "cannot be run: No such file"),
        (["false"], "ended with exit code 1"),
        (["sh", "-c", "sleep 60 & sleep 60"], "did not end within 0.2 s"),
        (["yes"], "prints more than 1 MiB"),
    ],
    ids=["unknown", "fails", "does not end", "prints for ever"],
)
def test_a_command_that_prints_no_log_says_why(
    command: Sequence[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenarios.cast.storage._COMMAND_SECONDS", 0.2 if command[0] == "sh" else 10)
    monkeypatch.setattr("scenarios.cast.storage._MOST_BYTES", 1024 * 1024)
    with pytest.raises(StoryStoppedError, match=f"targets.tuvens-api.audit_command {said}"):
        NewLines(command)


def test_the_connection_can_neither_write_nor_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with staging() as (deployment, run):
        run(f'GRANT INSERT, DELETE ON {{schema}}."{_AUDIT}" TO {{reader}}')
        context = Context("d", openapi.EDITION, {}, frozenset(), {})
        cast = Cast(
            Stage(deployment, Recorder(History(context), Redactor())),
            Story("a_story", "Somebody looks.", lambda _: asyncio.sleep(0), Phase.ALONE),
        )

        def runs(statement: str) -> None:
            with database(cast) as engine, engine.begin() as connection:
                connection.exec_driver_sql(statement)

        with pytest.raises(StoryStoppedError, match="read-only transaction"):
            runs(f'DELETE FROM "{_AUDIT}"')
        monkeypatch.setattr("scenarios.cast.storage._LIMITS", "SET statement_timeout = '50ms'")
        with pytest.raises(StoryStoppedError, match="a query took longer than 5 s"):
            runs("SELECT pg_sleep(30)")
