"""A job under watch: what becomes of it is told, and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.alerts import book
from churn.alerts.causes import Place, Standing, died, failed, warehouse_name
from churn.alerts.desk import Desk
from churn.alerts.findings import failed_checks, findings_of
from churn.config import Settings
from churn.errors import ChecksFailedError, DoneMeanwhileError, LockedError, StoppedError, UsageError
from churn.ledger import NIGHT_JOBS, Clock
from churn.schema import published, runs
from churn.sqlfiles import read_sql


@contextmanager
def watching(settings: Settings, clock: Clock, job: str, as_of: date, *, again: str | None = None) -> Iterator[None]:
    """Tell what becomes of the job inside: its failure, or what looks wrong and what is well again.

    The job's own error goes on as it is. What can't be told is a line on stderr, and is told with the next run. A
    command line that makes no sense (exit code 2) and a job that was told to stop are known to who did that, and told
    to nobody else; nothing is missed where another process did the same meanwhile.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Gives the current UTC time.
    job : str
        Such as nightly.
    as_of : date
    again : str, optional
        The command that goes on after a failure, where it is not the job's for `as_of`.
    """
    watch = Watch(Desk(settings, clock), job, as_of, again)
    began = clock()
    try:
        yield
    except (UsageError, StoppedError, DoneMeanwhileError):
        raise
    except Exception as error:  # noqa: BLE001 - it goes on below, whatever becomes of the telling
        try:
            watch.failure(error, began)
        finally:
            raise error
    try:
        watch.success()
    except (StoppedError, KeyboardInterrupt):
        watch.desk.log("Told to stop while alerts were told: the job is done; what is owed is told with the next run.")


def tell_died(settings: Settings, clock: Clock, job: str, as_of: date, code: int) -> None:
    """Tell that a job's process ended badly, where it may not have told it itself.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Gives the current UTC time.
    job : str
    as_of : date
    code : int
        What the process returned: negative for a signal. What it has told itself with this code is not told again.
    """
    if code:
        Watch(Desk(settings, clock), job, as_of).death(code)


@dataclass(frozen=True)
class Whereabouts:
    """Where a job was when it ended, the night that it was at, and how that night stands."""

    place: Place
    as_of: date
    standing: Standing | None


@dataclass(frozen=True)
class Watch:
    """One job, and the desk that it is told at; `again` goes on with it, where that is no run of `as_of`."""

    desk: Desk
    job: str
    as_of: date
    again: str | None = None

    def failure(self, error: Exception, began: datetime) -> None:
        """Tell an error of the job."""

        def enter(connection: Connection) -> None:
            if isinstance(error, LockedError) and self._is_at_work(connection):
                return
            at = self._at(connection, began)
            run_id = at.place.run_id
            checks = failed_checks(connection, run_id) if isinstance(error, ChecksFailedError) else ()
            alert = failed(self.job, at.as_of, error, at.place, checks, standing=at.standing, again=self.again)
            book.note(connection, [self.desk.cleaned(alert)], at=self.desk.clock(), run_id=run_id)

        self.desk.tell(enter, lambda: failed(self.job, self.as_of, error, self._place(), again=self.again))

    def death(self, code: int) -> None:
        """Tell that the job's process is gone."""
        told = f"{self.job} failed {code}"

        def enter(connection: Connection) -> None:
            causes = [one.cause for one in book.open_alerts(connection)]
            if any(cause == told or cause.startswith(f"{told} ") for cause in causes):
                return
            if code == LockedError.exit_code and self._is_at_work(connection):
                return
            at = self._at(connection, None)
            alert = died(self.job, at.as_of, code, at.place, standing=at.standing)
            book.note(connection, [self.desk.cleaned(alert)], at=self.desk.clock(), run_id=at.place.run_id)

        self.desk.tell(enter, lambda: died(self.job, self.as_of, code, self._place()))

    def success(self) -> None:
        """Tell what is well again, and what looks wrong about the night that was published."""

        def enter(connection: Connection) -> None:
            at = self.desk.clock()
            book.close_failures(connection, self.job, as_of=self.as_of, at=at)
            found = findings_of(connection, self.as_of, self._place()) if self.job in NIGHT_JOBS else None
            if found is None:
                return
            run_id, warnings = found
            book.close_warnings(connection, [alert.cause for alert in warnings], at=at, run_id=run_id)
            book.note(connection, [self.desk.cleaned(alert) for alert in warnings], at=at, run_id=run_id)

        self.desk.tell(enter, lambda: None)

    # ------------------------------------------------------------ where it was

    def _place(self) -> Place:
        settings = self.desk.settings
        return Place(self.desk.host, str(settings.base_dir), warehouse_name(settings))

    def _at(self, connection: Connection, began: datetime | None) -> Whereabouts:
        """Say where the job was: the run is the one that this process had, or the last one where it is gone."""
        run = self._run(connection, began)
        if run is None:
            return Whereabouts(self._place(), self.as_of, self._standing(connection, self.as_of, None))
        place = replace(self._place(), run_id=run.run_id, stage=run.stage)
        return Whereabouts(place, run.as_of_date, self._standing(connection, run.as_of_date, run.run_id))

    def _run(self, connection: Connection, began: datetime | None) -> Any:
        """Return the run; of a backfill the last of its nights, unless that is done: it ended between two."""
        query = sa.select(runs.c.run_id, runs.c.stage, runs.c.as_of_date, runs.c.status).where(runs.c.job == self.job)
        is_backfill = self.job == "backfill"
        if not is_backfill:
            query = query.where(runs.c.as_of_date == self.as_of)
        if began is not None:
            ended = sa.func.coalesce(runs.c.finished_at, runs.c.heartbeat_at, runs.c.started_at)
            pid, host = os.getpid(), self.desk.host
            query = query.where(
                ended >= began, sa.func.coalesce(runs.c.pid, pid) == pid, sa.func.coalesce(runs.c.host, host) == host
            )
        run = connection.execute(query.order_by(runs.c.run_id.desc()).limit(1)).first()
        return None if run is None or (is_backfill and run.status == "succeeded") else run

    def _standing(self, connection: Connection, as_of: date, run_id: int | None) -> Standing | None:
        """Say how the night stands, as readers see it."""
        if self.job not in NIGHT_JOBS:
            return None
        shown = connection.scalar(sa.select(published.c.run_id).where(published.c.as_of_date == as_of))
        if shown is None:
            return "missing"
        return "out" if shown == run_id else "before"

    def _is_at_work(self, connection: Connection) -> bool:
        """Whether the job that holds the lock is this very one: then nothing is missed."""
        holders = connection.execute(read_sql("status/lock_holder.sql").statement)
        return any((row.job, row.as_of_date) == (self.job, self.as_of) for row in holders)
