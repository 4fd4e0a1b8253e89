"""What became of a campaign's members within the horizon after they entered."""

from __future__ import annotations

from datetime import date

from sqlalchemy.engine import Connection

from churn.config import Settings


def measure_outcomes(connection: Connection, settings: Settings, as_of: date, run_id: int) -> int:
    """Keep the outcome of every member whose horizon has matured by `as_of`; return how many are new."""
    del connection, settings, as_of, run_id
    return 0


def withdraw_outcomes(connection: Connection, run_id: int) -> int:
    """Take back what a refused run has measured; return how many."""
    del connection, run_id
    return 0
