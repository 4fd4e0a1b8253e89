"""Segments hold still in a shop too, where no gaps lie between the customers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.matrix import FeatureNames
from churn.segments import Segmenter, fit_segments

NAMES = FeatureNames(("monetary_value", "spend_365d", "days_since_last_purchase", "frequency", "tenure_days"))
Matrix = NDArray[np.float32]
Purchases = tuple[NDArray[np.float64], NDArray[np.float64]]


def shop(rng: np.random.Generator) -> list[Purchases]:
    """Return days and values of the purchases of customers of a shop: four kinds without gaps between them."""
    customers = []
    for kind in rng.choice(4, 2_600, p=[0.2, 0.15, 0.35, 0.3]):
        start, life = rng.integers(-200, 365 + 30 * 13), rng.exponential(500)
        gap = np.array([12, 30, 60, 35])[kind] * np.exp(rng.normal(0, 0.3))
        days = np.append(0, np.cumsum(rng.exponential(gap, 150)))
        days = days[days <= life] + start
        typical = np.array([300, 900, 250, 90])[kind] * np.exp(rng.normal(0, 0.4))
        customers.append((days, typical * np.exp(rng.normal(0, 0.4, len(days)))))
    return customers


def shop_rows(customers: list[Purchases], day: int) -> Matrix:
    """Return the features, on a day, of those who bought in the 90 days before it; prices rise 0.5 % a month."""
    rows = []
    for days, values in customers:
        days, values = days[days < day], values[days < day] * 1.005 ** ((day - 365) / 30)
        if len(days) and day - days.max() <= 90:
            later = values[1:].mean() if len(days) > 1 else np.nan
            year_spend = values[days >= day - 365].sum()
            rows.append([later, year_spend, day - days.max(), len(np.unique(days.astype(int))) - 1, day - days.min()])
    return np.array(rows, dtype=np.float32)


def names_of(segmenter: Segmenter, matrix: Matrix) -> NDArray[np.str_]:
    known = {segment.segment_id: segment.name for segment in segmenter.segments}
    columns = NAMES.number_columns(segmenter.feature_names, needed_by="The test")
    return np.array([known[i] for i in segmenter.assign(matrix[:, columns].astype(np.float64)).tolist()])


def renamed(before: Segmenter, now: Segmenter, matrix: Matrix) -> float:
    return float((names_of(before, matrix) != names_of(now, matrix)).mean())


def test_a_refit_renames_fewer_than_two_in_a_hundred_and_twelve_fewer_than_ten() -> None:
    customers = shop(np.random.default_rng(4))
    matrix = shop_rows(customers, 365)
    first = now = fit_segments(NAMES, matrix, seed=20, most=5).segmenter
    for month in range(1, 13):
        matrix, before = shop_rows(customers, 365 + 30 * month), now
        now = fit_segments(NAMES, matrix, seed=20, most=5, previous=before).segmenter
        assert renamed(before, now, matrix) < 0.02
    assert renamed(first, now, matrix) < 0.1
