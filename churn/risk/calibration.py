"""From a raw score to a probability: the calibrator that a model carries, and its logistic form's fit.

Choosing between its kinds is in `calibration_fit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from scipy.special import expit, logit

from churn.risk.data import Bools, Floats

CLIP = 1e-5
CalibratorKind = Literal["logistic", "beta", "isotonic"]
_TIE_BREAK = 1e-6
_MAX_STEPS = 100
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Calibrator:
    """Turns raw log-odds x into calibrated ones; never reverses a ranking.

    Attributes
    ----------
    intercept, slope : float
        `logistic`: intercept + slope * x. The slope is never negative.
    kind : {"logistic", "beta", "isotonic"}
    slope_above : float or None
        `beta`: intercept - slope * ln(1 + exp(-x)) + slope_above * ln(1 + exp(x)), both slopes never negative: the
        line bends at 0. Otherwise None.
    knots : tuple of (float, float)
        `isotonic`: raw and calibrated log-odds, both ascending, joined by straight lines and level beyond the ends;
        equal values rank by x. Otherwise empty.

    References
    ----------
    Platt 1999, "Probabilistic outputs for support vector machines", without its target smoothing. Kull, Silva Filho &
    Flach 2017, "Beta calibration", AISTATS. Zadrozny & Elkan 2002, KDD, for isotonic regression.
    """

    intercept: float = 0.0
    slope: float = 1.0
    kind: CalibratorKind = "logistic"
    slope_above: float | None = None
    knots: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Check that the parameters belong to the kind and never reverse a ranking.

        Raises
        ------
        ValueError
            If they don't.
        """
        raw = [knot for knot, _ in self.knots]
        levels = [level for _, level in self.knots]
        whole = {
            "logistic": self.slope_above is None and not self.knots,
            "beta": self.slope_above is not None and self.slope_above >= 0 and not self.knots,
            "isotonic": self.slope_above is None and bool(self.knots) and sorted(set(raw)) == raw,
        }
        if not whole.get(self.kind, False) or self.slope < 0 or sorted(levels) != levels:
            raise ValueError(f"not the parameters of a {self.kind!r} calibrator")

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Calibrator:
        """Read back what `dataclasses.asdict` gave, or the intercept and slope alone of an older model.

        Raises
        ------
        TypeError, ValueError
            It is something else.
        """
        knots = tuple((float(raw), float(level)) for raw, level in content.get("knots", ()))
        return cls(**(content | {"knots": knots}))

    def log_odds(self, raw: Floats) -> Floats:
        """Return the calibrated log-odds, shape (n,), not clipped: they rank as `raw` does."""
        if self.kind == "logistic":
            return self.intercept + self.slope * raw
        if self.kind == "beta":
            above = cast(float, self.slope_above)
            return self.intercept - self.slope * np.logaddexp(0, -raw) + above * np.logaddexp(0, raw)
        known, levels = np.array(self.knots).T
        joined: Floats = np.interp(raw, known, levels) + _TIE_BREAK * raw
        return joined

    def probability(self, raw: Floats) -> Floats:
        """Return the calibrated probability, shape (n,), in [1e-5, 1 - 1e-5]."""
        return clipped_expit(self.log_odds(raw))


def clipped_expit(log_odds: Floats) -> Floats:
    """Return probabilities, shape (n,), held within [1e-5, 1 - 1e-5]."""
    clipped: Floats = np.clip(expit(log_odds), CLIP, 1 - CLIP)
    return clipped


def constant_calibrator(churned: Bools, weight: Floats) -> Calibrator:
    """Return the calibrator that gives everyone the base rate."""
    return Calibrator(float(logit(weighted_rate(churned, weight))), 0.0)


def weighted_rate(churned: Bools, weight: Floats) -> float:
    """Return the share of churners, each row counted as often as its weight says."""
    return float(weight @ churned / weight.sum())


def fit_calibrator(raw: Floats, churned: Bools, weights: Floats | None = None) -> Calibrator:
    """Fit a logistic calibrator, unregularised, by maximum likelihood.

    Parameters
    ----------
    raw : ndarray of float64, shape (n,)
        Predictions on time that the model had not seen.
    churned : ndarray of bool, shape (n,)
        Both classes must occur.
    weights : ndarray of float64, shape (n,), optional

    Returns
    -------
    Calibrator
        Where the best slope would be negative or `raw` is constant, the slope is 0 and the probability is
        the base rate.
    """
    if np.ptp(raw) > 0:
        intercept, slope = fit_logistic(raw, churned, weights)
        if slope > 0:
            return Calibrator(intercept, slope)
    return constant_calibrator(churned, np.ones(len(raw)) if weights is None else weights)


def fit_logistic(x: Floats, churned: Bools, weights: Floats | None = None) -> tuple[float, float]:
    """Return (intercept, slope) of the logistic regression of `churned` on `x`, by Newton's method.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        Finite and not constant.
    churned : ndarray of bool, shape (n,)
        Both classes must occur. Where `x` separates them no slope is best; a large finite one is returned.
    weights : ndarray of float64, shape (n,), optional
        How often each row counts.
    """
    weight = np.full(len(x), 1 / len(x)) if weights is None else weights / weights.sum()
    centre = float(weight @ x)
    spread = float(np.sqrt(weight @ (x - centre) ** 2))
    z = (x - centre) / spread
    y = churned.astype(np.float64)
    beta = np.array([logit(weight @ y), 0.0])
    loss = _loss(beta, z, y, weight)
    for _ in range(_MAX_STEPS):
        step = _newton_step(beta, z, y, weight)
        while (stepped := _loss(beta - step, z, y, weight)) > loss and np.abs(step).max() > _TOLERANCE:
            step = step / 2
        if stepped >= loss - _TOLERANCE * loss:
            break
        beta, loss = beta - step, stepped
    return float(beta[0] - beta[1] * centre / spread), float(beta[1] / spread)


def _loss(beta: Floats, z: Floats, y: Floats, weight: Floats) -> float:
    linear = beta[0] + beta[1] * z
    return float(weight @ (np.logaddexp(0.0, linear) - y * linear))


def _newton_step(beta: Floats, z: Floats, y: Floats, weight: Floats) -> Floats:
    p = expit(beta[0] + beta[1] * z)
    gap, curvature = weight * (p - y), weight * p * (1 - p)
    gradient = np.array([gap.sum(), gap @ z])
    cross = curvature @ z
    hessian = np.array([[curvature.sum(), cross], [cross, curvature @ (z * z)]])
    step: Floats = np.linalg.solve(hessian + 1e-10 * np.eye(2), gradient)
    return step
