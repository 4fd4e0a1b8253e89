"""Put the UCI Online Retail file, as it is, into the database that churn.toml names as its source.

Run it as `python examples/online_retail/load.py [--data PATH] [--config PATH]`. It replaces the table `invoice_lines`,
in one transaction, and touches nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from churn.config import CONFIG_FILE, load_settings
from churn.connections import source_url
from churn.errors import ChurnError, UsageError
from churn.warehouse import Database, copy_in, open_database, run_ddl

HERE = Path(__file__).resolve().parent
TABLE = "invoice_lines"
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
BATCH_ROWS = 50_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, load, and return the exit code."""
    parser = argparse.ArgumentParser(description="Put the UCI Online Retail file into the source Postgres.")
    parser.add_argument("--data", type=Path, default=default_data(), help="the parquet file")
    parser.add_argument("--config", type=Path, default=HERE / CONFIG_FILE, help="configuration file")
    given = parser.parse_args(arguments)
    try:
        file = open_file(given.data)
        database = open_database(source_url(load_settings(given.config)), "source")
        print(f"{load(file, database):,} invoice lines are in the table {TABLE}.")
    except ChurnError as error:
        print(f"load.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def default_data() -> Path:
    """Return where the file is kept: in the folder `shared` beside the checkout, or the one that CHURN_SHARED names."""
    shared = os.environ.get("CHURN_SHARED") or HERE.parents[2] / "shared"
    return Path(shared) / "data" / "online_retail" / "online_retail.parquet"


def open_file(path: Path) -> pyarrow.parquet.ParquetFile:
    """Open the parquet file; its rows stay on disk.

    Raises
    ------
    UsageError
        There is none, or it isn't this data set.
    """
    if not path.is_file():
        raise UsageError(
            f"There is no file {path}.",
            "Give it with --data, or set CHURN_SHARED to the folder that holds data/online_retail/.",
        )
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path} can't be read as parquet: {error}.") from None
    if set(file.schema_arrow.names) != set(COLUMNS):
        raise UsageError(
            f"{path} has the columns {', '.join(file.schema_arrow.names)}.",
            f"Those of UCI Online Retail are {', '.join(COLUMNS)}.",
        )
    return file


def load(file: pyarrow.parquet.ParquetFile, database: Database) -> int:
    """Make the table anew and stream the file into it, a batch of rows in memory at a time; return the rows written."""
    with database.begin() as connection:
        # Sessions on a source are read-only, so that no job can ever write to one. This program may.
        run_ddl(connection, "set transaction read write")
        run_ddl(connection, (HERE / f"{TABLE}.sql").read_text(encoding="utf-8"))
        rows = copy_in(connection, TABLE, COLUMNS, csv_chunks(file))
        run_ddl(connection, f"analyze {TABLE}")
    return rows


def csv_chunks(file: pyarrow.parquet.ParquetFile) -> Iterator[bytes]:
    """Yield the file's rows as CSV without a header; a null is empty and unquoted, text is quoted."""
    options = pyarrow.csv.WriteOptions(include_header=False)
    for batch in file.iter_batches(BATCH_ROWS, columns=list(COLUMNS)):
        buffer = BytesIO()
        pyarrow.csv.write_csv(batch.select(list(COLUMNS)), buffer, options)
        yield buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
