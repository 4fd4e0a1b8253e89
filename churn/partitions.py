"""Month partitions of the big tables: made when a night needs them, dropped when nobody does; readers never wait."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.errors import WarehouseError
from churn.schema import MONTHLY_TABLES
from churn.warehouse import quoted, run_ddl
from churn.windows import add_months, month_start

ATTACHED, PENDING, DETACHED = "attached", "pending", "detached"


def partition_name(table_name: str, day: date) -> str:
    """Return the unqualified name of the partition that holds `day`."""
    return f"{table_name}_{day:%Y_%m}"


def ensure_month(connection: Connection, table_name: str, day: date) -> None:
    """Make the partition of `table_name` for the month of `day`, where it is not there yet.

    The table is made beside its parent and then attached: attaching takes a lock that readers don't wait for, while
    `create table … partition of` would wait for every open reader. What is left of a month that was being dropped
    (`drop_month`) gives way.

    Raises
    ------
    WarehouseError
        A table of that name is there which is no partition, of a table that is never dropped by month.
    """
    table = MONTHLY_TABLES[table_name]
    first = month_start(day)
    parent = f"{quoted(str(table.schema))}.{quoted(table_name)}"
    name = partition_name(table_name, day)
    partition = f"{quoted(str(table.schema))}.{quoted(name)}"
    state = _state(connection, partition)
    if state == ATTACHED:
        return
    if state is not None and table.schema != "scores":
        raise WarehouseError(f"The table {table.schema}.{name} is no partition.", "Attach it again, or rename it.")
    if state == PENDING:
        _finish_detaching(connection, parent, partition)
    if state is not None:
        run_ddl(connection, f"drop table {partition}")
    run_ddl(connection, f"create table {partition} (like {parent} including all)")
    run_ddl(
        connection,
        f"alter table {parent} attach partition {partition} "
        f"for values from ('{first.isoformat()}') to ('{add_months(first, 1).isoformat()}')",
    )


def drop_month(session: Connection, guard: Connection, table_name: str, first: date) -> None:
    """Drop a month of a table with all its rows, without making a reader wait.

    Detaching concurrently lets new readers pass at once, who no longer see the month, and waits for those who have
    read from the table before and are still at it, as long as the session's `lock_timeout` allows; then the month stays
    half detached, and another call ends it. No lock that a reader could wait for is taken before they are gone.

    Parameters
    ----------
    session : sqlalchemy.Connection
        Without a transaction: each statement commits. Detaching concurrently can't do with one.
    guard : sqlalchemy.Connection
        In a transaction that keeps other writers out until the month is gone, with which it goes. It has not touched
        the table, and is READ COMMITTED: detaching would wait for it otherwise.
    table_name : str
    first : date
        First day of the month.

    Raises
    ------
    TransientError
        Readers were at it for longer than the lock timeout.
    """
    schema = quoted(str(MONTHLY_TABLES[table_name].schema))
    parent, partition = f"{schema}.{quoted(table_name)}", f"{schema}.{quoted(partition_name(table_name, first))}"
    state = _state(session, partition)
    if state == ATTACHED:
        run_ddl(session, f"alter table {parent} detach partition {partition} concurrently")
    elif state == PENDING:
        _finish_detaching(session, parent, partition)
    run_ddl(guard, f"drop table if exists {partition}")


def _finish_detaching(connection: Connection, parent: str, partition: str) -> None:
    run_ddl(connection, f"alter table {parent} detach partition {partition} finalize")


def _state(connection: Connection, partition: str) -> str | None:
    """Return whether a table is a partition, is about to be none, or is none; None where there is no such table."""
    found = connection.execute(
        sa.text(
            "select i.inhdetachpending from pg_class as c left join pg_inherits as i on c.oid = i.inhrelid "
            "where c.oid = to_regclass(:name)"
        ),
        {"name": partition},
    ).first()
    if found is None:
        return None
    return {None: DETACHED, True: PENDING, False: ATTACHED}[found.inhdetachpending]


def analyze_month(connection: Connection, table_name: str, day: date) -> None:
    """Tell the planner what a night has just written: it takes a new night for empty, and loops over it, otherwise.

    Only the key columns are sampled; the feature arrays would cost more than they tell.
    """
    table = MONTHLY_TABLES[table_name]
    partition = f"{quoted(str(table.schema))}.{quoted(partition_name(table_name, day))}"
    keys = ", ".join(quoted(column.name) for column in table.primary_key.columns)
    run_ddl(connection, f"analyze {partition} ({keys})")
