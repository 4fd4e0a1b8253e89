"""Training a churn model: from past snapshots in the warehouse to the pure room `churn.risk`, into the registry."""

from __future__ import annotations

from churn.training.job import require_optimiser, train, train_settings
from churn.training.report import TrainingReport
from churn.training.snapshots import first_staged_date, prepare_snapshots, wanted_dates

__all__ = [
    "TrainingReport",
    "first_staged_date",
    "prepare_snapshots",
    "require_optimiser",
    "train",
    "train_settings",
    "wanted_dates",
]
