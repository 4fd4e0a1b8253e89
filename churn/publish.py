"""Publishing: one pointer row says which run a night shows; flipping it is one short transaction."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.errors import WarehouseError
from churn.ledger import NIGHT_JOBS
from churn.schema import (
    at_risk_list,
    campaign_balance,
    campaign_lists,
    churn_drivers,
    clv_totals,
    cohort_months,
    customer_offers,
    customer_scores,
    feature_drift,
    feature_snapshots,
    group_outcomes,
    insights,
    kpi_months,
    list_exclusions,
    past_nights,
    published,
    runs,
    save_rates,
    segment_nights,
    snapshots,
    week_changes,
)

_RUN_TABLES = (
    customer_scores,
    segment_nights,
    churn_drivers,
    clv_totals,
    feature_drift,
    customer_offers,
    list_exclusions,
    save_rates,
    kpi_months,
    cohort_months,
    insights,
    group_outcomes,
    week_changes,
)
_LIST_TABLES = (at_risk_list, campaign_lists, campaign_balance)


@dataclass(frozen=True)
class PublishedNight:
    """What readers see of a night."""

    as_of: date
    run_id: int
    list_run_id: int
    published_at: datetime
    in_sample: bool


def published_night(connection: Connection, as_of: date) -> PublishedNight | None:
    """Return what is published for a night, if anything."""
    row = connection.execute(sa.select(published).where(published.c.as_of_date == as_of)).first()
    return None if row is None else PublishedNight(*row)


def shown_night(connection: Connection, as_of: date) -> PublishedNight | None:
    """Return what is published for a night, or was until `[keep]` withdrew it and its list is still there."""
    night = published_night(connection, as_of)
    if night is not None:
        return night
    withdrawn = _withdrawn_night(connection, as_of)
    if withdrawn is None:
        return None
    of_list = campaign_lists.c.as_of_date == as_of, campaign_lists.c.run_id == withdrawn.list_run_id
    return withdrawn if connection.scalar(sa.select(sa.exists().where(*of_list))) else None


def latest_published(connection: Connection) -> PublishedNight | None:
    """Return the latest published night, if any."""
    row = connection.execute(sa.select(published).order_by(published.c.as_of_date.desc()).limit(1)).first()
    return None if row is None else PublishedNight(*row)


def unpublished(connection: Connection, first: date, last: date) -> list[date]:
    """Return the days from first to last, both included, that have no published night, ascending.

    A night that `[keep]` has withdrawn since counts as published.
    """
    nights = sa.union(*(sa.select(table.c.as_of_date) for table in (published, past_nights))).subquery()
    known = set(connection.scalars(sa.select(nights.c.as_of_date).where(nights.c.as_of_date.between(first, last))))
    return [day for day in days_between(first, last) if day not in known]


def days_between(first: date, last: date) -> list[date]:
    """Return the days from first to last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def publish(connection: Connection, night: PublishedNight, *, expected_customers: int) -> None:
    """Show a run's rows as the night's.

    Raises
    ------
    WarehouseError
        The run's rows are not as many as were scored; nothing is flipped.
    """
    found = connection.scalar(
        sa.select(sa.func.count())
        .select_from(customer_scores)
        .where(customer_scores.c.as_of_date == night.as_of, customer_scores.c.run_id == night.run_id)
    )
    if found != expected_customers:
        raise WarehouseError(
            f"Run {night.run_id} wrote {found} scores for {expected_customers} customers; nothing was published.",
            "Run the same command again.",
        )
    values = {
        "run_id": night.run_id,
        "list_run_id": night.list_run_id,
        "published_at": night.published_at,
        "in_sample": night.in_sample,
    }
    connection.execute(
        insert(published)
        .values(as_of_date=night.as_of, **values)
        .on_conflict_do_update(index_elements=[published.c.as_of_date], set_=values)
    )


def sweep(connection: Connection) -> int:
    """Delete what no night shows any more: rows of superseded and failed runs, and of snapshots that were recomputed.

    Readers in an open transaction keep what they see. Only nights with a run that ended since the last sweep are
    looked at, so that the cost does not grow with history. Returns the rows deleted.
    """
    ended = (runs.c.job.in_(NIGHT_JOBS), runs.c.status != "running", ~runs.c.is_swept)
    nights = connection.scalars(sa.select(runs.c.as_of_date).distinct().where(*ended)).all()
    deleted = sum(_sweep_night(connection, as_of) for as_of in nights)
    connection.execute(sa.update(runs).where(*ended).values(is_swept=True))
    replaced = sa.delete(snapshots).where(~snapshots.c.is_current, snapshots.c.snapshot_id.not_in(_scored_snapshots()))
    for snapshot in connection.execute(replaced.returning(snapshots.c.as_of_date, snapshots.c.snapshot_id)).all():
        rows = sa.delete(feature_snapshots).where(
            feature_snapshots.c.as_of_date == snapshot.as_of_date,
            feature_snapshots.c.snapshot_id == snapshot.snapshot_id,
        )
        deleted += connection.execute(rows).rowcount
    return deleted


def _scored_snapshots() -> sa.Select[tuple[int]]:
    """Choose the snapshot that each published run scored: the last one made by it or by a run before it."""
    return (
        sa.select(sa.func.max(snapshots.c.snapshot_id))
        .join(published, published.c.as_of_date == snapshots.c.as_of_date)
        .where(snapshots.c.run_id <= published.c.run_id)
        .group_by(published.c.as_of_date)
    )


def _withdrawn_night(connection: Connection, as_of: date) -> PublishedNight | None:
    """Return what was published of a night that `[keep]` has withdrawn; rows of it that are kept for longer stay."""
    names = [field.name if field.name != "as_of" else "as_of_date" for field in fields(PublishedNight)]
    row = connection.execute(
        sa.select(*(past_nights.c[name] for name in names)).where(past_nights.c.as_of_date == as_of)
    )
    found = row.first()
    return None if found is None else PublishedNight(*found)


def _sweep_night(connection: Connection, as_of: date) -> int:
    """Keep of a night the published run's rows and the frozen list, and nothing else; so of one withdrawn since."""
    night = published_night(connection, as_of) or _withdrawn_night(connection, as_of)
    kept = {table: night.run_id if night else None for table in _RUN_TABLES}
    kept |= {table: night.list_run_id if night else None for table in _LIST_TABLES}
    return sum(
        connection.execute(
            sa.delete(table).where(table.c.as_of_date == as_of, table.c.run_id.is_distinct_from(run_id))
        ).rowcount
        for table, run_id in kept.items()
    )
