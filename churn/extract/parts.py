"""The past of a big entity, copied part by part, and the end of it: what is new, late or edited since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.extract.contract import USAGE_EVENTS
from churn.extract.copying import Copying, Loaded, copy_query
from churn.extract.estimates import find_parts
from churn.extract.forgotten import delete_forgotten, find_forgotten, is_forgotten
from churn.extract.history import (
    IS_FORGOTTEN,
    History,
    Part,
    begin_history,
    drop_histories,
    is_read_in_parts,
    kept_table,
    mark_read,
    read_histories,
)
from churn.extract.load import create_load, load_columns, load_table, same_text, source_snapshot
from churn.extract.plan import EntityPlan, plan_entities, read_watermarks
from churn.extract.reading import TIME_COLUMNS, rows_of_days, touched_rows, usage_by_day
from churn.extract.times import Clocks, Days
from churn.tombstones import load as load_tombstones
from churn.warehouse import Database, literal_sql, quoted, run_ddl

Progress = Callable[[str, int], None]


def read_history(source: Database, warehouse: Database, settings: Settings, clocks: Clocks, progress: Progress) -> None:
    """Read what is missing of the past of the entities that are big and new, each part in a transaction of its own.

    What an earlier extraction has read and this one can't use is dropped.
    """
    plans, begun = _begin(source, warehouse, settings, clocks)
    for plan in plans:
        if plan.name not in begun:
            continue
        done = begun[plan.name].rows
        for part in begun[plan.name].parts:
            if part.rows is not None:
                continue

            def report(rows: int, name: str = plan.name, before: int = done) -> None:
                progress(name, before + rows)

            with source_snapshot(source) as reading, warehouse.begin() as connection:
                same_text(connection)
                copying = Copying(reading, connection, clocks, load_tombstones(connection, settings))
                done += _read_part(copying, plan, part, report)


def _begin(
    source: Database, warehouse: Database, settings: Settings, clocks: Clocks
) -> tuple[list[EntityPlan], dict[str, History]]:
    """Return what may be read in parts, and how far that is, begun by an earlier extraction or now."""
    with warehouse.begin() as connection:
        watermarks, known = read_watermarks(connection), read_histories(connection)
    with source_snapshot(source) as reading:
        plans = [p for p in plan_entities(reading, watermarks, settings, clocks, full=False) if is_read_in_parts(p)]
        begun = {p.name: known[p.name] for p in plans if p.name in known and known[p.name].serves(p, clocks)}
        new = [p for p in plans if p.name not in begun]
        parts = {p.name: find_parts(reading, p.entity, clocks, settings.extract.late_days) for p in new}
    with warehouse.begin() as connection:
        drop_histories(connection, but=begun)
        for plan in new:
            if parts[plan.name]:
                begun[plan.name] = begin_history(connection, plan, clocks, parts[plan.name])
    return plans, begun


def _read_part(copying: Copying, plan: EntityPlan, part: Part, progress: Callable[[int], None]) -> int:
    """Copy one part and mark it as read, in one transaction of the warehouse; return the rows copied."""
    create_load(copying.warehouse, plan.name)
    rows = copy_query(copying, plan, _query(copying, plan, part.days), progress)
    _keep(copying, plan)
    mark_read(copying.warehouse, plan.name, part, rows)
    return rows


def finish_history(
    copying: Copying, plan: EntityPlan, history: History, late_days: int, progress: Callable[[int], None]
) -> Loaded:
    """Read what the parts lack, and what may have changed since, and show all of it as the entity's load table.

    The last days of the past are read again, as an incremental night would; so are rows that were updated meanwhile.
    """
    connection = copying.warehouse
    kept = kept_table(plan.name)
    again = _first_day_again(copying, history, late_days)
    connection.execute(sa.delete(kept).where(_day(kept, plan.name) >= again))
    create_load(connection, plan.name)
    touched_since = history.started_at if plan.entity.has("updated_at") else None
    done = history.rows
    if touched_since is not None:
        touched = touched_rows(plan.entity, copying.clocks, touched_since)
        done += copy_query(copying, plan, touched, lambda rows: progress(history.rows + rows))
        key = plan.entity.mapping.entity.key
        loaded = sa.table(load_table(plan.name), sa.column(key)).alias("touched")
        for is_gone, known in ((sa.false(), loaded.c[key]), (sa.true(), _hashed(loaded.c[key]))):
            connection.execute(sa.delete(kept).where(kept.c[key] == known, kept.c[IS_FORGOTTEN] == is_gone))
    rest = Days(history.parts[0].days.first, again, is_rest=True)
    copy_query(copying, plan, _query(copying, plan, rest, touched_since), lambda rows: progress(done + rows))
    _keep(copying, plan)
    return _show(connection, plan.name)


def _query(copying: Copying, plan: EntityPlan, days: Days, untouched_since: datetime | None = None) -> sa.Select[Any]:
    if plan.name == USAGE_EVENTS.name:
        return usage_by_day(plan.entity, copying.clocks, days)
    return rows_of_days(plan.entity, copying.clocks, days, untouched_since=untouched_since)


def _keep(copying: Copying, plan: EntityPlan) -> None:
    """Move rows from the temporary load table to the one that stays; of a forgotten customer's, only their number.

    Where rows that were updated meanwhile are read again, hashes of their keys tell which of them are there already.
    """
    connection, name = copying.warehouse, plan.name
    kept = kept_table(name)
    columns = load_columns(name)
    loaded = sa.table(load_table(name), *(sa.column(column.name) for column in columns))
    find_forgotten(connection, copying.tombstones, name)
    counted: dict[str, sa.ColumnElement[Any]] = {_day_column(name): loaded.c[_day_column(name)]}
    if name == USAGE_EVENTS.name:
        counted["events"] = loaded.c.events
    if plan.entity.has("updated_at"):
        key = plan.entity.mapping.entity.key
        counted[key] = _hashed(loaded.c[key])
    connection.execute(
        sa.insert(kept).from_select(
            [*counted, IS_FORGOTTEN], sa.select(*counted.values(), sa.true()).where(is_forgotten(loaded))
        )
    )
    delete_forgotten(connection, name)
    connection.execute(sa.insert(kept).from_select([c.name for c in columns], sa.select(*loaded.columns)))
    run_ddl(connection, f"drop table {quoted(load_table(name))}")


def _hashed(key: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.encode(sa.func.sha256(sa.func.convert_to(key, "UTF8")), "hex")


def _show(connection: Connection, name: str) -> Loaded:
    """Show what was kept as the entity's load table, and count it; the view goes with the table under it."""
    kept = kept_table(name)
    run_ddl(connection, f"analyze {kept.schema}.{quoted(kept.name)}")
    usable = sa.select(*(kept.c[column.name] for column in load_columns(name))).where(sa.not_(kept.c[IS_FORGOTTEN]))
    run_ddl(connection, f"create temporary view {quoted(kept.name)} as {literal_sql(usable)}")
    is_gone = kept.c[IS_FORGOTTEN]
    gone = kept.c.events if name == USAGE_EVENTS.name else sa.literal(1)
    forgotten = sa.func.coalesce(sa.func.sum(gone).filter(is_gone), 0)
    found = connection.execute(sa.select(sa.func.count(), forgotten).select_from(kept)).one()
    return Loaded(int(found[0]), int(found[1]))


def _first_day_again(copying: Copying, history: History, late_days: int) -> date:
    """Return the first day to read again: so many before the last day with a row, as incremental nights count them."""
    day = _day(kept_table(history.entity), history.entity)
    last: date | None = copying.warehouse.scalar(sa.select(sa.func.max(day)))
    until = history.parts[-1].days.until or date.max
    return until if last is None else min(until, last - timedelta(days=late_days))


def _day(kept: sa.Table, name: str) -> sa.ColumnElement[date]:
    return sa.cast(kept.c[_day_column(name)], sa.Date)


def _day_column(name: str) -> str:
    return "usage_date" if name == USAGE_EVENTS.name else TIME_COLUMNS[name]
