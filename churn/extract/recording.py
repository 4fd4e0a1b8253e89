"""What an extraction leaves in `ops`: counts, quarantine and watermarks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.extract.load import load_table
from churn.extract.plan import EntityPlan
from churn.extract.report import EntityCounts, QuarantineCount
from churn.extract.times import Clocks
from churn.schema import extractions, quarantine
from churn.sqlfiles import read_sql


def record_counts(connection: Connection, run_id: int, counts: EntityCounts) -> None:
    """Write one entity's row of `ops.extractions` and its rows of `ops.quarantine`."""
    connection.execute(
        sa.insert(extractions).values(
            run_id=run_id,
            entity=counts.entity,
            mode=counts.mode,
            rows_read=counts.rows_read,
            rows_used=counts.rows_used,
            rows_quarantined=counts.rows_quarantined,
            rows_changed=counts.rows_changed,
            rows_deleted=counts.rows_deleted,
            late_rows=counts.late_rows,
            rows_forgotten=counts.rows_forgotten,
        )
    )
    record_quarantine(connection, run_id, counts.quarantine)


def record_quarantine(connection: Connection, run_id: int, counts: Iterable[QuarantineCount]) -> None:
    """Write rows of `ops.quarantine`: of a run that goes on, or of one that failed over them."""
    for count in counts:
        connection.execute(
            sa.insert(quarantine).values(
                run_id=run_id,
                entity=count.entity,
                reason=count.reason,
                rows=count.rows,
                samples=list(count.samples),
            )
        )


def move_watermark(
    connection: Connection, run_id: int, plan: EntityPlan, clocks: Clocks, last_usage_date: date | None
) -> None:
    """Write how far an entity has been read now."""
    previous = plan.previous
    looked_at_all = plan.mode in {"full", "recent and late"} or previous is None
    connection.execute(
        read_sql("staging/watermark.sql").statement,
        {
            "entity": plan.name,
            "mapping_digest": plan.digest,
            "columns": [column.name for column in plan.entity.mapping.entity.columns if plan.entity.has(column.name)],
            "read_through": _read_through(plan, clocks, last_usage_date),
            "updated_through": _updated_through(connection, plan, clocks),
            "full_read_at": clocks.started_at if looked_at_all or not previous else previous.full_read_at,
            "extracted_at": clocks.started_at,
            "run_id": run_id,
        },
    )


def _read_through(plan: EntityPlan, clocks: Clocks, last_usage_date: date | None) -> datetime | None:
    """Return the last day with usage: events of a source that lags are then read once they come."""
    if last_usage_date is None:
        return None if plan.previous is None else plan.previous.read_through
    last = datetime(last_usage_date.year, last_usage_date.month, last_usage_date.day)
    return min(last, clocks.learned_at)


def _updated_through(connection: Connection, plan: EntityPlan, clocks: Clocks) -> datetime | None:
    """Return the latest `updated_at` seen; one from the future would hide what changes before it."""
    if not plan.entity.has("updated_at"):
        return None
    loaded = sa.table(load_table(plan.name), sa.column("updated_at"))
    latest = sa.select(sa.func.max(loaded.c.updated_at)).where(
        loaded.c.updated_at <= clocks.learned_at, sa.func.isfinite(loaded.c.updated_at)
    )
    seen: datetime | None = connection.scalar(latest)
    earlier = plan.previous.updated_through if plan.previous and not plan.is_whole else None
    return max((at for at in (seen, earlier) if at is not None), default=None)
