"""Every month's figures in one pass over history: steps in temporary tables, each a file of `sql/kpis`."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql, run_ddl

_CONTRACTUAL = {"mrr_levels": "mrr_levels", "mrr_plans": "mrr_plans"}
_INACTIVITY = {"kpi_purchases": "purchases"}
_FIRST_ACTIVE_DATES = {
    "contractual": "select min(first_date) from mrr_levels",
    "inactivity": "select min(first_paid_date) from kpi_purchases",
}
# Every step joins whole unsorted tables, once: hashes beat sorts, and a rough idea of their sizes will do.
_PLANNING = ("set local enable_mergejoin = off", "set local default_statistics_target = 10")


def store_kpis(connection: Connection, settings: Settings, as_of: date, run_id: int) -> int:
    """Write the run's rows of `scores.kpi_months` and `scores.cohort_months`.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction, which keeps this function's settings of the planner; the month's partitions are there.
        `scores.month_segments` and the run's `scores.clv_totals`, `scores.customer_scores` and `scores.segment_nights`
        are read.
    settings : Settings
        Definition of churn, horizon, grace and inactivity, in days.
    as_of : date
        What is dated on or after it is not there yet.
    run_id : int

    Returns
    -------
    int
        Rows written: none before the first paid period, purchase or payment.
    """
    definition = settings.churn.definition
    values: dict[str, Any] = {
        "as_of": as_of,
        "run_id": run_id,
        "is_contractual": definition == "contractual",
        "horizon_days": settings.churn.horizon_days,
        "grace_days": settings.grace_days,
        "inactivity_days": settings.churn.inactivity_days,
    }
    for setting in _PLANNING:
        run_ddl(connection, setting)
    for table, name in (_CONTRACTUAL if definition == "contractual" else _INACTIVITY).items():
        _make(connection, table, name, values)
    values["first_active_date"] = connection.scalar(sa.text(_FIRST_ACTIVE_DATES[definition]))
    _make(connection, "kpi_revenue", "revenue", values)
    _make(connection, "kpi_calendar", "calendar", values)
    _make(connection, "kpi_customer_months", f"customer_months_{definition}", values)
    return sum(_insert(connection, name, values) for name in ("kpi_months", "cohort_months"))


def _make(connection: Connection, table: str, name: str, values: dict[str, Any]) -> None:
    """Put the rows of a step into a temporary table of this transaction."""
    file = read_sql(f"kpis/{name}.sql")
    query = literal_sql(file.statement, **{param: values[param] for param in file.params})
    run_ddl(connection, f"drop table if exists pg_temp.{table}")
    run_ddl(connection, f"create temporary table {table} on commit drop as {query}")
    run_ddl(connection, f"analyze pg_temp.{table}")


def _insert(connection: Connection, name: str, values: dict[str, Any]) -> int:
    file = read_sql(f"kpis/{name}.sql")
    return int(connection.execute(file.statement, {param: values[param] for param in file.params}).rowcount)
