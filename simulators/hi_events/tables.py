"""The tables of hi.events, all prefixed `hi_`; the same definitions for SQLite and PostgreSQL."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

users = Table(
    "hi_users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False, index=True),
    Column("first_name", String(255), nullable=False),
    Column("last_name", String(255)),
    # Unique: the database itself keeps to one user for each external id, whatever runs beside it.
    Column("external_user_id", String(255), unique=True),
    sqlite_autoincrement=True,
)

accounts = Table(
    "hi_accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("external_account_id", BigInteger, unique=True),
    Column("name", String(255), nullable=False),
    sqlite_autoincrement=True,
)

account_users = Table(
    "hi_account_users",
    metadata,
    Column("account_id", ForeignKey("hi_accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("hi_users.id", ondelete="CASCADE"), primary_key=True),
)

sessions = Table(
    "hi_sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("user_id", ForeignKey("hi_users.id", ondelete="CASCADE"), nullable=False),
    Column("account_id", ForeignKey("hi_accounts.id", ondelete="CASCADE"), nullable=False),
    # Needed whole: accounts and permissions are asked of tuvens-api with it for as long as this session lives.
    Column("tuvens_session_token", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    sqlite_autoincrement=True,
)

events = Table(
    "hi_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey("hi_accounts.id", ondelete="CASCADE"), nullable=False),
    Column("tuvens_event_id", String(255), unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("start_date", String(64)),
    Column("end_date", String(64)),
    Column("details", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

deliveries = Table(
    "hi_deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_id", ForeignKey("hi_events.id", ondelete="CASCADE"), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("event_sent_at", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("leased_until", Float, nullable=False),
    Column("leased_by", String(320)),
    Index("hi_deliveries_line", "state", "event_id", "id"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "hi_delivery_attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", ForeignKey("hi_deliveries.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("duration", Float, nullable=False),
    Column("signature", String(128), nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("answer", Text),
    Column("replay", Integer, nullable=False),
    sqlite_autoincrement=True,
)
