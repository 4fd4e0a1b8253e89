"""What became of past nights, and how far tonight has moved from what its model learned from."""

from __future__ import annotations

from churn.monitoring.drift import watch_drift
from churn.monitoring.realised import Findings, due_nights, evaluate_matured
from churn.monitoring.refusal import (
    AbandonedRun,
    drop_refused,
    reusable_snapshot,
    withdraw_abandoned,
    withdraw_features,
    withdraw_models,
)
from churn.monitoring.storage import store_findings

__all__ = [
    "AbandonedRun",
    "Findings",
    "drop_refused",
    "due_nights",
    "evaluate_matured",
    "reusable_snapshot",
    "store_findings",
    "watch_drift",
    "withdraw_abandoned",
    "withdraw_features",
    "withdraw_models",
]
