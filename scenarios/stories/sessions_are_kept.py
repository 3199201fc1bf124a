"""tuvens-api's sessions and audit log, as its database shows them."""

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.effects import Effect
from harness.story import Phase, StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.storage import NewLines, NewRows, audit_log, database, expired_rows, session_row, session_schema
from scenarios.catalogue import story

if TYPE_CHECKING:
    import sqlalchemy as sa

_NEEDS = ("database:tuvens-api",)
_WAIT_SECONDS, _WRITE_SECONDS = 5.0, 2.0
_PAUSE = 0.1
# Seconds without a request of ours, in which others may be seen to make some.
_IDLE_SECONDS = 0.5
_CALLS = 4


@story(does=(), needs=_NEEDS)
async def the_session_table_is_looked_at(cast: Cast) -> None:
    """Someone with access looks at the table of sessions: its columns, indexes and foreign keys."""
    with database(cast) as engine:
        cast.observe("schema", session_schema(engine))


@story(does={Effect.READ, Effect.MINT}, needs=_NEEDS, operations=("generateSession", "validateSession"))
async def a_validation_is_remembered(cast: Cast) -> None:
    """Hi.Events validates a session twice; someone with access looks at when it was last used."""
    session, since = await cast.fresh_session("generate session"), time.time()
    with database(cast) as engine:
        seen: list[str | None] = []
        for name in ("first", "second"):
            if seen and seen[-1] is not None:
                # The column may hold milliseconds or whole seconds, and the two uses must differ.
                await asyncio.sleep(0.02 if "." in seen[-1] else 1.1)
            reply = await cast.validates(name, session.token)
            reply.must("the session could not be validated")
            used = _last_used(engine, session.token)
            # It may be written after the answer was sent.
            deadline = time.monotonic() + _WRITE_SECONDS
            while used in (None, *seen) and time.monotonic() < deadline:
                await asyncio.sleep(_PAUSE)
                used = _last_used(engine, session.token)
            seen.append(used)
    watched = {"from": since, "until": time.time()}
    cast.observe("last used", {"after": seen, "exchange": reply.exchange.number, **watched})


def _last_used(engine: "sa.Engine", token: str) -> str | None:
    row = session_row(engine, token)
    return str(row["lastUsed"]) if row is not None and row.get("lastUsed") is not None else None


@story(does={Effect.MINT}, phase=Phase.ALONE, needs=(*_NEEDS, "control:tuvens-api"), operations=("generateSession",))
async def expired_sessions_are_cleaned_up(cast: Cast) -> None:
    """A session expires; some time later someone with access looks whether its row is gone."""
    session = await cast.fresh_session("generate session")
    with database(cast) as engine:
        before = session_row(engine, session.token) is not None
        await cast.stage.clock.advance(cast.stage.sessions.lifetime + 3_600)
        cast.stage.sessions.forget()
        gone, since = False, time.time()
        for _ in range(int(_WAIT_SECONDS / _PAUSE)):
            gone = session_row(engine, session.token) is None
            if gone:
                break
            await asyncio.sleep(_PAUSE)
        watched = {"from": since, "until": time.time()}
        cast.observe("row", {"before": before, "gone": gone, "exchange": session.exchange, **watched})


@story(does={Effect.MINT}, needs=_NEEDS, operations=("generateSession",), unless="control:tuvens-api")
async def old_sessions_are_looked_for(cast: Cast) -> None:
    """Someone with access looks for sessions that expired long ago; one that has just begun shows the time zone."""
    session = await cast.fresh_session("generate session")
    with database(cast) as engine:
        row = session_row(engine, session.token)
        ends = row.get("expiresAt") if row is not None else None
        if not isinstance(ends, datetime):
            raise StoryStoppedError(f"a new session has no row, or its expiresAt ({type(ends).__name__}) is no time")
        shown = ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC)
        ahead = shown.timestamp() - session.end()
        found = expired_rows(engine, ahead, cast.now_at("tuvens-api"))
    cast.observe("rows", {**found, "exchange": session.exchange})


@story(
    does={Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE},
    phase=Phase.ALONE,
    needs=("audit-log:tuvens-api",),
    operations=("generateSession", "validateSession", "listUserAccounts", "validatePermission"),
)
async def calls_are_audited(cast: Cast) -> None:
    """Each route is called, rightly and wrongly; someone with access reads the audit log."""
    user = cast.organiser
    since = time.time()
    with audit_log(cast) as log:
        begun = await asyncio.to_thread(log.count)
        await asyncio.sleep(_IDLE_SECONDS)
        before = await asyncio.to_thread(log.count)
        idle = before - begun
        session = await cast.fresh_session("right/generate session")
        await cast.validates("right/validate session", session.token)
        await cast.lists_accounts("right/accounts", session.token)
        await cast.asks_permission("right/permission", session.token, "manage_ticketing")
        right = await _count_up_to(log, before + _CALLS) - before
        before += right
        await cast.generates_session("wrong/generate session", user, jwt="nonsense")
        await cast.validates("wrong/secret", session.token, secret="wrong-" + "0" * 32)
        await cast.validates("wrong/unknown token", "unknown-" + "0" * 40)
        await cast.delivers("wrong/webhook", b"{}", signature="sha256=" + "0" * 64)
        wrong = await _count_up_to(log, before + _CALLS) - before
        written = await asyncio.to_thread(log.newest)
        text = "\n".join(str(value) for row in written for value in row if isinstance(value, str))
        kinds = sorted({kind for kind, _ in cast.stage.recorder.redactor.found_in(text)})
        watched = {"from": since, "until": time.time()}
        found = {"right": right, "wrong": wrong, "idle": idle, "rows": len(written), "secrets": kinds}
        cast.observe("audit", {**found, **watched})


async def _count_up_to(log: NewRows | NewLines, wanted: int) -> int:
    """The number of records, once there are as many as wanted, or after some seconds: they may be written after the
    answers were sent."""
    deadline = time.monotonic() + _WRITE_SECONDS
    while True:
        found = await asyncio.to_thread(log.count)
        if found >= wanted or time.monotonic() > deadline:
            return found
        await asyncio.sleep(_PAUSE)
