"""Part of an answer, for a table that would say the same in every row, be too wide to read or too long to load."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from churn.dashboard.blocks import Answer, Row


def narrowed(answer: Answer, without: Collection[str], wanted: Callable[[Row], bool] = lambda row: True) -> Answer:
    """Return an answer without some of its columns, and with the rows that are wanted."""
    rows = [row for row in answer.rows if wanted(row)]
    columns = [column for column in answer.block.columns if column.name not in without]
    return Answer(replace(answer.block, columns=columns), rows, len(rows))


def latest(answer: Answer, nights: int, without: Collection[str] = ()) -> Answer:
    """Return the rows of an answer's last nights."""
    days = sorted(set(answer.column("as_of_date")))[-nights:]
    return narrowed(answer, without, lambda row: row["as_of_date"] in days)
