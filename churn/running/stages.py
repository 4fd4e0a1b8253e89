"""A job at work: its stages, each in one transaction, tried again while the trouble may pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from sqlalchemy.engine import Connection

from churn.errors import ChurnError
from churn.ledger import Run, State
from churn.running.job import Job
from churn.running.retrying import retrying, told_anyway
from churn.warehouse import Database, Writer
from churn.windows import business_today

Result = TypeVar("Result")


class Memory(Protocol):
    """What the stages of a run tell one another, in a form that the ledger keeps."""

    def state(self) -> State:
        """Return all of it, as JSON."""

    def restore(self, state: State) -> None:
        """Be as it was."""


class NoMemory:
    """Stages that tell one another nothing."""

    def state(self) -> State:
        """Return nothing."""
        return {}

    def restore(self, state: State) -> None:
        """Have nothing to restore."""


@dataclass
class JobRun:
    """A job that holds the writer lock and has its place in the ledger."""

    job: Job
    run: Run
    source: Database
    warehouse: Database
    writer: Writer

    @property
    def started_on(self) -> date:
        """Business date on which the run began; it may end after midnight."""
        return business_today(self.run.started_at, self.job.settings.business.timezone)

    def require_lock(self) -> None:
        """Refuse to go on once the writer lock is another's.

        Raises
        ------
        LockedError
            Another job has it, or has had it.
        """
        self.writer.confirm()

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[int], None]]:
        """Run a stage under the ledger's and the user's eyes, once; call what is yielded with the rows that it made."""
        made = 0

        def report(rows: int) -> None:
            nonlocal made
            made = rows

        with self._watched(name):
            yield report
            with self.warehouse.begin() as connection:
                self.run.stage_finished(connection, name, made, {})
            self.run.rows[name] = made

    def step(
        self,
        name: str,
        work: Callable[[Connection], int],
        memory: Memory | None = None,
        *,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Run a stage in one transaction, which also says that it is done; try again what may pass.

        A stage that an earlier attempt of this run has finished is not run again: `memory` becomes what it left.

        Parameters
        ----------
        name : str
        work : callable
            Does it on the connection that it is given, and returns the rows that it made. What it writes it
            writes there, so that a try leaves everything or nothing.
        memory : Memory, optional
            What it tells later stages.
        before : callable, optional
            Done before the transaction is opened, in transactions of its own that may be done twice.
        """
        told = memory or NoMemory()
        if name in self.run.states:
            told.restore(self.run.states[name])
            return
        known = told.state()

        def attempt() -> None:
            self.writer.confirm()
            with self._watched(name):
                if before is not None and name not in self.run.states:
                    before()
                self._attempt(name, work, told, known)

        self.tried(attempt, what=f"Stage {name}")

    def _attempt(self, name: str, work: Callable[[Connection], int], told: Memory, before: State) -> None:
        if name in self.run.states:
            told.restore(self.run.states[name])
            return
        told.restore(before)
        with self.warehouse.begin() as connection:
            made = work(connection)
            state = told.state()
            self.run.stage_finished(connection, name, made, state)
        self.run.rows[name], self.run.states[name] = made, state

    def tried(self, work: Callable[[], Result], *, what: str) -> Result:
        """Do something, and again while the database's trouble may pass, as `[retry]` says.

        Before another try the ledger is asked what is done: a commit whose answer was lost counts.
        """
        tries = 0

        def again() -> Result:
            nonlocal tries
            tries += 1
            if tries > 1:
                self.run.refresh()
            return work()

        return retrying(self.job, what)(again)

    def transaction(self, work: Callable[[Connection], Result], *, what: str) -> Result:
        """Do something in one transaction of the warehouse, and again while the trouble may pass."""

        def attempt() -> Result:
            with self.warehouse.begin() as connection:
                return work(connection)

        return self.tried(attempt, what=what)

    @contextmanager
    def _watched(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        self.run.stage_started(name)
        try:
            self.job.progress.stage_started(name)
            yield
        except ChurnError as error:
            message = str(error)
            told_anyway(error, lambda: self.run.stage_failed(name, message))
            raise
        self.job.progress.stage_finished(name, self.run.rows.get(name, 0), time.monotonic() - started)
