"""How fast the views answer on two years of nights: one customer, tonight's list, one customer's history.

The nights are made by SQL in a warehouse of its own: daily for the last two months, the first of each month before,
since whole years of daily nights do not fit on a small disk. Partition pruning makes the others' number matter little:
each view reads the months that it shows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks.place import fresh_databases, kept_or_not, say
from benchmarks.source import MAPPING, statement
from benchmarks.tables import number, table
from churn.config import Settings
from churn.connections import open_warehouse
from churn.feature_view import replace_feature_view
from churn.partitions import ensure_month
from churn.warehouse import Database
from churn.windows import add_months

LATEST = date(2025, 11, 1)
CUSTOMERS = 100_000
LIST_SIZE = 500
MONTHS, DAILY_MONTHS = 24, 2
MOST_CUSTOMER_MS, MOST_LIST_MS = 20.0, 200.0
_TABLES = ("customer_scores", "at_risk_list", "segment_nights", "feature_snapshots", "customer_offers")
_FEATURES = 60
_REPEATS = 41
_HISTORY = 25


@dataclass(frozen=True)
class Asked:
    """A query whose answer is timed.

    Attributes
    ----------
    words : str
    query : str
        With `:id`, another customer each time.
    most_ms : float or None
        What it may take, as a median.
    repeats : int
    """

    words: str
    query: str
    most_ms: float | None = None
    repeats: int = _REPEATS


QUERIES = {
    "customer": Asked(
        "bi.customer_scores, one customer",
        "select * from bi.customer_scores where customer_id = :id",
        MOST_CUSTOMER_MS,
    ),
    "list": Asked(
        "bi.at_risk_customers, tonight's list",
        "select * from bi.at_risk_customers order by priority_rank",
        MOST_LIST_MS,
    ),
    "high_value": Asked("bi.high_value_at_risk", "select * from bi.high_value_at_risk", None, _HISTORY),
    "features": Asked(
        "bi.customer_features, one customer", "select * from bi.customer_features where customer_id = :id"
    ),
    "segments": Asked("bi.segments", "select * from bi.segments", None, _HISTORY),
    "history": Asked(
        "bi.customer_scores_history, one customer, all nights",
        "select * from bi.customer_scores_history where customer_id = :id order by as_of_date",
        None,
        _HISTORY,
    ),
}


def nights() -> list[date]:
    """Return the nights: the first of each month, and every day of the last months."""
    daily_from = add_months(LATEST, -DAILY_MONTHS)
    firsts = [add_months(LATEST, -months) for months in range(MONTHS, DAILY_MONTHS, -1)]
    return firsts + [daily_from + timedelta(days=day) for day in range((LATEST - daily_from).days + 1)]


def measure(home: Path, customers: int) -> dict[str, Any]:
    """Make the warehouse and time the queries.

    Returns
    -------
    dict
        `customers`, `nights`, `bytes` of the scores, and `milliseconds` by query: the median.
    """
    settings = fresh_databases(home, "bench_views", sql_dir=MAPPING, values={})
    warehouse = open_warehouse(settings, job="benchmark")
    made = nights()
    fill(warehouse, made, customers)
    size = (
        "select sum(pg_total_relation_size(inhrelid)) from pg_inherits "
        "where inhparent = 'scores.customer_scores'::regclass"
    )
    with warehouse.begin() as connection:
        size_bytes = int(connection.scalar(sa.text(size)) or 0)
    return {
        "customers": customers,
        "nights": len(made),
        "bytes": size_bytes,
        "milliseconds": {name: _median_ms(warehouse, settings, asked, customers) for name, asked in QUERIES.items()},
    }


def fill(warehouse: Database, made: Sequence[date], customers: int) -> None:
    """Write customers, and each night as a run would have published it."""
    with warehouse.begin() as connection:
        connection.execute(statement("views_customers"), {"customers": customers})
    for number_, day in enumerate(made, start=1):
        with warehouse.begin() as connection:
            _night(connection, day, number_, customers, is_last=day == made[-1])
        if number_ % 10 == 0 or day == made[-1]:
            say(f"  {number_} of {len(made)} nights")
    with warehouse.connect() as connection:
        for name in ("scores.customer_scores", "scores.at_risk_list", "staging.customers", "staging.customer_keys"):
            connection.exec_driver_sql(f"vacuum (analyze) {name}")


def _night(connection: Connection, day: date, run_id: int, customers: int, *, is_last: bool) -> None:
    for name in _TABLES:
        ensure_month(connection, name, day)
    params = {"day": day, "run_id": run_id}
    connection.execute(statement("views_run"), params)
    connection.execute(statement("views_scores"), params | {"customers": customers})
    connection.execute(statement("views_list"), {"day": day, "customers": customers, "list_size": LIST_SIZE})
    connection.execute(statement("views_segments"), params | {"customers": customers})
    if is_last:
        connection.execute(statement("views_feature_set"), params | {"customers": customers, "features": _FEATURES})
        connection.execute(statement("views_features"), params | {"customers": customers, "features": _FEATURES})
        replace_feature_view(connection)


def _median_ms(warehouse: Database, settings: Settings, asked: Asked, customers: int) -> float:
    """Time a query as the BI tool's role, another customer each time; the first answer warms up and is not counted."""
    times = []
    with warehouse.begin() as connection:
        connection.exec_driver_sql(f"set local role {settings.roles.bi_reader}")
        for turn in range(asked.repeats + 1):
            params = {"id": f"customer {1 + turn * 7919 % customers}"} if ":id" in asked.query else {}
            started = time.perf_counter()
            rows = connection.execute(sa.text(asked.query), params).all()
            times.append(1000 * (time.perf_counter() - started))
            if not rows:
                raise RuntimeError(f"{asked.words} is empty")
    return median(times[1:])


def views_table(found: Mapping[str, Any]) -> str:
    """Return the medians in Markdown."""
    rows = [
        [asked.words, number(found["milliseconds"][name], 1), number(asked.most_ms, 0)]
        for name, asked in QUERIES.items()
    ]
    words = (
        f"{found['nights']} nights of {found['customers']:,} customers over {MONTHS} months "
        f"({found['bytes'] / 2**30:.1f} GiB of scores): daily for the last {DAILY_MONTHS} months, the first of each "
        "month before. Medians, planning included, as `bi_reader`, another customer each time, what was read lately "
        "in memory."
    )
    return f"{words}\n\n" + table(["query", "milliseconds", "at most"], rows)


def views_criteria(found: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Return what must hold, with its figures."""
    return [
        (f"{asked.words}: {found['milliseconds'][name]:.1f} ms (at most {asked.most_ms:g})", is_within)
        for name, asked in QUERIES.items()
        if asked.most_ms is not None
        for is_within in [found["milliseconds"][name] <= asked.most_ms]
    ]


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--home", type=Path, default=Path("build/bench-views"), help="Folder for the database.")
    options = parser.parse_args()
    with kept_or_not(options.home, keep=False):
        print(json.dumps(measure(options.home, options.customers)))


if __name__ == "__main__":
    main()
