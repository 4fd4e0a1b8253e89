"""Who is in a campaign: from the first published list that names them, and for good."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.engine import Connection

from churn.config import Settings


def admit(connection: Connection, settings: Settings, as_of: date, list_run_id: int, *, at: datetime) -> int:
    """Take the customers of a list into its campaign, in the transaction that publishes the list; return how many."""
    del connection, settings, as_of, list_run_id, at
    return 0
