"""Purchase histories as BG/NBD reads them: checked, and grouped to the few distinct ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from churn.clv.values import Floats, as_floats, check_same_length, distinct_rows
from churn.errors import ModelError

MIN_REPEAT_BUYERS = 10


@dataclass(frozen=True)
class GroupedPurchases:
    """Distinct purchase histories, each of shape (g,).

    Attributes
    ----------
    frequency : ndarray of float64
        Repeat purchases.
    recency, t : ndarray of float64
        First to last purchase, and first purchase to as_of, in one unit of time.
    weight : ndarray of float64
        Customers with that history.
    """

    frequency: Floats
    recency: Floats
    t: Floats
    weight: Floats

    @property
    def customers(self) -> float:
        """Number of customers."""
        return float(self.weight.sum())

    @property
    def repeats(self) -> float:
        """Number of repeat purchases."""
        return float(self.weight @ self.frequency)

    @property
    def mean_age(self) -> float:
        """Average of t over customers."""
        return float(np.average(self.t, weights=self.weight))

    def repeat_buyers(self, model: str) -> int:
        """Return the number of customers who bought again.

        Raises
        ------
        ModelError
            They are fewer than 10.
        """
        found = int(self.weight[self.frequency > 0].sum())
        if found < MIN_REPEAT_BUYERS:
            raise ModelError(
                f"{model} needs at least {MIN_REPEAT_BUYERS} customers who bought again, got {found}.",
                "Load more history, or wait until customers have come back.",
            )
        return found

    def rescaled(self, unit: float) -> GroupedPurchases:
        """Return the same histories with time counted in `unit`s."""
        return GroupedPurchases(self.frequency, self.recency / unit, self.t / unit, self.weight)

    def thinned(self, most: int) -> GroupedPurchases:
        """Return at most about `most` of the histories, evenly spread over their order and with their weights."""
        step = -(-len(self.frequency) // most)
        chosen = slice(step // 2, None, step)
        return GroupedPurchases(self.frequency[chosen], self.recency[chosen], self.t[chosen], self.weight[chosen])


def check_purchases(frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the three arrays as float64 of shape (n,).

    Raises
    ------
    ModelError
        Lengths differ, a value is missing or negative, or a last purchase lies after as_of.
    """
    x, t = as_floats(frequency, "frequency"), as_floats(t_days, "t_days")
    recency = as_floats(recency_days, "recency_days")
    check_same_length(frequency=x, recency_days=recency, t_days=t)
    valid = np.isfinite(x) & np.isfinite(t) & (x >= 0) & (recency >= 0) & (recency <= t)
    if not valid.all():
        first = int(np.flatnonzero(~valid)[0])
        raise ModelError(
            f"{int((~valid).sum())} purchase histories are impossible, the first at position {first}: "
            f"frequency {x[first]:g}, recency_days {recency[first]:g}, t_days {t[first]:g}.",
            "Each needs 0 <= frequency and 0 <= recency_days <= t_days, all known and in days.",
        )
    return x, recency, t


def group_purchases(
    frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, weight: ArrayLike | None
) -> GroupedPurchases:
    """Return the distinct histories with their number of customers.

    Raises
    ------
    ModelError
        As `check_purchases`; no customers; or the units of the arguments cannot be the same.
    """
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    count = np.ones(len(x)) if weight is None else as_floats(weight, "weight")
    check_same_length(frequency=x, weight=count)
    if not count.sum() > 0 or not t.max() > 0:
        raise ModelError("BG/NBD got no customers with any history.", "Check the payments that were extracted.")
    _check_histories(x, recency, count)
    first, inverse, _ = distinct_rows(x, t, recency)
    total = np.bincount(inverse, weights=count).astype(np.float64)
    return GroupedPurchases(x[first], recency[first], t[first], total)


def _check_histories(x: Floats, recency: Floats, weight: Floats) -> None:
    """Refuse two mistakes of a mapping: times in another unit than days, recency counted from the end."""
    repeat = x > 0
    if (recency[~repeat] > 0).any():
        raise ModelError(
            "Some customers without a repeat purchase have a positive recency_days.",
            "recency_days counts from the first to the last purchase, not from the last one to as_of.",
        )
    crowded = weight[repeat & (x > recency + 1)].sum()
    if crowded > weight[repeat].sum() / 2:
        raise ModelError(
            "Most repeat buyers have more purchase days than days between their first and last purchase.",
            "recency_days and t_days must be in days, and frequency must count days with a purchase.",
        )
