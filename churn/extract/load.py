"""Temporary tables of one extraction, and the stream that fills them from the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeEngine

from churn.errors import ChurnError, DataContractError
from churn.extract.contract import CUSTOMERS, ENTITIES, USAGE_EVENTS, Column
from churn.extract.mapping import blaming
from churn.schema import customers, payments, subscriptions, support_tickets, usage_daily
from churn.warehouse import Database, copy_in, copy_out, literal_sql, quoted, sqlstate, translated

VERSIONED = {table.name: table for table in (customers, subscriptions, payments, support_tickets)}
"""The staging tables that keep versions, by entity."""

VERSION_COLUMNS = ("valid_from", "valid_to", "learned_at")

_LOAD_TYPES: dict[str, type[TypeEngine[Any]]] = {
    "id": sa.Text,
    "label": sa.Text,
    "time": sa.DateTime,
    "number": sa.Numeric,
    "boolean": sa.Boolean,
}
_SOURCE_WORK_MEM = "128MB"
_EVENT_FAULTS = ("future_events", "endless_events", "duplicate_events")
_INVALID_BYTES = ("22021", "22P05")


def load_table(name: str) -> str:
    """Return the name of the temporary table that an entity's source rows land in, just as they come."""
    return f"load_{name}"


def incoming_table(name: str) -> sa.TableClause:
    """Return the temporary table of an entity's usable rows, in the shape of its staging table."""
    target = VERSIONED[name]
    kept = [column.name for column in target.columns if column.name not in VERSION_COLUMNS]
    return sa.table(f"incoming_{name}", *(sa.column(column) for column in kept))


def changes_table(name: str) -> sa.TableClause:
    """Return the temporary table of the new versions that an entity's incoming rows make."""
    incoming = incoming_table(name)
    return sa.table(f"changes_{name}", *(sa.column(c.name) for c in incoming.columns), sa.column("valid_from"))


def create_tables(connection: Connection, entities: tuple[str, ...]) -> None:
    """Make the temporary tables that rows pass through on the way to staging; they go when the transaction ends."""
    metadata = sa.MetaData()
    _temporary(
        metadata,
        "quarantined_rows",
        sa.Column("entity", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("row_key", sa.Text),
        sa.Column("rows", sa.BigInteger, server_default="1"),
    )
    for name in entities:
        if name == USAGE_EVENTS.name:
            _temporary(metadata, f"incoming_{name}", *_copied(usage_daily, ()))
            _temporary(
                metadata,
                "load_usage_late",
                sa.Column("customer_id", sa.Text),
                sa.Column("events", sa.BigInteger),
            )
            continue
        kept = _copied(VERSIONED[name], VERSION_COLUMNS)
        _temporary(metadata, f"incoming_{name}", *kept)
        _temporary(
            metadata,
            f"changes_{name}",
            *_copied(VERSIONED[name], VERSION_COLUMNS),
            sa.Column("valid_from", sa.DateTime),
        )
    if CUSTOMERS.name in entities:
        _temporary(
            metadata,
            "incoming_customer_attributes",
            sa.Column("customer_key", sa.BigInteger),
            sa.Column("name", sa.Text),
            sa.Column("text_value", sa.Text),
            sa.Column("number_value", sa.Double),
        )
        _temporary(metadata, "attribute_customers", sa.Column("customer_key", sa.BigInteger))
    metadata.create_all(connection, checkfirst=False)


def create_load(connection: Connection, name: str) -> None:
    """Make the temporary table that an entity's source rows land in."""
    metadata = sa.MetaData()
    _temporary(metadata, load_table(name), *load_columns(name))
    metadata.create_all(connection, checkfirst=False)


def _temporary(metadata: sa.MetaData, name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, metadata, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


def _copied(table: sa.Table, without: tuple[str, ...]) -> list[sa.Column[Any]]:
    return [sa.Column(column.name, column.type) for column in table.columns if column.name not in without]


def load_columns(name: str) -> list[sa.Column[Any]]:
    """Return the columns that an entity's rows land in: of the source contract, as wide as the source may have them."""
    if name == USAGE_EVENTS.name:
        return [
            sa.Column("customer_id", sa.Text),
            sa.Column("usage_date", sa.Date),
            sa.Column("event_type", sa.Text),
            sa.Column("events", sa.BigInteger),
            sa.Column("quantity", sa.Numeric),
            *(sa.Column(fault, sa.BigInteger, server_default="0") for fault in _EVENT_FAULTS),
        ]
    columns = [_load_column(column) for column in ENTITIES[name].columns]
    return [*columns, sa.Column("attributes", JSONB)] if name == CUSTOMERS.name else columns


def _load_column(column: Column) -> sa.Column[Any]:
    return sa.Column(column.name, _LOAD_TYPES[column.kind])


# --- the stream -------------------------------------------------------------------------------------------


@contextmanager
def source_snapshot(source: Database) -> Iterator[Connection]:
    """Open one consistent, read-only look at the source."""
    with source.connect(isolation="REPEATABLE READ") as connection:
        reading = connection.execution_options(postgresql_readonly=True)
        same_text(reading)
        reading.execute(
            sa.text(
                "select set_config('work_mem', :size, true) "
                "where pg_size_bytes(current_setting('work_mem')) < pg_size_bytes(:size)"
            ),
            {"size": _SOURCE_WORK_MEM},
        )
        yield reading


def same_text(connection: Connection) -> None:
    """Make a session write and read text as the other side of a `COPY` does."""
    for name, value in {
        "client_encoding": "UTF8",
        "datestyle": "ISO, YMD",
        "extra_float_digits": "1",
    }.items():
        connection.execute(sa.text("select set_config(:name, :value, true)"), {"name": name, "value": value})


def stream(
    source: Connection,
    query: sa.Select[Any],
    warehouse: Connection,
    table: str,
    *,
    file: str,
    progress: Callable[[int], None],
) -> int:
    """Copy the rows of a query in the source into a table of the warehouse, a few chunks at a time in memory.

    Parameters
    ----------
    query : sqlalchemy.Select
        Columns by name as those of `table`.
    file : str
        Mapping file to name when the source refuses the query.
    progress : callable
        Called with the rows sent so far, after each chunk.

    Returns
    -------
    int
        Rows copied.
    """
    columns = [column.name for column in query.selected_columns]

    def chunks() -> Iterator[bytes]:
        sent = 0
        with blaming(file), translated("source"):
            for chunk in copy_out(source, literal_sql(query), fmt="text"):
                yield chunk
                sent += chunk.count(b"\n")
                progress(sent)

    try:
        with translated("warehouse"):
            copied = copy_in(warehouse, table, columns, chunks(), fmt="text")
            warehouse.exec_driver_sql(f"analyze {quoted(table)}")
    except ChurnError as error:
        if sqlstate(error).startswith(_INVALID_BYTES):
            raise DataContractError(
                f"{file}: the source holds text that is not valid UTF-8.", "Convert it in the SELECT."
            ) from error
        raise
    return copied
