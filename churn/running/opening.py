"""A job takes the writer lock and its place in the ledger, and gives both back whatever happens."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

import churn
from churn.connections import open_source, open_warehouse
from churn.errors import ChurnError, TransientError
from churn.heart import Heart
from churn.ledger import Run, RunOpening, bury_dead_runs, open_run
from churn.migrate import require_current
from churn.running.job import Job
from churn.running.retrying import retrying, told_anyway
from churn.running.stages import JobRun
from churn.warehouse import Claim, Database, Writer, refuse_pooler, writer_lock
from churn.warehouse.locks import LOCK_PATIENCE_SECONDS
from churn.windows import business_day_start

Admit = Callable[[Connection], None]
"""Raises where a job is not to be run after all; asked under the lock, before the ledger knows of the run."""


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
def running(job: Job, name: str, *, inputs: Inputs | None = None, admit: Admit | None = None) -> Iterator[JobRun]:
    """Take the writer lock, open the run in the ledger, and close both whatever happens.

    Parameters
    ----------
    job : Job
    name : str
        Of the job, as the ledger has it.
    inputs : Inputs, optional
        Where given, a run that was cut off goes on.
    admit : callable, optional
        Asked first; what it raises goes on, and the ledger has no run.
    """
    job.refuse_the_future()
    plain = open_warehouse(job.settings, job=name)
    source = open_source(job.settings)
    with ExitStack() as stack:
        writer, run = retrying(job, "Opening the run", TransientError)(
            lambda: _opened(stack, job, name, plain, inputs, admit)
        )
        warehouse = writer.database
        job.progress.run_started(name, run.run_id, job.as_of)
        if run.states:
            job.progress.note(f"Going on after {list(run.rows)[-1]}; --fresh starts over.")
        if run.started_over:
            job.progress.note(run.started_over)
        current = JobRun(job, run, source, warehouse, writer)
        with _closed(current), Heart(warehouse, run, job.progress).beating():
            yield current


def _opened(
    stack: ExitStack, job: Job, name: str, plain: Database, inputs: Inputs | None, admit: Admit | None
) -> tuple[Writer, Run]:
    """Take the lock and open the run; what a try has taken is given back where it fails."""
    with ExitStack() as tried:
        writer = _taken(tried, job, name, plain)
        if admit is not None:
            with writer.database.begin() as connection:
                bury_dead_runs(connection)
            with writer.database.begin() as connection:
                admit(connection)
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
        told_anyway(failure, lambda: run.finish("failed", exit_code=failure.exit_code, error=str(failure)))
        raise
    except BaseException as error:
        what = f"{type(error).__name__} (a defect, or the run was interrupted)"
        told_anyway(error, lambda: run.finish("failed", exit_code=1, error=what))
        raise
    current.tried(lambda: run.finish("succeeded", exit_code=0), what="Closing the run")
