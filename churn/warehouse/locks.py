"""The warehouse's one writer lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from churn.errors import LockedError
from churn.warehouse.database import Database

WRITER_LOCK_KEY = 0x636875726E  # "churn"
LOCK_PATIENCE_SECONDS = 5.0


@contextmanager
def writer_lock(database: Database, *, patience_seconds: float = LOCK_PATIENCE_SECONDS) -> Iterator[Connection]:
    """Hold the warehouse's one writer lock; it ends with the session, so a killed job never keeps it.

    Raises
    ------
    LockedError
        Another session still holds it after `patience_seconds`.
    """
    with database.connect() as connection:
        patience = Retrying(
            retry=retry_if_result(lambda is_ours: not is_ours),
            stop=stop_after_delay(patience_seconds),
            wait=wait_fixed(0.1),
            retry_error_callback=lambda _: False,
        )
        if not patience(_try_lock, connection):
            raise LockedError(f"Another job is writing to this warehouse{_holder(connection)}.", "Try again later.")
        yield connection


def _try_lock(connection: Connection) -> bool:
    return bool(connection.scalar(sa.text("select pg_try_advisory_lock(:key)"), {"key": WRITER_LOCK_KEY}))


def _holder(connection: Connection) -> str:
    # As the login itself: Postgres hides the start of a session from roles that are not its user's.
    connection.execute(sa.text("reset role"))
    row = connection.execute(
        sa.text(
            "select a.application_name, a.backend_start from pg_locks l join pg_stat_activity a using (pid) "
            "where l.locktype = 'advisory' and l.granted and (cast(l.classid as bigint) << 32) "
            "+ cast(l.objid as bigint) = :key "
            "and l.database = (select d.oid from pg_database d where d.datname = current_database())"
        ),
        {"key": WRITER_LOCK_KEY},
    ).first()
    if row is None:
        return ""
    return f" ({row[0]}{f', since {row[1]:%Y-%m-%d %H:%M:%S} UTC' if row[1] else ''})"
