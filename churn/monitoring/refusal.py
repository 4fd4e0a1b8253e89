"""What becomes of the features and the models of a night that the checks refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry
from churn.errors import ChecksFailedError
from churn.features.snapshot import Population, Snapshot, find_snapshot, withdraw_snapshot
from churn.ledger import NIGHT_JOBS
from churn.schema import (
    model_events,
    models,
    past_nights,
    published,
    runs,
    segment_events,
    segment_outcomes,
    snapshots,
)

SCORE_CHECK = "feature_drift_score"


def reusable_snapshot(connection: Connection, as_of: date, population: Population) -> Snapshot | None:
    """Return the kept snapshot that a run of the night may score, or None.

    One whose own run was refused is none: the feed may have been mended since.
    """
    kept = find_snapshot(connection, as_of, population)
    if kept is None:
        return None
    made_by = sa.select(snapshots.c.run_id).where(snapshots.c.snapshot_id == kept.snapshot_id).scalar_subquery()
    exit_code = connection.scalar(sa.select(runs.c.exit_code).where(runs.c.run_id == made_by))
    return None if exit_code == ChecksFailedError.exit_code else kept


def drop_refused(connection: Connection, snapshot: Snapshot, *, run_id: int, failed: Collection[str]) -> None:
    """Take the snapshot of a refused run out of use, unless only its probabilities have moved.

    Then its features may well be right, and what was captured that night can't be captured again: it is kept for
    training until the night is run once more.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    snapshot : Snapshot
    run_id : int
        The refused run; a snapshot that another run has made stays as it is.
    failed : collection of str
        Names of the checks that refused it.
    """
    if set(failed) != {SCORE_CHECK}:
        withdraw_snapshot(connection, snapshot, run_id=run_id)


def withdraw_models(
    connection: Connection,
    author: registry.Author,
    as_of: date,
    *,
    outcomes: tuple[str, int] | None,
    why: str = "the checks refused it",
) -> list[str]:
    """Take back the segments and the CLV model that a refused run put in force; return their versions.

    The ones before are in force again, so that the night, run once more, goes on from there. What the run said of its
    segments goes too. A model that a finished night has used stays in the registry as retired.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    author : Author
        The refused run.
    as_of : date
        Its night.
    outcomes : tuple of (str, int) or None
        The segmentation and the snapshot by which the run counted who churned: they are to be counted anew.
    why : str
        What became of the run.
    """
    withdrawn = [] if author.run_id is None else sorted(_adopted_by(connection, author.run_id))
    for version in withdrawn:
        registry.withdraw(connection, version, author, f"night of {as_of}: {why}")
        if _is_used(connection, version):
            connection.execute(sa.update(models).where(models.c.model_version == version).values(status="retired"))
    connection.execute(sa.delete(segment_events).where(segment_events.c.run_id == author.run_id))
    if outcomes is not None:
        counted = sa.tuple_(segment_outcomes.c.model_version, segment_outcomes.c.snapshot_id)
        connection.execute(sa.delete(segment_outcomes).where(counted == sa.tuple_(*outcomes)))
    return withdrawn


@dataclass(frozen=True)
class AbandonedRun:
    """A run of a night that was cut off, and with which nothing goes on.

    Attributes
    ----------
    run_id : int
    as_of : date
    started_at : datetime
    inputs_digest : str or None
    """

    run_id: int
    as_of: date
    started_at: datetime
    inputs_digest: str | None


def withdraw_abandoned(connection: Connection) -> list[AbandonedRun]:
    """Take back the segments and CLV models of nights that were cut off and are not gone on with; return those runs.

    Called before the sweep, which marks such runs as looked at.
    """
    shown = sa.union(sa.select(published.c.run_id), sa.select(past_nights.c.run_id))
    abandoned = connection.execute(
        sa.select(runs.c.run_id, runs.c.job, runs.c.as_of_date, runs.c.started_at, runs.c.inputs_digest)
        .where(
            runs.c.job.in_(NIGHT_JOBS),
            runs.c.status.in_(("died", "failed")),
            ~runs.c.is_swept,
            runs.c.exit_code.is_distinct_from(ChecksFailedError.exit_code),
            runs.c.run_id.not_in(shown),
        )
        .order_by(runs.c.run_id.desc())
    ).all()
    for run in abandoned:
        author = registry.Author(f"churn {run.job}, run {run.run_id}", run.started_at, run.run_id)
        for version in withdraw_models(connection, author, run.as_of_date, outcomes=None, why="it was cut off"):
            if not _is_used(connection, version):
                connection.execute(sa.delete(segment_outcomes).where(segment_outcomes.c.model_version == version))
    return [AbandonedRun(run.run_id, run.as_of_date, run.started_at, run.inputs_digest) for run in abandoned]


def withdraw_features(connection: Connection, run_id: int, as_of: date) -> None:
    """Take the features of a night out of use that a run has made which is started over."""
    kept = find_snapshot(connection, as_of)
    if kept is not None:
        withdraw_snapshot(connection, kept, run_id=run_id)


def _adopted_by(connection: Connection, run_id: int) -> set[str]:
    """Return the versions that a run put in force: promoted, registered for a past night, or fitted once more."""
    promoted = sa.select(model_events.c.model_version).where(
        model_events.c.run_id == run_id, model_events.c.event == "promoted"
    )
    registered = sa.select(models.c.model_version).where(models.c.run_id == run_id, models.c.status != "challenger")
    fitted = sa.select(segment_events.c.model_version).where(segment_events.c.run_id == run_id)
    return set(connection.scalars(sa.union(promoted, registered, fitted)))


def _is_used(connection: Connection, version: str) -> bool:
    """Whether a finished night has used a model, or one that was published, whatever the ledger says of its run."""
    named = sa.or_(*(runs.c.versions[kind].astext == version for kind in (registry.SEGMENTS, registry.CLV)))
    shown = sa.union(sa.select(published.c.run_id), sa.select(past_nights.c.run_id))
    is_finished = sa.or_(runs.c.status == "succeeded", runs.c.run_id.in_(shown))
    used = sa.select(runs.c.run_id).where(is_finished, named).limit(1)
    return connection.scalar(used) is not None
