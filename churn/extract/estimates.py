"""What Postgres expects of a statement in the source, asked without running it, and parts of like size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.extract.mapping import MappedEntity, blaming
from churn.extract.reading import events_of_days, first_day
from churn.extract.times import Clocks, Days
from churn.warehouse import literal_sql, translated
from churn.windows import add_months, month_start

READ_IN_PARTS_FROM_ROWS = 1_000_000
"""An entity with fewer rows is read in seconds: nothing is lost when it is read again."""

MOST_PARTS = 60
SCANS = 4
"""Where no index serves the time column, each part is a scan of the table: that many parts and no more."""

_EARLIEST = date(1900, 1, 1)


def explained(connection: Connection, entity: MappedEntity, query: sa.Select[Any]) -> dict[str, Any]:
    """Return the top node of the plan that the source makes for a query over a mapping."""
    with blaming(entity.mapping.file), translated("source"):
        found = connection.exec_driver_sql(
            f"explain (format json, verbose) {literal_sql(query)}", execution_options={"no_parameters": True}
        ).scalar_one()
    plan: dict[str, Any] = found[0]["Plan"]
    return plan


def find_parts(reading: Connection, entity: MappedEntity, clocks: Clocks, late_days: int) -> list[Days]:
    """Say in which parts the past of a big entity is read; none for one that isn't big.

    The parts end `late_days` before today: what follows still changes. Each is a calendar month, or several where
    they hold little, or where Postgres can't find a month's rows without looking at all others.

    Parameters
    ----------
    reading : sqlalchemy.Connection
        To the source.
    entity : MappedEntity
        One of `TIME_COLUMNS`.
    """
    whole = explained(reading, entity, sa.select(entity.subquery()))
    if int(whole["Plan Rows"]) < READ_IN_PARTS_FROM_ROWS:
        return []
    until = clocks.learned_at.date() - timedelta(days=late_days)
    with blaming(entity.mapping.file), translated("source"):
        first = reading.execute(first_day(entity, clocks, _EARLIEST, until)).scalar_one()
    if first is None or first >= until:
        return []
    months = list(_months(first, until))
    plans = [explained(reading, entity, events_of_days(entity, clocks, month)) for month in months]
    is_served = sum(float(plan["Total Cost"]) for plan in plans) <= SCANS * float(whole["Total Cost"])
    return joined(months, [int(plan["Plan Rows"]) for plan in plans], MOST_PARTS if is_served else SCANS)


def joined(months: Sequence[Days], rows: Sequence[int], most: int) -> list[Days]:
    """Join neighbouring months until each part has about its share of the rows.

    Parameters
    ----------
    months : sequence of Days
        Each ends where the next begins.
    rows : sequence of int
        Rows expected of each.
    most : int
        Parts that there may be.
    """
    parts = []
    share = max(sum(rows), 1) / most
    first, held, passed = months[0].first, 0, 0
    for month, expected in zip(months, rows, strict=True):
        held += expected
        if held // share > passed or month is months[-1]:
            parts.append(Days(first, month.until))
            first, passed = month.until or first, int(held // share)
    return parts


def _months(first: date, until: date) -> Iterator[Days]:
    while first < until:
        following = min(add_months(month_start(first), 1), until)
        yield Days(first, following)
        first = following
