"""The storage of tuvens-api: its table of sessions, their removal, the audit log. Needs access to the database."""

from contracts.catalogue import RuleFamily
from harness.expectations import LackingError, UndecidedError, awake, expect, expect_arrival, held, let_through
from harness.history import Exchange, History, NothingObservedError, Observation
from harness.requirement import MUST
from harness.verdict import Verdict

_MINTS = "session_token.mints_a_session"
SCHEMA = "the_session_table_is_looked_at"
USED = "a_validation_is_remembered"
CLEANED = "expired_sessions_are_cleaned_up"
OLD = "old_sessions_are_looked_for"
AUDITED = "calls_are_audited"
_COLUMNS = (
    "id", "sessionToken", "userId", "accountId", "appId", "expiresAt", "createdAt", "lastUsed", "sysCreated",
    "sysModified",
)  # fmt: skip

rule = RuleFamily(level=MUST, obliged="tuvens-api", section="Storage", story=SCHEMA, needs="database:tuvens-api")


@rule(
    quote="crossAppSession: id, sessionToken (unique), userId, accountId (foreign keys)",
    settles="C-TA-23",
    next_step="Migrate tuvens-api's database; if there is no such table: targets.tuvens-api.database may name another "
    "database than tuvens-api uses.",
)
def session_table_has_its_columns(history: History) -> Verdict:
    """tuvens-api stores sessions in the table crossAppSession with the documented columns."""
    seen = history.observation(f"{SCHEMA}/schema")
    expect(seen.values["exists"], expected="a table crossAppSession", observed="no such table", at=seen)
    missing = [each for each in _COLUMNS if each not in seen.values["columns"]]
    expect(not missing, expected="the documented columns", observed=f"without {', '.join(missing)}", at=seen)
    return held(seen)


def _table(history: History) -> Observation:
    """The schema of the table. Raises LackingError if there is no table."""
    seen = history.observation(f"{SCHEMA}/schema")
    if not seen.values["exists"]:
        raise LackingError("there is no table crossAppSession to inspect")
    return seen


@rule(quote="indexes on expiry and user", settles="C-TA-23", depends_on="session_storage.session_table_has_its_columns")
def session_table_is_indexed(history: History) -> Verdict:
    """tuvens-api stores sessions with a unique sessionToken and with indexes on expiry and user."""
    seen = _table(history)
    expect(["sessionToken"] in seen.values["unique"], expected="sessionToken unique", observed="it is not", at=seen)
    leading = {columns[0] for columns in seen.values["indexed"] if columns}
    for column in ("expiresAt", "userId"):
        expect(
            column in leading,
            expected=f"an index on {column}",
            observed=f"indexes on {sorted(map(str, leading))}",
            at=seen,
        )
    return held(seen)


@rule(
    quote="crossAppSession: id, sessionToken (unique), userId, accountId (foreign keys)",
    settles="C-TA-25",
    depends_on="session_storage.session_table_has_its_columns",
)
def sessions_have_foreign_keys(history: History) -> Verdict:
    """tuvens-api stores sessions with foreign keys to their user and their account."""
    seen = _table(history)
    found = {columns[0] for columns in seen.values["foreign_keys"] if columns}
    for column in ("userId", "accountId"):
        expect(
            column in found, expected=f"a foreign key on {column}", observed=f"foreign keys on {sorted(found)}", at=seen
        )
    return held(seen)


@rule(
    section="POST /api/cross-app/validate-session (shared secret)",
    quote="Each success moves the session's last-used time.",
    story=USED,
    settles="C-TA-09",
    operations="validateSession",
    depends_on=[_MINTS, "session_token.a_live_session_is_validated"],
)
def validation_moves_the_last_used_time(history: History) -> Verdict:
    """tuvens-api updates a session's last-used time each time it validates the session."""
    seen = history.observation(f"{USED}/last used")
    first, second = seen.values["after"]
    exchange = seen.values["exchange"]
    if first is None or second is None or second == first:
        awake(history, seen.values.get("from", 0.0), seen.values.get("until", 0.0))
    expect(
        first is not None or second is not None,
        expected="lastUsed set by a validation",
        observed="lastUsed is empty, or the session has no row",
        at=exchange,
    )
    expect(
        first is not None and second is not None and second > first,
        expected="lastUsed later after the second validation",
        observed=f"{first} after the first, {second} after the second",
        at=exchange,
    )
    return held((exchange, seen))


