"""From a raw score to a probability: logistic (Platt) calibration by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from churn.risk.data import Bools, Floats

CLIP = 1e-5
_MAX_STEPS = 100
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Calibrator:
    """Turns raw log-odds into a probability: expit(intercept + slope * raw), clipped to [1e-5, 1 - 1e-5].

    Attributes
    ----------
    intercept, slope : float
        The slope is never negative: calibration moves probabilities and never reverses a ranking.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def log_odds(self, raw: Floats) -> Floats:
        """Return the calibrated log-odds, shape (n,), not clipped: they rank as `raw` does."""
        return self.intercept + self.slope * raw

    def probability(self, raw: Floats) -> Floats:
        """Return the calibrated probability, shape (n,), in [1e-5, 1 - 1e-5]."""
        clipped: Floats = np.clip(expit(self.log_odds(raw)), CLIP, 1 - CLIP)
        return clipped


def fit_calibrator(raw: Floats, churned: Bools) -> Calibrator:
    """Fit a logistic calibrator, unregularised, by maximum likelihood.

    Parameters
    ----------
    raw : ndarray of float64, shape (n,)
        Predictions on time that the model had not seen.
    churned : ndarray of bool, shape (n,)
        Both classes must occur.

    Returns
    -------
    Calibrator
        Where the best slope would be negative or `raw` is constant, the slope is 0 and the probability is
        the base rate.

    References
    ----------
    Platt 1999, "Probabilistic outputs for support vector machines", without its target smoothing.
    """
    if np.ptp(raw) > 0:
        intercept, slope = fit_logistic(raw, churned)
        if slope > 0:
            return Calibrator(intercept, slope)
    return Calibrator(float(logit(churned.mean())), 0.0)


def fit_logistic(x: Floats, churned: Bools) -> tuple[float, float]:
    """Return (intercept, slope) of the logistic regression of `churned` on `x`, by Newton's method.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        Finite and not constant.
    churned : ndarray of bool, shape (n,)
        Both classes must occur. Where `x` separates them no slope is best; a large finite one is returned.
    """
    centre, spread = float(x.mean()), float(x.std())
    z = (x - centre) / spread
    y = churned.astype(np.float64)
    beta = np.array([logit(y.mean()), 0.0])
    loss = _loss(beta, z, y)
    for _ in range(_MAX_STEPS):
        step = _newton_step(beta, z, y)
        while (stepped := _loss(beta - step, z, y)) > loss and np.abs(step).max() > _TOLERANCE:
            step = step / 2
        if stepped >= loss - _TOLERANCE * loss:
            break
        beta, loss = beta - step, stepped
    return float(beta[0] - beta[1] * centre / spread), float(beta[1] / spread)


def _loss(beta: Floats, z: Floats, y: Floats) -> float:
    linear = beta[0] + beta[1] * z
    return float(np.mean(np.logaddexp(0.0, linear) - y * linear))


def _newton_step(beta: Floats, z: Floats, y: Floats) -> Floats:
    p = expit(beta[0] + beta[1] * z)
    gap, weight = p - y, p * (1 - p)
    gradient = np.array([gap.mean(), (gap * z).mean()])
    cross = (weight * z).mean()
    hessian = np.array([[weight.mean(), cross], [cross, (weight * z * z).mean()]])
    step: Floats = np.linalg.solve(hessian + 1e-10 * np.eye(2), gradient)
    return step
