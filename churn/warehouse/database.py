"""Opening the two databases: sessions, roles, transactions."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from churn.errors import ConfigError, LockedError, WarehouseError
from churn.warehouse.failures import Side, translated

_WAREHOUSE_SESSION = {
    "timezone": "UTC",
    "jit": "off",
    "work_mem": "128MB",
    "hash_mem_multiplier": "4",
    "client_connection_check_interval": "2s",
    "lock_timeout": "60s",
}
_SOURCE_SESSION = {
    "timezone": "UTC",
    "jit": "off",
    "client_connection_check_interval": "2s",
    "lock_timeout": "60s",
    "default_transaction_read_only": "on",
}
_CONNECTION: dict[str, int] = {
    "connect_timeout": 10,
    # A peer that is gone without a word is noticed within a minute and a half.
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 90_000,
}
_HIGHEST_PORT = 65_535
_URL_FORM = (
    "Write it as postgresql://user:password@host:5432/database; in the user and the password, @ is %40, : is %3A, "
    "/ is %2F, % is %25."
)


@dataclass(frozen=True)
class Fence:
    """What a job that holds the writer lock is known by.

    Attributes
    ----------
    number : int
        `ops.writer.fence` as long as the lock is its own.
    session_name : str
        `application_name` of its sessions, so that they can be ended when it has died.
    """

    number: int
    session_name: str

    def check(self, connection: Connection) -> None:
        """Make sure that no other job has had the lock, and that none can have it before this transaction ends.

        Raises
        ------
        LockedError
            Another job has taken over.
        """
        found = connection.execute(
            sa.text(
                "select pg_catalog.set_config('application_name', :name, false) from ops.writer as w "
                "where w.fence = :fence for share of w"
            ),
            {"name": self.session_name, "fence": self.number},
        ).first()
        if found is None:
            raise LockedError(
                "This run lost the writer lock and another job has taken over; nothing more was written.",
                "See `churn status`.",
            )


@dataclass(frozen=True)
class Database:
    """One of the databases a job works with.

    Attributes
    ----------
    engine : sqlalchemy.Engine
    side : {"source", "warehouse", "activation"}
        Says whose fault an error is, and so which exit code it gets.
    fence : Fence or None
        Checked at the start of every transaction and session.
    """

    engine: Engine
    side: Side
    fence: Fence | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a connection with a transaction; commit at the end, roll back on any error."""
        with translated(self.side), self.engine.begin() as connection:
            if self.fence is not None:
                self.fence.check(connection)
            yield connection

    @contextmanager
    def connect(self, *, isolation: str | None = None) -> Iterator[Connection]:
        """Open a connection, by default without a transaction of its own (each statement commits).

        The fence is checked once, and the session has its name, so that it ends when another job takes over. What
        writes without a transaction holds one open elsewhere (`begin`) meanwhile, so that none can.
        """
        with translated(self.side), self.engine.connect() as connection:
            connection.execution_options(isolation_level=isolation or "AUTOCOMMIT")
            if self.fence is not None:
                self.fence.check(connection)
            yield connection

    def dispose(self) -> None:
        """Close the connections that are kept."""
        self.engine.dispose()