@rule(
    quote="expired rows are removed automatically",
    story=[CLEANED, OLD],
    settles="C-TA-24",
    operations="generateSession",
    needs="database:tuvens-api",
    depends_on=_MINTS,
)
def expired_sessions_are_removed(history: History) -> Verdict:
    """tuvens-api removes the rows of expired sessions automatically."""
    try:
        seen = history.observation(f"{CLEANED}/row")
    except NothingObservedError:
        outcome = history.outcome(CLEANED)
        if outcome is not None and outcome.ended != "skipped":
            raise
        return _no_old_rows(history)
    if not seen.values["before"]:
        raise UndecidedError("the session's row was not found before its expiry, so its removal cannot be observed")
    expect_arrival(
        history,
        seen.values["gone"],
        expected="no row an hour after the expiry",
        observed="the row is still there",
        at=seen,
        since=seen.values.get("from", 0.0),
        until=seen.values.get("until", 0.0),
    )
    return held((seen.values["exchange"], seen))


def _no_old_rows(history: History) -> Verdict:
    """Where no clock can be moved: rows of sessions that expired long ago. The contract does not say how soon they are
    removed; a month is surely too long."""
    seen = history.observation(f"{OLD}/rows")
    rows = seen.values
    told = f"{rows['day']} rows of sessions that expired more than a day ago"
    expect(
        not rows["month"],
        expected="no row of a session that expired more than a month ago",
        observed=f"{rows['month']} of them",
        at=seen,
    )
    if rows["day"]:
        raise LackingError(f"{told}, none of them a month ago: how soon they are removed is not known", blocks=False)
    if not rows["deleted"]:
        raise LackingError(f"{told}, and no row that was ever deleted: verify again some days later", blocks=False)
    return held((rows["exchange"], seen), f"no row of a session that expired a day ago; {rows['deleted']} were deleted")


@rule(
    quote="Audit log: one record for every cross-app call and webhook, successes and failures",
    story=AUDITED,
    settles="C-TA-26",
    needs="audit-log:tuvens-api",
    depends_on=_MINTS,
)
def every_call_is_audited(history: History) -> Verdict:
    """tuvens-api writes one audit record for every cross-app call and webhook, including failed ones."""
    seen = history.observation(f"{AUDITED}/audit")
    for each in history.of_story(AUDITED):
        # How many calls arrived is not known if one got no answer or was sent again.
        if isinstance(each, Exchange) and let_through(each).superseded:
            raise UndecidedError(f"exchange {each.number} ({each.step}) was sent again")
    for kind, verb in (("right", "succeed"), ("wrong", "fail")):
        count = seen.values[kind]
        if count < 4:
            awake(history, seen.values.get("from", 0.0), seen.values.get("until", 0.0))
        if count > 4 and (seen.values.get("idle") or count % 4):
            raise UndecidedError(
                f"{count} records were written while 4 calls were made: others call tuvens-api, too",
                "Run again while nobody else uses the deployment.",
            )
        expect(count == 4, expected=f"4 records for 4 calls that {verb}", observed=f"{count}", at=seen)
    return held(seen)


@rule(
    quote="never with a secret or a whole token",
    story=AUDITED,
    settles="C-TA-26",
    needs="audit-log:tuvens-api",
    depends_on=_MINTS,
    security=True,
)
def audit_log_holds_no_secret(history: History) -> Verdict:
    """tuvens-api writes no secret and no complete token into its audit log."""
    seen = history.observation(f"{AUDITED}/audit")
    if not seen.values["rows"]:
        raise UndecidedError("the audit log is empty")
    expect(
        not seen.values["secrets"],
        expected="no secret",
        observed=f"in the log: {', '.join(seen.values['secrets'])}",
        at=seen,
    )
    return held(seen, f"{seen.values['rows']} records")
