"""A PostgreSQL server for tests: a schema of its own for each run."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

URL = os.environ.get("CROSSAPP_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/test")


@contextmanager
def schema() -> Iterator[str]:
    """The name of an empty schema at URL, dropped at the end; skips the test where no server answers."""
    address = make_url(URL).set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"crossapp_{uuid.uuid4().hex[:12]}"
    try:
        connection = psycopg.connect(address, connect_timeout=2, autocommit=True)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL server at {make_url(URL).render_as_string()}: {str(error).splitlines()[0]}")
    with connection:
        try:
            yield name
        finally:
            connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
