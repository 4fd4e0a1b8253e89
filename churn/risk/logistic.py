"""Logistic regression on the same features: the baseline, and the model where history is short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.risk.data import Floats

_EXTREME = 5.0


@dataclass(frozen=True)
class LogisticModel:
    """Coefficients and the preparation of the features they belong to, as plain numbers.

    Attributes
    ----------
    medians, spreads : tuple of float
        Per numeric feature: the value that stands in for a missing one, and the scale it is divided by.
    level_counts : tuple of int
        Per category, the number of levels that have a column.
    intercept : float
    coefficients : tuple of float
        For scaled numbers, then their missing flags, then every category's levels.
    """

    medians: tuple[float, ...]
    spreads: tuple[float, ...]
    level_counts: tuple[int, ...]
    intercept: float
    coefficients: tuple[float, ...]

    def log_odds(self, numbers: NDArray[np.float32], codes: NDArray[np.int32]) -> Floats:
        """Return raw log-odds, shape (n,), of features in this model's order of columns."""
        columns = design_matrix(numbers, codes, self.medians, self.spreads, self.level_counts)
        raw: Floats = self.intercept + columns @ np.array(self.coefficients)
        return raw


def design_matrix(
    numbers: NDArray[np.float32],
    codes: NDArray[np.int32],
    medians: tuple[float, ...],
    spreads: tuple[float, ...],
    level_counts: tuple[int, ...],
) -> Floats:
    """Prepare features for a linear model.

    Returns
    -------
    ndarray of float64, shape (n, 2 K + sum(level_counts))
        Numbers as (x - median) / spread held within [-5, 5], with 0 for missing; a flag for each missing
        number; one column per category level, all zero for a missing or unseen one.
    """
    known = np.isfinite(numbers)
    filled = np.where(known, numbers, np.array(medians)).astype(np.float64)
    scaled = np.clip((filled - np.array(medians)) / np.array(spreads), -_EXTREME, _EXTREME)
    one_hot = [(codes[:, [column]] == np.arange(count)).astype(np.float64) for column, count in enumerate(level_counts)]
    return np.hstack([scaled, (~known).astype(np.float64), *one_hot])
