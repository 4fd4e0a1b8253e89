"""Gamma-gamma: what a customer spends on average, shrunk to the others by how little we have seen of them.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025, brucehardie.com.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, gammaln, psi

from churn.clv.optimise import Objective, maximise
from churn.clv.values import Floats, as_floats, check_same_length, distinct_rows
from churn.errors import ModelError

MIN_BUYERS = 10
LOWEST_Q = 1.5
"""Heaviest tail that is believed: everybody's average is then 2.4 times the median customer's. It does not exist for
q <= 1, and just above 1 a few enormous orders would decide what a new customer is worth. Where the data have a heavier
one, the median is matched instead of the likelihood maximised."""

SAMPLE = 20_000
"""Distinct buyers on which the starts are tried, before the best is taken to the maximum of all."""

PARAMETERS = ("p", "q", "mean")
BOUNDS = ((1e-3, 1e4), (LOWEST_Q, 1e4), (1e-4, 1e6))
STARTS = ((6.0, 4.0, 1.0), (1.0, 2.0, 2.0), (20.0, 10.0, 1.0))


@dataclass(frozen=True)
class GammaGammaParams:
    """Parameters of the gamma-gamma model.

    Attributes
    ----------
    p : float
        Shape of a customer's purchases around their own mean, > 0.
    q, v : float
        Shape (> 1) and scale (money) of the distribution of customers' means; the overall mean is p v / (q -
        1).
    """

    p: float
    q: float
    v: float


@dataclass(frozen=True)
class GammaGammaFit:
    """A maximum-likelihood fit.

    Attributes
    ----------
    params : GammaGammaParams
    log_likelihood : float
        With money in the unit of the input.
    buyers : int
        Repeat buyers with a positive average that it was fitted to.
    at_bounds : tuple of str
        Those of `p`, `q` and `mean` that the data do not identify (`p` when every purchase costs the same), or that
        are not believed (`q` when the tail is heavier than `LOWEST_Q`).
    factor : tuple of 3 tuples of m floats
        Its product with its transpose is the covariance of the logarithms of (p, q, v); zeros at bounds.
    """

    params: GammaGammaParams
    log_likelihood: float
    buyers: int
    at_bounds: tuple[str, ...]
    factor: tuple[tuple[float, ...], ...]


def fit_gamma_gamma(frequency: ArrayLike, monetary_value: ArrayLike) -> GammaGammaFit:
    """Fit the gamma-gamma model by maximum likelihood, with analytic gradients.

    Parameters
    ----------
    frequency : array_like, shape (n,)
        Repeat purchase days.
    monetary_value : array_like, shape (n,)
        Average value of the repeat purchase days: the first purchase stays out, because frequency does not
        count it. Customers without repeats, and with a missing, zero or negative average (gifts, refunds),
        are left out.

    Raises
    ------
    ModelError
        Fewer than 10 repeat buyers with positive value, or no convergence.
    """
    x, z, count = _grouped_buyers(as_floats(frequency, "frequency"), as_floats(monetary_value, "monetary_value"))
    buyers = float(count.sum())
    if buyers < MIN_BUYERS:
        raise ModelError(
            f"Gamma-gamma needs at least {MIN_BUYERS} repeat buyers with positive value, got {buyers:.0f}.",
            "Load more history, or wait until customers have come back.",
        )
    scale = float(np.exp(np.average(np.log(z), weights=count)))
    step = -(-len(x) // SAMPLE)
    few = slice(step // 2, None, step)
    objective = _objective(x, z / scale, count)
    maximum = maximise(
        _by_mean(objective), STARTS, BOUNDS, weight=buyers, model="gamma-gamma",
        sample=(_by_mean(_objective(x[few], z[few] / scale, count[few])), float(count[few].sum())),
    )  # fmt: skip
    p, q, mean = (float(value) for value in maximum.parameters)
    v = mean * (q - 1) / p
    if 1 in maximum.at_bounds and q < 2 * LOWEST_Q:
        v = min(v, _median_v(p, q, z / scale, count))
    value, _ = objective(np.array([p, q, v]))
    return GammaGammaFit(
        params=GammaGammaParams(p, q, v * scale),
        log_likelihood=value - buyers * float(np.log(scale)),
        buyers=int(buyers),
        at_bounds=tuple(PARAMETERS[i] for i in maximum.at_bounds),
        factor=_factor_with_v(maximum.factor, q),
    )


def _median_v(p: float, q: float, z: Floats, count: Floats) -> float:
    """Return the scale at which half the customers' means, p / Gamma(q, v), lie below the median average."""
    median = float(np.quantile(z, 0.5, weights=count, method="inverted_cdf"))
    return median * float(gammaincinv(q, 0.5)) / p


