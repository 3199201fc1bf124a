"""The tables of tuvens-api; the same definitions for SQLite and PostgreSQL."""

from dataclasses import dataclass

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from simulators.kit.column_types import JsonText, UtcTime


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables, parents before children."""

    metadata: MetaData
    accounts: Table
    users: Table
    memberships: Table
    events: Table
    messages: Table
    sessions: Table
    audit: Table


class Schema:
    """What a migration decides about crossAppSession."""

    def foreign_key(self, parent: Table) -> tuple[ForeignKey, ...]:
        """The foreign key of a session to its user or account."""
        return (ForeignKey(parent.c.id, ondelete="CASCADE"),)

    def app_id(self) -> tuple[Column[str], ...]:
        """The application for which a session is."""
        return (Column("appId", String(64), nullable=False, server_default="hi.events"),)

    def expiry_index(self) -> tuple[Index, ...]:
        """The index by which expired sessions are found."""
        return (Index("crossAppSession_expiresAt", "expiresAt"),)


def build(schema: Schema) -> Tables:
    """The tables."""
    metadata = MetaData()
    accounts = Table(
        "tuvensAccount",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False),
        Column("slug", Text, nullable=False),
    )
    users = Table(
        "tuvensUser",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("email", Text, nullable=False, unique=True),
        Column("name", Text),
    )
    memberships = Table(
        "tuvensMembership",
        metadata,
        Column("userId", ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
        Column("accountId", ForeignKey(accounts.c.id, ondelete="CASCADE"), primary_key=True),
        Column("permissions", Text, nullable=False),
    )
    events = Table(
        "tuvensEvent",
        metadata,
        Column("id", String(255), primary_key=True),
        Column("accountId", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
        Column("title", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("startDate", String(32), nullable=False),
        Column("endDate", String(32), nullable=False),
        Column("ticketingEnabled", Boolean, nullable=False),
        Column("ticketingStatus", String(16)),
        Column("hiEventsEventId", JsonText),
        Column("contactData", JSON(none_as_null=True)),
        # event_sent_at of the last applied delivery, in microseconds, and what was applied with just that time.
        Column("lastSentAt", BigInteger),
        Column("lastApplied", JsonText),
    )
    messages = Table(
        "tuvensEventMessage",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("data", Text, nullable=False),
        Column("createdAt", UtcTime, nullable=False),
        sqlite_autoincrement=True,
    )
    sessions = Table(
        "crossAppSession",
        metadata,
        Column("id", Integer, primary_key=True),
        # The SHA-256 of the token in hex: who reads the table cannot use it.
        Column("sessionToken", String(64), nullable=False, unique=True),
        Column("userId", Integer, *schema.foreign_key(users), nullable=False),
        Column("accountId", Integer, *schema.foreign_key(accounts), nullable=False),
        *schema.app_id(),
        Column("expiresAt", UtcTime, nullable=False),
        Column("createdAt", UtcTime, nullable=False),
        Column("lastUsed", UtcTime),
        Column("sysCreated", UtcTime, nullable=False),
        Column("sysModified", UtcTime, nullable=False),
        *schema.expiry_index(),
        Index("crossAppSession_userId", "userId"),
        sqlite_autoincrement=True,
    )
    audit = Table(
        "crossAppAudit",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("time", UtcTime, nullable=False),
        Column("operation", String(64), nullable=False),
        Column("status", Integer, nullable=False),
        # No foreign keys: the record of what somebody did outlives the somebody.
        Column("userId", String(64)),
        Column("accountId", BigInteger),
        Column("errorCode", String(64)),
        Column("detail", Text),
        sqlite_autoincrement=True,
    )
    return Tables(metadata, accounts, users, memberships, events, messages, sessions, audit)
