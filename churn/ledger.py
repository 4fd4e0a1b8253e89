"""The ledger of runs: what was started, how far it came, what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from churn.errors import ChurnError
from churn.schema import published, run_stages, runs
from churn.warehouse import Database

Clock = Callable[[], datetime]
ERROR_LENGTH = 2000


@dataclass
class Run:
    """One run of one job; everything it writes carries its `run_id`.

    Attributes
    ----------
    warehouse : Database
    run_id : int
    job : str
    as_of : date
    clock : callable
        Gives the current UTC time; handed down from the edge.
    rows : dict of str to int
        Rows by stage, so far.
    """

    warehouse: Database
    run_id: int
    job: str
    as_of: date
    started_at: datetime
    clock: Clock
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[int], None]]:
        """Enter a stage in the ledger; call what is yielded with the rows that it made."""
        with self.warehouse.begin() as connection:
            connection.execute(sa.insert(run_stages).values(run_id=self.run_id, stage=name, started_at=self.clock()))
            connection.execute(sa.update(runs).where(runs.c.run_id == self.run_id).values(stage=name))
        made = 0

        def report(rows: int) -> None:
            nonlocal made
            made = rows

        yield report
        self.rows[name] = made
        with self.warehouse.begin() as connection:
            connection.execute(
                sa.update(run_stages)
                .where(run_stages.c.run_id == self.run_id, run_stages.c.stage == name)
                .values(finished_at=self.clock(), rows=made)
            )

    def note_versions(self, versions: Mapping[str, str]) -> None:
        """Add to the versions that the run says it used."""
        with self.warehouse.begin() as connection:
            connection.execute(
                sa.text("update ops.runs set versions = versions || cast(:versions as jsonb) where run_id = :run_id"),
                {"versions": json.dumps(dict(versions), sort_keys=True), "run_id": self.run_id},
            )

    def finish(self, status: str, *, exit_code: int, error: str | None = None) -> None:
        """Close the run in the ledger."""
        with self.warehouse.begin() as connection:
            connection.execute(
                sa.update(runs)
                .where(runs.c.run_id == self.run_id)
                .values(
                    status=status,
                    finished_at=self.clock(),
                    rows=self.rows,
                    exit_code=exit_code,
                    error=error[:ERROR_LENGTH] if error else None,
                )
            )


@contextmanager
def recorded_run(
    warehouse: Database,
    *,
    job: str,
    as_of: date,
    clock: Clock,
    config_digest: str,
    versions: Mapping[str, str],
) -> Iterator[Run]:
    """Open a run in the ledger and close it with what became of it.

    The caller holds the writer lock, so any run that still says `running` was cut off: it is marked `died`, unless
    it had published its night.
    """
    started_at = clock()
    with warehouse.begin() as connection:
        bury_dead_runs(connection)
        run_id = connection.scalar(
            sa.insert(runs)
            .values(
                job=job,
                as_of_date=as_of,
                status="running",
                started_at=started_at,
                config_digest=config_digest,
                versions=dict(versions),
            )
            .returning(runs.c.run_id)
        )
    run = Run(warehouse, int(run_id or 0), job, as_of, started_at, clock)
    try:
        yield run
    except ChurnError as error:
        run.finish("failed", exit_code=error.exit_code, error=str(error))
        raise
    except BaseException as error:
        run.finish("failed", exit_code=1, error=f"{type(error).__name__} (a defect, or the run was interrupted)")
        raise
    run.finish("succeeded", exit_code=0)


def bury_dead_runs(connection: sa.Connection) -> None:
    """Close runs that ended without saying so: as succeeded where they had published their night, else as died."""
    done = run_stages.c
    rows = sa.select(sa.func.jsonb_object_agg(done.stage, done.rows))
    connection.execute(
        sa.update(runs)
        .where(runs.c.status == "running", runs.c.run_id == published.c.run_id)
        .values(
            status="succeeded",
            finished_at=published.c.published_at,
            rows=rows.where(done.run_id == runs.c.run_id, done.rows.is_not(None)).scalar_subquery(),
        )
    )
    connection.execute(
        sa.update(runs)
        .where(runs.c.status == "running")
        .values(
            status="died",
            error="The run was cut off (killed, or its connection broke): run it again.",
        )
    )


def last_runs(connection: sa.Connection, count: int) -> list[dict[str, Any]]:
    """Return the last runs, newest first, as dicts of the ledger's columns."""
    found = connection.execute(sa.select(runs).order_by(runs.c.run_id.desc()).limit(count))
    return [dict(row) for row in found.mappings()]
