"""The warehouse's one writer: a lock that only writers can take, and a fence against one that has lost it.

The lock is that of the table `ops.writer`, held in the open transaction of a session of its own: it ends with that
session, so a killed job never keeps it, and readers have no right to it. The table's one row has a number, the fence,
that every holder raises. Each transaction of a job first makes sure that the number is still its own, and holds the
row until it ends; so a job whose lock has gone to another can neither write nor publish, however late it wakes.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from churn.errors import LockedError
from churn.warehouse.database import Database, Fence
from churn.warehouse.failures import sqlstate, translated
from churn.warehouse.sessions import backend_pid, end_left_over_sessions, is_alive, never_time_out

LOCK_PATIENCE_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 10.0
_LOCK_NOT_AVAILABLE = "55P03"

TRY_LATER = "Try again later, or wait for it with --wait."

_RAISE_FENCE = sa.text(
    "update ops.writer set fence = fence + 1, job = :job, as_of_date = :as_of_date, run_id = null, host = :host, "
    "pid = :pid, backend_pid = :backend_pid, since = :at returning fence"
)

Waiting = Callable[[str], None]


@dataclass(frozen=True)
class Claim:
    """Who asks for the lock, for those who find it taken.

    Attributes
    ----------
    job : str
    as_of : date or None
    clock : callable or None
        Gives the current UTC time.
    """

    job: str
    as_of: date | None = None
    clock: Callable[[], datetime] | None = None


class Writer:
    """Holds the writer lock; `database` is fenced by it."""

    def __init__(self, plain: Database, claim: Claim) -> None:
        self._plain = plain
        self._claim = claim
        self._session: Connection | None = None
        self.fence = 0

    @property
    def database(self) -> Database:
        """The warehouse, as long as the lock is ours."""
        return replace(self._plain, fence=Fence(self.fence, f"churn {self._claim.job} #{self.fence}"))

    def take(self, patience_seconds: float | None, waiting: Waiting | None) -> None:
        """Wait for the lock and raise the fence; sessions that a dead job has left behind are ended."""
        self._session = _locked_session(self._plain, patience_seconds, waiting)
        with translated("warehouse"):
            end_left_over_sessions(self._plain)
            values = {
                "job": self._claim.job,
                "as_of_date": self._claim.as_of,
                "at": self._claim.clock() if self._claim.clock else None,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "backend_pid": backend_pid(self._session),
            }
            with self._plain.begin() as connection:
                self.fence = int(connection.execute(_RAISE_FENCE, values).scalar_one())

    def note_run(self, run_id: int) -> None:
        """Let those who find the lock taken know which run has it."""
        with self.database.begin() as connection:
            connection.execute(sa.text("update ops.writer set run_id = :run_id"), {"run_id": run_id})

    def confirm(self) -> None:
        """Make sure that the lock is ours; take it again where its session broke off and nobody else has had it.

        Raises
        ------
        LockedError
            Another job has it, or has had it.
        """
        if self._session is None or not is_alive(self._session):
            self.release()
            self._session = _locked_session(self._plain, LOCK_PATIENCE_SECONDS, None)
        # Opening a transaction checks the fence.
        with self.database.begin():
            pass

    def release(self) -> None:
        """Give the lock back."""
        if self._session is not None:
            session, self._session = self._session, None
            session.invalidate()
            session.close()


@contextmanager
def writer_lock(
    database: Database,
    claim: Claim,
    *,
    patience_seconds: float | None = LOCK_PATIENCE_SECONDS,
    waiting: Waiting | None = None,
) -> Iterator[Writer]:
    """Hold the warehouse's one writer lock.

    Parameters
    ----------
    database : Database
    claim : Claim
    patience_seconds : float or None
        How long to wait for it; None waits for as long as it takes.
    waiting : callable, optional
        Told, every few seconds, who has it.

    Raises
    ------
    LockedError
        Another session still holds it after `patience_seconds`.
    """
    writer = Writer(database, claim)
    try:
        writer.take(patience_seconds, waiting)
        yield writer
    finally:
        writer.release()


def lock_in_transaction(connection: Connection, patience_seconds: float = LOCK_PATIENCE_SECONDS) -> None:
    """Take the writer lock until the end of this transaction, where the table is there already; for migrations.

    Raises
    ------
    LockedError
        Another session still holds it after `patience_seconds`.
    """
    if connection.scalar(sa.text("select to_regclass('ops.writer')")) is None:
        return
    before = connection.scalar(sa.text("select current_setting('lock_timeout')"))
    try:
        with connection.begin_nested():
            _lock(connection, patience_seconds)
            connection.execute(sa.text("select set_config('lock_timeout', :before, true)"), {"before": before})
    except DBAPIError as error:
        if sqlstate(error) != _LOCK_NOT_AVAILABLE:
            raise
        raise _refusal(connection) from None


def _locked_session(database: Database, patience_seconds: float | None, waiting: Waiting | None) -> Connection:
    with translated("warehouse"):
        session = database.engine.connect()
        try:
            never_time_out(session)
            until = None if patience_seconds is None else time.monotonic() + patience_seconds
            while not _try_lock(session, _LONGEST_WAIT_SECONDS if until is None else until - time.monotonic()):
                refusal = _refusal(session)
                session.rollback()
                if until is not None and time.monotonic() >= until:
                    raise refusal
                if waiting is not None:
                    waiting(f"{refusal.message} Waiting for it.")
        except BaseException:
            session.close()
            raise
    return session


def _try_lock(session: Connection, seconds: float) -> bool:
    try:
        _lock(session, min(max(seconds, 0.05), _LONGEST_WAIT_SECONDS))
    except DBAPIError as error:
        session.rollback()
        if sqlstate(error) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _lock(connection: Connection, seconds: float) -> None:
    """Queue for the lock; who waits longest has it next."""
    timeout = sa.text("select set_config('lock_timeout', :timeout, true)")
    connection.execute(timeout, {"timeout": f"{max(1, round(seconds * 1000))}ms"})
    connection.execute(sa.text("lock table ops.writer in share update exclusive mode"))


def _refusal(connection: Connection) -> LockedError:
    row = connection.execute(
        sa.text(
            "select a.usename, a.application_name, a.backend_start, "
            "w.job, w.as_of_date, w.run_id, w.host, w.pid, w.since "
            "from pg_catalog.pg_locks as l "
            "left join pg_catalog.pg_stat_activity as a on l.pid = a.pid "
            "left join ops.writer as w on l.pid = w.backend_pid or a.application_name = 'churn ' || w.job "
            "where l.relation = to_regclass('ops.writer') and l.granted and l.mode = 'ShareUpdateExclusiveLock' "
            "and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())"
        )
    ).first()
    return LockedError(f"Another job is writing to this warehouse{'' if row is None else _holder(row)}.", TRY_LATER)


def _holder(row: sa.Row[tuple[object, ...]]) -> str:
    since = row.since or row.backend_start
    job = row.application_name if row.job is None else f"churn {row.job}"
    told = [
        f"{job} for {row.as_of_date}" if row.as_of_date else job,
        f"run {row.run_id}" if row.run_id else "",
        f"process {row.pid} on {row.host}" if row.pid else "",
        f"login {row.usename}" if row.usename else "",
        f"since {since:%Y-%m-%d %H:%M:%S} UTC" if since else "",
    ]
    return f" ({', '.join(one for one in told if one)})"
