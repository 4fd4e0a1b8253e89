"""The business's figures by month, and its cohorts."""

from __future__ import annotations

from datetime import date

from sqlalchemy.engine import Connection

from churn.config import Settings


def store_kpis(connection: Connection, settings: Settings, as_of: date, run_id: int) -> int:
    """Write the run's rows of `scores.kpi_months` and `scores.cohort_months`; return how many."""
    del connection, settings, as_of, run_id
    return 0
