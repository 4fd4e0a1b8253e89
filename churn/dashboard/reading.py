"""Reading the `bi` views as whoever reads them has to: with little right, for a short time, one night at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.dashboard.blocks import Answer, Ask, Paging, Row
from churn.errors import UsageError
from churn.sqlfiles import read_sql

_KEYS = "keys_of_page"


class Source(Protocol):
    """Whatever opens a connection in which all that is read is of one moment."""

    def moment(self) -> AbstractContextManager[Connection]:
        """Open a read-only transaction that sees one moment."""
        ...


@dataclass(frozen=True)
class Night:
    """The night that readers see.

    Attributes
    ----------
    as_of_date : date
    run_id : int
    finished_at : datetime
        When the run that is shown ended.
    model_version : str or None
        None where no model has been trained.
    """

    as_of_date: date
    run_id: int
    finished_at: datetime
    model_version: str | None


@dataclass(frozen=True)
class State:
    """What stands above every page.

    Attributes
    ----------
    night : Night or None
        None where none has been published yet.
    running : str or None
        The job that is at work now.
    running_since : datetime or None
    failed : str or None
        What the last night said, where it failed.
    failed_as_of : date or None
    """

    night: Night | None
    running: str | None
    running_since: datetime | None
    failed: str | None
    failed_as_of: date | None


@dataclass(frozen=True)
class Seen:
    """What a page shows, all of one moment."""

    state: State
    answers: dict[str, Answer]


def read(connection: Connection, asks: Sequence[Ask]) -> Seen:
    """Read blocks, and the night that they are of.

    Parameters
    ----------
    connection : Connection
        In a transaction that sees one moment (`REPEATABLE READ`).
    asks : sequence of Ask

    Raises
    ------
    UsageError
        A block can't be sorted so.
    """
    return Seen(read_state(connection), {ask.block.name: answer(connection, ask) for ask in asks})


def read_state(connection: Connection) -> State:
    """Read what stands above every page."""
    row = connection.execute(read_sql("dashboard/state.sql").statement).one()
    night = (
        Night(row.as_of_date, row.run_id, row.finished_at, row.model_version) if row.as_of_date is not None else None
    )
    return State(night, row.running, row.running_since, row.failed, row.failed_as_of)


def answer(connection: Connection, ask: Ask) -> Answer:
    """Read one block."""
    sql = ask.block.sql
    if ask.paging is None:
        rows: list[Row] = [dict(row) for row in connection.execute(sql.statement, dict(ask.parameters)).mappings()]
        return Answer(ask.block, rows, len(rows))
    total, keys = connection.execute(sa.text(_found(ask, ask.paging)), dict(ask.parameters)).one()
    if not keys:
        return Answer(ask.block, [], total, ask.paging)
    page = connection.execute(sa.text(ordered(ask, of_keys=True)), {**ask.parameters, _KEYS: keys})
    return Answer(ask.block, [dict(row) for row in page.mappings()], total, ask.paging)


def _found(ask: Ask, paging: Paging) -> str:
    """Return the statement that counts the rows of a block and finds the keys of those on a page.

    It asks for two columns, so that of what may be all customers no others are read, joined or sorted.
    """
    key = ask.block.key
    return (
        f"with found as materialized (select narrow.{key}, narrow.{_sort_of(ask, paging)} as sorted_by "  # noqa: S608 # nosec B608 # our own names
        f"from ({ask.block.sql.body}) as narrow) "
        "select (select count(*) from found) as total, "
        f"array(select found.{key} from found order by found.sorted_by {_direction(paging)}, found.{key} "
        f"limit {int(paging.size)} offset {int(paging.size) * (int(paging.page) - 1)}) as keys"
    )


def ordered(ask: Ask, *, of_keys: bool = False) -> str:
    """Return the statement that reads a block, sorted as it is asked for by a column that it lists as sortable.

    Parameters
    ----------
    ask : Ask
    of_keys : bool
        Read the rows alone whose keys are bound to `keys_of_page`.

    Raises
    ------
    UsageError
        It lists no such column.
    """
    paging = ask.paging
    if paging is None:
        return ask.block.sql.body
    key = ask.block.key
    return (
        f"select paged.* from ({ask.block.sql.body}) as paged "  # noqa: S608 # nosec B608 # our own names
        + (f"where paged.{key} = any(:{_KEYS}) " if of_keys else "")
        + f"order by paged.{_sort_of(ask, paging)} {_direction(paging)}, paged.{key}"
    )


def _sort_of(ask: Ask, paging: Paging) -> str:
    if paging.sort not in ask.block.sortable:
        raise UsageError(
            f"{paging.sort!r} is not a column to sort by.", f"It can be sorted by {', '.join(ask.block.sortable)}."
        )
    return paging.sort


def _direction(paging: Paging) -> str:
    return "desc nulls last" if paging.descending else "asc nulls last"
