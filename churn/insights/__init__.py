"""What a night has to say, as far as chance does not explain it."""

from __future__ import annotations

from datetime import date

from sqlalchemy.engine import Connection

from churn.config import Settings


def store_insights(connection: Connection, settings: Settings, as_of: date, run_id: int, list_run_id: int) -> int:
    """Write the run's rows of `scores.insights`; return how many."""
    del connection, settings, as_of, run_id, list_run_id
    return 0
