"""What training is given: the labelled customer-months and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from churn.matrix import FeatureNames

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingSet:
    """Labelled customer-months: one row per (snapshot, customer), ordered by both.

    Attributes
    ----------
    names : FeatureNames
        Names of the columns of `numbers` and `codes`.
    numbers : ndarray of float32, shape (n, len(names.numbers))
        Numeric features; NaN is missing.
    codes : ndarray of int32, shape (n, len(names.categories))
        Index into the category's levels; -1 is missing.
    customer_keys : ndarray of int64, shape (n,)
    as_of : ndarray of int64, shape (n,)
        The snapshot's date as a proleptic Gregorian ordinal (`date.toordinal`).
    churned : ndarray of bool, shape (n,)
        The matured label.
    weights : ndarray of float64, shape (n,), optional
        How many customers each row stands for: 1 / holdout share for those whom a campaign left alone, 0 for those
        to leave out; None where every row counts once.

    Raises
    ------
    ValueError
        If lengths disagree, rows are not strictly ordered by (as_of, customer_key), or a weight is negative or not
        finite.
    """

    names: FeatureNames
    numbers: NDArray[np.float32]
    codes: NDArray[np.int32]
    customer_keys: Integers
    as_of: NDArray[np.int64]
    churned: Bools
    weights: Floats | None = None

    def __post_init__(self) -> None:
        """Check shapes, order and weights once, so that everything after may rely on them."""
        n = len(self.customer_keys)
        shapes = {
            "numbers": (self.numbers.shape, (n, len(self.names.numbers))),
            "codes": (self.codes.shape, (n, len(self.names.categories))),
            "as_of": (self.as_of.shape, (n,)),
            "churned": (self.churned.shape, (n,)),
            "weights": (self.weight.shape, (n,)),
        }
        for column, (found, expected) in shapes.items():
            if found != expected:
                raise ValueError(f"{column} has shape {found}; expected {expected}")
        later = np.diff(self.as_of.astype(np.int64))
        higher = np.diff(self.customer_keys)
        if not bool(np.all((later > 0) | ((later == 0) & (higher > 0)))):
            raise ValueError("rows must be strictly ordered by (as_of, customer_key)")
        if not bool(np.all(np.isfinite(self.weight) & (self.weight >= 0))):
            raise ValueError("weights must be finite and not negative")

    def __len__(self) -> int:
        """Return the number of customer-months."""
        return len(self.customer_keys)

    @property
    def weight(self) -> Floats:
        """Return the weight of every row, shape (n,): ones where none were given."""
        return np.ones(len(self.customer_keys)) if self.weights is None else self.weights

    def take(self, keep: Bools) -> TrainingSet:
        """Return the rows where `keep` (shape (n,)) is true, in the same order."""
        return TrainingSet(
            self.names,
            self.numbers[keep],
            self.codes[keep],
            self.customer_keys[keep],
            self.as_of[keep],
            self.churned[keep],
            None if self.weights is None else self.weights[keep],
        )


@dataclass(frozen=True)
class TrainSettings:
    """How to train: the label's length, the caps and LightGBM's parameters.

    Attributes
    ----------
    horizon_days, grace_days : int
        Length of the label window and of the grace after it; every purge is their sum.
    seed : int
        Seeds sampling, boosting and the bootstrap.
    list_size : int
        Customers on the at-risk list of a night; sets the operating threshold.
    max_rows : int
        Above this many customer-months whole customers are sampled, uniformly by hash.
    min_churners : int
        Fewer churned customer-months than this are refused.
    learning_rate, num_leaves, min_child_samples, feature_fraction, lambda_l2
        LightGBM's parameters of the same names.
    max_trees, early_stopping_rounds : int
        Bounds of early stopping.
    default_trees : int
        Number of trees where no snapshot can be spared to choose it.
    threads : int
        Months fitted at once, each by one thread; changes no result.
    walk_months, test_months : int
        Months predicted walk-forward where history allows, and how many of the last of them are the test.
    logistic_max_rows : int
        Customer-months, sampled by customer, that one logistic regression is fitted on.
    replicates : int
        Bootstrap replicates; fewer, down to 200, for the intervals of figures where there are many rows.
    """

    horizon_days: int
    grace_days: int = 0
    seed: int = 1
    list_size: int = 500
    max_rows: int = 500_000
    min_churners: int = 50
    learning_rate: float = 0.05
    num_leaves: int = 8
    min_child_samples: int = 100
    feature_fraction: float = 0.4
    lambda_l2: float = 5.0
    max_trees: int = 600
    early_stopping_rounds: int = 50
    default_trees: int = 150
    threads: int = 1
    walk_months: int = 9
    test_months: int = 3
    logistic_max_rows: int = 100_000
    replicates: int = 1000


def customer_share(customer_keys: Integers, seed: int) -> Floats:
    """Give every customer a fixed place in [0, 1), uniform and independent of everything else.

    Parameters
    ----------
    customer_keys : ndarray of int64, shape (n,)
    seed : int
        Another seed gives an unrelated order.

    Returns
    -------
    ndarray of float64, shape (n,)
        The finaliser of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA), scaled to [0, 1).
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        state = customer_keys.astype(np.uint64) + np.uint64(seed % 2**32 + 1) * step
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
        state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)).astype(np.float64) / 2.0**53


def sampled_customers(customer_keys: Integers, max_rows: int, seed: int) -> Bools:
    """Choose whole customers, uniformly and blind to the label, so that at most `max_rows` rows stay.

    Parameters
    ----------
    customer_keys : ndarray of int64, shape (n,)
        Repeats where a customer has several snapshots.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for the rows of the chosen customers.
    """
    if len(customer_keys) <= max_rows:
        return np.ones(len(customer_keys), dtype=np.bool_)
    share = customer_share(customer_keys, seed)
    limit = np.partition(share, max_rows)[max_rows]
    kept: Bools = share < limit
    return kept


def ordinal(day: date) -> int:
    """Return the number that `TrainingSet.as_of` holds for a date."""
    return day.toordinal()
