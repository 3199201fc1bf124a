"""Rows of sessions that expired long ago are found whatever time zone the table has."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from scenarios.cast.storage import SESSIONS, expired_rows

NOW, HOUR, DAY = 1_753_453_800.0, 3_600.0, 86_400.0


@pytest.mark.parametrize(
    ("ahead", "expired", "found"),
    [
        (0.0, HOUR, (0, 0)),
        (0.0, 2 * DAY, (1, 0)),
        (0.0, 31 * DAY, (1, 1)),
        (-30 * HOUR, HOUR, (0, 0)),
        (30 * HOUR, 2 * DAY, (1, 0)),
    ],
)
def test_a_time_zone_makes_no_session_older(ahead: float, expired: float, found: tuple[int, int]) -> None:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    sessions = sa.Table(SESSIONS, sa.MetaData(), sa.Column("expiresAt", sa.DateTime))
    sessions.create(engine)
    with engine.begin() as connection:
        ends = datetime.fromtimestamp(NOW - expired + ahead, UTC).replace(tzinfo=None)
        connection.execute(sessions.insert().values(expiresAt=ends))
    rows = expired_rows(engine, ahead, NOW)
    engine.dispose()
    assert (rows["day"], rows["month"], rows["deleted"]) == (*found, None)
