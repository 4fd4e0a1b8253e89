"""Publishing: one pointer row says which run a night shows; flipping it is one short transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.errors import WarehouseError
from churn.schema import (
    at_risk_list,
    customer_scores,
    feature_snapshots,
    published,
    runs,
    segment_nights,
    snapshots,
)

RUN_TABLES = (customer_scores, at_risk_list, segment_nights)


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


def latest_published(connection: Connection) -> PublishedNight | None:
    """Return the latest published night, if any."""
    row = connection.execute(sa.select(published).order_by(published.c.as_of_date.desc()).limit(1)).first()
    return None if row is None else PublishedNight(*row)


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
    """Delete the rows of ended runs that no night shows, and of snapshots that were recomputed.

    Readers in an open transaction keep what they see. Returns the rows deleted.
    """
    superseded = (
        sa.select(runs.c.run_id, runs.c.as_of_date)
        .where(runs.c.job == "nightly", runs.c.status != "running")
        .where(~sa.exists().where(runs.c.run_id.in_([published.c.run_id, published.c.list_run_id])))
        .subquery("superseded_runs")
    )
    deleted = 0
    for table in RUN_TABLES:
        statement = sa.delete(table).where(
            table.c.as_of_date == superseded.c.as_of_date, table.c.run_id == superseded.c.run_id
        )
        deleted += connection.execute(statement).rowcount
    old_lists = sa.select(published.c.list_run_id).where(published.c.list_run_id != published.c.run_id)
    for table in (customer_scores, segment_nights):
        keeps_only_list = sa.delete(table).where(
            table.c.run_id.in_(old_lists), table.c.as_of_date.in_(sa.select(published.c.as_of_date))
        )
        deleted += connection.execute(keeps_only_list).rowcount
    replaced = sa.delete(feature_snapshots).where(
        feature_snapshots.c.as_of_date == snapshots.c.as_of_date,
        feature_snapshots.c.snapshot_id == snapshots.c.snapshot_id,
        ~snapshots.c.is_current,
    )
    return deleted + connection.execute(replaced).rowcount