def _factor_with_v(factor: Floats, q: float) -> tuple[tuple[float, ...], ...]:
    """Return the factor by (p, q, v) from that by (p, q, mean): ln v = ln mean + ln(q - 1) - ln p."""
    by_p, by_q, by_mean = factor
    rows = np.array([by_p, by_q, by_mean + by_q * q / (q - 1) - by_p])
    return tuple(tuple(float(value) for value in row) for row in rows)


def _grouped_buyers(x: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return distinct (frequency, value) of repeat buyers with positive value, and their number."""
    check_same_length(frequency=x, monetary_value=z)
    usable = (x > 0) & np.isfinite(x) & np.isfinite(z) & (z > 0)
    x, z = x[usable], z[usable]
    first, _, count = distinct_rows(x, z)
    return x[first], z[first], count


def _objective(x: Floats, z: Floats, weight: Floats) -> Objective:
    """Return the log-likelihood (eq. 1a of the note) and gradient; gammas once per distinct frequency."""
    levels, level_of = np.unique(x, return_inverse=True)
    level_weight = np.bincount(level_of, weights=weight)
    total, log_z = float(weight.sum()), np.log(z)
    fixed = -float(weight @ log_z)
    by_p_fixed = float((weight * x) @ (log_z + np.log(x)))

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        p, q, v = parameters
        log_sum = np.log(x * z + v)
        gammas = gammaln(p * levels + q) - gammaln(p * levels)
        value = (
            level_weight @ gammas + total * (q * np.log(v) - gammaln(q)) + fixed + p * by_p_fixed
            - (weight * (p * x + q)) @ log_sum
        )  # fmt: skip
        psi_sum = psi(p * levels + q)
        by_p = (level_weight * levels) @ (psi_sum - psi(p * levels)) + by_p_fixed - (weight * x) @ log_sum
        by_q = level_weight @ psi_sum + total * (np.log(v) - psi(q)) - weight @ log_sum
        by_v = total * q / v - (weight * (p * x + q)) @ (1 / (x * z + v))
        return float(value), np.array([by_p, by_q, by_v])

    return value_and_gradient


def _by_mean(objective: Objective) -> Objective:
    """Return the objective as a function of p, q and the overall mean p v / (q - 1), less correlated."""

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        p, q, mean = parameters
        value, (by_p, by_q, by_v) = objective(np.array([p, q, mean * (q - 1) / p]))
        by_p, by_q = by_p - by_v * mean * (q - 1) / p**2, by_q + by_v * mean / p
        return value, np.array([by_p, by_q, by_v * (q - 1) / p])

    return value_and_gradient


def expected_average_value(params: GammaGammaParams, frequency: ArrayLike, monetary_value: ArrayLike) -> Floats:
    """Return each customer's expected value per purchase, shape (n,), > 0 (eq. 5 of the note).

    A weighted mean of the customer's own average and everybody's. Without repeats, or where the average is
    missing, it is everybody's, p v / (q - 1); a zero or negative average (gifts, refunds) counts as 0.
    """
    x, z = as_floats(frequency, "frequency"), as_floats(monetary_value, "monetary_value")
    check_same_length(frequency=x, monetary_value=z)
    known = (x > 0) & np.isfinite(z)
    x, z = np.where(known, x, 0.0), np.where(known, np.maximum(z, 0.0), 0.0)
    return np.asarray(params.p * (params.v + x * z) / (params.p * x + params.q - 1), dtype=np.float64)
