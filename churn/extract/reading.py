"""The statements that are run in the source: the user's SELECT, wrapped with conversions, bounds, grouping.

They are built rather than kept in `sql/`, because they depend on the columns and types of the user's SELECT.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from churn.extract.contract import FRACTIONS, Column
from churn.extract.mapping import MappedEntity
from churn.extract.times import Clocks, Days

UPDATE_OVERLAP = timedelta(hours=1)
"""How far reading by `updated_at` goes back behind the last one seen: a long transaction commits late."""

TIME_COLUMNS = {"payments": "paid_at", "support_tickets": "opened_at", "usage_events": "occurred_at"}
"""The time by which the rows of an entity that grows day by day are read in parts."""

_ATTRIBUTES_A_CALL = 40  # a Postgres function takes at most 100 arguments


def changed_rows(entity: MappedEntity, clocks: Clocks, updated_through: datetime | None) -> sa.Select[Any]:
    """Return all rows of an entity but usage, or those changed since, in the order of its load table.

    Parameters
    ----------
    updated_through : datetime, optional
        Business-local; rows updated since then, or (for late commits) in the hour before, are read, and so
        are rows without an `updated_at`. None reads everything.
    """
    rows = entity.subquery()
    query = _all_rows(entity, rows, clocks)
    if updated_through is not None:
        is_new = _is_touched(entity, rows, clocks, clocks.instant(updated_through))
        query = query.where(sa.or_(is_new, rows.c.updated_at.is_(None)))
    return query


def rows_of_days(
    entity: MappedEntity, clocks: Clocks, days: Days, *, untouched_since: datetime | None = None
) -> sa.Select[Any]:
    """Return the rows of an entity of `TIME_COLUMNS` but usage whose time lies in these days.

    Parameters
    ----------
    untouched_since : datetime, optional
        Instant; leaves out what `touched_rows` gives.
    """
    rows = entity.subquery()
    column = TIME_COLUMNS[entity.name]
    query = _all_rows(entity, rows, clocks).where(clocks.lies_in(rows.c[column], entity.types[column], days))
    if untouched_since is None:
        return query
    is_touched = _is_touched(entity, rows, clocks, untouched_since)
    return query.where(sa.not_(sa.func.coalesce(is_touched, sa.false())))


def touched_rows(entity: MappedEntity, clocks: Clocks, since: datetime) -> sa.Select[Any]:
    """Return the rows of an entity that were updated since an instant, or in the hour before."""
    rows = entity.subquery()
    return _all_rows(entity, rows, clocks).where(_is_touched(entity, rows, clocks, since))


def _all_rows(entity: MappedEntity, rows: sa.Subquery, clocks: Clocks) -> sa.Select[Any]:
    query = sa.select(*(_loaded(entity, rows, column, clocks) for column in entity.mapping.entity.columns))
    if entity.mapping.entity.open_ended:
        query = query.add_columns(_attributes(entity, rows).label("attributes"))
    return query


def _is_touched(entity: MappedEntity, rows: sa.Subquery, clocks: Clocks, since: datetime) -> sa.ColumnElement[bool]:
    column: sa.ColumnElement[datetime] = rows.c.updated_at
    return column >= clocks.raw_bound(since - UPDATE_OVERLAP, entity.types["updated_at"])


def usage_by_day(entity: MappedEntity, clocks: Clocks, days: Days | None) -> sa.Select[Any]:
    """Return usage grouped to (customer, business day, event type), in the order of its load table.

    Events that can't be used are counted beside the rest of their group, so that one pass is enough.

    Parameters
    ----------
    days : Days, optional
        None reads everything.
    """
    rows = _events(entity, clocks, days)
    local = clocks.local_time(rows.c.occurred_at, entity.types["occurred_at"])
    day = sa.cast(local, sa.Date())
    counts: list[sa.ColumnElement[int]] = []
    passed: list[sa.ColumnElement[bool]] = []
    for name, fault in _faults(entity, rows, clocks).items():
        counts.append(_count_where(sa.and_(fault, *passed)).label(name))
        passed.append(sa.not_(fault))
    quantity: sa.ColumnElement[Any] = sa.literal_column("0")
    if entity.has("quantity"):
        usable = sa.case((sa.and_(*passed), sa.cast(rows.c.quantity, sa.Numeric())))
        quantity = sa.func.coalesce(sa.func.sum(usable), 0)
    return sa.select(
        sa.cast(rows.c.customer_id, sa.Text()).label("customer_id"),
        day.label("usage_date"),
        sa.cast(rows.c.event_type, sa.Text()).label("event_type"),
        sa.func.count().label("events"),
        quantity.label("quantity"),
        *counts,
    ).group_by(rows.c.customer_id, day, rows.c.event_type)


def usage_by_customer(entity: MappedEntity, clocks: Clocks, days: Days) -> sa.Select[Any]:
    """Return the number of usable events a customer in these business days."""
    rows = _events(entity, clocks, days)
    fine = [sa.not_(fault) for fault in _faults(entity, rows, clocks).values()]
    fine.append(sa.func.length(sa.cast(rows.c.event_type, sa.Text())).between(1, 200))
    columns: list[sa.ColumnElement[Any]] = [
        sa.cast(rows.c.customer_id, sa.Text()).label("customer_id"),
        _count_where(sa.and_(*fine)).label("events"),
    ]
    return sa.select(*columns).group_by(rows.c.customer_id)


def events_of_days(entity: MappedEntity, clocks: Clocks, days: Days) -> sa.Select[Any]:
    """Return the bare rows of an entity of `TIME_COLUMNS`, to ask the planner about."""
    rows = entity.subquery()
    column = TIME_COLUMNS[entity.name]
    return sa.select(*rows.c).where(clocks.lies_in(rows.c[column], entity.types[column], days))


def first_day(entity: MappedEntity, clocks: Clocks, since: date, until: date) -> sa.Select[Any]:
    """Return the business day of the earliest row of an entity of `TIME_COLUMNS` in `[since, until)`, or null."""
    rows = entity.subquery()
    column = TIME_COLUMNS[entity.name]
    kind = entity.types[column]
    bounds = (clocks.raw_bound(clocks.midnight(day), kind) for day in (since, until))
    earliest = sa.select(sa.func.min(rows.c[column]).label("at"))
    earliest = earliest.where(rows.c[column] >= next(bounds), rows.c[column] < next(bounds))
    at = earliest.subquery("earliest").c.at
    return sa.select(sa.cast(clocks.local_time(at, kind), sa.Date()))


def _events(entity: MappedEntity, clocks: Clocks, days: Days | None) -> sa.Subquery:
    """Return the events of a range of days; with `event_id` mapped, `copy` numbers the events of one id."""
    rows = entity.subquery()
    columns: list[sa.ColumnElement[Any]] = [rows.c[name] for name in entity.types]
    if entity.has("event_id"):
        number = sa.func.row_number().over(
            partition_by=rows.c.event_id,
            order_by=[rows.c[name] for name in entity.types if name != "event_id"],
        )
        columns.append(sa.case((rows.c.event_id.is_(None), 1), else_=number).label("copy"))
    query = sa.select(*columns)
    if days is not None:
        query = query.where(clocks.lies_in(rows.c.occurred_at, entity.types["occurred_at"], days))
    return query.subquery("events")


def _faults(entity: MappedEntity, rows: sa.Subquery, clocks: Clocks) -> dict[str, sa.ColumnElement[bool]]:
    """Return what can be wrong with a single event of a group, by load column; never null."""
    latest = clocks.raw_bound(clocks.started_at + timedelta(days=1), entity.types["occurred_at"])
    faults: dict[str, sa.ColumnElement[bool]] = {
        "future_events": sa.func.coalesce(rows.c.occurred_at > latest, sa.false())
    }
    if entity.types.get("quantity") in FRACTIONS:
        quantity = rows.c.quantity  # only NaN and infinity differ from themselves so
        faults["endless_events"] = sa.func.coalesce(quantity - quantity != 0, sa.false())
    if entity.has("event_id"):
        faults["duplicate_events"] = rows.c.copy > 1
    return faults


def _count_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(condition)


def _loaded(entity: MappedEntity, rows: sa.Subquery, column: Column, clocks: Clocks) -> sa.ColumnElement[Any]:
    if not entity.has(column.name):
        return sa.null().label(column.name)
    raw = rows.c[column.name]
    if column.kind == "time":
        return clocks.local_time(raw, entity.types[column.name]).label(column.name)
    if column.kind in {"id", "label"}:
        return sa.cast(raw, sa.Text()).label(column.name)
    return raw.label(column.name)


def _attributes(entity: MappedEntity, rows: sa.Subquery) -> sa.ColumnElement[Any]:
    """Return the attributes as one JSON object: categories as text, NaN and infinity as null."""
    pairs = [(name, _attribute(entity, rows.c[name], name, kind)) for name, kind in entity.attributes]
    objects = [
        sa.func.jsonb_build_object(*(part for pair in pairs[at : at + _ATTRIBUTES_A_CALL] for part in pair))
        for at in range(0, len(pairs), _ATTRIBUTES_A_CALL)
    ]
    joined: sa.ColumnElement[Any] = objects[0] if objects else sa.func.jsonb_build_object()
    for more in objects[1:]:
        joined = joined.op("||")(more)
    return joined


def _attribute(entity: MappedEntity, column: sa.ColumnElement[Any], name: str, kind: str) -> sa.ColumnElement[Any]:
    if kind == "category":
        return sa.cast(column, sa.Text())
    if entity.types[name] in FRACTIONS:
        return sa.case((column - column == 0, column))
    return column
