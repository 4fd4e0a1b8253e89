"""Scoring a night: between the feature snapshot in the warehouse and the pure modelling rooms.

Each stage streams the snapshot in column batches through one room and fills a table of this attempt; the last one
joins them into the night's scores by SQL. Memory is one batch and a few numbers per customer, whatever the history.
"""

from __future__ import annotations

from churn.scoring.assembly import assemble
from churn.scoring.clv import score_clv
from churn.scoring.listing import list_limits
from churn.scoring.months import keep_month_segments, withdraw_month_segments
from churn.scoring.night import ATTEMPT_STAGES, AttemptLostError, NightSummary, ScoredNight, Scorer, require_attempt
from churn.scoring.risk import recall_reference, score_risk
from churn.scoring.segments import score_segments

__all__ = [
    "ATTEMPT_STAGES",
    "AttemptLostError",
    "NightSummary",
    "ScoredNight",
    "Scorer",
    "assemble",
    "keep_month_segments",
    "list_limits",
    "recall_reference",
    "require_attempt",
    "score_clv",
    "score_risk",
    "score_segments",
    "withdraw_month_segments",
]
