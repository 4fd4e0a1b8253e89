"""Intervals by bootstrap over customers: a customer's many months count as one observation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from churn.risk.data import Bools, Floats, Integers
from churn.risk.metrics import auc_of, running, tally

REPLICATES = 1000
_BUDGET = 20_000_000
_FEWEST = 200
_BLOCK = 1_000_000
_GROUPS = 20_000


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; `low` and `high` are NaN where it is not defined.

    Attributes
    ----------
    mean, low, high : float
    positive_share : float
        Share of the resamples in which the figure is above 0.
    """

    mean: float
    low: float
    high: float
    positive_share: float = float("nan")


@dataclass(frozen=True)
class Resamples:
    """The same resamples of whole customers for every figure of the same rows.

    Attributes
    ----------
    place : ndarray of int64, shape (n,)
        Each row's customer, 0 to `customers` - 1.
    customers : int
    seed : int
    replicates : int
    """

    place: Integers
    customers: int
    seed: int
    replicates: int

    @classmethod
    def of(cls, customer_keys: Integers, *, seed: int, replicates: int = REPLICATES) -> Resamples:
        """Prepare the resamples of rows, fewer where they are many: at least 200 (or as many as asked for)."""
        keys, place = np.unique(customer_keys, return_inverse=True)
        affordable = max(_FEWEST, _BUDGET // max(len(customer_keys), 1))
        return cls(place, len(keys), seed, min(replicates, affordable))

    def blocks(self) -> Iterator[Floats]:
        """Yield how often each customer was drawn, shape (b, customers), until there were `replicates` rows."""
        random = np.random.default_rng(self.seed)
        size = max(1, _BLOCK // max(self.customers, 1))
        for start in range(0, self.replicates, size):
            drawn = [
                np.bincount(random.integers(0, self.customers, self.customers), minlength=self.customers)
                for _ in range(min(size, self.replicates - start))
            ]
            yield np.array(drawn, dtype=np.float64)


def better_than(
    challenger_losses: Floats,
    champion_losses: Floats,
    customers: Integers,
    *,
    seed: int = 1,
    replicates: int = REPLICATES,
    weights: Floats | None = None,
) -> Interval:
    """Judge how much smaller the challenger's losses are than the champion's on the same rows.

    Parameters
    ----------
    challenger_losses, champion_losses : ndarray of float64, shape (n,)
        Log loss of each customer-month (`metrics.log_losses`).
    customers : ndarray of int64, shape (n,)
        Customers are resampled whole.
    weights : ndarray of float64, shape (n,), optional
        How many customers each row stands for.

    Returns
    -------
    Interval
        Of the mean of champion - challenger, in nats: the challenger is better where `low` > 0; how sure that is, in
        `positive_share`.

    References
    ----------
    Paired cluster bootstrap, percentile interval (Efron & Tibshirani 1993; Field & Welsh 2007 for clusters).
    """
    gains = champion_losses - challenger_losses
    return mean_interval(gains, customers, seed=seed, replicates=replicates, weights=weights)


def mean_interval(
    values: Floats,
    customers: Integers,
    *,
    seed: int,
    replicates: int = REPLICATES,
    weights: Floats | None = None,
) -> Interval:
    """Return the mean of `values` (shape (n,)) with its 95 % interval by bootstrap over customers.

    All `replicates` are drawn, however many rows there are. Above 20,000 customers that many groups of them, put
    together at random, are resampled whole (Wolter 2007, Introduction to Variance Estimation, "random groups"): the
    spread is as well known as from the customers themselves, and cost and memory stay bounded.
    """
    keys, place = np.unique(customers, return_inverse=True)
    random = np.random.default_rng(seed)
    if len(keys) > _GROUPS:
        place = (random.permutation(len(keys)) % _GROUPS)[place]
    weight = np.ones(len(values)) if weights is None else weights
    totals, counts = tally(place, weight * values), tally(place, weight)
    draws = _ratio_draws(totals, counts, random, replicates)
    return interval_of(float(np.average(values, weights=weights)), draws)


def _ratio_draws(totals: Floats, counts: Floats, random: np.random.Generator, replicates: int) -> Floats:
    """Return sum of totals / sum of counts of resamples of their entries, shape (replicates,), a block at a time."""
    many = len(totals)
    size = max(1, _BLOCK // max(many, 1))
    draws = np.empty(replicates)
    for start in range(0, replicates, size):
        drawn = random.integers(0, many, (min(size, replicates - start), many))
        with np.errstate(divide="ignore", invalid="ignore"):
            draws[start : start + size] = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return draws


def auc_interval(
    churned: Bools, score: Floats, customers: Integers, *, seed: int, replicates: int = REPLICATES
) -> Interval:
    """Return `auc_roc` with its 95 % interval by bootstrap over customers; a constant score gives 0.5 exactly."""
    resamples = Resamples.of(customers, seed=seed, replicates=replicates)
    values, rank = np.unique(-score, return_inverse=True)

    def area(weight: Floats) -> float:
        listed = tally(rank, weight, len(values))
        found = tally(rank, weight * churned, len(values))
        return auc_of(running(listed), running(found))

    draws = [area(times[resamples.place]) for block in resamples.blocks() for times in block]
    return interval_of(area(np.ones(len(score))), np.array(draws))


def interval_of(value: float, draws: Floats) -> Interval:
    """Return the percentile interval of the replicates, shape (b,), in which the figure was defined."""
    known = draws[np.isfinite(draws)]
    if len(known) == 0 or np.isnan(value):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(value, float(low), float(high), float(np.mean(known > 0)))
