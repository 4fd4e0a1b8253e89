"""What the calibration error of perfectly calibrated probabilities would be: chance alone makes it more than 0."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from churn.risk.data import Bools, Floats, Integers
from churn.risk.metrics import ECE_BINS, equal_mass_bins

_MANY = 25.0
_DRAWS = 400
_NORMAL_DRAWS = 4000


def perfect_ece(
    probability: Floats,
    weights: Floats | None = None,
    *,
    churned: Bools | None = None,
    customers: Integers | None = None,
    bins: int = ECE_BINS,
    seed: int = 1,
    quantile: float = 0.95,
) -> float:
    """Return the quantile of the ECE that these probabilities would show if they were perfectly calibrated.

    Parameters
    ----------
    probability, weights : ndarray of float64, shape (n,)
    churned : ndarray of bool, shape (n,), optional
    customers : ndarray of int64, shape (n,), optional
        Without these two every row counts as independent. Rows of one customer are not: label windows that overlap
        share what happened, and who stopped buying stays silent. With them gaps are as wide as those of whole customers
        (`_of_customers`). How much wider is measured, not derived from the horizon: it depends on the definition of
        churn, on the grace and on who comes back. It is not the worst case either (one draw for all of a customer's
        months), which overstates: windows that do not overlap are independent where who leaves is gone. Outcomes enter
        by the spread of customers' sums alone; probabilities that are far off have a somewhat higher quantile.
    bins, seed : int
    quantile : float
    """
    order = np.argsort(probability, kind="stable")
    p, weight = probability[order], np.ones(len(probability)) if weights is None else weights[order]
    place, random = equal_mass_bins(p, bins, None if weights is None else weight), np.random.default_rng(seed)
    most = _quantile(_gaps_of_rows(p, weight, place, random), quantile)
    if churned is not None and customers is not None:
        residual = weight * (churned[order] - p)
        wider, gaps = _of_customers(residual, customers[order], place, random)
        most = max(most * wider, _quantile(gaps, quantile))
    return most / float(weight.sum())


def _quantile(gaps: Floats, quantile: float) -> float:
    return float(np.quantile(np.abs(gaps).sum(axis=1), quantile))


def _gaps_of_rows(p: Floats, weight: Floats, place: Integers, random: np.random.Generator) -> Floats:
    """Draw each bin's outcomes less what it expects, shape (draws, bins), rows independent and ordered by bin.

    Outcomes are drawn from the probabilities themselves (Bröcker & Smith 2007, Weather and Forecasting 22,
    "consistency resampling"); where every bin expects many, its gap is drawn from the normal distribution instead.
    """
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    if np.add.reduceat(p * (1 - p), starts).min() >= _MANY:
        normal: Floats = random.normal(size=(_NORMAL_DRAWS, len(starts)))
        return normal * np.sqrt(np.add.reduceat(weight**2 * p * (1 - p), starts))
    drawn = [np.add.reduceat(weight * (random.random(len(p)) < p), starts) for _ in range(_DRAWS)]
    gaps: Floats = np.array(drawn) - np.add.reduceat(weight * p, starts)
    return gaps


def _of_customers(
    residual: Floats, customers: Integers, place: Integers, random: np.random.Generator
) -> tuple[float, Floats]:
    """Return how much wider gaps are because customers repeat, and gaps of whole customers, shape (draws, bins).

    The first is the root of the design effect of all bins together, at least 1: steady where few churn, when a bin's
    own variance is mostly luck. The second are normal with the covariance of customers' sums, between bins as well
    (Kish 1965, Survey Sampling; Liang & Zeger 1986, Biometrika 73).
    """
    _, customer = np.unique(customers, return_inverse=True)
    sums = csr_matrix((residual, (customer, place)))
    covariance = (sums.T @ sums).toarray()
    wider = max(1.0, float(np.trace(covariance)) / max(float(residual @ residual), 1e-300)) ** 0.5
    variances, axes = np.linalg.eigh(covariance)
    root = (axes * np.sqrt(np.maximum(variances, 0))) @ axes.T
    return wider, random.normal(size=(_NORMAL_DRAWS, len(root))) @ root
