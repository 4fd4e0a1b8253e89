"""Exports of the published views to a file or stdout: CSV, Parquet or JSON lines, in bounded memory."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.errors import UsageError
from churn.publish import published_night
from churn.sqlfiles import read_sql
from churn.warehouse import Database

Format = Literal["csv", "parquet", "jsonl"]
What = Literal["at-risk", "scores", "segments"]

BATCH_ROWS = 10_000
_NIGHTLY = {"at-risk": "export/at_risk.sql", "scores": "export/scores.sql", "segments": "export/segments.sql"}


def export(
    warehouse: Database, what: What, as_of: date | None, fmt: Format, output: Path | None, *, holdout: bool
) -> int:
    """Write what is published for a night; a file appears whole or not at all.

    Parameters
    ----------
    warehouse : Database
    what : {"at-risk", "scores", "segments"}
    as_of : date or None
        None is the latest published night.
    fmt : {"csv", "parquet", "jsonl"}
    output : Path or None
        None is stdout.
    holdout : bool
        Keep the list's holdout group in, with its `campaign_group` (at-risk only).

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    UsageError
        Nothing is published for that night, or the file can't be written.
    """
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        night = as_of or connection.scalar(sa.text("select max(as_of_date) from ops.published"))
        if night is None or published_night(connection, night) is None:
            raise UsageError(f"Nothing is published for {night or 'any night'}.", "Run `churn nightly` first.")
        with _target(output) as target:
            return _write(_batches(connection, what, night, holdout=holdout), fmt, target)


def _batches(connection: Connection, what: What, as_of: date, *, holdout: bool) -> Iterator[pa.RecordBatch]:
    file = read_sql(_NIGHTLY[what])
    params: dict[str, Any] = {"as_of": as_of}
    if what == "at-risk":
        params["with_holdout"] = holdout
    result = connection.execution_options(yield_per=BATCH_ROWS).execute(file.statement, params)
    names = list(result.keys())
    schema: pa.Schema | None = None
    for part in result.partitions():
        columns = {name: [_plain(row[index]) for row in part] for index, name in enumerate(names)}
        schema = schema or _schema(file.header, names)
        yield pa.RecordBatch.from_pydict(columns, schema=schema)
    if schema is None:
        schema = _schema(file.header, names)
        yield pa.RecordBatch.from_pydict({name: [] for name in names}, schema=schema)


_TYPES = {
    "text": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "money": pa.decimal128(18, 2),
    "boolean": pa.bool_(),
}


def _schema(header: dict[str, str], names: list[str]) -> pa.Schema:
    return pa.schema([(name, _TYPES[header[f"type.{name}"]]) for name in names])


def _plain(value: Any) -> Any:
    return value.quantize(Decimal("0.01")) if isinstance(value, Decimal) else value


@contextmanager
def _target(output: Path | None) -> Iterator[IO[bytes]]:
    """Open stdout, or a temporary file that takes the name of `output` once it is whole."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if not output.parent.is_dir():
        raise UsageError(f"There is no folder {output.parent}.", "Make it, or choose another --output.")
    if output.is_dir():
        raise UsageError(f"{output} is a folder.", "Give --output the name of a file.")
    try:
        with _whole_or_not_at_all(output) as file:
            yield file
    except OSError as error:
        raise UsageError(
            f"{output} can't be written: {error.strerror or error}.", "Choose another --output."
        ) from error


@contextmanager
def _whole_or_not_at_all(output: Path) -> Iterator[IO[bytes]]:
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o640)
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(batches: Iterator[pa.RecordBatch], fmt: Format, target: IO[bytes]) -> int:
    first = next(batches)
    rows = 0
    with _writer(fmt, target, first.schema) as write:
        for batch in _chained(first, batches):
            write(batch)
            rows += batch.num_rows
    return rows


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


@contextmanager
def _writer(fmt: Format, target: IO[bytes], schema: pa.Schema) -> Iterator[Any]:
    if fmt == "csv":
        with pyarrow.csv.CSVWriter(
            target, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed")
        ) as writer:
            yield lambda batch: writer.write_batch(_csv_safe(batch))
    elif fmt == "parquet":
        with pyarrow.parquet.ParquetWriter(target, schema) as writer:
            yield writer.write_batch
    else:
        yield lambda batch: _write_json_lines(batch, target)


def _csv_safe(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    columns = []
    for column in batch.columns:
        if pa.types.is_string(column.type):
            values = ["'" + value if value and value[0] in "=+-@\t\r" else value for value in column.to_pylist()]
            column = pa.array(values, type=column.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _write_json_lines(batch: pa.RecordBatch, target: IO[bytes]) -> None:
    for row in batch.to_pylist():
        target.write(json.dumps(row, default=_json_value, ensure_ascii=False).encode() + b"\n")


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else float(value)
