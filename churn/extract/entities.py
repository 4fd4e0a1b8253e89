"""From load tables to staging: rows are classified, put aside or merged, entity by entity."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import ExtractSection
from churn.errors import DataContractError
from churn.extract import versions
from churn.extract.copying import Loaded
from churn.extract.load import VERSIONED
from churn.extract.mapping import AttributeKind
from churn.extract.plan import EntityPlan
from churn.extract.report import MENDS, EntityCounts, QuarantineCount, QuarantineError
from churn.extract.times import Clocks
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from churn.warehouse import quoted

_ANALYZE_FROM_ROWS = 1000
FEWEST_VANISHED = 100
"""Fewer rows than this may always vanish: a small table's share says little."""


def stage_rows(
    connection: Connection, plan: EntityPlan, loaded: Loaded, clocks: Clocks, limits: ExtractSection, currency: str
) -> EntityCounts:
    """Classify the loaded rows of a versioned entity and merge them into its staging table.

    Raises
    ------
    QuarantineError
        More of the rows are unusable than `limits` allow. Read by `updated_at`, only a few rows may come, so the
        share is then one of all rows that staging knows.
    DataContractError
        More rows have vanished from the source than `limits` allow, or a row is in another currency than `currency`.
    """
    name = plan.name
    if plan.entity.has("currency"):
        refuse_other_currencies(connection, plan, currency)
    _run(connection, f"staging/{name}.sql", latest_at=clocks.latest_at)
    quarantine = quarantine_counts(connection, name)
    quarantined = sum(count.rows for count in quarantine)
    before = versions.current_rows(connection, name)
    known = loaded.rows if plan.is_whole else max(loaded.rows, before)
    refuse_above(limits.max_quarantined_share, plan, known, quarantine)
    if name == "customers":
        _run(connection, "staging/customer_keys.sql")
        _run(connection, "staging/customers_keyed.sql")
    connection.exec_driver_sql(f"analyze {quoted(f'incoming_{name}')}")
    merged = versions.merge(connection, name, clocks.learned_at, whole=plan.is_whole, rebase=plan.is_rebased)
    refuse_vanished(limits.max_deleted_share, plan, merged.deleted, before)
    if name == "customers":
        _stage_attributes(connection, plan, clocks.learned_at)
    if merged.changed >= _ANALYZE_FROM_ROWS and plan.is_first:
        connection.exec_driver_sql(f"analyze {VERSIONED[name].fullname}")
    return EntityCounts(
        name,
        plan.mode,
        loaded.rows,
        loaded.rows - quarantined - loaded.forgotten,
        quarantined,
        merged.changed,
        merged.deleted,
        quarantine=quarantine,
        rows_forgotten=loaded.forgotten,
    )


def refuse_other_currencies(connection: Connection, plan: EntityPlan, currency: str) -> None:
    """Refuse loaded rows in another currency than the business's: sums over two currencies mean nothing.

    Raises
    ------
    DataContractError
        There are some; names the currencies with their rows.
    """
    found = connection.execute(read_sql(f"staging/{plan.name}_currencies.sql").statement, {"currency": currency}).all()
    if not found:
        return
    file = plan.entity.mapping.file
    counts = ", ".join(f"{row.currency} ({row.rows:,} row{'' if row.rows == 1 else 's'})" for row in found)
    raise DataContractError(
        f"{file}: a run takes one currency, business.currency = {currency}, and {plan.name} come in others: {counts}.",
        f"Leave such rows out in {file} with a where, or convert the money to {currency} there and name no currency. "
        "What was published last stays.",
    )


