"""Columns of numbers between NumPy and a table, by `COPY`: never a row at a time, never all of a big table."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn.warehouse import copy_in, copy_out


def write_columns(connection: Connection, table: str, batches: Iterable[Mapping[str, Any]]) -> int:
    """Append column batches to a table.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    table : str
        `schema.table`.
    batches : iterable of mapping from column name to array, shape (n,)
        Every batch has the same columns; NaN is written as null.

    Returns
    -------
    int
        Rows written.
    """
    remaining = iter(batches)
    first = next(remaining, None)
    if first is None:
        return 0

    def chunks() -> Iterator[bytes]:
        yield _csv(first)
        for batch in remaining:
            yield _csv(batch)

    return copy_in(connection, table, tuple(first), chunks())


def _csv(batch: Mapping[str, Any]) -> bytes:
    arrays = {name: pa.array(values, from_pandas=True) for name, values in batch.items()}
    out = io.BytesIO()
    pyarrow.csv.write_csv(pa.table(arrays), out, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"))
    return out.getvalue()


def read_numbers(connection: Connection, query: str, columns: Mapping[str, type]) -> dict[str, NDArray[Any]]:
    """Read a query's numeric columns whole, as one array each; for results of one short row a customer.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    query : str
        Finished SELECT, its columns in the order of `columns`.
    columns : mapping from name to numpy type
        Nulls become NaN, so a nullable column must be a floating one.
    """
    kinds = {name: pa.from_numpy_dtype(np.dtype(kind)) for name, kind in columns.items()}
    table = _table(connection, query, kinds)
    return {name: table[name].to_numpy().astype(kind) for name, kind in columns.items()}


def read_texts(
    connection: Connection, query: str, columns: Mapping[str, type]
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.object_]]]:
    """Read numeric columns, as `read_numbers` does, and columns of text; equal texts are held once.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    query : str
        Finished SELECT, its columns in the order of `columns`.
    columns : mapping from name to numpy type, or to `str`

    Returns
    -------
    tuple of (numbers, texts) by name
        A null text is None.
    """
    numeric = {name: kind for name, kind in columns.items() if kind is not str}
    kinds = {name: pa.from_numpy_dtype(np.dtype(numeric[name])) if name in numeric else pa.string() for name in columns}
    table = _table(connection, query, kinds)
    numbers = {name: table[name].to_numpy().astype(kind) for name, kind in numeric.items()}
    texts = {name: _objects(table[name].combine_chunks()) for name in columns if name not in numeric}
    return numbers, texts


def _table(connection: Connection, query: str, kinds: dict[str, pa.DataType]) -> pa.Table:
    data = b"".join(copy_out(connection, query))
    if not data:
        return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    return pyarrow.csv.read_csv(
        io.BytesIO(data),
        read_options=pyarrow.csv.ReadOptions(column_names=list(kinds)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=kinds, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False
        ),
    )


def _objects(texts: pa.Array) -> NDArray[np.object_]:
    """Return strings as objects, equal ones as one object; null as None."""
    coded = texts.dictionary_encode()
    levels = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    codes = coded.indices.fill_null(len(levels) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(levels[codes], dtype=object)
