"""CSV, Parquet and JSON lines of a night's rows, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from churn.night_rows import FieldType, NightRows
from churn.spreadsheets import harmless

Format = Literal["csv", "parquet", "jsonl"]

_TYPES: dict[FieldType, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "double": pa.float64(),
    "money": pa.decimal128(18, 2),
    "boolean": pa.bool_(),
}


def write_rows(night: NightRows, fmt: Format, target: IO[bytes]) -> int:
    """Write a night's rows; return how many.

    Parameters
    ----------
    night : NightRows
    fmt : {"csv", "parquet", "jsonl"}
    target : binary file
        Text of a CSV that a spreadsheet would take for a formula begins with an apostrophe.
    """
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in night.selection.fields.items()])
    rows = 0
    with _writer(fmt, target, schema) as write:
        for part in night.batches():
            columns = [pa.array([row[place] for row in part], type=field.type) for place, field in enumerate(schema)]
            write(pa.RecordBatch.from_arrays(columns, schema=schema))
            rows += len(part)
    return rows


@contextmanager
def _writer(fmt: Format, target: IO[bytes], schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], Any]]:
    if fmt == "csv":
        options = pyarrow.csv.WriteOptions(quoting_style="needed")
        with pyarrow.csv.CSVWriter(target, schema, write_options=options) as writer:
            yield lambda batch: writer.write_batch(_csv_safe(batch))
    elif fmt == "parquet":
        with pyarrow.parquet.ParquetWriter(target, schema) as writer:
            yield writer.write_batch
    else:
        yield lambda batch: _write_json_lines(batch, target)


def _csv_safe(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = []
    for column in batch.columns:
        if pa.types.is_string(column.type):
            values = [None if value is None else harmless(value) for value in column.to_pylist()]
            column = pa.array(values, type=column.type)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _write_json_lines(batch: pa.RecordBatch, target: IO[bytes]) -> None:
    for row in batch.to_pylist():
        target.write(json.dumps(row, default=_json_value, ensure_ascii=False).encode() + b"\n")


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else float(value)
