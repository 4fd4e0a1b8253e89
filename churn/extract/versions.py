"""New, changed, deleted and returned rows of a staging table, kept as versions.

The same five steps serve every versioned table, over the columns that `churn.schema` gives it; they are built
from that rather than written out once per table in `sql/`, where 20 files would differ in names alone.

A first version reaches back to the beginning. A later one holds from the row's `updated_at`, where that lies
between the version before and now, else from a day before we learned of it, so that the night that learns of
a change sees it. A deleted row's last version ends a day before we learned of that. A row that is still there
but can't be used keeps its last good version, unless its customer is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.extract.load import VERSION_COLUMNS, VERSIONED, changes_table, incoming_table
from churn.schema import BEGINNING, FOREVER

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_GONE_WITH_CUSTOMER = "customer_unknown"


@dataclass(frozen=True)
class Merged:
    """Versions written and closed by one merge.

    Attributes
    ----------
    changed : int
        New versions, first ones included, and versions corrected in place.
    deleted : int
        Versions closed because their row is gone.
    """

    changed: int
    deleted: int


def merge(connection: Connection, name: str, learned_at: datetime, *, whole: bool, rebase: bool) -> Merged:
    """Bring a staging table up to its incoming rows.

    Parameters
    ----------
    name : str
        Entity; its incoming rows are in `incoming_<name>`.
    learned_at : datetime
        Start of the run, business-local.
    whole : bool
        Whether the incoming rows are all there are, so that a row not among them was deleted.
    rebase : bool
        Whether the mapping or a time zone changed since the last extraction: what differs then is how we read
        a row, not the row, so current versions are corrected in place.
    """
    table = VERSIONED[name]
    corrected = _correct(connection, table) if rebase else 0
    _find_changes(connection, table, learned_at)
    changes = changes_table(name)
    connection.execute(
        sa.update(table)
        .values(valid_to=changes.c.valid_from)
        .where(_key(table) == _key(changes), table.c.valid_to == FOREVER)
    )
    names = [column.name for column in changes.columns]
    appended = connection.execute(
        sa.insert(table).from_select(
            [*names, "valid_to", "learned_at"],
            sa.select(*changes.columns, sa.literal(FOREVER), sa.literal(learned_at)),
        )
    ).rowcount
    deleted = _close_missing(connection, table, learned_at) if whole else 0
    return Merged(corrected + appended, deleted)


def current_rows(connection: Connection, name: str) -> int:
    """Count the rows of a staging table that are in force now."""
    table = VERSIONED[name]
    query = sa.select(sa.func.count()).select_from(table).where(table.c.valid_to == FOREVER)
    return int(connection.scalar(query) or 0)


def _find_changes(connection: Connection, table: sa.Table, learned_at: datetime) -> None:
    """Write the incoming rows that differ from their current version, or have none."""
    incoming = incoming_table(table.name).alias("incoming")
    current = table.alias("current")
    earlier = table.alias("earlier")
    previous = (
        sa.select(earlier.c.valid_from, earlier.c.valid_to)
        .where(_key(earlier, table) == _key(incoming, table))
        .order_by(earlier.c.valid_from.desc())
        .limit(1)
        .lateral("previous")
    )
    joined = incoming.outerjoin(
        current, sa.and_(_key(current, table) == _key(incoming, table), current.c.valid_to == FOREVER)
    ).outerjoin(previous, sa.true())
    query = (
        sa.select(*incoming.columns, _valid_from(incoming, previous, learned_at))
        .select_from(joined)
        .where(sa.or_(_key(current, table).is_(None), _differs(table, incoming, current)))
    )
    changes = changes_table(table.name)
    connection.execute(sa.insert(changes).from_select([column.name for column in changes.columns], query))


def _valid_from(incoming: sa.FromClause, previous: sa.FromClause, learned_at: datetime) -> sa.ColumnElement[datetime]:
    closed_at = sa.case((previous.c.valid_to < FOREVER, previous.c.valid_to))
    updated_at = incoming.c.updated_at
    stated = sa.case(
        (
            sa.and_(
                updated_at > previous.c.valid_from,
                updated_at >= sa.func.coalesce(closed_at, updated_at),
                updated_at <= learned_at,
            ),
            updated_at,
        ),
        else_=sa.literal(learned_at - _DAY),
    )
    later = sa.func.greatest(stated, previous.c.valid_from + _TICK, closed_at)
    return sa.case((previous.c.valid_from.is_(None), sa.literal(BEGINNING)), else_=later).label("valid_from")


def _correct(connection: Connection, table: sa.Table) -> int:
    """Overwrite current versions that differ from their incoming row; return how many did."""
    incoming = incoming_table(table.name)
    values = {name: incoming.c[name] for name in _value_columns(table)} | {"updated_at": incoming.c.updated_at}
    statement = (
        sa.update(table)
        .values(values)
        .where(
            _key(table) == _key(incoming, table),
            table.c.valid_to == FOREVER,
            _differs(table, incoming, table),
        )
    )
    return connection.execute(statement).rowcount


def _close_missing(connection: Connection, table: sa.Table, learned_at: datetime) -> int:
    incoming = incoming_table(table.name)
    aside = sa.table("quarantined_rows", *(sa.column(name) for name in ("entity", "reason", "row_key")))
    seen = sa.exists().where(_key(incoming, table) == _key(table))
    unusable = sa.exists().where(
        aside.c.entity == table.name,
        aside.c.row_key == _key(table),
        aside.c.reason != _GONE_WITH_CUSTOMER,
    )
    statement = (
        sa.update(table)
        .values(valid_to=sa.func.greatest(sa.literal(learned_at - _DAY), table.c.valid_from + _TICK))
        .where(table.c.valid_to == FOREVER, sa.not_(seen), sa.not_(unusable))
    )
    return connection.execute(statement).rowcount


def _differs(table: sa.Table, one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    names = _value_columns(table)
    left, right = (sa.tuple_(*(side.c[name] for name in names)) for side in (one, other))
    return left.is_distinct_from(right)


def _value_columns(table: sa.Table) -> list[str]:
    """Return the columns that make two rows different; a touched `updated_at` alone doesn't."""
    apart = {_key(table).name, "updated_at", *VERSION_COLUMNS}
    return [column.name for column in table.columns if column.name not in apart]


def _key(side: Any, table: sa.Table | None = None) -> sa.ColumnElement[str]:
    """Return the column of a table, alias or temporary table that holds the source's key: the first."""
    first: sa.ColumnElement[str] = side.c[next(iter((side if table is None else table).c)).name]
    return first
