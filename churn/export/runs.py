"""What is exported where: one night to a file or stdout, or a folder of nights that is brought up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from churn.errors import UsageError
from churn.export.files import sha256_of, whole_file
from churn.export.formats import Format, write_rows
from churn.night_rows import Delivery, NightRows, Selection, last_delivery, published_nights, reading, record
from churn.warehouse import Database


@dataclass(frozen=True)
class Exported:
    """What became of one night.

    Attributes
    ----------
    as_of : date
    rows : int
    output : Path or None
        None is stdout.
    is_new : bool
        False where the file was there, whole and as it should be.
    """

    as_of: date
    rows: int
    output: Path | None
    is_new: bool


def export(
    warehouse: Database, selection: Selection, as_of: date | None, fmt: Format, output: Path | None, *, at: datetime
) -> Exported:
    """Write what is published for a night; a file appears whole or not at all.

    Parameters
    ----------
    warehouse : Database
    selection : Selection
    as_of : date or None
        None is the latest published night.
    fmt : {"csv", "parquet", "jsonl"}
    output : Path or None
        None is stdout, which the ledger does not tell of.
    at : datetime
        The current time, for the ledger.

    Raises
    ------
    UsageError
        Nothing is published for that night, or the file can't be written.
    """
    with reading(warehouse, selection, as_of) as night:
        if output is None:
            rows = write_rows(night, fmt, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return Exported(night.as_of, rows, None, is_new=True)
        return _to_file(warehouse, night, fmt, output, at)


def export_nights(
    warehouse: Database,
    selection: Selection,
    nights: tuple[date, date],
    fmt: Format,
    folder: Path,
    *,
    at: datetime,
) -> Iterator[Exported]:
    """Bring a folder up to date: one file, WHAT-DATE.EXT, for each published night of a span.

    A night whose file is there, whole and as the ledger says, is not read again; one that was published anew is.
    The at-risk list is always read, since customers opt out of it, but a file that would be the same stays.

    Parameters
    ----------
    warehouse : Database
    selection : Selection
    nights : tuple of (date, date)
        First and last, both included.
    fmt : {"csv", "parquet", "jsonl"}
    folder : Path
    at : datetime
        The current time, for the ledger.

    Yields
    ------
    Exported
        Each night, in order.

    Raises
    ------
    UsageError
        The span makes no sense or holds no published night, or there is no such folder.
    """
    first, last = nights
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}.", "Give the earlier date as --from.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            f"{folder} is a file, and --from writes one file a night.",
            "Give --output a folder, or one night with --as-of.",
        )
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Make it, or choose another --output.")
    for as_of in published_nights(warehouse, first, last):
        output = folder / f"{selection.what}-{as_of}.{fmt}"
        with reading(warehouse, selection, as_of) as night:
            rows = None if selection.what == "at-risk" else _rows_there(night, fmt, output)
            if rows is None:
                yield _to_file(warehouse, night, fmt, output, at)
            else:
                yield Exported(as_of, rows, output, is_new=False)


def _to_file(warehouse: Database, night: NightRows, fmt: Format, output: Path, at: datetime) -> Exported:
    with whole_file(output) as new:
        rows = write_rows(night, fmt, new.file)
    delivery = Delivery(fmt, _target(output), rows, new.sha256)
    with ExitStack() as undoing:
        if new.is_new:  # a file that the ledger can't tell of does not stay: `churn forget` would not find it
            undoing.callback(output.unlink, missing_ok=True)
        if new.is_new or last_delivery(night, delivery.target) != delivery:
            record(warehouse, night, delivery, at)
        undoing.pop_all()
    return Exported(night.as_of, rows, output, new.is_new)


def _rows_there(night: NightRows, fmt: Format, output: Path) -> int | None:
    """Return the rows of a file that is there, whole and of today's rows; else None."""
    delivered = last_delivery(night, _target(output))
    if delivered is None or delivered.fmt != fmt or delivered.sha256 != sha256_of(output):
        return None
    return delivered.rows if delivered.rows == night.count() else None


def _target(output: Path) -> str:
    return str(output.resolve())
