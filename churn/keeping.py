"""How long what runs write is kept: what is older than `[keep]` says goes at the end of a night, and no reader waits.

First a night leaves `ops.published`, so that readers who begin from then on see nothing of it; its rows go with their
month at the end of a later night, when those who began before are gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import ChurnError, LockedError, StoppedError
from churn.partitions import drop_month
from churn.registry import KINDS, previous_champion
from churn.schema import (
    alerts,
    calibration_bins,
    check_results,
    clv_backtests,
    clv_deciles,
    extractions,
    feature_drift,
    model_curves,
    model_events,
    model_performance,
    models,
    past_nights,
    performance_figures,
    published,
    quarantine,
    realised_figures,
    realised_nights,
    run_stages,
    runs,
    segment_outcomes,
    snapshots,
    table_figures,
    threshold_tradeoff,
)
from churn.sqlfiles import read_sql
from churn.warehouse import Database, run_ddl, sqlstate
from churn.windows import add_months, month_start

NIGHT_TABLES = (
    "customer_scores",
    "segment_nights",
    "churn_drivers",
    "customer_offers",
    "list_exclusions",
    "campaign_balance",
    "save_rates",
    "kpi_months",
    "cohort_months",
    "insights",
    "group_outcomes",
    "week_changes",
)
LIST_TABLES = ("at_risk_list", "campaign_lists")
SNAPSHOT_TABLES = ("feature_snapshots",)
KEPT_TABLES = ("clv_totals", "month_segments")
"""Few rows that the figures of past months are made of: never dropped."""

SECONDS_A_NIGHT = 300.0
LOCK_TIMEOUT = "2s"
READERS = timedelta(hours=1)
"""How long a reader's transaction may take; Postgres ends theirs sooner (`churn.embedded.access.READER_LIMITS`)."""

BATCH_RUNS = 200
BATCH_ROWS = 5_000
NIGHTS_COMPARED = 60
DAYS_TO_EVALUATE = 62
_NIGHT_FIGURES = (feature_drift, realised_figures, realised_nights)
_OF_RUNS = (run_stages, extractions, quarantine, check_results, table_figures)
_OF_MODELS = (
    model_performance,
    performance_figures,
    threshold_tradeoff,
    calibration_bins,
    model_curves,
    clv_backtests,
    clv_deciles,
    segment_outcomes,
    model_events,
)
_STILL_READ = "55P03"


@dataclass(frozen=True)
class Limits:
    """From which date on what is kept; each is the first of a month but those of runs and models.

    Attributes
    ----------
    nights : date
        Published nights, their scores and figures.
    snapshots : date
        Feature snapshots: never one that training could ask for.
    lists : date
        Whom a list named, by whom training leaves out customers that were treated.
    models : date
        When a retired model was trained.
    runs_at : datetime
        When a run began, UTC.
    readers_since : datetime
        Nobody reads whose transaction began before, UTC.
    """

    nights: date
    snapshots: date
    lists: date
    models: date
    runs_at: datetime
    readers_since: datetime

    @classmethod
    def of(cls, settings: Settings, as_of: date, now: datetime) -> Limits:
        """Work them out from `[keep]`; what is still needed stays longer."""
        keep, horizon = settings.keep, timedelta(days=settings.churn.horizon_days)
        wait = horizon + timedelta(days=settings.grace_days)
        unevaluated = as_of - wait - timedelta(days=DAYS_TO_EVALUATE)
        trained_from = add_months(month_start(as_of - wait), -settings.train.snapshots - 1)
        kept_snapshots = min(month_start(as_of - timedelta(days=keep.snapshots_days)), trained_from)
        return cls(
            nights=month_start(min(as_of - timedelta(days=keep.nights_days), unevaluated)),
            snapshots=kept_snapshots,
            lists=month_start(kept_snapshots - horizon),
            models=as_of - timedelta(days=keep.models_days),
            runs_at=now - timedelta(days=keep.runs_days),
            readers_since=now - READERS,
        )


def tidy(warehouse: Database, settings: Settings, as_of: date, now: datetime) -> list[str]:
    """Drop what is older than `[keep]` says, as far as it gets in a few minutes; the next night goes on.

    Parameters
    ----------
    warehouse : Database
        Of a run that holds the writer lock.
    settings : Settings
    as_of : date
        The night that was published.
    now : datetime
        The current time, UTC.

    Returns
    -------
    list of str
        What people should be told: what went, and what waits for a reader.

    Raises
    ------
    LockedError
        Another job has taken over.
    StoppedError
        The job was told to stop.
    """
    limits = Limits.of(settings, as_of, now)
    until = time.monotonic() + SECONDS_A_NIGHT
    notes: list[str] = []
    try:
        for note in _tidied(warehouse, limits, now, lambda: time.monotonic() < until):
            notes.append(note)
    except (LockedError, StoppedError):
        raise
    except ChurnError as error:
        # The night is out: what could not be dropped now is no reason to say that it failed.
        notes.append(f"Old nights were not all dropped, the next night goes on: {error.message}")
    return notes


def _tidied(warehouse: Database, limits: Limits, now: datetime, in_time: Callable[[], bool]) -> Iterator[str]:
    yield from _drop_months(warehouse, limits, in_time)
    with warehouse.begin() as connection:
        values = {"before": limits.nights, "withdrawn_at": now}
        nights = connection.execute(read_sql("keeping/withdraw_nights.sql").statement, values).rowcount
        values = {"before": limits.snapshots}
        kept = connection.execute(read_sql("keeping/old_snapshots.sql").statement, values).rowcount
    if nights or kept:
        yield f"No longer kept: {nights} nights before {limits.nights}, {kept} snapshots (keep.*)."
    _delete_figures(warehouse, limits, in_time)
    _delete_runs(warehouse, limits, in_time)
    yield from _delete_models(warehouse, limits)


