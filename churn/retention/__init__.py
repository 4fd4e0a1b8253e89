"""Whom to contact first: value at risk, risk bands, the ranked list and its holdout."""

from __future__ import annotations

from churn.retention.arms import HOLDOUT, TREATMENT, assign_arms
from churn.retention.ranking import (
    HIGH_FROM_PERCENTILE,
    MEDIUM_FROM_PERCENTILE,
    rank_customers,
    risk_band,
    value_at_risk,
)

__all__ = [
    "HIGH_FROM_PERCENTILE",
    "HOLDOUT",
    "MEDIUM_FROM_PERCENTILE",
    "TREATMENT",
    "assign_arms",
    "rank_customers",
    "risk_band",
    "value_at_risk",
]
