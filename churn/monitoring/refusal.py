"""What becomes of the features of a night that the checks refused."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.errors import ChecksFailedError
from churn.features.snapshot import Population, Snapshot, find_snapshot, withdraw_snapshot
from churn.schema import runs, snapshots

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