# --- months -------------------------------------------------------------------------------------------------------


def _drop_months(warehouse: Database, limits: Limits, in_time: Callable[[], bool]) -> list[str]:
    """Drop the months that nothing shows any more; those that somebody still reads wait for the next night."""
    with warehouse.begin() as connection:
        due = list(_due_months(connection, limits))
    dropped: list[date] = []
    waiting: set[str] = set()
    with warehouse.connect() as session:
        run_ddl(session, f"set lock_timeout = '{LOCK_TIMEOUT}'")
        for table, month in due:
            if table in waiting or not in_time():
                continue
            try:
                if _drop_if_due(warehouse, session, limits, table, month):
                    dropped.append(month)
            except ChurnError as error:
                if sqlstate(error) != _STILL_READ:
                    raise
                waiting.add(table)
    notes = []
    if dropped:
        notes.append(f"Dropped {len(dropped)} months of tables, {min(dropped):%Y-%m} to {max(dropped):%Y-%m} (keep.*).")
    if waiting:
        notes.append(f"Old months of {', '.join(sorted(waiting))} are still being read; they go another night.")
    return notes


def _drop_if_due(warehouse: Database, session: Connection, limits: Limits, table: str, month: date) -> bool:
    """Drop a month where it is still due; as long as that takes, no other job can take over and publish its nights."""
    with warehouse.begin() as guard:
        run_ddl(guard, f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        run_ddl(guard, "set local idle_in_transaction_session_timeout = 0")
        if (table, month) not in _due_months(guard, limits):
            return False
        drop_month(session, guard, table, month)
    return True


def _due_months(connection: Connection, limits: Limits) -> Iterator[tuple[str, date]]:
    """Give the months that nothing shows; a table's half detached ones first, since they are in the way of others."""
    shown = {month_start(day) for day in connection.scalars(sa.select(published.c.as_of_date))}
    just_withdrawn = sa.select(past_nights.c.as_of_date).where(past_nights.c.withdrawn_at > limits.readers_since)
    shown |= {month_start(day) for day in connection.scalars(just_withdrawn)}
    kept = {month_start(day) for day in connection.scalars(sa.select(snapshots.c.as_of_date))}
    before = {
        **dict.fromkeys(NIGHT_TABLES, (limits.nights, shown)),
        **dict.fromkeys(LIST_TABLES, (limits.lists, shown)),
        **dict.fromkeys(SNAPSHOT_TABLES, (limits.snapshots, shown | kept)),
    }
    rows = connection.execute(read_sql("keeping/months.sql").statement).all()
    for row in sorted(rows, key=lambda row: (row.state == "attached", row.month, row.table_name)):
        limit, needed = before.get(row.table_name, (date.min, set()))
        if row.month < limit and row.month not in needed:
            yield row.table_name, row.month


# --- rows ---------------------------------------------------------------------------------------------------------


def _delete_figures(warehouse: Database, limits: Limits, in_time: Callable[[], bool]) -> None:
    """Delete the figures of nights that are shown no more, and alerts that were closed long ago."""
    for table in _NIGHT_FIGURES:
        is_shown = sa.exists().where(published.c.as_of_date == table.c.as_of_date)
        _delete_batched(warehouse, table, table.c.as_of_date < limits.nights, ~is_shown, in_time=in_time)
    _delete_batched(warehouse, alerts, alerts.c.closed_at < limits.runs_at, in_time=in_time)


def _delete_batched(
    warehouse: Database, table: sa.Table, *where: sa.ColumnElement[bool], in_time: Callable[[], bool]
) -> None:
    key = sa.tuple_(*table.primary_key.columns)
    some = sa.select(*table.primary_key.columns).where(*where).limit(BATCH_ROWS)
    while in_time():
        with warehouse.begin() as connection:
            if connection.execute(sa.delete(table).where(key.in_(some))).rowcount < BATCH_ROWS:
                return


def _delete_runs(warehouse: Database, limits: Limits, in_time: Callable[[], bool]) -> None:
    """Delete what hangs on old runs, and those runs that nothing names."""
    values = {"before": limits.runs_at, "nights": NIGHTS_COMPARED, "most": BATCH_RUNS}
    while in_time():
        with warehouse.begin() as connection:
            found = connection.execute(read_sql("keeping/old_runs.sql").statement, values).all()
            old = [row.run_id for row in found]
            for table in _OF_RUNS:
                connection.execute(sa.delete(table).where(table.c.run_id.in_(old)))
            connection.execute(sa.delete(runs).where(runs.c.run_id.in_([row.run_id for row in found if row.is_free])))
        if len(found) < BATCH_RUNS:
            return


def _delete_models(warehouse: Database, limits: Limits) -> list[str]:
    """Delete retired models that nothing kept needs, with their figures and events."""
    with warehouse.begin() as connection:
        before = [previous_champion(connection, kind) for kind in KINDS]
        first_night = connection.scalar(sa.select(sa.func.min(published.c.as_of_date)))
        values = {
            "before": limits.models,
            "first_night": min(first_night or limits.nights, limits.nights),
            "kept_versions": [version for version in before if version],
        }
        old = connection.scalars(read_sql("keeping/old_models.sql").statement, values).all()
        for table in (*_OF_MODELS, models):
            connection.execute(sa.delete(table).where(table.c.model_version.in_(old)))
    return [f"No longer kept: models {', '.join(old)} (keep.models_days)."] if old else []
