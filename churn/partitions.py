"""Month partitions of the big tables: made when a night needs them, attached without blocking readers."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.schema import MONTHLY_TABLES
from churn.warehouse import quoted, run_ddl
from churn.windows import add_months, month_start


def partition_name(table_name: str, day: date) -> str:
    """Return the unqualified name of the partition that holds `day`."""
    return f"{table_name}_{day:%Y_%m}"


def ensure_month(connection: Connection, table_name: str, day: date) -> None:
    """Make the partition of `table_name` for the month of `day`, where it is not there yet.

    The table is made beside its parent and then attached: attaching takes a lock that readers don't wait for, while
    `create table … partition of` would wait for every open reader.
    """
    table = MONTHLY_TABLES[table_name]
    first = month_start(day)
    parent = f"{quoted(str(table.schema))}.{quoted(table_name)}"
    partition = f"{quoted(str(table.schema))}.{quoted(partition_name(table_name, day))}"
    if connection.scalar(sa.text("select to_regclass(:name)"), {"name": partition}) is not None:
        return
    run_ddl(connection, f"create table {partition} (like {parent} including all)")
    run_ddl(
        connection,
        f"alter table {parent} attach partition {partition} "
        f"for values from ('{first.isoformat()}') to ('{add_months(first, 1).isoformat()}')",
    )


def analyze_month(connection: Connection, table_name: str, day: date) -> None:
    """Tell the planner what a night has just written: it takes a new night for empty, and loops over it, otherwise.

    Only the key columns are sampled; the feature arrays would cost more than they tell.
    """
    table = MONTHLY_TABLES[table_name]
    partition = f"{quoted(str(table.schema))}.{quoted(partition_name(table_name, day))}"
    keys = ", ".join(quoted(column.name) for column in table.primary_key.columns)
    run_ddl(connection, f"analyze {partition} ({keys})")
