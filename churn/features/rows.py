"""The binary form of `COPY` (Postgres manual, COPY, "Binary Format") for rows of one fixed length.

A row is a bigint, a `real[]` of a fixed number of elements without nulls, and some integers. Everything is
big-endian; each field and each element of the array is preceded by its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.errors import WarehouseError

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_HEADER_BYTES = 19
_TRAILER = b"\xff\xff"
_ARRAY_HEADER_BYTES = 20


@dataclass(frozen=True)
class RowFormat:
    """Shape of a row.

    Attributes
    ----------
    numbers : int
        Elements of the `real[]`, at least 1.
    integers : int
        Integer columns after it.
    """

    numbers: int
    integers: int

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """A row as it stands in the stream."""
        element = np.dtype([("length", ">i4"), ("value", ">f4")])
        array = np.dtype(
            [(name, ">i4") for name in ("dimensions", "nulls", "oid", "size", "first")]
            + [("elements", element, (self.numbers,))]
        )
        integer = np.dtype([("length", ">i4"), ("value", ">i4")])
        fields: list[tuple[Any, ...]] = [
            ("fields", ">i2"),
            ("key_length", ">i4"),
            ("key", ">i8"),
            ("array_length", ">i4"),
            ("array", array),
        ]
        return np.dtype([*fields, ("integers", integer, (self.integers,))] if self.integers else fields)


@dataclass(frozen=True)
class Rows:
    """Some parsed rows.

    Attributes
    ----------
    keys : ndarray of int64, shape (n,)
    numbers : ndarray of float32, shape (n, numbers)
    integers : ndarray of int32, shape (n, integers)
    """

    keys: NDArray[np.int64]
    numbers: NDArray[np.float32]
    integers: NDArray[np.int32]


def parse_rows(chunks: Iterable[bytes], form: RowFormat, batch_rows: int) -> Iterator[Rows]:
    """Cut a stream into batches of rows, wherever its chunks begin and end.

    Parameters
    ----------
    chunks : iterable of bytes
    form : RowFormat
    batch_rows : int
        Rows a batch (the last one has fewer), at least 1.

    Raises
    ------
    WarehouseError
        The stream is not of this form, or ends too early.
    """
    wanted = batch_rows * form.dtype.itemsize
    pending = bytearray()
    is_begun = False
    for chunk in chunks:
        pending += chunk
        if not is_begun and len(pending) >= _HEADER_BYTES:
            if not pending.startswith(_SIGNATURE):
                raise _unreadable("it has no binary header")
            del pending[:_HEADER_BYTES]
            is_begun = True
        # The trailer is shorter than a row, so it is never part of a full batch.
        while is_begun and len(pending) >= wanted:
            yield _parse(bytes(pending[:wanted]), form)
            del pending[:wanted]
    if not is_begun or pending[-len(_TRAILER) :] != _TRAILER:
        raise _unreadable("it breaks off")
    if rest := bytes(pending[: -len(_TRAILER)]):
        yield _parse(rest, form)


def _parse(data: bytes, form: RowFormat) -> Rows:
    if len(data) % form.dtype.itemsize:
        raise _unreadable("its rows have another length")
    rows = np.frombuffer(data, dtype=form.dtype)
    _check(rows, form)
    integers = rows["integers"]["value"] if form.integers else np.empty((len(rows), 0))
    return Rows(
        rows["key"].astype(np.int64), rows["array"]["elements"]["value"].astype(np.float32), integers.astype(np.int32)
    )


def _check(rows: NDArray[Any], form: RowFormat) -> None:
    array_bytes = _ARRAY_HEADER_BYTES + 8 * form.numbers
    expected = {"fields": 2 + form.integers, "key_length": 8, "array_length": array_bytes}
    is_sound = all((rows[name] == value).all() for name, value in expected.items())
    is_sound = is_sound and bool((rows["array"]["nulls"] == 0).all())
    is_sound = is_sound and bool((rows["array"]["elements"]["length"] == 4).all())
    if form.integers:
        is_sound = is_sound and bool((rows["integers"]["length"] == 4).all())
    if not is_sound:
        raise _unreadable("its rows have another form")


def _unreadable(what: str) -> WarehouseError:
    return WarehouseError(
        f"A feature snapshot can't be read: {what}.", "Compute the night anew with `churn nightly --recompute`."
    )
