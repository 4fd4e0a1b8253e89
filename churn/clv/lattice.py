"""Quasi-random numbers that belong to a customer, whoever is valued beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.clv.values import Floats

DRAWS = 128
_STEP = np.uint64(0x9E3779B97F4A7C15)
_GENERATORS = (1.0, 0.6180339887498949, 0.4142135623730951, 0.7320508075688772, 0.2360679774997898, 0.6457513110645906)
"""Steps of each dimension: the first is stratified, the others irrational (Kronecker sequences)."""


def uniforms(customer_keys: NDArray[np.int64], seed: int, dimensions: int) -> Floats:
    """Return numbers in [0, 1), shape (dimensions, n, DRAWS); a customer's depend on the key and the seed alone.

    The first dimension is stratified: draw i lies in [i, i + 1) / DRAWS. The others are Kronecker sequences. Each is
    moved by a random offset per customer (Cranley & Patterson 1976, SIAM Journal on Numerical Analysis 13).
    """
    place = np.arange(DRAWS, dtype=np.float64)
    found = np.empty((dimensions, len(customer_keys), DRAWS))
    for dimension in range(dimensions):
        offset = _hashed(customer_keys, seed * 31 + dimension)[:, None]
        if dimension == 0:
            found[0] = (place + offset) / DRAWS
        else:
            found[dimension] = np.mod(place * _GENERATORS[dimension] + offset, 1.0)
    return found


def _hashed(keys: NDArray[np.int64], seed: int) -> Floats:
    """Return SplitMix64's finaliser of key and seed (Steele, Lea & Flood 2014, OOPSLA), in [0, 1)."""
    with np.errstate(over="ignore"):
        state = keys.astype(np.uint64) * _STEP + np.uint64(seed % 2**32 + 1) * _STEP
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
        state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(11)).astype(np.float64) / 2.0**53)
