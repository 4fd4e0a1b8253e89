"""Scoring a night: between the feature snapshot in the warehouse and the pure modelling rooms.

Each stage streams the snapshot in column batches through one room and fills a table of this attempt; the last one
joins them into the night's scores by SQL. Memory is one batch and a few numbers per customer, whatever the history.
"""

from __future__ import annotations

from churn.scoring.assembly import assemble
from churn.scoring.clv import score_clv
from churn.scoring.listing import list_limits
from churn.scoring.months import keep_month_segments
from churn.scoring.night import NightSummary, ScoredNight
from churn.scoring.risk import score_risk
from churn.scoring.segments import score_segments

__all__ = [
    "NightSummary",
    "ScoredNight",
    "assemble",
    "keep_month_segments",
    "list_limits",
    "score_clv",
    "score_risk",
    "score_segments",
]
