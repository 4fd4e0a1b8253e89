"""The ledger of runs: what was started, how far it came, what became of it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.errors import SourceError, StoppedError, TransientError, WarehouseError
from churn.schema import published, run_stages, runs
from churn.warehouse import Database

Clock = Callable[[], datetime]
State = dict[str, Any]
"""What a stage leaves for those after it, as JSON."""

ERROR_LENGTH = 2000
NIGHT_JOBS = ("nightly", "backfill")
"""Jobs that publish nights."""

_PASSING = sorted({kind.exit_code for kind in (SourceError, WarehouseError, TransientError, StoppedError)})


@dataclass(frozen=True)
class RunOpening:
    """What the ledger is told of a run at its start.

    Attributes
    ----------
    job : str
    as_of : date
    config_digest : str
    versions : mapping of str to str
    inputs_digest : str or None
        Runs with the same one would do the same; None for jobs that always start over.
    not_before : datetime or None
        A run that was cut off goes on where it started no earlier; None starts over.
    """

    job: str
    as_of: date
    config_digest: str
    versions: Mapping[str, str]
    inputs_digest: str | None = None
    not_before: datetime | None = None


@dataclass
class Run:
    """One run of one job; everything it writes carries its `run_id`.

    Attributes
    ----------
    warehouse : Database
    run_id : int
    job : str
    as_of : date
    started_at : datetime
    clock : callable
        Gives the current UTC time; handed down from the edge.
    inputs_digest : str or None
        What it works from.
    rows : dict of str to int
        Rows by finished stage.
    states : dict of str to State
        What each finished stage left.
    started_over : str or None
        Why a run of the same night that was cut off is not gone on with, where there is one.
    """

    warehouse: Database
    run_id: int
    job: str
    as_of: date
    started_at: datetime
    clock: Clock
    inputs_digest: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    started_over: str | None = None

    def stage_started(self, name: str) -> None:
        """Enter in the ledger that a stage is being tried."""
        at = self.clock()
        entry = insert(run_stages).values(run_id=self.run_id, stage=name, started_at=at)
        again = {"started_at": at, "attempts": run_stages.c.attempts + 1, "error": None}
        with self.warehouse.begin() as connection:
            connection.execute(
                entry.on_conflict_do_update(index_elements=[run_stages.c.run_id, run_stages.c.stage], set_=again)
            )
            connection.execute(self._this().values(stage=name, heartbeat_at=at))

    def stage_finished(self, connection: Connection, name: str, rows: int, state: State) -> None:
        """Enter that a stage is done; in the transaction that holds what it made."""
        connection.execute(
            self._stage(name).values(finished_at=self.clock(), rows=rows, state=json.loads(json.dumps(state)))
        )

    def stage_failed(self, name: str, error: str) -> None:
        """Enter why a stage failed."""
        with self.warehouse.begin() as connection:
            connection.execute(self._stage(name).values(error=error[:ERROR_LENGTH]))

    def refresh(self) -> None:
        """Learn from the ledger which stages are done: of a run that goes on, or where a commit's answer was lost."""
        done = run_stages.c
        query = (
            sa.select(done.stage, done.rows, done.state)
            .where(done.run_id == self.run_id, done.finished_at.is_not(None))
            .order_by(done.finished_at, done.started_at)
        )
        with self.warehouse.begin() as connection:
            found = connection.execute(query).all()
        self.rows = {row.stage: row.rows for row in found}
        self.states = {row.stage: row.state for row in found}

    def forget(self, stages: Iterable[str]) -> None:
        """Take back that stages are done: what they made is lost."""
        lost = run_stages.c.run_id == self.run_id, run_stages.c.stage.in_(list(stages))
        with self.warehouse.begin() as connection:
            connection.execute(sa.update(run_stages).where(*lost).values(finished_at=None, rows=None, state=None))
        self.refresh()

    def note_versions(self, connection: Connection, versions: Mapping[str, str]) -> None:
        """Add to the versions that the run says it used."""
        added = sa.cast(dict(versions), runs.c.versions.type)
        connection.execute(self._this().values(versions=runs.c.versions.op("||")(added)))

    def finish(self, status: str, *, exit_code: int, error: str | None = None) -> None:
        """Close the run in the ledger."""
        with self.warehouse.begin() as connection:
            connection.execute(
                self._this().values(
                    status=status,
                    finished_at=self.clock(),
                    rows=self.rows,
                    exit_code=exit_code,
                    error=error[:ERROR_LENGTH] if error else None,
                )
            )

    def _this(self) -> sa.Update:
        return sa.update(runs).where(runs.c.run_id == self.run_id)

    def _stage(self, name: str) -> sa.Update:
        return sa.update(run_stages).where(run_stages.c.run_id == self.run_id, run_stages.c.stage == name)


