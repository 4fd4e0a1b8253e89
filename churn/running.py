"""A job at work: what it is given at the edge, its lock, its place in the ledger, its tries, the eyes of the user."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Connection
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential, wait_random

import churn
from churn.config import Settings
from churn.connections import open_source, open_warehouse
from churn.errors import ChurnError, SourceError, TransientError, UsageError
from churn.heart import Heart
from churn.ledger import Clock, Run, RunOpening, State, open_run
from churn.migrate import require_current
from churn.progress import Progress
from churn.warehouse import Claim, Database, Writer, refuse_pooler, writer_lock
from churn.warehouse.locks import LOCK_PATIENCE_SECONDS
from churn.windows import business_day_start, business_today

Result = TypeVar("Result")


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
    wait : bool
        Wait for the writer lock for as long as it takes.
    """

    settings: Settings
    as_of: date
    clock: Clock
    progress: Progress
    wait: bool = False

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

        return _retrying(self.job, what)(again)

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
            _told_anyway(error, lambda: self.run.stage_failed(name, message))
            raise
        self.job.progress.stage_finished(name, self.run.rows.get(name, 0), time.monotonic() - started)


def _retrying(job: Job, what: str, kind: type[ChurnError] = ChurnError) -> Retrying:
    """Return the patience of `[retry]` with errors of a kind: pauses that double, with as much again at random."""
    retry = job.settings.retry

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        message = error.message if isinstance(error, ChurnError) else ""
        job.progress.note(f"{what}, try {state.attempt_number}: {message} Trying again in {pause:.0f} s.")

    def may_pass(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # A source that was never reached is told at once: mostly its address is wrong.
        is_unknown = isinstance(error, SourceError) and state.attempt_number == 1
        return isinstance(error, kind) and error.may_pass and not is_unknown

    return Retrying(
        retry=may_pass,
        stop=stop_after_attempt(retry.attempts),
        wait=wait_exponential(multiplier=retry.first_pause_seconds, max=retry.longest_pause_seconds)
        + wait_random(0, retry.first_pause_seconds),
        before_sleep=tell,
        reraise=True,
    )


@dataclass(frozen=True)
class Inputs:
    """What a run works from, for a later attempt to know whether it may go on.

    Attributes
    ----------
    digest : callable
        Given a connection to the warehouse, says what everything comes from.
    """

    digest: Callable[[Connection], str]


@contextmanager
def running(job: Job, name: str, *, inputs: Inputs | None = None) -> Iterator[JobRun]:
    """Take the writer lock, open the run in the ledger, and close both whatever happens.

    Parameters
    ----------
    job : Job
    name : str
        Of the job, as the ledger has it.
    inputs : Inputs, optional
        Where given, a run that was cut off goes on.
    """
    job.refuse_the_future()
    plain = open_warehouse(job.settings, job=name)
    source = open_source(job.settings)
    with ExitStack() as stack:
        writer, run = _retrying(job, "Opening the run", TransientError)(
            lambda: _opened(stack, job, name, plain, inputs)
        )
        warehouse = writer.database
        job.progress.run_started(name, run.run_id, job.as_of)
        if run.states:
            job.progress.note(f"Going on after {list(run.rows)[-1]}; --fresh starts over.")
        current = JobRun(job, run, source, warehouse, writer)
        with _closed(current), Heart(warehouse, run, job.progress).beating():
            yield current


def _opened(stack: ExitStack, job: Job, name: str, plain: Database, inputs: Inputs | None) -> tuple[Writer, Run]:
    """Take the lock and open the run; what a try has taken is given back where it fails."""
    with ExitStack() as tried:
        writer = _taken(tried, job, name, plain)
        run = open_run(writer.database, _opening(job, name, writer.database, inputs), job.clock)
        writer.note_run(run.run_id)
        stack.push(tried.pop_all())
    return writer, run


def _taken(stack: ExitStack, job: Job, name: str, plain: Database) -> Writer:
    with plain.connect() as connection:
        require_current(connection)
    refuse_pooler(plain)
    patience = None if job.wait else LOCK_PATIENCE_SECONDS
    claim = Claim(name, job.as_of, job.clock)
    return stack.enter_context(writer_lock(plain, claim, patience_seconds=patience, waiting=job.progress.note))


def _opening(job: Job, name: str, warehouse: Database, inputs: Inputs | None) -> RunOpening:
    versions: Mapping[str, Any] = {"code": churn.__version__, "python": platform.python_version()}
    if inputs is None:
        return RunOpening(name, job.as_of, job.settings.digest(), versions)
    with warehouse.begin() as connection:
        digest = inputs.digest(connection)
    not_before = business_day_start(job.today, job.settings.business.timezone)
    return RunOpening(name, job.as_of, job.settings.digest(), versions, digest, not_before)


@contextmanager
def _closed(current: JobRun) -> Iterator[None]:
    """Close the run in the ledger with what became of it."""
    run = current.run
    try:
        yield
    except ChurnError as error:
        failure = error
        _told_anyway(failure, lambda: run.finish("failed", exit_code=failure.exit_code, error=str(failure)))
        raise
    except BaseException as error:
        what = f"{type(error).__name__} (a defect, or the run was interrupted)"
        _told_anyway(error, lambda: run.finish("failed", exit_code=1, error=what))
        raise
    current.tried(lambda: run.finish("succeeded", exit_code=0), what="Closing the run")


def _told_anyway(error: BaseException, tell: Callable[[], None]) -> None:
    """Tell the ledger of an error; where that fails too, the error that came first is the one to be seen."""
    try:
        tell()
    except ChurnError as later:
        error.add_note(f"The ledger could not be told: {later.message}")
