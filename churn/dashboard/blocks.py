"""What a page is made of: blocks, each the answer of one statement, with columns that say what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from churn.sqlfiles import SqlFile, read_sql

Kind = Literal[
    "text",  # words
    "id",  # a customer's id, which leads to the customer's page
    "integer",
    "run",  # the number of a run, which is no amount
    "number",  # any other number
    "share",  # 0 to 1, shown in percent
    "points",  # a difference of shares, shown in percentage points
    "money",  # in the business's currency
    "date",
    "month",  # the first day of a month
    "timestamp",  # an instant, shown in the business's zone
    "seconds",  # a duration
    "boolean",
    "json",
]
Row = Mapping[str, Any]

_NUMBERS: tuple[Kind, ...] = ("integer", "run", "number", "share", "points", "money", "seconds")


@dataclass(frozen=True)
class Column:
    """A column of a block.

    Attributes
    ----------
    name : str
        As the statement names it, and the API.
    label : str
        Heading in a table.
    kind : Kind
        Decides how it is shown, and its type in the API.
    note : str
        What it means, in a sentence; by default what the view says of the column of that name.
    """

    name: str
    label: str
    kind: Kind = "text"
    note: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it is written with its digits under one another."""
        return self.kind in _NUMBERS


@dataclass(frozen=True)
class Block:
    """The answer of one statement.

    Attributes
    ----------
    name : str
        Name in the API and of its place in the page.
    title : str
    view : str
        View of `bi` that it is from, without the schema: where an analyst goes on.
    columns : sequence of Column
        All that the statement returns, in its order.
    empty : str
        What is said where there are no rows, and what to do about it.
    file : str
        Below `sql/dashboard/`, without `.sql`; by default the name, with underscores.
    sortable : tuple of str
        Columns by which a reader may sort; for a block that is read page by page.
    key : str
        Column of which each row has a value of its own: it parts rows that are alike in the sorted one, so that none
        is on two pages.
    """

    name: str
    title: str
    view: str
    columns: Sequence[Column]
    empty: str
    file: str = ""
    sortable: tuple[str, ...] = ()
    key: str = "customer_id"

    @cached_property
    def sql(self) -> SqlFile:
        """The statement."""
        return read_sql(f"dashboard/{self.file or self.name.replace('-', '_')}.sql")

    @cached_property
    def notes(self) -> dict[str, str]:
        """What each column means, by name: its own note, or the view's."""
        view = read_sql(f"views/{self.view}.sql").header
        return {column.name: column.note or view.get(f"column.{column.name}", "") for column in self.columns}


@dataclass(frozen=True)
class Paging:
    """Which part of a block is read.

    Attributes
    ----------
    page : int
        From 1.
    size : int
        Rows a page.
    sort : str
        One of the block's `sortable` columns.
    descending : bool
    """

    page: int = 1
    size: int = 50
    sort: str = ""
    descending: bool = False


@dataclass(frozen=True)
class Ask:
    """A block that a page wants, and with what.

    Attributes
    ----------
    block : Block
    parameters : mapping
        Of the statement.
    paging : Paging or None
        None reads all rows; only for blocks that are short whatever the size of the company.
    """

    block: Block
    parameters: Mapping[str, Any] = field(default_factory=dict)
    paging: Paging | None = None


@dataclass(frozen=True)
class Answer:
    """What a block holds.

    Attributes
    ----------
    block : Block
    rows : sequence of Row
    total : int
        Rows there are in all.
    paging : Paging or None
    """

    block: Block
    rows: Sequence[Row]
    total: int
    paging: Paging | None = None

    @property
    def first(self) -> Row | None:
        """The first row, or the only one."""
        return self.rows[0] if self.rows else None

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.paging.size)) if self.paging is not None else 1

    def column(self, name: str) -> list[Any]:
        """Return the values of a column, row by row."""
        return [row[name] for row in self.rows]
