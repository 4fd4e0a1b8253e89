"""Put the simulated company into a source Postgres: make its tables, stream its rows, index them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import Connection

from churn.demo.company import Company
from churn.warehouse import copy_in

TABLES: dict[str, tuple[str, ...]] = {
    "customers": (
        "customer_id",
        "signed_up_at",
        "country",
        "industry",
        "employees",
        "contactable",
        "updated_at",
    ),
    "subscriptions": (
        "subscription_id",
        "customer_id",
        "plan",
        "mrr",
        "started_at",
        "ended_at",
        "billing_months",
        "discount_until",
        "updated_at",
    ),
    "payments": ("payment_id", "customer_id", "paid_at", "amount", "status", "updated_at"),
    "usage_events": ("event_id", "customer_id", "occurred_at", "event_type", "quantity"),
    "support_tickets": (
        "ticket_id",
        "customer_id",
        "opened_at",
        "closed_at",
        "severity",
        "satisfaction",
        "updated_at",
    ),
}
_FOLDER = Path(__file__).resolve().parent


def source_sql_dir() -> Path:
    """Return the folder of the simulated company's mapping, for `source.sql_dir`."""
    return _FOLDER / "source"


def load_company(
    company: Company,
    connection: Connection,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Make the five source tables in schema `public` and fill them; those of an earlier company go.

    All in one transaction: the connection's own, or one made here where it has none open.

    Parameters
    ----------
    company : Company
    connection : sqlalchemy.Connection
    progress : callable, optional
        Told after each batch: the table's name and the rows just sent.

    Returns
    -------
    dict of str to int
        Rows written per table.
    """
    with nullcontext() if connection.in_transaction() else connection.begin():
        connection.exec_driver_sql((_FOLDER / "tables.sql").read_text(encoding="utf-8"))
        written = {
            table: copy_in(connection, f"public.{table}", TABLES[table], _csv_chunks(batches, progress))
            for table, batches in groupby(company.tables(), key=itemgetter(0))
        }
        connection.exec_driver_sql((_FOLDER / "indexes.sql").read_text(encoding="utf-8"))
    return written


def _csv_chunks(
    batches: Iterable[tuple[str, pa.RecordBatch]], progress: Callable[[str, int], None] | None
) -> Iterator[bytes]:
    """Yield each batch as CSV without a header; nulls are empty and unquoted, text is quoted."""
    options = pyarrow.csv.WriteOptions(include_header=False)
    for table, batch in batches:
        buffer = BytesIO()
        pyarrow.csv.write_csv(batch.select(list(TABLES[table])), buffer, options)
        yield buffer.getvalue()
        if progress is not None:
            progress(table, len(batch))
