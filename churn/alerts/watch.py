"""A job under watch: what becomes of it is told, and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.alerts import book
from churn.alerts.causes import Place, died, failed, warehouse_name
from churn.alerts.desk import Desk
from churn.alerts.findings import failed_checks, findings_of
from churn.config import Settings
from churn.errors import ChecksFailedError, LockedError, StoppedError, UsageError
from churn.ledger import NIGHT_JOBS, Clock
from churn.schema import runs, writer


@contextmanager
def watching(settings: Settings, clock: Clock, job: str, as_of: date) -> Iterator[None]:
    """Tell what becomes of the job inside: its failure, or what looks wrong and what is well again.

    The job's own error goes on as it is. What can't be told is a line on stderr, and is told with the next run. A
    command line that makes no sense (exit code 2) and a job that was told to stop are known to who did that, and told
    to nobody else.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Gives the current UTC time.
    job : str
        Such as nightly.
    as_of : date
    """
    watch = Watch(Desk(settings, clock), job, as_of)
    began = clock()
    try:
        yield
    except (UsageError, StoppedError):
        raise
    except Exception as error:  # noqa: BLE001 - it goes on below, whatever becomes of the telling
        try:
            watch.failure(error, began)
        finally:
            raise error
    watch.success()


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
class Watch:
    """One job, and the desk that it is told at."""

    desk: Desk
    job: str
    as_of: date

    def failure(self, error: Exception, began: datetime) -> None:
        """Tell an error of the job."""

        def enter(connection: Connection) -> None:
            if isinstance(error, LockedError) and self._is_at_work(connection):
                return
            place = self._at(connection, began)
            checks = failed_checks(connection, place.run_id) if isinstance(error, ChecksFailedError) else ()
            alert = failed(self.job, self.as_of, error, place, checks)
            book.note(connection, [self.desk.cleaned(alert)], at=self.desk.clock(), run_id=place.run_id)

        self.desk.tell(enter, lambda: failed(self.job, self.as_of, error, self._place()))

    def death(self, code: int) -> None:
        """Tell that the job's process is gone."""
        told = f"{self.job} failed {code}"

        def enter(connection: Connection) -> None:
            causes = [one.cause for one in book.open_alerts(connection)]
            if any(cause == told or cause.startswith(f"{told} ") for cause in causes):
                return
            if code == LockedError.exit_code and self._is_at_work(connection):
                return
            place = self._at(connection, None)
            alert = died(self.job, self.as_of, code, place)
            book.note(connection, [self.desk.cleaned(alert)], at=self.desk.clock(), run_id=place.run_id)

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

    def _at(self, connection: Connection, began: datetime | None) -> Place:
        """Say where the job was: the run is the one that this process had, or the last one where it is gone."""
        ended = sa.func.coalesce(runs.c.finished_at, runs.c.heartbeat_at, runs.c.started_at)
        query = sa.select(runs.c.run_id, runs.c.stage).where(runs.c.job == self.job, runs.c.as_of_date == self.as_of)
        if began is not None:
            query = query.where(ended >= began, sa.func.coalesce(runs.c.pid, os.getpid()) == os.getpid())
        row = connection.execute(query.order_by(runs.c.run_id.desc()).limit(1)).first()
        return self._place() if row is None else replace(self._place(), run_id=row.run_id, stage=row.stage)

    def _is_at_work(self, connection: Connection) -> bool:
        """Whether the job that holds the warehouse is this very one: then nothing is missed."""
        same = sa.select(writer.c.fence).where(writer.c.job == self.job, writer.c.as_of_date == self.as_of)
        return connection.execute(same).first() is not None
