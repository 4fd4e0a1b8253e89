"""Stratified draws of what a customer may still spend, by table: exact marginals, no random generator per customer.

Every quantity is drawn by its quantile function at the midpoints of `DRAWS` equal strata, so that a distribution that
depends on few things (the frequency, the number of purchases) is tabulated once. A customer takes each table in an
order of its own, which a hash of the key decides: a Latin hypercube sample (McKay, Beckman & Conover 1979,
Technometrics 21) per customer, the same whoever is valued beside them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaincinv, gammaln, ndtri

from churn.clv.values import Floats

DRAWS = 256
"""Draws per customer; a power of two."""

MANY = 64.0
"""Means above which Poisson counts, and numbers of purchases above which sums, come from an expansion."""

QUANTITIES = 8
_CELLS_PER_ROOT = 128
_LONGEST = 2.0**40
_GOLDEN = 0x9E3779B97F4A7C15
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

Indices = NDArray[np.intp]
Bits = NDArray[np.uint64]


@lru_cache(maxsize=1)
def midpoints() -> Floats:
    """Return the midpoints of the strata, shape (DRAWS,)."""
    return (np.arange(DRAWS) + 0.5) / DRAWS


@lru_cache(maxsize=1)
def _normals() -> Floats:
    """Return standard normal quantiles at the midpoints, shape (DRAWS,)."""
    return np.asarray(ndtri(midpoints()), dtype=np.float64)


@lru_cache(maxsize=4096)
def gamma_draws(shape: float) -> Floats:
    """Return quantiles of Gamma(shape, 1) at the midpoints, shape (DRAWS,)."""
    return np.asarray(np.maximum(gammaincinv(shape, midpoints()), 1e-300), dtype=np.float64)


@lru_cache(maxsize=4096)
def lifetime_draws(a: float, b: float) -> Floats:
    """Return quantiles of the number of purchases until dropout, dropping with p ~ Beta(a, b) at each, shape (DRAWS,).

    P(more than k) = B(a, b + k) / B(a, b); found by bisection, at most about 1e12.
    """
    low, high = np.zeros(DRAWS), np.full(DRAWS, _LONGEST)
    target = np.log1p(-midpoints()) + betaln(a, b)
    while (high - low).max() > 1:
        middle = np.floor((low + high) / 2)
        lasts = betaln(a, b + middle) > target
        low, high = np.where(lasts, middle, low), np.where(lasts, high, middle)
    return high


@lru_cache(maxsize=1)
def _poisson_table() -> NDArray[np.uint8]:
    """Return Poisson quantiles, shape (cells of the root of the mean, DRAWS)."""
    means = (np.arange(int(np.sqrt(MANY)) * _CELLS_PER_ROOT + 2) / _CELLS_PER_ROOT) ** 2
    counts = np.arange(255.0)
    log_terms = counts * np.log(np.maximum(means, 1e-300))[:, None] - means[:, None] - gammaln(counts + 1)
    below = np.cumsum(np.exp(log_terms), axis=1)
    return np.array([np.searchsorted(row, midpoints()) for row in below], dtype=np.uint8)


def poisson_draws(mean: Floats, stratum: Indices) -> Floats:
    """Return the Poisson quantile at a stratum's midpoint for each mean, both of shape (m,).

    To a 128th in the root of the mean up to 64, and by the Cornish-Fisher expansion beyond.
    """
    cells = (np.sqrt(np.minimum(mean, MANY)) * _CELLS_PER_ROOT + 0.5).astype(np.intp)
    counts = np.asarray(_poisson_table().ravel()[cells * DRAWS + stratum], dtype=np.float64)
    large = mean > MANY
    if large.any():
        z, mu = _normals()[stratum[large]], mean[large]
        counts[large] = np.floor(mu + z * np.sqrt(mu) + (z**2 - 1) / 6 + 0.5)
    return counts


@lru_cache(maxsize=8)
def _sum_table(shape: float) -> Floats:
    """Return quantiles of Gamma(shape * n, 1) for n = 0 ... 64, shape (65, DRAWS)."""
    counts = np.arange(1.0, MANY + 1)
    sums = gammaincinv(shape * counts[:, None], midpoints())
    return np.asarray(np.concatenate([np.zeros((1, DRAWS)), sums]), dtype=np.float64)


def sum_draws(shape: float, counts: Floats, stratum: Indices) -> Floats:
    """Return the quantile of the sum of `counts` variables Gamma(shape, 1) at a stratum, each of shape (m,).

    Beyond 64 of them by Wilson & Hilferty's cube.
    """
    sums = _sum_table(shape).ravel()[np.minimum(counts, MANY).astype(np.intp) * DRAWS + stratum]
    large = counts > MANY
    if large.any():
        total = shape * counts[large]
        root = 1 - 1 / (9 * total) + _normals()[stratum[large]] / (3 * np.sqrt(total))
        sums[large] = total * np.maximum(root, 0.0) ** 3
    return np.asarray(sums, dtype=np.float64)


@lru_cache(maxsize=1)
def _orders() -> NDArray[np.int16]:
    """Return orders of the strata, one per quantity, shape (QUANTITIES, DRAWS)."""
    random = np.random.default_rng(20_050_204)
    return np.stack([random.permutation(DRAWS) for _ in range(QUANTITIES)]).astype(np.int16)


def strata(customer_keys: NDArray[np.int64], seed: int, quantity: int, customer: Indices, draw: Indices) -> Indices:
    """Return which stratum of a quantity each draw of each customer takes, shape (m,).

    One fixed order per quantity, turned and flipped by a hash of the customer's key.

    Parameters
    ----------
    customer_keys : ndarray of int64, shape (n,)
    seed, quantity : int
    customer, draw : ndarray of intp, shape (m,)
        Position of the customer, and number of the draw.
    """
    mixed = _hashed(customer_keys, seed, quantity)
    turn = (mixed & np.uint64(DRAWS - 1)).astype(np.int16)[customer]
    flip = ((mixed >> np.uint64(8)) & np.uint64(DRAWS - 1)).astype(np.int16)[customer]
    return np.asarray(((_orders()[quantity][draw] + turn) & (DRAWS - 1)) ^ flip, dtype=np.intp)


def uniform_start(customer_keys: NDArray[np.int64], seed: int) -> Floats:
    """Return a number in [0, 1) per customer, shape (n,)."""
    return (_hashed(customer_keys, seed, QUANTITIES) >> np.uint64(11)).astype(np.float64) / 2.0**53


def _hashed(customer_keys: NDArray[np.int64], seed: int, quantity: int) -> Bits:
    """Return well mixed bits per customer for a quantity, shape (n,)."""
    salt = _mixed(np.array([(seed * 64 + quantity) % 2**64], dtype=np.uint64))
    return _mixed(np.asarray(customer_keys, dtype=np.int64).view(np.uint64) ^ salt)


def _mixed(values: Bits) -> Bits:
    """Return 64-bit numbers well mixed (the finaliser of SplitMix64; Steele, Lea & Flood 2014)."""
    mixed = values + np.uint64(_GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_MIX[0])
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_MIX[1])
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