def open_run(warehouse: Database, opening: RunOpening, clock: Clock) -> Run:
    """Enter a run in the ledger, or go on with the one that was cut off.

    The caller holds the writer lock, so any run that still says `running` was cut off: it is marked `died`, unless
    it had published its night. A run goes on under its own number where it was the last one of all, worked on the
    same night from the same inputs, and did not fail for good.
    """
    at, why = clock(), None
    with warehouse.begin() as connection:
        bury_dead_runs(connection)
        before = _to_go_on_with(connection, opening)
        if before is not None:
            run_id, started_at = before
        else:
            why = _why_started_over(connection, opening)
            run_id, started_at = _new_run(connection, opening, at), at
        connection.execute(
            sa.update(runs)
            .where(runs.c.run_id == run_id)
            .values(status="running", heartbeat_at=at, host=socket.gethostname(), pid=os.getpid())
        )
    run = Run(warehouse, run_id, opening.job, opening.as_of, started_at, clock, opening.inputs_digest, started_over=why)
    if before is not None:
        run.refresh()
    return run


def _new_run(connection: Connection, opening: RunOpening, at: datetime) -> int:
    values = {
        "job": opening.job,
        "as_of_date": opening.as_of,
        "status": "running",
        "started_at": at,
        "config_digest": opening.config_digest,
        "inputs_digest": opening.inputs_digest,
        "versions": dict(opening.versions),
    }
    return int(connection.execute(sa.insert(runs).values(values).returning(runs.c.run_id)).scalar_one())


def _to_go_on_with(connection: Connection, opening: RunOpening) -> tuple[int, datetime] | None:
    """Return the run that was cut off and can go on, marked as tried once more; None starts over."""
    if opening.inputs_digest is None or opening.not_before is None:
        return None
    last = connection.execute(sa.select(runs).order_by(runs.c.run_id.desc()).limit(1)).mappings().first()
    if last is None or last["started_at"] < opening.not_before:
        return None
    same = (last["job"], last["as_of_date"], last["inputs_digest"])
    if not _was_cut_off(last) or same != (opening.job, opening.as_of, opening.inputs_digest):
        return None
    values = {"attempts": runs.c.attempts + 1, "finished_at": None, "exit_code": None, "error": None}
    connection.execute(sa.update(runs).where(runs.c.run_id == last["run_id"]).values(values))
    return last["run_id"], last["started_at"]


def _was_cut_off(run: sa.RowMapping) -> bool:
    return run["status"] == "died" or (run["status"] == "failed" and run["exit_code"] in _PASSING)


def _why_started_over(connection: Connection, opening: RunOpening) -> str | None:
    """Say why the last run of the same night is not gone on with, where it was cut off after a whole stage."""
    if opening.inputs_digest is None or opening.not_before is None:
        return None
    of_night = runs.c.job == opening.job, runs.c.as_of_date == opening.as_of
    newest = sa.select(runs).where(*of_night).order_by(runs.c.run_id.desc()).limit(1)
    before = connection.execute(newest).mappings().first()
    if before is None or not _was_cut_off(before):
        return None
    done = sa.exists().where(run_stages.c.run_id == before["run_id"], run_stages.c.finished_at.is_not(None))
    if not connection.scalar(sa.select(done)):
        return None
    since = sa.select(runs.c.run_id, runs.c.job).where(runs.c.run_id > before["run_id"]).order_by(runs.c.run_id)
    why = _what_has_changed(before, opening, connection.execute(since.limit(1)).first())
    return f"Run {before['run_id']}, which was cut off, is not gone on with: {why}. This one starts over."


def _what_has_changed(before: sa.RowMapping, opening: RunOpening, since: Any) -> str:
    """Name what keeps a run from being gone on with."""
    if before["started_at"] < opening.not_before:
        return "it began on another day"
    if since is not None:
        return f"run {since.run_id} (churn {since.job}) has been at work since, so the data may be new"
    if before["versions"].get("code") != opening.versions.get("code"):
        return "it was of another version of this program"
    if before["config_digest"] != opening.config_digest:
        return "settings have changed since"
    return "the mapping, the options or the model in use have changed since"


def succeeded_runs(connection: Connection, job: str, as_of: date) -> set[int]:
    """Return the runs of a job for a date that were done."""
    of_job = runs.c.job == job, runs.c.as_of_date == as_of, runs.c.status == "succeeded"
    return set(connection.scalars(sa.select(runs.c.run_id).where(*of_job)))


def bury_dead_runs(connection: Connection) -> None:
    """Close runs that ended without saying so: as succeeded where they had published their night, else as died."""
    done = run_stages.c
    rows = sa.select(sa.func.jsonb_object_agg(done.stage, done.rows))
    connection.execute(
        sa.update(runs)
        .where(runs.c.status == "running", runs.c.run_id == published.c.run_id)
        .values(
            status="succeeded",
            finished_at=published.c.published_at,
            exit_code=0,
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


def beat(warehouse: Database, run_id: int, at: datetime) -> None:
    """Enter that a run is alive."""
    with warehouse.begin() as connection:
        connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(heartbeat_at=at))


def last_runs(connection: Connection, count: int) -> list[dict[str, Any]]:
    """Return the last runs, newest first, as dicts of the ledger's columns."""
    found = connection.execute(sa.select(runs).order_by(runs.c.run_id.desc()).limit(count))
    return [dict(row) for row in found.mappings()]
