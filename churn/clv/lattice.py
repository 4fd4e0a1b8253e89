"""Quasi-random numbers that belong to a customer, whoever is valued beside them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from churn.clv.values import Floats

DRAWS = 128
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_GENERATORS = (1.0, 0.6180339887498949, 0.4142135623730951, 0.7320508075688772, 0.2360679774997898, 0.6457513110645906)
"""Steps of the first dimensions: the first is stratified, the others irrational (Kronecker sequences)."""


def uniforms(customer_keys: NDArray[np.int64], seed: int, dimensions: int) -> Floats:
    """Return numbers in [0, 1), shape (dimensions, n, DRAWS); a customer's depend on the key and the seed alone.

    The first dimension is stratified: draw i lies in [i, i + 1) / DRAWS. The next five are Kronecker sequences, all
    others strata in an order of their own (McKay, Beckman & Conover 1979, Technometrics 21). Each is moved by a random
    offset per customer (Cranley & Patterson 1976, SIAM Journal on Numerical Analysis 13).
    """
    place = np.arange(DRAWS, dtype=np.float64)
    found = np.empty((dimensions, len(customer_keys), DRAWS))
    for dimension in range(dimensions):
        offset = _hashed(customer_keys, seed, dimension)[:, None]
        if dimension == 0:
            found[0] = (place + offset) / DRAWS
        elif dimension < len(_GENERATORS):
            found[dimension] = np.mod(place * _GENERATORS[dimension] + offset, 1.0)
        else:
            found[dimension] = np.mod(_order(dimension) / DRAWS + offset, 1.0)
    return found


@lru_cache(maxsize=256)
def _order(dimension: int) -> Floats:
    """Return the order of a dimension's strata, shape (DRAWS,)."""
    return np.random.default_rng(dimension).permutation(DRAWS).astype(np.float64)


def _hashed(keys: NDArray[np.int64], seed: int, dimension: int) -> Floats:
    """Return numbers in [0, 1) well mixed of key, seed and dimension, shape (n,).

    Seed and dimension are mixed before they meet the key: added to it, neighbouring keys would share numbers.
    """
    salt = _mixed(_mixed(np.array([seed % 2**64], dtype=np.uint64)) + np.uint64(dimension))
    state = _mixed(np.asarray(keys, dtype=np.int64).view(np.uint64) ^ salt)
    return np.asarray((state >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64-bit numbers well mixed (the finaliser of SplitMix64; Steele, Lea & Flood 2014, OOPSLA)."""
    mixed = values + _GOLDEN
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
