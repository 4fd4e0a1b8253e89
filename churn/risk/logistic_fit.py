"""Fitting the logistic regression; apart from `logistic` so that scoring never loads scikit-learn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from churn.risk.data import Bools, Floats
from churn.risk.logistic import LogisticModel, design_matrix

_DIGITS = 10


def fit_logistic_model(
    numbers: NDArray[np.float32],
    codes: NDArray[np.int32],
    level_counts: tuple[int, ...],
    churned: Bools,
    seed: int,
    weights: Floats | None = None,
) -> LogisticModel:
    """Fit by penalised maximum likelihood (log loss, ridge with C = 1 on scaled columns).

    Parameters
    ----------
    numbers, codes : ndarray, shapes (n, K) and (n, C)
    level_counts : tuple of int
        Levels of each category.
    churned : ndarray of bool, shape (n,)
        Both classes must occur.
    weights : ndarray of float64, shape (n,), optional
        How often each row counts.

    Returns
    -------
    LogisticModel
        Medians impute, interquartile ranges divide; numbers are kept to 10 significant digits. A column that is
        0 throughout, such as the flag of a number that is never missing, is left out of the fit: its ridge
        coefficient is 0.
    """
    medians, spreads = _robust_scale(numbers)
    columns = design_matrix(numbers, codes, medians, spreads, level_counts)
    used = np.any(columns != 0, axis=0)
    columns = columns[:, used]
    fitted = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=200, random_state=seed)
    fitted.fit(columns, churned, sample_weight=weights)
    coefficients = np.zeros(used.size)
    coefficients[used] = np.ravel(fitted.coef_)
    return LogisticModel(medians, spreads, level_counts, _rounded(fitted.intercept_)[0], _rounded(coefficients))


def _robust_scale(numbers: NDArray[np.float32]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return medians and interquartile ranges; the standard deviation, then 1, where a range is 0."""
    medians, spreads = np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
    for column in range(numbers.shape[1]):
        values = numbers[:, column].astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            low, medians[column], high = np.quantile(values, [0.25, 0.5, 0.75])
            spreads[column] = (high - low) or float(values.std()) or 1.0
    return _rounded(medians), _rounded(spreads)


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
