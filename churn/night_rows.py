"""Rows of a published night on their way out of the warehouse, and the ledger of where they went."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from churn.errors import UsageError
from churn.publish import published_night
from churn.schema import exports, published
from churn.sqlfiles import SqlFile, read_sql
from churn.warehouse import Database

What = Literal["at-risk", "scores", "segments"]
FieldType = Literal["text", "date", "integer", "double", "money", "boolean"]

BATCH_ROWS = 10_000
_FILES = {"at-risk": "export/at_risk.sql", "scores": "export/scores.sql", "segments": "export/segments.sql"}
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Selection:
    """What is taken of a night.

    Attributes
    ----------
    what : {"at-risk", "scores", "segments"}
    holdout : bool
        Keep the list's holdout group in, with its `campaign_group` (at-risk only).
    """

    what: What
    holdout: bool = False

    @property
    def file(self) -> SqlFile:
        """The SELECT; its header says the type of each column."""
        return read_sql(_FILES[self.what])

    @property
    def fields(self) -> dict[str, FieldType]:
        """Type of each column, in order; columns are only ever appended."""
        prefix = "type."
        return {
            key.removeprefix(prefix): kind  # type: ignore[misc]  # the six names; a test compares
            for key, kind in self.file.header.items()
            if key.startswith(prefix)
        }


@dataclass(frozen=True)
class NightRows:
    """A night's rows, read in one state of the warehouse; use within `reading`.

    Attributes
    ----------
    selection : Selection
    as_of : date
    run_id : int
        Run that wrote the rows: of the at-risk list the one that froze it.
    """

    selection: Selection
    as_of: date
    run_id: int
    connection: Connection

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """Give the rows in the order of the fields, money to the cent, at most `BATCH_ROWS` at a time."""
        for part in self._select(self.selection.file.statement).partitions():
            yield [tuple(_plain(value) for value in row) for row in part]

    def count(self) -> int:
        """Count the rows."""
        rows = self.selection.file.statement.columns(sa.column("run_id", sa.BigInteger)).subquery()
        return int(self._select(sa.select(sa.func.count()).select_from(rows)).scalar_one())

    def _select(self, statement: sa.Executable) -> CursorResult[Any]:
        params: dict[str, Any] = {"as_of": self.as_of}
        if self.selection.what == "at-risk":
            params["with_holdout"] = self.selection.holdout
        return self.connection.execution_options(yield_per=BATCH_ROWS).execute(statement, params)


def _plain(value: Any) -> Any:
    return value.quantize(_CENT) if isinstance(value, Decimal) else value


@contextmanager
def reading(warehouse: Database, selection: Selection, as_of: date | None) -> Iterator[NightRows]:
    """Open a night for reading; `as_of` None is the latest published one.

    Raises
    ------
    UsageError
        Nothing is published for it.
    """
    with warehouse.begin() as connection:
        connection.exec_driver_sql("set transaction isolation level repeatable read, read only")
        day = as_of or connection.scalar(sa.select(sa.func.max(published.c.as_of_date)))
        night = None if day is None else published_night(connection, day)
        if night is None:
            command = "churn nightly" if day is None else f"churn nightly --as-of {day}"
            raise UsageError(f"Nothing is published for {day or 'any night'}.", f"Run `{command}` first.")
        run_id = night.list_run_id if selection.what == "at-risk" else night.run_id
        yield NightRows(selection, night.as_of, run_id, connection)


def published_nights(warehouse: Database, first: date, last: date) -> list[date]:
    """Return the published nights from `first` to `last`, both included, in order.

    Raises
    ------
    UsageError
        There is none.
    """
    between = sa.select(published.c.as_of_date).where(published.c.as_of_date.between(first, last))
    with warehouse.begin() as connection:
        nights = list(connection.scalars(between.order_by(published.c.as_of_date)))
    if not nights:
        raise UsageError(f"Nothing is published from {first} to {last}.", "See `churn status` for what is.")
    return nights


# --- the ledger ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """What was written where; a row of `ops.exports`.

    Attributes
    ----------
    fmt : str
        `csv`, `parquet`, `jsonl` or `table`.
    target : str
        Path of the file, or name of the table.
    sha256 : str or None
        Of the file.
    """

    fmt: str
    target: str
    rows: int
    sha256: str | None


def record(warehouse: Database, night: NightRows, delivery: Delivery, at: datetime) -> None:
    """Keep in the ledger what was written where."""
    with warehouse.begin() as connection:
        connection.execute(
            sa.insert(exports).values(
                what=night.selection.what,
                as_of_date=night.as_of,
                run_id=night.run_id,
                format=delivery.fmt,
                target=delivery.target,
                with_holdout=night.selection.holdout,
                rows=delivery.rows,
                sha256=delivery.sha256,
                exported_at=at,
            )
        )


def last_delivery(night: NightRows, target: str) -> Delivery | None:
    """Return what was last written to `target`, if that was this selection of this night by the run shown now."""
    newest = sa.select(exports).where(exports.c.target == target).order_by(exports.c.export_id.desc()).limit(1)
    row = night.connection.execute(newest).first()
    wanted = (night.selection.what, night.as_of, night.run_id, night.selection.holdout)
    if row is None or (row.what, row.as_of_date, row.run_id, row.with_holdout) != wanted:
        return None
    return Delivery(row.format, row.target, row.rows, row.sha256)
