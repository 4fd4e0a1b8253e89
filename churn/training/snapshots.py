"""The month-end snapshots to train on: found, or reconstructed."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import DataContractError
from churn.extract import ExtractionReport
from churn.features.snapshot import Snapshot, SnapshotRequest, build_snapshot, find_snapshot
from churn.ledger import Run
from churn.progress import Progress
from churn.registry import Author
from churn.sqlfiles import read_sql
from churn.warehouse import Database
from churn.windows import business_today, matures_on, month_start, snapshot_dates

HISTORY_DAYS = 90


def prepare_snapshots(
    warehouse: Database, settings: Settings, extraction: ExtractionReport, run: Run, progress: Progress
) -> list[Snapshot]:
    """Return the month-end snapshots whose labels have matured; those that are missing are reconstructed.

    So is the latest one whose labels have not: `churn.training.leaks` compares with it.

    Raises
    ------
    DataContractError
        The source holds nothing before `as_of`.
    """
    if extraction.first_date is None or extraction.first_date >= run.as_of:
        first = (
            f"the first is of {extraction.first_date}" if extraction.first_date else "the source holds no usable row"
        )
        raise DataContractError(
            f"There is no data before {run.as_of}; {first}.",
            "Give a later --as-of, or check the mapping with `churn doctor`.",
        )
    until = known_until(settings, run)
    dates = wanted_dates(settings, extraction.first_date, until)
    awaited = awaited_date(settings, until) if dates else None
    found = []
    for done, as_of in enumerate([*dates, awaited] if awaited else dates, start=1):
        with warehouse.begin() as connection:
            snapshot = _snapshot(connection, settings, extraction, run, as_of)
        if snapshot.customers and as_of != awaited:
            found.append(snapshot)
        progress.advanced("snapshots", done)
    return found


def known_until(settings: Settings, run: Run) -> date:
    """Return the date before which everything that happened has been extracted by this run."""
    return min(run.as_of, business_today(run.started_at, settings.business.timezone))


def author_of(run: Run) -> Author:
    """Return who is said to have made what a run adds to the registry."""
    return Author(f"churn {run.job}, run {run.run_id}", run.started_at, run.run_id)


def wanted_dates(settings: Settings, first_date: date, until: date) -> list[date]:
    """Return the month-end snapshots to train on: matured by `until`, with some history behind them."""
    return snapshot_dates(
        first_date + timedelta(days=HISTORY_DAYS),
        until,
        settings.churn.horizon_days,
        settings.grace_days,
        settings.train.snapshots,
    )


def awaited_date(settings: Settings, until: date) -> date | None:
    """Return the latest month end before `until` whose labels had not matured by then, or None.

    Not `until` itself: a night of that date keeps its snapshot as captured, and none may lie in its place.
    """
    latest = month_start(until - timedelta(days=1))
    return latest if matures_on(latest, settings.churn.horizon_days, settings.grace_days) > until else None


def first_staged_date(connection: Connection) -> date | None:
    """Return the first business date of the staged data, or None."""
    first: date | None = connection.execute(read_sql("staging/data_dates.sql").statement).one().first_date
    return first


def _snapshot(
    connection: Connection, settings: Settings, extraction: ExtractionReport, run: Run, as_of: date
) -> Snapshot:
    """Return the kept snapshot, or a reconstructed one where there is none or its features were defined otherwise."""
    request = SnapshotRequest.of(settings, extraction, as_of)
    kept = find_snapshot(connection, as_of, request.population)
    if kept is not None and (kept.origin == "captured" or _is_up_to_date(kept, request)):
        return kept
    return build_snapshot(connection, request, run_id=run.run_id, origin="reconstructed", created_at=run.started_at)


def _is_up_to_date(kept: Snapshot, request: SnapshotRequest) -> bool:
    """Say whether reconstructing would compute the same features of the same source."""
    return kept.feature_set.digest == request.digest and kept.basis_digest == request.basis_digest
