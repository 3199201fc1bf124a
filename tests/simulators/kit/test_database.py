"""One code for SQLite and PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, bindparam, insert, select, text
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.schema import CreateTable

from simulators.hi_events.tables import metadata as hi_events_tables
from simulators.kit.column_types import JsonText, UtcTime
from simulators.kit.database import FILE_FORMAT, Database
from simulators.kit.errors import StartError
from simulators.kit.messages import Request, current
from simulators.kit.prepared import Prepared
from simulators.tuvens_api.tables import Schema, build
from tests.simulators import postgresql

METADATA = MetaData()
THINGS = Table(
    "kitThing",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime),
    Column("any", JsonText),
    Column("yes", Boolean),
    Column("text", Text),
)
OTHERS = Table("kitOther", METADATA, Column("id", Integer, primary_key=True))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        found = Database(METADATA)
        found.create()
        yield found
        found.close()
        return
    with postgresql.schema() as name:
        found = Database(METADATA, postgresql.URL, schema=name)
        found.create()
        yield found
        found.close()


ROW = {"id": 1, "at": 1_753_453_800.123456, "any": [10**30, 0.1, None], "yes": True, "text": "é"}


def test_values_come_back_as_they_were_through_sqlalchemy_and_prepared(database: Database) -> None:
    add = database.prepare(insert(THINGS).values({name: bindparam(name) for name in ROW}), *ROW)
    find = database.prepare(select(THINGS).where(THINGS.c.id == bindparam("wanted")), "wanted")
    with database.write() as connection:
        connection.execute(insert(THINGS), ROW)
        database.run(add, 2, None, None, None, None)
    assert database.execute(select(THINGS).where(THINGS.c.id == 1)).one() == tuple(ROW.values())
    assert database.first(find, 1) == tuple(ROW.values())
    assert database.all(find, 2) == [(2, None, None, None, None)]
    assert database.first(find, 3) is None


@pytest.mark.parametrize("value", [2, 10**17 + 1, 1.5, "2", "", True, [1], {"a": None}])
def test_a_bare_json_value_keeps_its_type(database: Database, value: object) -> None:
    with database.write() as connection:
        connection.execute(insert(THINGS), {"any": value})
        found = connection.execute(select(THINGS.c.any)).scalar_one()
    assert found == value
    assert type(found) is type(value)


def test_an_exception_rolls_back(database: Database) -> None:
    def failing() -> None:
        with database.write() as connection:
            connection.execute(insert(THINGS), ROW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert database.execute(select(THINGS)).all() == []


def test_transactions_do_not_nest(database: Database) -> None:
    with database.write(), pytest.raises(RuntimeError, match="open already"), database.write():
        pass
    with database.write():
        pass


def test_dropping_removes_its_own_tables_only(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
    database.drop()
    database.create()
    assert database.execute(text("SELECT count(*) FROM other")).scalar() == 0
    assert database.execute(select(THINGS)).all() == []


def test_a_private_file_is_removed_at_the_end_and_a_named_one_stays(tmp_path: Path) -> None:
    private = Database(METADATA)
    path = Path(str(private.url.database))
    private.create()
    assert path.exists()
    assert path.parent.stat().st_mode & 0o077 == 0
    private.close()
    assert not path.parent.exists()
    named = Database(METADATA, f"sqlite:///{tmp_path / 'kept.db'}")
    named.create()
    named.close()
    assert (tmp_path / "kept.db").exists()


def test_a_lost_connection_is_made_anew() -> None:
    with postgresql.schema() as name:
        database = Database(METADATA, postgresql.URL, schema=name)
        database.create()
        count = database.prepare(select(THINGS.c.id))
        process = database.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other = Database(METADATA, postgresql.URL, schema=name)
        other.execute(text(f"SELECT pg_terminate_backend({process})"))
        other.close()
        with pytest.raises(Exception, match=r"(?i)terminat|clos|lost"), database.write():
            database.all(count)
        with database.write():
            assert database.all(count) == []
        database.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite:////nowhere/at/all.db",
        "postgresql+psycopg://me:hush@127.0.0.1:1/x",
        "oracle://x",
        "pg+no://x",
    ],
)
def test_a_database_that_cannot_be_opened_is_one_line_without_the_password(url: str) -> None:
    with pytest.raises(StartError) as error:
        Database(METADATA, url)
    assert "\n" not in str(error.value)
    assert "hush" not in str(error.value)
    assert str(error.value).startswith("--database")


def _elsewhere(database: Database) -> list[int]:
    """The ids that another connection sees."""
    with sqlite3.connect(str(database.url.database)) as other:
        found = [number for (number,) in other.execute('SELECT id FROM "kitThing" ORDER BY id')]
    other.close()
    return found


async def _request(work: Callable[[], object]) -> Request:
    """Do some work as a request does it."""
    request = Request({"method": "GET", "path": "/", "headers": []}, None, 0.0)
    token = current.set(request)
    try:
        work()
    finally:
        current.reset(token)
    return request


def _on_a_private_file(story: Callable[[Database, Callable[[int], None]], Awaitable[None]]) -> None:
    database = Database(METADATA)
    database.create()
    add = database.prepare(insert(THINGS).values({name: bindparam(name) for name in ROW}), *ROW)
    try:
        asyncio.run(story(database, lambda number: database.run(add, *{**ROW, "id": number}.values())))  # type: ignore[arg-type]
    finally:
        database.close()


def test_requests_of_one_turn_share_a_commit_and_none_is_settled_before_it() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        served = [await _request(lambda number=number: add(number)) for number in (1, 2)]  # type: ignore[misc]
        assert [each.settled is not None and each.settled.done() for each in served] == [False, False]
        assert _elsewhere(database) == []
        for each in served:
            assert each.settled is not None
            await each.settled
        assert _elsewhere(database) == [1, 2]
        assert all(each.database_seconds > 0 for each in served)

    _on_a_private_file(story)


def test_a_request_that_fails_takes_back_its_own_writes_alone() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        def failing() -> None:
            with database.write() as connection:
                connection.execute(insert(THINGS), {**ROW, "id": 2})
                raise ZeroDivisionError

        first = await _request(lambda: add(1))
        with pytest.raises(ZeroDivisionError):
            await _request(failing)
        with pytest.raises(sqlite3.IntegrityError):
            await _request(lambda: add(1))
        last = await _request(lambda: add(3))
        assert first.settled is not None
        assert last.settled is not None
        await asyncio.gather(first.settled, last.settled)
        assert _elsewhere(database) == [1, 3]

    _on_a_private_file(story)


def test_who_gives_up_waiting_leaves_the_others_alone() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        first, second = await _request(lambda: add(1)), await _request(lambda: add(2))
        assert first.settled is not None
        assert second.settled is not None
        first.settled.cancel()
        await second.settled
        assert _elsewhere(database) == [1, 2]

    _on_a_private_file(story)


def test_a_commit_that_fails_is_told_to_all_who_wait_for_it_and_the_next_is_a_new_one() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        again = database.prepare(insert(THINGS).values(id=bindparam("id")), "id")
        served = [
            await _request(lambda: add(1)),
            await _request(lambda: database.queue(again, 7)),
            await _request(lambda: database.queue(again, 7)),
        ]
        for each in served:
            assert each.settled is not None
            with pytest.raises(sqlite3.IntegrityError):
                await each.settled
        assert _elsewhere(database) == []
        next_one = await _request(lambda: add(5))
        assert next_one.settled is not None
        await next_one.settled
        assert _elsewhere(database) == [5]

    _on_a_private_file(story)


def test_a_batch_that_fails_early_is_told_to_all_whose_statements_are_in_it() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        again = database.prepare(insert(THINGS).values(id=bindparam("id")), "id")
        served = [await _request(partial(database.queue, again, number)) for number in (6, 7, 7)]
        with pytest.raises(sqlite3.IntegrityError):
            await _request(lambda: add(1))
        for each in served:
            assert each.settled is not None
            with pytest.raises(sqlite3.IntegrityError):
                await each.settled
        assert _elsewhere(database) == []
        next_one = await _request(lambda: database.queue(again, 6))
        assert next_one.settled is not None
        await next_one.settled
        assert _elsewhere(database) == [6]

    _on_a_private_file(story)


def test_a_change_that_fails_drops_what_it_put_off_and_nothing_else() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        plain = database.prepare(insert(THINGS).values(id=bindparam("id")), "id")

        def change(number: int) -> None:
            with database.write_queued():
                database.queue(plain, number)
                if number == 2:
                    raise ZeroDivisionError

        first = await _request(lambda: change(1))
        with pytest.raises(ZeroDivisionError):
            await _request(lambda: change(2))
        last = await _request(lambda: change(3))
        for each in (first, last):
            assert each.settled is not None
            await each.settled
        assert _elsewhere(database) == [1, 3]

    _on_a_private_file(story)


def test_a_change_of_a_database_that_others_write_to_is_a_transaction(database: Database) -> None:
    plain = database.prepare(insert(THINGS).values(id=bindparam("id")), "id")
    ids = database.prepare(select(THINGS.c.id))

    def change(number: int) -> None:
        with database.write_queued():
            database.queue(plain, number)
            if number == 2:
                raise ZeroDivisionError

    change(1)
    with pytest.raises(ZeroDivisionError):
        change(2)
    assert database.all(ids) == [(1,)]


def test_a_row_of_a_private_file_is_remembered_until_something_is_written() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        find = database.prepare(select(THINGS.c.text).where(THINGS.c.id == bindparam("id")), "id")
        elsewhere = sqlite3.connect(str(database.url.database), isolation_level=None)
        assert database.cached(find, 1) is None
        database.execute(insert(THINGS), ROW)
        assert database.cached(find, 1) == ("é",), "what was not there is not remembered"
        elsewhere.execute('UPDATE "kitThing" SET text = ?', ("second",))
        assert database.cached(find, 1) == ("é",)
        database.execute(insert(THINGS), {**ROW, "id": 2})
        assert database.cached(find, 1) == ("second",)
        elsewhere.execute('UPDATE "kitThing" SET text = ?', ("third",))
        with database.write() as connection:
            assert database.cached(find, 1) == ("third",), "within a transaction nothing is remembered"
            connection.execute(THINGS.update().values(text="fourth"))
            assert database.cached(find, 1) == ("fourth",)
        elsewhere.execute('UPDATE "kitThing" SET text = ?', ("fifth",))
        assert database.cached(find, 1) == ("fifth",)
        database.remember(("given",), find, 1)
        assert database.cached(find, 1) == ("given",)
        with pytest.raises(ZeroDivisionError), database.write():
            raise ZeroDivisionError
        assert database.cached(find, 1) == ("fifth",)
        elsewhere.close()

    _on_a_private_file(story)


def test_what_a_failed_write_remembered_is_forgotten() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        find = database.prepare(select(THINGS.c.text).where(THINGS.c.id == bindparam("id")), "id")
        database.execute(insert(THINGS), ROW)

        def failing() -> None:
            with database.write_queued():
                database.remember(("given",), find, 1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await _request(failing)
        assert database.cached(find, 1) == ("é",)

    _on_a_private_file(story)


def test_no_more_is_remembered_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.kit.database._MOST_REMEMBERED", 2)

    async def story(database: Database, add: Callable[[int], None]) -> None:
        find = database.prepare(select(THINGS.c.text).where(THINGS.c.id == bindparam("id")), "id")
        with database.write() as connection:
            connection.execute(insert(THINGS), ROW)
        for number in (1, 2, 3):
            database.remember(("learnt",), find, number)
        assert database.cached(find, 3) == ("learnt",)
        assert database.cached(find, 1) == ("é",)

    _on_a_private_file(story)


def test_what_others_may_change_is_not_remembered(tmp_path: Path) -> None:
    database = Database(METADATA, f"sqlite:///{tmp_path / 'shared.db'}")
    database.create()
    find = database.prepare(select(THINGS.c.text).where(THINGS.c.id == bindparam("id")), "id")
    with database.write() as connection:
        connection.execute(insert(THINGS), ROW)
    database.remember(("learnt",), find, 1)
    assert database.cached(find, 1) == ("é",)
    with database.write() as connection:
        connection.execute(THINGS.update().values(text="another"))
    assert database.cached(find, 1) == ("another",)
    database.close()


def test_a_queued_write_waits_for_the_commit_or_for_whatever_names_its_table() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        plain = database.prepare(insert(THINGS).values(id=bindparam("id")), "id")
        ids = database.prepare(select(THINGS.c.id))
        others = database.prepare(select(OTHERS.c.id))
        joined = database.prepare(
            select(THINGS.c.id).join_from(OTHERS, THINGS, OTHERS.c.id == THINGS.c.id, isouter=True)
        )
        found: list[object] = []

        async def look(statement: Prepared) -> list[str]:
            """The SQL that runs for a request that reads."""
            ran: list[str] = []
            database.connection.sqlalchemy.connection.dbapi_connection.set_trace_callback(ran.append)  # type: ignore[union-attr]
            await _request(lambda: found.append(database.all(statement)))
            database.connection.sqlalchemy.connection.dbapi_connection.set_trace_callback(None)  # type: ignore[union-attr]
            return [each.partition(" ")[0] for each in ran]

        served = await _request(lambda: database.queue(plain, 1))
        assert await look(others) == ["SELECT"]
        assert await look(ids) == ["INSERT", "SELECT"]
        await _request(lambda: database.queue(plain, 3))
        assert await look(joined) == ["INSERT", "SELECT"]
        await _request(lambda: database.queue(plain, 4))
        assert database.execute(select(THINGS.c.id)).scalars().all() == [1, 3, 4]
        assert found == [[], [(1,)], []]
        assert served.settled is not None
        await served.settled
        assert _elsewhere(database) == [1, 3, 4]
        database.queue(plain, 2)
        assert _elsewhere(database) == [1, 2, 3, 4], "without a request to wait for it, it is written at once"

    _on_a_private_file(story)


def test_a_write_outside_of_requests_ends_the_shared_commit_and_is_kept_at_once() -> None:
    async def story(database: Database, add: Callable[[int], None]) -> None:
        served = await _request(lambda: add(1))
        with database.write() as connection:
            connection.execute(insert(THINGS), {**ROW, "id": 2})
        assert served.settled is not None
        assert served.settled.done()
        assert _elsewhere(database) == [1, 2]
        await asyncio.sleep(0)

    _on_a_private_file(story)


def test_a_file_that_others_may_write_to_is_locked_for_no_longer_than_a_transaction(tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        plain = database.prepare(insert(THINGS).values(id=bindparam("id")), "id")
        served = await _request(lambda: database.queue(plain, 1))
        assert served.settled is None
        assert _elsewhere(database) == [1]

    database = Database(METADATA, f"sqlite:///{tmp_path / 'shared.db'}")
    database.create()
    asyncio.run(story(database))
    database.close()


def test_a_file_of_another_version_or_of_others_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    for _ in range(2):
        kept = Database(METADATA, f"sqlite:///{file}")
        kept.create()
        kept.close()
    for change, said in (
        (f"PRAGMA user_version = {FILE_FORMAT + 1}", f"another version of crossapp .format {FILE_FORMAT + 1}"),
        ("PRAGMA user_version = 0", "tables of something else"),
    ):
        with sqlite3.connect(file) as changed:
            changed.execute(change)
        before = file.read_bytes()
        refused = Database(METADATA, f"sqlite:///{file}")
        with pytest.raises(StartError, match=rf"kept.db contains .*{said}.* remove this one"):
            refused.create()
        refused.close()
        assert file.read_bytes() == before


def test_tables_that_change_need_another_format() -> None:
    tables = (*build(Schema()).metadata.sorted_tables, *hi_events_tables.sorted_tables)
    text = "".join(str(CreateTable(each).compile(dialect=sqlite_dialect())) for each in tables)
    assert (FILE_FORMAT, crc32(text.encode())) == (1, 238105215), "raise FILE_FORMAT with every change of a table"
