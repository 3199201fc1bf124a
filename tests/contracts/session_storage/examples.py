"""Example histories of the rules about what tuvens-api keeps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.session_storage.rules import AUDITED, CLEANED, OLD, SCHEMA, USED
from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, lacks, leaves_open
from tests.contracts.histories import WATCHED, answer, asleep, history, no_answer, observed

TABLE: dict[str, Any] = {
    "exists": True,
    "columns": ["id", "sessionToken", "userId", "accountId", "appId", "expiresAt", "createdAt", "lastUsed",
                "sysCreated", "sysModified"],
    "indexed": [["expiresAt"], ["userId", "createdAt"]],
    "unique": [["sessionToken"]],
    "foreign_keys": [["userId"], ["accountId"]],
}  # fmt: skip


def table(**other: object) -> Seen:
    """The table as it should be, some of it otherwise."""
    return history(observed(f"{SCHEMA}/schema", **{**TABLE, **other}))


def used(first: str | None, second: str | None) -> Seen:
    """When a session was last used, after its first and its second validation."""
    asked = [answer(f"{USED}/{each}", 200, {}) for each in ("first", "second")]
    return history(*asked, observed(f"{USED}/last used", after=[first, second], exchange=2, **WATCHED))


def cleaned(*, before: bool = True, gone: bool = True) -> Seen:
    """Whether the row of a session was there before its expiry, and is gone after it."""
    minted = answer(f"{CLEANED}/generate session", 200, {})
    return history(minted, observed(f"{CLEANED}/row", before=before, gone=gone, exchange=1, **WATCHED))


def old_rows(*, day: int = 0, month: int = 0, deleted: int | None = 412) -> Seen:
    """The rows of sessions that expired long ago, where no clock can be moved."""
    minted = answer(f"{OLD}/generate session", 200, {})
    return history(minted, observed(f"{OLD}/rows", day=day, month=month, deleted=deleted, exchange=1))


def audited(
    *others: Entry, right: int = 4, wrong: int = 4, idle: int = 0, rows: int = 8, secrets: Sequence[str] = ()
) -> Seen:
    """Four calls that succeed and four that fail, and what the audit log says."""
    calls = [answer(f"{AUDITED}/right/{each}", 200, {}) for each in range(4)]
    calls += [answer(f"{AUDITED}/wrong/{each}", 401, {}) for each in range(4)]
    found = {"right": right, "wrong": wrong, "idle": idle, "rows": rows, "secrets": list(secrets)}
    counted = observed(f"{AUDITED}/audit", **found, **WATCHED)
    return history(*calls, *others, counted)


def _lacking(*columns: str) -> Seen:
    return table(columns=[each for each in TABLE["columns"] if each not in columns])


_ABSENT = history(observed(f"{SCHEMA}/schema", exists=False))
_SENT_AGAIN = replace(answer(f"{AUDITED}/right/0", 503, {}), superseded=True)

EXAMPLES: Examples = {
    "session_table_has_its_columns": (
        holds("it has them", table()),
        holds("it has more", table(columns=[*TABLE["columns"], "ipAddress"])),
        breaks("there is no such table", _ABSENT),
        *(breaks(f"it lacks {each}", _lacking(each)) for each in TABLE["columns"]),
    ),
    "session_table_is_indexed": (
        holds("tokens are unique, expiry and user indexed", table()),
        breaks("tokens are unique with the user only", table(unique=[["sessionToken", "userId"]])),
        breaks("nothing is unique", table(unique=[])),
        breaks("expiry is not indexed", table(indexed=[["userId"]])),
        breaks("the user is indexed in the second place only", table(indexed=[["expiresAt", "userId"]])),
        breaks("an index of an expression is none of a column", table(indexed=[[None], ["userId"]])),
        lacks("there is no table to look at", _ABSENT),
    ),
    "sessions_have_foreign_keys": (
        holds("to user and account", table()),
        breaks("none to the account", table(foreign_keys=[["userId"]])),
        breaks("none at all", table(foreign_keys=[])),
        lacks("there is no table to look at", _ABSENT),
    ),
    "validation_moves_the_last_used_time": (
        holds("it moves forward", used("2025-07-25 14:30:00.100", "2025-07-25 14:30:00.120")),
        holds("it is set by the second validation", used("2025-07-25 14:30:00", "2025-07-25 14:30:00.020")),
        breaks("it stays", used("2025-07-25 14:30:00.100", "2025-07-25 14:30:00.100")),
        leaves_open("it does while we are late", asleep(used("2025-07-25 14:30:00.100", "2025-07-25 14:30:00.100"))),
        breaks("it goes back", used("2025-07-25 14:30:00.100", "2025-07-25 14:29:00.100")),
        breaks("it is never set", used(None, None)),
        breaks("it is taken away", used("2025-07-25 14:30:00.100", None)),
    ),
    "expired_sessions_are_removed": (
        holds("the row is gone", cleaned()),
        breaks("the row is still there", cleaned(gone=False)),
        leaves_open("it is while we are late", asleep(cleaned(gone=False))),
        leaves_open("the row was never found", cleaned(before=False)),
        holds("no old row is there, and rows were deleted", old_rows()),
        breaks("rows are there after a month", old_rows(day=9, month=2)),
        lacks("rows are there after a day", old_rows(day=9)),
        lacks("no row was ever deleted", old_rows(deleted=0)),
        lacks("whether rows were deleted is not known", old_rows(deleted=None)),
    ),
    "every_call_is_audited": (
        holds("a record for each", audited()),
        breaks("successes are not written down", audited(right=0)),
        breaks("failures are not written down", audited(wrong=0)),
        breaks("one failure is not written down", audited(wrong=3)),
        leaves_open("one is not while we are late", asleep(audited(wrong=3))),
        breaks("each is written down twice", audited(right=8)),
        leaves_open("others were seen to write, too", audited(right=8, idle=1)),
        leaves_open("there is one more than any number of records for each call", audited(right=5)),
        leaves_open("a call got no answer", audited(no_answer(f"{AUDITED}/right/0"), right=3)),
        leaves_open("a call was rate limited", audited(answer(f"{AUDITED}/right/0", 429, {}), right=5)),
        leaves_open("a call was sent again", audited(_SENT_AGAIN, right=5)),
    ),
    "audit_log_holds_no_secret": (
        holds("no secret stands in it", audited()),
        breaks("a session token stands in it", audited(secrets=["session-token"])),
        leaves_open("it is empty", audited(rows=0)),
    ),
}
