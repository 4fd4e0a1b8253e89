"""Fitting the calibrator: logistic unless beta or isotonic is shown to be better on customers left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit, xlogy

from churn.risk.calibration import CLIP, Calibrator, constant_calibrator, fit_calibrator, weighted_rate
from churn.risk.data import Bools, Floats, Integers, customer_share

CHOICE_CHURNERS = 1000
_PARTS = 5
_MAX_STEPS = 50
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Pool:
    """Rows that a calibrator learns from.

    Attributes
    ----------
    raw : ndarray of float64, shape (n,)
        Raw log-odds on time that the model had not seen.
    churned : ndarray of bool, shape (n,)
        Both classes must occur.
    weight : ndarray of float64, shape (n,)
    customers : ndarray of int64, shape (n,)
    """

    raw: Floats
    churned: Bools
    weight: Floats
    customers: Integers

    def take(self, keep: Bools) -> Pool:
        """Return the rows where `keep` is true."""
        return Pool(self.raw[keep], self.churned[keep], self.weight[keep], self.customers[keep])

    @property
    def both_classes(self) -> bool:
        """Say whether somebody left and somebody stayed."""
        return bool(self.churned.any()) and not bool(self.churned.all())


def choose_calibrator(pool: Pool, seed: int) -> Calibrator:
    """Fit the calibrator by the rule of methods.md, "Judging probabilities".

    Parameters
    ----------
    pool : Pool
    seed : int
        Parts the customers for the comparison.

    Returns
    -------
    Calibrator
        Logistic, unless the pool has at least 1,000 churners and the log loss of beta or isotonic on customers left
        out (five parts, by customer) is less than logistic's by more than one standard error; then the better one.
    """
    if int(pool.churned.sum()) < CHOICE_CHURNERS or np.ptp(pool.raw) == 0:
        return logistic(pool)
    losses = {name: _losses_left_out(pool, fit, seed) for name, fit in _FITS.items()}
    gains = {name: _gain(losses["logistic"] - losses[name], pool) for name in ("beta", "isotonic")}
    best = max(gains, key=lambda name: gains[name][0])
    gain, error = gains[best]
    return _FITS[best](pool) if gain > error else logistic(pool)


def logistic(pool: Pool) -> Calibrator:
    """Fit a logistic calibrator by maximum likelihood."""
    return fit_calibrator(pool.raw, pool.churned, pool.weight)


def beta(pool: Pool) -> Calibrator:
    """Fit a beta calibrator by maximum likelihood, both slopes held at or above 0.

    References
    ----------
    Kull, Silva Filho & Flach 2017, AISTATS: a negative slope is set to 0 and the rest fitted again.
    """
    columns = np.column_stack([np.ones(len(pool.raw)), -np.logaddexp(0, -pool.raw), np.logaddexp(0, pool.raw)])
    for used in ([0, 1, 2], [0, 1], [0, 2]):
        found = np.zeros(3)
        found[used] = _newton(columns[:, used], pool)
        if found[1] >= 0 and found[2] >= 0 and found[1:].any():
            return Calibrator(float(found[0]), float(found[1]), "beta", float(found[2]))
    return constant_calibrator(pool.churned, pool.weight)


def isotonic(pool: Pool) -> Calibrator:
    """Fit an isotonic calibrator: the ends of every level stretch, as log-odds held within the clip."""
    values, place = np.unique(pool.raw, return_inverse=True)
    weight = np.bincount(place, pool.weight)
    rate = np.bincount(place, pool.weight * pool.churned) / weight
    fitted = isotonic_regression(rate, weights=weight)
    first, last = fitted.blocks[:-1], fitted.blocks[1:] - 1
    level = logit(np.clip(fitted.x[first], CLIP, 1 - CLIP))
    knots = {(float(values[end]), float(level[block])) for ends in (first, last) for block, end in enumerate(ends)}
    return Calibrator(kind="isotonic", knots=tuple(sorted(knots)))


_FITS: dict[str, Callable[[Pool], Calibrator]] = {"logistic": logistic, "beta": beta, "isotonic": isotonic}


def _losses_left_out(pool: Pool, fit: Callable[[Pool], Calibrator], seed: int) -> Floats:
    """Return each row's log loss by the calibrator of the other parts' customers, shape (n,)."""
    part = (customer_share(pool.customers, seed + 2) * _PARTS).astype(np.int64)
    losses = np.empty(len(pool.raw))
    for left_out in range(_PARTS):
        rows = part == left_out
        others = pool.take(~rows)
        if not others.both_classes:
            return np.full(len(pool.raw), np.inf)
        p = fit(others).probability(pool.raw[rows])
        losses[rows] = -(xlogy(pool.churned[rows], p) + xlogy(~pool.churned[rows], 1 - p))
    return losses


def _gain(gains: Floats, pool: Pool) -> tuple[float, float]:
    """Return the weighted mean of the rows' gains and its standard error, clustered by customer."""
    if not np.isfinite(gains).all():
        return -np.inf, np.inf
    total = pool.weight.sum()
    mean = float(pool.weight @ gains / total)
    _, place = np.unique(pool.customers, return_inverse=True)
    sums = np.bincount(place, pool.weight * (gains - mean))
    return mean, float(np.sqrt(sums @ sums) / total)


def _newton(columns: Floats, pool: Pool) -> Floats:
    """Return the maximum-likelihood coefficients of a logistic regression, the first column constant."""
    weight, y = pool.weight / pool.weight.sum(), pool.churned.astype(np.float64)
    found = np.zeros(columns.shape[1])
    found[0] = logit(weighted_rate(pool.churned, pool.weight))
    loss = _loss(columns @ found, y, weight)
    for _ in range(_MAX_STEPS):
        p = expit(columns @ found)
        curvature = (columns * (weight * p * (1 - p))[:, None]).T @ columns
        step = np.linalg.solve(curvature + _TOLERANCE * np.eye(len(found)), columns.T @ (weight * (p - y)))
        while (stepped := _loss(columns @ (found - step), y, weight)) > loss and np.abs(step).max() > _TOLERANCE:
            step = step / 2
        if stepped >= loss - _TOLERANCE * loss:
            break
        found, loss = found - step, stepped
    return found


def _loss(linear: Floats, y: Floats, weight: Floats) -> float:
    return float(weight @ (np.logaddexp(0.0, linear) - y * linear))
