"""The integral over the unknown moment at which a customer of Pareto/NBD dropped out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from churn.clv.values import Floats

NODES = 24
CHUNK_ROWS = 2_048
STEEP = 50.0
"""Fall of the logarithm over a span beyond which the part that matters is looked for."""

SCAN = 64
DEPTH = 36.0


@dataclass(frozen=True)
class Rates:
    """Parameters of Pareto/NBD in any unit of time: purchase rates Gamma(r, alpha), dropout rates Gamma(s, beta)."""

    r: float
    alpha: float
    s: float
    beta: float


@dataclass(frozen=True)
class Dropout:
    """The integral D(from, to) and how it moves with the parameters.

    Attributes
    ----------
    log_value : ndarray of float64, shape (n,)
        Minus infinity where the span is empty.
    gradient : ndarray of float64, shape (4, n)
        Derivative of the logarithm by r, alpha, s and beta; 0 where the span is empty.
    """

    log_value: Floats
    gradient: Floats


def dropout_integral(rates: Rates, frequency: Floats, start: Floats, end: Floats) -> Dropout:
    """Return s * integral of (alpha + u)^-(r + x) (beta + u)^-(s + 1) over u from start to end.

    With w = ln(c + u), c the smaller of alpha and beta, the integrand is smooth and log-concave: Gauss-Legendre
    with 24 nodes is exact to about 1e-10, on the part that matters where the integrand is steep.

    Parameters
    ----------
    rates : Rates
    frequency, start, end : ndarray of float64, shape (n,)
        With start <= end.
    """
    value, gradient = np.empty(len(frequency)), np.empty((4, len(frequency)))
    for low in range(0, len(frequency), CHUNK_ROWS):
        rows = slice(low, low + CHUNK_ROWS)
        value[rows], gradient[:, rows] = _chunk(rates, frequency[rows], start[rows], end[rows])
    return Dropout(value, gradient)


def _chunk(rates: Rates, x: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats]:
    low, width = _span(rates, x, start, end)
    nodes, weights = _legendre()
    log_reach = low[:, None] + width[:, None] * nodes
    alpha_on, log_alpha, beta_on, log_beta = _sums(rates, log_reach)
    terms = log_reach - (rates.r + x[:, None]) * log_alpha - (rates.s + 1.0) * log_beta
    peak = terms.max(axis=1)
    terms -= peak[:, None]
    share = np.exp(terms, out=terms)
    share *= weights
    total = share.sum(axis=1)
    share /= total[:, None]
    with np.errstate(divide="ignore"):
        log_value = np.log(rates.s) + np.log(width) + peak + np.log(total)
    gradient = np.array(
        [
            -_row_sums(share, log_alpha),
            -(rates.r + x) * _row_sums(share, 1.0 / alpha_on),
            1.0 / rates.s - _row_sums(share, log_beta),
            -(rates.s + 1.0) * _row_sums(share, 1.0 / beta_on),
        ]
    )
    return log_value, np.where(width > 0, gradient, 0.0)


def _span(rates: Rates, x: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Return where the integrand matters in the logarithm of time, as start and width, each of shape (n,).

    It falls ever faster: from where it starts to fall, at least as fast as at the start.
    """
    nearest = min(rates.alpha, rates.beta)
    low, width = np.log(nearest + start), np.log1p((end - start) / (nearest + start))
    slowest, fastest = _fall(rates, x, start), _fall(rates, x, end)
    width = np.minimum(width, DEPTH / np.maximum(slowest, 1e-12))
    steep = np.flatnonzero(width * np.maximum(fastest, np.abs(slowest)) > STEEP)
    for _ in range(2):
        low[steep], width[steep] = _relevant(rates, x[steep], low[steep], width[steep])
    return low, width


def _fall(rates: Rates, x: Floats, u: Floats) -> Floats:
    """Return how fast the logarithm of the integrand falls with the logarithm of time at u, shape (n,)."""
    reach = min(rates.alpha, rates.beta) + u
    fall = (rates.r + x) * reach / (rates.alpha + u) + (rates.s + 1.0) * reach / (rates.beta + u) - 1.0
    return np.asarray(fall, dtype=np.float64)


def _row_sums(share: Floats, values: Floats) -> Floats:
    return np.asarray(np.einsum("gn,gn->g", share, values, optimize=False), dtype=np.float64)


def _sums(rates: Rates, log_reach: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return alpha + u and beta + u, each with its logarithm, where ln(min(alpha, beta) + u) is given."""
    reach = np.exp(log_reach)
    other = reach + abs(rates.alpha - rates.beta)
    nearer, further = (reach, log_reach), (other, np.log(other))
    return (*nearer, *further) if rates.alpha <= rates.beta else (*further, *nearer)


def _relevant(rates: Rates, x: Floats, low: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Return the part of each span outside which the integrand is below exp(-36) of its peak, as start and width."""
    grid = np.linspace(0.0, 1.0, SCAN)
    log_reach = low[:, None] + width[:, None] * grid
    _, log_alpha, _, log_beta = _sums(rates, log_reach)
    height = log_reach - (rates.r + x[:, None]) * log_alpha - (rates.s + 1.0) * log_beta
    high = height > height.max(axis=1, keepdims=True) - DEPTH
    first = np.maximum(high.argmax(axis=1) - 1, 0)
    last = np.minimum(SCAN - high[:, ::-1].argmax(axis=1), SCAN - 1)
    return low + width * grid[first], width * (grid[last] - grid[first])


@lru_cache(maxsize=1)
def _legendre() -> tuple[Floats, Floats]:
    """Return nodes in (0, 1) and weights summing to 1, each of shape (24,)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return (nodes + 1) / 2, weights / 2
