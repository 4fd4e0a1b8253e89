"""BG/NBD: how often a customer buys and when they stop, from frequency, recency and age.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2). Purchases follow
a Poisson process with rate lambda ~ Gamma(r, alpha); after each repeat purchase the customer drops out with
probability p ~ Beta(a, b). All times are days; the likelihood is scaled internally, so that any unit of life
(hours or decades between purchases) is fitted alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal
from scipy.special import gammaln, psi

from churn.clv.optimise import Objective, maximise
from churn.clv.purchases import GroupedPurchases, check_purchases, group_purchases
from churn.clv.values import Floats, distinct_rows

PARAMETERS = ("r", "alpha_days", "a", "b")
SAMPLE = 20_000
"""Distinct histories on which the starts are tried, before the best is taken to the maximum of all."""

BOUNDS = ((1e-4, 1e4), (1e-5, 1e5), (1e-4, 1e4), (1e-4, 1e4))
QUADRATURE_NODES = 64
CHUNK_CELLS = 1_000_000


@dataclass(frozen=True)
class BgNbdParams:
    """Parameters of BG/NBD, all positive.

    Attributes
    ----------
    r, alpha_days : float
        Shape and rate (in days) of the gamma distribution of purchase rates: the mean is r / alpha_days a
        day.
    a, b : float
        Beta distribution of the probability of dropping out after a repeat purchase.
    """

    r: float
    alpha_days: float
    a: float
    b: float


@dataclass(frozen=True)
class BgNbdFit:
    """A maximum-likelihood fit.

    Attributes
    ----------
    params : BgNbdParams
    log_likelihood : float
        With time in days. In a unit of u days it is larger by (total repeats) * ln u.
    customers, repeat_buyers : int
    at_bounds : tuple of str
        Parameters that the data do not identify (for instance `b` when nobody seems to drop out).
    factor : tuple of 4 tuples of m floats
        Its product with its transpose is the covariance of the logarithms of (r, alpha, a, b); zeros at bounds.
    """

    params: BgNbdParams
    log_likelihood: float
    customers: int
    repeat_buyers: int
    at_bounds: tuple[str, ...]
    factor: tuple[tuple[float, ...], ...]


def fit_bg_nbd(
    frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, weight: ArrayLike | None = None
) -> BgNbdFit:
    """Fit BG/NBD by maximum likelihood on grouped sufficient statistics, with analytic gradients.

    Parameters
    ----------
    frequency : array_like, shape (n,)
        Repeat purchase days (the first purchase does not count).
    recency_days : array_like, shape (n,)
        Days from the first to the last purchase; 0 for one-time buyers.
    t_days : array_like, shape (n,)
        Days from the first purchase to as_of.
    weight : array_like, shape (n,), optional
        Customers per row, when the rows are already grouped; 1 by default.

    Raises
    ------
    ModelError
        Invalid or mixed-up inputs, fewer than 10 repeat buyers, or no convergence.
    """
    grouped = group_purchases(frequency, recency_days, t_days, weight)
    repeat_buyers = grouped.repeat_buyers("BG/NBD")
    customers, repeats, scale = grouped.customers, grouped.repeats, grouped.mean_age
    scaled = grouped.rescaled(scale)
    few = scaled.thinned(SAMPLE)
    maximum = maximise(
        _objective(scaled), _starts(repeats / customers), BOUNDS,
        weight=customers, model="BG/NBD", sample=(_objective(few), few.customers),
    )  # fmt: skip
    r, alpha, a, b = (float(value) for value in maximum.parameters)
    return BgNbdFit(
        params=BgNbdParams(r, alpha * scale, a, b),
        log_likelihood=maximum.log_likelihood - repeats * float(np.log(scale)),
        customers=int(customers),
        repeat_buyers=repeat_buyers,
        at_bounds=tuple(PARAMETERS[i] for i in maximum.at_bounds),
        factor=tuple(tuple(float(value) for value in row) for row in maximum.factor),
    )


def _starts(rate: float) -> list[tuple[float, float, float, float]]:
    """Return starting values around the observed repeats per mean age, from skewed to even customers."""
    spread = ((0.25, 0.8, 2.5), (1.0, 0.3, 4.0), (4.0, 1.5, 1.5))
    return [(r, r / rate, a, b) for r, a, b in spread]


def log_likelihood(params: BgNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike) -> float:
    """Return the log-likelihood (eq. 6 of the paper) of customers, time in days."""
    grouped = group_purchases(frequency, recency_days, t_days, None)
    value, _ = _objective(grouped)(np.array([params.r, params.alpha_days, params.a, params.b]))
    return value


def _objective(data: GroupedPurchases) -> Objective:
    """Return the log-likelihood and gradient; gamma functions are evaluated once per distinct frequency."""
    levels, level_of = np.unique(data.frequency, return_inverse=True)
    level_weight = np.bincount(level_of, weights=data.weight)
    total = float(data.weight.sum())
    x, weight = data.frequency, data.weight
    repeat = x > 0

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        by_level = gammaln(r + levels) + gammaln(b + levels) - gammaln(a + b + levels)
        constant = -gammaln(r) + r * np.log(alpha) + gammaln(a + b) - gammaln(b)
        log_t, log_recency = np.log(alpha + data.t), np.log(alpha + data.recency)
        log_drop = np.where(repeat, np.log(a) - np.log(b + np.maximum(x, 1) - 1), -np.inf)
        log_alive, log_dead = -(r + x) * log_t, log_drop - (r + x) * log_recency
        log_either = np.logaddexp(log_alive, log_dead)
        value = level_weight @ by_level + total * constant + weight @ log_either
        dead = np.exp(log_dead - log_either) * weight
        alive = weight - dead
        common = total * psi(a + b) - level_weight @ psi(a + b + levels)
        by_r = level_weight @ psi(r + levels) + total * (np.log(alpha) - psi(r))
        by_r -= alive @ log_t + dead @ log_recency
        by_alpha = total * r / alpha - (r + x) @ (alive / (alpha + data.t) + dead / (alpha + data.recency))
        by_a = common + dead.sum() / a
        by_b = common + level_weight @ psi(b + levels) - total * psi(b)
        by_b -= dead[repeat] @ (1 / (b + x[repeat] - 1))
        return float(value), np.array([by_r, by_alpha, by_a, by_b])

    return value_and_gradient


def alive_share(params: BgNbdParams, frequency: Floats, recency_days: Floats, t_days: Floats) -> Floats:
    """Return BG/NBD's own probability of being alive, shape (n,): 1 for every one-time buyer.

    So it stays inside: a published `p_alive` must come from another model (clv_published.md): under BG/NBD it
    stays null.
    """
    with np.errstate(over="ignore"):
        silent = np.log((params.alpha_days + t_days) / (params.alpha_days + recency_days))
        dropped = np.log(params.a) - np.log(params.b + np.maximum(frequency, 1) - 1)
        log_odds_dead = np.where(frequency > 0, dropped + (params.r + frequency) * silent, -np.inf)
        return np.asarray(1.0 / (1.0 + np.exp(log_odds_dead)), dtype=np.float64)


def silence_given_alive(params: BgNbdParams, frequency: Floats, t_days: Floats, horizon_days: float) -> Floats:
    """Return the log probability that a customer alive at T does not buy within the horizon, shape (n,)."""
    return -(params.r + frequency) * np.log1p(horizon_days / (params.alpha_days + t_days))


def probability_no_purchase(
    params: BgNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, horizon_days: float
) -> Floats:
    """Return P(no purchase in the next `horizon_days`), shape (n,), in [0, 1].

    A customer without one has dropped out, or is alive and silent.

    Derived from eq. 4 and the posterior of lambda given alive, Gamma(r + x, alpha + T); proved by simulation
    in the tests.
    """
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    alive = alive_share(params, x, recency, t)
    return np.asarray(1.0 + alive * np.expm1(silence_given_alive(params, x, t, horizon_days)), dtype=np.float64)


def expected_purchases(
    params: BgNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, horizon_days: float
) -> Floats:
    """Return the expected purchases in the next `horizon_days`, shape (n,) (eq. 10 of the paper)."""
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    given_alive = purchases_given_alive(params, x, t, np.array([float(horizon_days)]), np.array([1.0]))
    return np.asarray(alive_share(params, x, recency, t) * given_alive, dtype=np.float64)


def purchases_given_alive(
    params: BgNbdParams,
    frequency: Floats,
    t_days: Floats,
    ends_days: Floats,
    end_weights: Floats,
    nodes: int = QUADRATURE_NODES,
) -> Floats:
    """Return sum_k end_weights[k] * E[purchases within ends_days[k] | alive at T], shape (n,).

    The expectation is E[(1 - (1 + p s / (alpha + T)) ** -(r + x)) / p] over p ~ Beta(a, b + x), integrated by
    Gauss-Jacobi quadrature: unlike the hypergeometric closed form it needs no care near a = 1, near a + b = 1
    or for frequencies in the hundreds. It depends on (x, T) alone, so each distinct pair is computed once.
    """
    first, inverse, _ = distinct_rows(frequency, t_days)
    x_of, t_of, result = frequency[first], t_days[first], np.empty(len(first))
    starts = np.flatnonzero(np.diff(x_of, prepend=-1.0))
    if not len(first):
        return result
    rows = max(1, CHUNK_CELLS // (nodes * len(ends_days)))
    for start, stop in zip(starts, np.r_[starts[1:], len(first)], strict=True):
        p, share = beta_nodes(params.a, params.b + float(x_of[start]), nodes)
        for low in range(int(start), int(stop), rows):
            high = min(low + rows, int(stop))
            reach = ends_days[None, :] / (params.alpha_days + t_of[low:high, None])
            bought = -np.expm1(-(params.r + x_of[start]) * np.log1p(reach[:, :, None] * p)) / p
            result[low:high] = np.einsum("tkp,p,k->t", bought, share, end_weights, optimize=False)
    return result[inverse]


@lru_cache(maxsize=4096)
def beta_nodes(a: float, b: float, count: int = QUADRATURE_NODES) -> tuple[Floats, Floats]:
    """Return Gauss-Jacobi nodes in (0, 1) and weights summing to 1 for Beta(a, b), each of shape (count,).

    Golub & Welsch (1969), Mathematics of Computation 23: eigenvalues of the Jacobi matrix, and the squared
    first components of its eigenvectors.
    """
    beta, alpha, n = a - 1.0, b - 1.0, np.arange(1.0, count)
    total = 2 * n + alpha + beta
    diagonal = np.r_[(beta - alpha) / (alpha + beta + 2), (beta**2 - alpha**2) / (total * (total + 2))]
    tail = n[1:]
    squared = 4 * tail * (tail + alpha) * (tail + beta) * (tail + alpha + beta) / (
        total[1:] ** 2 * (total[1:] + 1) * (total[1:] - 1)
    )  # fmt: skip
    first = 4 * (1 + alpha) * (1 + beta) / ((2 + alpha + beta) ** 2 * (3 + alpha + beta))
    nodes, vectors = eigh_tridiagonal(diagonal, np.sqrt(np.r_[first, squared]))
    nodes, weights = np.clip((1 + nodes) / 2, 1e-13, 1.0), vectors[0] ** 2
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights
