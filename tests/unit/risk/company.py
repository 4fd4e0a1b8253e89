"""A small made-up company for the tests of the churn model: its true probabilities are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from churn.matrix import Batch, FeatureNames
from churn.risk import TrainingSet, TrainSettings
from churn.windows import add_months

NAMES = FeatureNames(
    ("days_since_last_usage", "events_trend_28d", "payments_failed_28d", "tenure_days"),
    ("plan",),
    (("basic", "pro", "team"),),
)
FAST = TrainSettings(
    horizon_days=30, grace_days=14, list_size=100, max_trees=60, early_stopping_rounds=10,
    min_child_samples=50, learning_rate=0.15, num_leaves=7, feature_fraction=0.7, replicates=200, threads=1,
)  # fmt: skip


@dataclass(frozen=True)
class Company:
    """A training set with the probabilities that its labels were drawn from."""

    data: TrainingSet
    true_probability: np.ndarray


def company(
    months: int = 9,
    customers: int = 1200,
    seed: int = 1,
    signal: float = 1.0,
    level: float = -2.2,
    by_month: Sequence[float] = (),
) -> Company:
    """Draw `months` snapshots of the same customers from January 2024 on; labels are independent given the features.

    `by_month` adds to the log-odds of each snapshot what no feature tells.
    """
    random = np.random.default_rng(seed)
    rows = months * customers
    silent = random.exponential(12, rows)
    trend = random.uniform(-1, 1, rows)
    failed = random.poisson(0.3, rows)
    tenure = random.uniform(30, 1500, rows)
    plan = random.integers(0, 3, rows)
    log_odds = level + signal * (0.05 * (silent - 12) - 1.5 * trend + 0.9 * failed * (trend < 0) - 0.5 * (plan == 2))
    if len(by_month):
        log_odds = log_odds + np.repeat(np.asarray(by_month), customers)
    p = 1 / (1 + np.exp(-log_odds))
    numbers = np.column_stack([silent, trend, failed, tenure]).astype(np.float32)
    numbers[random.random(rows) < 0.05, 0] = np.nan
    days = [add_months(date(2024, 1, 1), month).toordinal() for month in range(months)]
    data = TrainingSet(
        NAMES,
        numbers,
        plan[:, None].astype(np.int32),
        np.tile(np.arange(customers, dtype=np.int64), months),
        np.repeat(np.array(days, dtype=np.int64), customers),
        random.random(rows) < p,
    )
    return Company(data, p)


def relabelled(data: TrainingSet, churned: np.ndarray) -> TrainingSet:
    """Return the same rows with other labels."""
    return replace(data, churned=churned)


def batches_of(data: TrainingSet, size: int) -> list[Batch]:
    """Cut the rows into batches of at most `size`."""
    return [
        Batch(data.customer_keys[at : at + size], data.numbers[at : at + size], data.codes[at : at + size])
        for at in range(0, len(data), size)
    ]
