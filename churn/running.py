"""A job at work: what it is given at the edge, its lock, its place in the ledger, the eyes of the user."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

import churn
from churn.config import Settings
from churn.connections import open_source, open_warehouse
from churn.errors import UsageError
from churn.ledger import Clock, Run, recorded_run
from churn.migrate import require_current
from churn.progress import Progress
from churn.warehouse import Database, translated, writer_lock
from churn.windows import business_today


@dataclass(frozen=True)
class Job:
    """What every job is given at the edge.

    Attributes
    ----------
    settings : Settings
    as_of : date
        Business date to work for.
    clock : callable
        Gives the current UTC time.
    progress : Progress
    """

    settings: Settings
    as_of: date
    clock: Clock
    progress: Progress

    @property
    def today(self) -> date:
        """Today's business date."""
        return business_today(self.clock(), self.settings.business.timezone)

    def refuse_the_future(self) -> None:
        """Refuse an `as_of` after today: nobody knows what will have happened by then."""
        if self.as_of > self.today:
            raise UsageError(
                f"--as-of {self.as_of} is in the future; today is {self.today} ({self.settings.business.timezone}).",
                "Give today's date or an earlier one.",
            )


@dataclass
class JobRun:
    """A job that holds the writer lock and has its place in the ledger."""

    job: Job
    run: Run
    source: Database
    warehouse: Database
    lock: Connection

    def require_lock(self) -> None:
        """Refuse to go on once the session that holds the writer lock is gone: another job may be writing.

        Raises
        ------
        TransientError
            It is gone.
        """
        with translated("warehouse"):
            self.lock.execute(sa.text("select 1"))

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[int], None]]:
        """Run a stage under the ledger's and the user's eyes."""
        started = time.monotonic()
        self.job.progress.stage_started(name)
        with self.run.stage(name) as report:
            yield report
        self.job.progress.stage_finished(name, self.run.rows[name], time.monotonic() - started)


@contextmanager
def running(job: Job, name: str) -> Iterator[JobRun]:
    """Take the writer lock, open the run in the ledger, and close both whatever happens."""
    job.refuse_the_future()
    warehouse = open_warehouse(job.settings, job=name)
    source = open_source(job.settings)
    with warehouse.connect() as connection:
        require_current(connection)
    with (
        writer_lock(warehouse) as lock,
        recorded_run(
            warehouse,
            job=name,
            as_of=job.as_of,
            clock=job.clock,
            config_digest=job.settings.digest(),
            versions={"code": churn.__version__, "python": platform.python_version()},
        ) as run,
    ):
        job.progress.run_started(name, run.run_id, job.as_of)
        yield JobRun(job, run, source, warehouse, lock)