def open_database(
    url: str,
    side: Side,
    *,
    application_name: str = "churn",
    role: str | None = None,
    role_optional: bool = False,
    session: Mapping[str, str] | None = None,
    connection: Mapping[str, str] | None = None,
    kept: int = 0,
) -> Database:
    """Make a `Database` from a URL; nothing is connected yet.

    Parameters
    ----------
    url : str
        SQLAlchemy or libpq URL of a Postgres database.
    side : {"source", "warehouse", "activation"}
    application_name : str
        Shown in `pg_stat_activity`.
    role : str, optional
        `SET ROLE` for each session, so that a job owns what it writes and nothing more.
    role_optional : bool
        Go on as the login itself where the role does not exist or the login may not become it.
    session : mapping, optional
        Server settings of each session, beside our own.
    connection : mapping, optional
        Parameters of libpq, such as `sslmode`, beside those of the URL.
    kept : int
        Sessions that are kept open for the next who needs one; a job keeps none.

    Raises
    ------
    ConfigError
        The URL isn't one of a Postgres database.
    """
    settings = {**(_SOURCE_SESSION if side == "source" else _WAREHOUSE_SESSION), **(session or {})}
    parsed = parse_url(url, side)
    ours = {name: value for name, value in _CONNECTION.items() if name not in parsed.query}
    engine = sa.create_engine(
        parsed,
        **(_pool(kept) if kept else {"poolclass": NullPool}),
        hide_parameters=True,
        connect_args={**ours, "application_name": application_name, **(connection or {})},
    )

    @sa.event.listens_for(engine, "connect")
    def set_up_session(dbapi_connection: Any, _record: Any) -> None:
        with dbapi_connection.cursor() as cursor:
            each = ", ".join(["pg_catalog.set_config(%s, %s, false)"] * len(settings))
            cursor.execute(f"select {each}", [word for setting in settings.items() for word in setting])
            if role is not None and (not role_optional or _may_become(cursor, role)):
                _become(cursor, role)
        dbapi_connection.commit()
        _sessions.add(dbapi_connection)

    return Database(engine, side)


_sessions: weakref.WeakSet[Any] = weakref.WeakSet()


def cancel_statements() -> None:
    """Ask the servers to end what sessions of this process are running; for a thread that hears of a signal.

    A session that runs nothing, or is closed, takes no notice.
    """
    for session in list(_sessions):
        if not session.closed:
            try:
                session.cancel()
            except psycopg2.Error:
                continue  # it broke off meanwhile: nothing is running in it


def _pool(kept: int) -> dict[str, Any]:
    """Return how sessions are kept; one that has broken off is noticed and replaced before it is used."""
    return {"poolclass": QueuePool, "pool_size": kept, "max_overflow": kept, "pool_pre_ping": True}


def _become(cursor: Any, role: str) -> None:
    try:
        cursor.execute(f"set role {quoted(role)}")
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidParameterValue):
        login = quoted(cursor.connection.info.user)
        raise WarehouseError(
            f"The login {login} may not become the role {quoted(role)}.",
            f"Run `churn migrate`, which makes the roles; then let an administrator run "
            f"`grant {quoted(role)} to {login}`.",
        ) from None


def _may_become(cursor: Any, role: str) -> bool:
    cursor.execute("select pg_catalog.pg_has_role(oid, 'member') from pg_catalog.pg_roles where rolname = %s", (role,))
    found = cursor.fetchone()
    return bool(found and found[0])


def parse_url(url: str, side: Side) -> URL:
    """Read a database URL; never repeats it in an error, since it may hold a password."""
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        raise ConfigError(f"{side}.url is not a database URL.", _URL_FORM) from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"{side}.url is not the URL of a Postgres database; only Postgres is supported.", _URL_FORM)
    if not _is_plain(url, parsed):
        raise ConfigError(
            f"{side}.url can't be read without doubt: part of the password may stand elsewhere.", _URL_FORM
        )
    return parsed.set(drivername="postgresql+psycopg2")


def _is_plain(url: str, parsed: URL) -> bool:
    """Whether no piece of the password can have been taken for a host, port or database, which errors name."""
    decoded = "".join(str(part) for part in (parsed.username, parsed.password, parsed.host, parsed.database) if part)
    return url.count("@") < 2 and decoded.isprintable() and (parsed.port or 0) <= _HIGHEST_PORT


def quoted(identifier: str) -> str:
    """Quote an identifier for Postgres, as it stands in a statement that is run as it is (`run_ddl`, `sa.text`)."""
    dialect = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
    return str(dialect.identifier_preparer.quote_identifier(identifier)).replace("%%", "%")


def run_ddl(connection: Connection, statement: str) -> None:
    """Run a statement that has no parameters as it stands, percent signs and all."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def comment_on(connection: Connection, target: str, text: str) -> None:
    """Say what a thing is: `target` is what stands after `COMMENT ON`, quoted."""
    literal = sa.literal(text).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    run_ddl(connection, f"comment on {target} is {str(literal).replace('%%', '%')}")
