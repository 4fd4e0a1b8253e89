"""The binary form of COPY is read alike wherever its chunks end, and refused where it isn't of the form expected."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from churn.errors import WarehouseError
from churn.features.rows import RowFormat, parse_rows

FORM = RowFormat(2, 1)
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"


def row(key: int, numbers: tuple[float, float], code: int, *, nulls: int = 0) -> bytes:
    array = struct.pack(">iiiii", 1, nulls, 700, 2, 1) + b"".join(struct.pack(">if", 4, value) for value in numbers)
    fields = (struct.pack(">q", key), array, struct.pack(">i", code))
    return struct.pack(">h", 3) + b"".join(struct.pack(">i", len(part)) + part for part in fields)


# A key of -1 begins as the trailer does.
STREAM = HEADER + row(-1, (1.5, float("nan")), -1) + row(2, (0, -2), 7) + row(3, (3, 4), 0) + TRAILER


@pytest.mark.parametrize("size", [1, 2, 3, 19, 20, 21, 60, 61, 62, 1000])
@pytest.mark.parametrize("batch_rows", [1, 2, 3, 4])
def test_rows_are_read_wherever_chunks_end(size, batch_rows):
    chunks = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    batches = list(parse_rows(chunks, FORM, batch_rows))
    assert [len(batch.keys) for batch in batches] == {1: [1, 1, 1], 2: [2, 1]}.get(batch_rows, [3])
    assert np.concatenate([batch.keys for batch in batches]).tolist() == [-1, 2, 3]
    numbers = np.concatenate([batch.numbers for batch in batches])
    assert np.nan_to_num(numbers, nan=99).tolist() == [[1.5, 99], [0, -2], [3, 4]]
    assert np.concatenate([batch.integers for batch in batches]).tolist() == [[-1], [7], [0]]


def test_no_rows_are_no_batches():
    assert list(parse_rows([HEADER + TRAILER], FORM, 2)) == []


@pytest.mark.parametrize(
    "stream",
    [
        *[b"", HEADER, b"customer,number\n1,2\n........", STREAM[:-1], STREAM[:-30] + TRAILER],
        HEADER + row(1, (1, 2), 3, nulls=1) + TRAILER,
    ],
)
def test_a_stream_of_another_form_is_refused(stream):
    with pytest.raises(WarehouseError, match="can't be read"):
        list(parse_rows([stream], FORM, 2))
