"""What training tells the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from churn.risk import Evaluation, Predictions

_SHOWN = (
    "auc_roc",
    "pr_auc",
    "recall",
    "precision",
    "lift_top_decile",
    "brier",
    "log_loss",
    "calibration_slope",
    "observed_expected",
)


@dataclass(frozen=True)
class TrainingReport:
    """What training made and how good it is.

    Attributes
    ----------
    model_version : str
    promoted : bool
    evaluations : tuple of Evaluation
        One per predictor, on the same rows.
    notes : tuple of str
    rows : int
        Customer-months.
    predictions : Predictions
        The test row by row, for whoever judges further (`make evaluate`).
    """

    model_version: str
    promoted: bool
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...]
    rows: int
    predictions: Predictions

    @property
    def span(self) -> str:
        """The tested months in words."""
        first = self.evaluations[0]
        return (
            f"{first.months} months from {first.first_as_of} to {first.last_as_of}, {first.rows:,} customer-months, "
            f"{first.churners:,} churners (base rate {first.base_rate:.3f})"
        )

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of the figures, for a terminal."""
        rows = [
            [evaluation.predictor.replace("_", " "), *(_shown(getattr(evaluation, name)) for name in _SHOWN)]
            for evaluation in self.evaluations
        ]
        return ["predictor", *_SHOWN], rows


def _shown(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
