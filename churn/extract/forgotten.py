"""Rows of forgotten customers go before anything else looks at them (`churn forget`)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from churn.extract.contract import USAGE_EVENTS
from churn.extract.load import load_table
from churn.sqlfiles import read_sql
from churn.tombstones import Tombstones

_IDS_AT_A_TIME = 5_000
_FORGOTTEN = sa.table("forgotten_customers", sa.column("customer_id", sa.Text))
_VALUES = sa.table("forgotten_values", sa.column("text_value", sa.Text))


def find_forgotten(connection: Connection, tombstones: Tombstones | None, name: str) -> None:
    """Write the forgotten customers among an entity's loaded rows to a temporary table, a few ids in memory at a time.

    Parameters
    ----------
    tombstones : Tombstones, optional
        None where nobody was forgotten.
    name : str
        Entity, whose rows are in its load table.
    """
    connection.exec_driver_sql(
        "create temporary table if not exists forgotten_customers (customer_id text primary key) on commit drop"
    )
    connection.execute(sa.delete(_FORGOTTEN))
    if tombstones is None:
        return
    customer_id = _loaded(name).c.customer_id
    ids = sa.select(customer_id).where(customer_id.is_not(None)).group_by(customer_id)
    found = connection.execute(ids, execution_options={"yield_per": _IDS_AT_A_TIME})
    for part in found.scalars().partitions():
        if forgotten := tombstones.forgotten(part):
            listed = sa.func.unnest(sa.cast(forgotten, ARRAY(sa.Text)))
            connection.execute(sa.insert(_FORGOTTEN).from_select(["customer_id"], sa.select(listed)))


def delete_forgotten(connection: Connection, name: str) -> int:
    """Delete the rows of the customers that `find_forgotten` found; return how many (of usage: events)."""
    rows = _loaded(name)
    count = int(connection.scalar(sa.select(source_rows(name, rows)).where(is_forgotten(rows))) or 0)
    if count:
        connection.execute(sa.delete(rows).where(is_forgotten(rows)))
    return count


def empty_forgotten_values(connection: Connection, tombstones: Tombstones | None) -> int:
    """Empty the attributes of loaded customers that name a forgotten one (`referred_by`), a few values in memory.

    Returns
    -------
    int
        Customers with such an attribute.
    """
    if tombstones is None:
        return 0
    connection.exec_driver_sql(
        "create temporary table if not exists forgotten_values (text_value text primary key) on commit drop"
    )
    connection.execute(sa.delete(_VALUES))
    values = read_sql("forget/attribute_values.sql").statement
    # `yield_per` is of no effect on SQL of a file.
    streamed = {"stream_results": True, "max_row_buffer": _IDS_AT_A_TIME}
    found = connection.execute(values, execution_options=streamed)
    is_any = False
    for part in found.scalars().partitions(_IDS_AT_A_TIME):
        if naming := tombstones.naming(part):
            is_any = True
            listed = sa.func.unnest(sa.cast(naming, ARRAY(sa.Text)))
            connection.execute(sa.insert(_VALUES).from_select(["text_value"], sa.select(listed)))
    return connection.execute(read_sql("forget/attributes_emptied.sql").statement).rowcount if is_any else 0


def is_forgotten(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """Say that a row is of a customer that `find_forgotten` found."""
    return rows.c.customer_id.in_(sa.select(_FORGOTTEN.c.customer_id))


def source_rows(name: str, rows: sa.FromClause) -> sa.Function[Any]:
    """Count source rows among loaded ones: a row of usage stands for its events."""
    return sa.func.sum(rows.c.events) if name == USAGE_EVENTS.name else sa.func.count(rows.c.customer_id)


def _loaded(name: str) -> sa.TableClause:
    names = ["customer_id", "events"] if name == USAGE_EVENTS.name else ["customer_id"]
    return sa.table(load_table(name), *(sa.column(column) for column in names))
