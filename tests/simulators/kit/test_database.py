"""One code for SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, bindparam, insert, select

from simulators.kit.database import Database, JsonText, UtcTime
from simulators.kit.errors import StartError
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
    add = database.prepare(insert(THINGS).values({name: bindparam(name) for name in ROW}))
    find = database.prepare(select(THINGS).where(THINGS.c.id == bindparam("wanted")))
    with database.write() as connection:
        connection.execute(insert(THINGS), ROW)
        add.run(connection, **{**ROW, "id": 2, "at": None, "any": None, "yes": None, "text": None})
    with database.read() as connection:
        assert connection.execute(select(THINGS).where(THINGS.c.id == 1)).one() == tuple(ROW.values())
        assert find.first(connection, wanted=1) == tuple(ROW.values())
        assert find.all(connection, wanted=2) == [(2, None, None, None, None)]
        assert find.first(connection, wanted=3) is None


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
    with database.read() as connection:
        assert connection.execute(select(THINGS)).all() == []


def test_transactions_do_not_nest(database: Database) -> None:
    with database.write(), pytest.raises(RuntimeError, match="open already"), database.read():
        pass
    with database.read():
        pass


def test_dropping_removes_its_own_tables_only(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
    database.drop()
    database.create()
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM other").scalar() == 0
        assert connection.execute(select(THINGS)).all() == []


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
        with database.read() as connection:
            process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other = Database(METADATA, postgresql.URL, schema=name)
        with other.read() as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({process})")
        other.close()
        with pytest.raises(Exception, match=r"(?i)terminat|clos|lost"), database.read() as connection:
            count.all(connection)
        with database.read() as connection:
            assert count.all(connection) == []
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
