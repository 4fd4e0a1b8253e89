"""Sessions of the warehouse's server: whose, whether they live, and a pooler that shares them among clients."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.errors import TransientError, WarehouseError
from churn.warehouse.database import Database
from churn.warehouse.failures import translated


def backend_pid(session: Connection) -> int:
    """Return the number of the server's process behind a session."""
    return int(session.execute(sa.text("select pg_catalog.pg_backend_pid()")).scalar_one())


def is_alive(session: Connection) -> bool:
    """Whether a session still answers."""
    try:
        with translated("warehouse"):
            session.execute(sa.text("select 1"))
    except (TransientError, WarehouseError):
        return False
    return True


def never_time_out(session: Connection) -> None:
    """Let the lock's session stand idle in its transaction, whatever the server's limits are."""
    session.execute(
        sa.text(
            "select set_config(s.name, '0', false) from pg_catalog.pg_settings as s "
            "where s.name in ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')"
        )
    )
    session.commit()


def end_left_over_sessions(database: Database) -> None:
    """End the sessions of jobs that have lost the lock, where we may: the fence holds them off anyway."""
    with database.engine.begin() as connection:
        # As the login itself: a session belongs to the login that opened it, whatever its role now.
        connection.execute(sa.text("reset role"))
        connection.execute(
            sa.text(
                "select pg_catalog.pg_terminate_backend(a.pid) "
                "from pg_catalog.pg_stat_activity as a inner join pg_catalog.pg_roles as r on a.usesysid = r.oid "
                "where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid() "
                "and a.application_name ~ '^churn .* #[0-9]+$' and pg_catalog.pg_has_role(r.oid, 'member') "
                "and (not r.rolsuper or (select me.rolsuper from pg_catalog.pg_roles as me "
                "where me.rolname = current_user))"
            )
        )


def refuse_pooler(database: Database) -> None:
    """Refuse a connection pooler that gives one session of the server to several clients in turn.

    Raises
    ------
    WarehouseError
        There is one between this machine and the database.
    """
    if behind_pooler(database):
        raise WarehouseError(
            "Between here and the warehouse there is a pooler in transaction mode: it shares sessions among clients, "
            "so neither roles nor locks would hold.",
            "Let warehouse.url name the server itself, or a pool in session mode.",
        )


def behind_pooler(database: Database) -> bool:
    """Whether a pooler in transaction or statement mode stands before a database.

    Two connections that are open at once have two server processes, unless somebody shares one between them.
    """
    with database.connect() as first, database.connect() as second:
        # In an order that no turn-taking between sessions can match.
        asked = [(session, backend_pid(session)) for session in (first, first, second, first, second, second)]
    pids = {session: {pid for one, pid in asked if one is session} for session in (first, second)}
    return any(len(found) > 1 for found in pids.values()) or pids[first] == pids[second]