def stage_usage(
    connection: Connection, plan: EntityPlan, loaded: Loaded, limits: ExtractSection
) -> tuple[EntityCounts, date | None]:
    """Classify the loaded usage and put it in the place of the days that were read again.

    Returns
    -------
    EntityCounts
    datetime.date or None
        Last day with usage among them.
    """
    _run(connection, "staging/usage_events.sql")
    quarantine = quarantine_counts(connection, plan.name)
    totals = connection.execute(read_sql("staging/usage_totals.sql").statement).one()
    events_read = int(totals.events_read) + loaded.forgotten
    refuse_above(limits.max_quarantined_share, plan, events_read, quarantine)
    for month in connection.scalars(read_sql("staging/usage_months.sql").statement):
        ensure_month(connection, "usage_daily", month)
    connection.exec_driver_sql("analyze incoming_usage_events")
    since = plan.first_day or date.min
    removed = _run(connection, "staging/usage_removed.sql", since_date=since)
    added = _run(connection, "staging/usage_added.sql", since_date=since)
    now = int(connection.scalar(sa.select(sa.func.count()).select_from(sa.table("incoming_usage_events"))) or 0)
    before = now - added + removed
    refuse_vanished(limits.max_deleted_share, plan, before - now, before)
    if plan.is_first and added >= _ANALYZE_FROM_ROWS:
        connection.exec_driver_sql("analyze staging.usage_daily")
    late = 0
    if plan.late_days is not None:
        first, until = plan.late_days
        statement = read_sql("staging/usage_late.sql").statement
        late = int(connection.scalar(statement, {"from_date": first, "to_date": until}) or 0)
    counts = EntityCounts(
        plan.name,
        plan.mode,
        events_read,
        int(totals.events_used),
        sum(count.rows for count in quarantine),
        added,
        removed,
        late,
        quarantine,
        loaded.forgotten,
    )
    return counts, totals.last_date


def quarantine_counts(connection: Connection, entity: str) -> tuple[QuarantineCount, ...]:
    """Count an entity's rows put aside, by reason, with samples."""
    rows = connection.execute(read_sql("staging/quarantine.sql").statement, {"entity": entity})
    return tuple(QuarantineCount(entity, row.reason, int(row.rows), tuple(row.samples)) for row in rows)


def refuse_above(max_share: float, plan: EntityPlan, rows: int, quarantine: tuple[QuarantineCount, ...]) -> None:
    """Fail when more than `max_share` of `rows` were put aside."""
    quarantined = sum(count.rows for count in quarantine)
    if not rows or quarantined <= max_share * rows:
        return
    most = max(quarantine, key=lambda count: count.rows)
    raise QuarantineError(
        f"{quarantined:,} of {rows:,} rows of {plan.name} can't be used, more than "
        f"extract.max_quarantined_share = {max_share:g} allows: {'; '.join(map(str, quarantine))}. "
        "Nothing was changed.",
        f"In {plan.entity.mapping.file}, {MENDS[most.reason]}; see bi.data_quality for examples.",
        quarantine,
    )


def refuse_vanished(max_share: float, plan: EntityPlan, vanished: int, before: int) -> None:
    """Fail when more than `max_share` of the rows that were there are gone: a truncated table is no business event."""
    if vanished < FEWEST_VANISHED or vanished <= max_share * before:
        return
    raise DataContractError(
        f"{vanished:,} of {before:,} rows of {plan.name} have vanished from the source since the last extraction, more "
        f"than extract.max_deleted_share = {max_share:g} allows. Nothing was changed.",
        f"Check {plan.entity.mapping.file} and the table behind it; if they were meant to go, run once with "
        "CHURN_EXTRACT__MAX_DELETED_SHARE=1.",
    )


def _stage_attributes(connection: Connection, plan: EntityPlan, learned_at: datetime) -> None:
    _run(connection, "staging/attribute_customers.sql", is_rebased=plan.is_rebased)
    numbers = [name for name, kind in plan.entity.attributes if kind == _NUMBER]
    _run(connection, "staging/customer_attributes.sql", number_names=numbers)
    connection.exec_driver_sql("analyze attribute_customers, incoming_customer_attributes")
    _run(connection, "staging/customer_attributes_closed.sql", learned_at=learned_at)
    _run(connection, "staging/customer_attributes_added.sql", learned_at=learned_at)
    if plan.is_whole:
        _run(connection, "staging/customer_attributes_deleted.sql", learned_at=learned_at)


_NUMBER: AttributeKind = "number"


def _run(connection: Connection, path: str, **params: object) -> int:
    return connection.execute(read_sql(path).statement, params).rowcount
