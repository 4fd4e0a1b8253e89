"""Intervals by bootstrap over customers: a customer's many months count as one observation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from churn.risk.data import Bools, Floats, Integers
from churn.risk.metrics import auc_of_places

REPLICATES = 1000
_BUDGET = 20_000_000
_FEWEST = 200


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; `low` and `high` are NaN where it is not defined."""

    mean: float
    low: float
    high: float


def better_than(
    challenger_losses: Floats,
    champion_losses: Floats,
    customers: Integers,
    *,
    seed: int = 1,
    replicates: int = REPLICATES,
) -> Interval:
    """Judge how much smaller the challenger's losses are than the champion's on the same rows.

    Parameters
    ----------
    challenger_losses, champion_losses : ndarray of float64, shape (n,)
        Log loss of each customer-month (`metrics.log_losses`).
    customers : ndarray of int64, shape (n,)
        Customers are resampled whole.

    Returns
    -------
    Interval
        Of the mean of champion - challenger, in nats: the challenger is better where `low` > 0.

    References
    ----------
    Paired cluster bootstrap, percentile interval (Efron & Tibshirani 1993; Field & Welsh 2007 for clusters).
    """
    return mean_interval(champion_losses - challenger_losses, customers, seed=seed, replicates=replicates)


def mean_interval(values: Floats, customers: Integers, *, seed: int, replicates: int = REPLICATES) -> Interval:
    """Return the mean of `values` (shape (n,)) with its 95 % interval by bootstrap over customers."""
    _, place = np.unique(customers, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    resamples = _resamples(len(counts), len(counts), seed, replicates)
    draws = [float(sums[drawn].sum() / counts[drawn].sum()) for drawn in resamples]
    return _interval(float(values.mean()), draws)


def auc_interval(
    churned: Bools, score: Floats, customers: Integers, *, seed: int, replicates: int = REPLICATES
) -> Interval:
    """Return `auc_roc` with its 95 % interval by bootstrap over customers; a constant score gives 0.5 exactly."""
    _, rank = np.unique(score, return_inverse=True)
    _, place = np.unique(customers, return_inverse=True)
    area, clusters = auc_of_places(churned, rank), int(place.max()) + 1
    if rank.max() == 0:
        return Interval(area, area, area)
    draws = []
    for drawn in _resamples(clusters, len(score), seed, replicates):
        times = np.bincount(drawn, minlength=clusters).astype(np.float64)
        draws.append(auc_of_places(churned, rank, times[place]))
    return _interval(area, draws)


def _resamples(customers: int, cost: int, seed: int, replicates: int) -> Iterator[Integers]:
    """Yield the customers drawn, shape (customers,); where one replicate costs much, fewer, down to 200."""
    random = np.random.default_rng(seed)
    affordable = max(_FEWEST, _BUDGET // max(cost, 1))
    for _ in range(min(replicates, affordable)):
        yield random.integers(0, customers, customers)


def _interval(value: float, draws: list[float]) -> Interval:
    known = np.array([draw for draw in draws if not np.isnan(draw)])
    if len(known) == 0 or np.isnan(value):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(value, float(low), float(high))
