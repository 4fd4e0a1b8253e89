"""Whom to contact, with what, whom to leave alone to measure against, and what came of it."""

from __future__ import annotations

from churn.retention.arms import HOLDOUT, TREATMENT, assign_arms
from churn.retention.balance import BalanceRow, balance, smallest_p
from churn.retention.choice import Choice, choose
from churn.retention.effects import (
    Difference,
    SaveRate,
    mean_difference,
    newcombe,
    save_rate,
    stratified_difference,
)
from churn.retention.offers import eligible, expected_net_value
from churn.retention.power import detectable_effect, needed_list, power_of, statement
from churn.retention.ranking import (
    HIGH_FROM_PERCENTILE,
    MEDIUM_FROM_PERCENTILE,
    risk_band,
    value_at_risk,
)
from churn.retention.save_rates import Shrunk, paule_mandel, shrunk_rate

__all__ = [
    "HIGH_FROM_PERCENTILE",
    "HOLDOUT",
    "MEDIUM_FROM_PERCENTILE",
    "TREATMENT",
    "BalanceRow",
    "Choice",
    "Difference",
    "SaveRate",
    "Shrunk",
    "assign_arms",
    "balance",
    "choose",
    "detectable_effect",
    "eligible",
    "expected_net_value",
    "mean_difference",
    "needed_list",
    "newcombe",
    "paule_mandel",
    "power_of",
    "risk_band",
    "save_rate",
    "shrunk_rate",
    "smallest_p",
    "statement",
    "stratified_difference",
    "value_at_risk",
]
