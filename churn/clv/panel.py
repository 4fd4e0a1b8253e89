"""What contractual CLV is fitted on: a life table, and month-end snapshots of contracts put together to stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from churn.clv.values import Floats
from churn.errors import ModelError

Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = NDArray[np.object_] | Sequence[str]


@dataclass(frozen=True)
class LifeTable:
    """Renewals at which contracts were seen, one row per kind and number of renewals, each of shape (m,).

    Attributes
    ----------
    plan : sequence of str
    billing_months : ndarray of float64
        Months between renewals, >= 1; NaN counts as monthly.
    renewals : ndarray of float64
        Completed renewals: months of paid tenure where billing is monthly, else billing periods.
    at_risk, churned : ndarray of float64
        Contracts that came up for the next renewal and were seen past it, and those of them that ended.
    """

    plan: Words
    billing_months: Floats
    renewals: Floats
    at_risk: Floats
    churned: Floats


@dataclass(frozen=True)
class Contracts:
    """What is known of n customers' contracts on a day, each of shape (n,).

    Attributes
    ----------
    mrr : ndarray of float64
        Monthly recurring revenue; NaN is unknown.
    paid_tenure_days : ndarray of float64
    billing_months : ndarray of float64
        Months between renewals; NaN counts as monthly.
    days_to_renewal : ndarray of float64
        Days to the next renewal, 0 is one today; NaN is unknown.
    days_to_discount_end : ndarray of float64
        Days until a discount that runs today ends, >= 0; NaN where none runs.
    plan : sequence of str
        "" is unknown.
    """

    mrr: Floats
    paid_tenure_days: Floats
    billing_months: Floats
    days_to_renewal: Floats
    days_to_discount_end: Floats
    plan: Words

    def __post_init__(self) -> None:
        """Refuse columns that do not describe the same customers."""
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ModelError(f"CLV got arrays of different lengths: {listed}.")

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.mrr)

    @property
    def months(self) -> Floats:
        """Return whole months between renewals, >= 1."""
        return np.maximum(np.round(np.nan_to_num(self.billing_months, nan=1.0)), 1.0)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Contracts:
        """Return some of the customers."""
        return Contracts(*(np.asarray(getattr(self, field.name))[rows] for field in fields(self)))


@dataclass(frozen=True)
class Panel:
    """Customer-months of month-end snapshots, sorted by as_of, then key; each of shape (n,).

    Attributes
    ----------
    customer_keys : ndarray of int64
    as_of : ndarray of int64
        Ordinal of the snapshot's date.
    contracts : Contracts
        As known then. Whoever has no row at a later month end pays nothing then, so rows of weight 0 belong here too.
    churn_probability : ndarray of float64
        Out of sample; NaN where there is none.
    weights : ndarray of float64
        How many customers each row stands for.
    churned : ndarray of bool, optional
        The matured label, over the churn horizon. With it a lapse that is no churn does not end a stay.
    """

    customer_keys: Integers
    as_of: Integers
    contracts: Contracts
    churn_probability: Floats
    weights: Floats
    churned: Bools | None = None

    def __len__(self) -> int:
        """Return the number of customer-months."""
        return len(self.customer_keys)


@dataclass(frozen=True)
class Stays:
    """A panel by customer: who stayed how long after each snapshot.

    Attributes
    ----------
    day : ndarray of int64, shape (n,)
        Position of each row's month end among all, 0 to `last`.
    last : int
    stay_end : ndarray of int64, shape (n,)
        Position of the last month end of the row's stay.
    left : ndarray of bool, shape (n,)
        The stay was seen to end within the month after it.
    known_until : int
        Stays are known up to this position: `last`, and one more where labels tell of the month after it.
    row_of : ndarray of int64, shape (customers, last + 1)
        Row of a customer (numbered by key) at a month end, -1 where absent.
    customer : ndarray of int64, shape (n,)
    """

    day: Integers
    last: int
    stay_end: Integers
    left: Bools
    known_until: int
    row_of: Integers
    customer: Integers

    def ahead(self, months: int) -> Integers:
        """Return each row's row so many month ends later, -1 where absent or not known, shape (n,)."""
        later = self.day + months
        inside = later <= self.last
        return np.where(inside, self.row_of[self.customer, np.minimum(later, self.last)], -1)


_MONTH_DAYS = (28, 31)


def stays_of(panel: Panel, horizon_days: int) -> Stays:
    """Put the month-end rows of each customer together to stays.

    A stay goes on over a month end at which the customer is absent if only one is missed and the row before it is
    labelled as no churn: cover had lapsed and came back. Any other absence ends the stay within the month before.
    Where the churn horizon is a month, the label ends a stay too, be the customer back by the next month end or the
    month after the last one. A label over a longer horizon does not say in which month the stay ends; one over a
    shorter horizon says nothing of an absence.
    """
    shortest, longest = _MONTH_DAYS
    churned = panel.churned if horizon_days >= shortest else None
    ends_month = churned if horizon_days <= longest else None
    days, day = np.unique(panel.as_of, return_inverse=True)
    keys, customer = np.unique(panel.customer_keys, return_inverse=True)
    last, n = len(days) - 1, len(panel)
    row_of = np.full((len(keys), last + 1), -1, dtype=np.int64)
    row_of[customer, day] = np.arange(n)
    order = np.lexsort((day, customer))
    by_customer, by_day = customer[order], day[order]
    number = np.cumsum(~_goes_on(churned, ends_month, order, by_customer, by_day)) - 1
    end_day = np.zeros(number[-1] + 1 if n else 0, dtype=np.int64)
    np.maximum.at(end_day, number, by_day)
    stay_end = np.empty(n, dtype=np.int64)
    stay_end[order] = end_day[number]
    left = stay_end < last
    ends = row_of[customer, stay_end]
    if ends_month is not None:
        left = np.where(stay_end == last, ends_month[ends], left)
    if churned is not None:
        # A last absence that may be a lapse: the label of the row before it says that it is no churn.
        left &= ~((stay_end == last - 1) & ~churned[ends])
    known_until = last + (ends_month is not None)
    return Stays(day.astype(np.int64), last, stay_end, left, known_until, row_of, customer.astype(np.int64))


def _goes_on(
    churned: Bools | None, ends_month: Bools | None, order: NDArray[np.intp], customer: Integers, day: Integers
) -> Bools:
    """Say which rows, in `order` by customer and day, belong to the stay of the row before, shape (n,)."""
    gap, same = np.diff(day), np.diff(customer) == 0
    follows = np.zeros(len(day), dtype=np.bool_)
    follows[1:] = same & (gap == 1)
    if churned is not None:
        follows[1:] |= same & (gap == 2) & ~churned[order][:-1]
    if ends_month is not None:
        follows[1:] &= ~ends_month[order][:-1]
    return follows
