"""Predictions as a whole: their weights, their level, and the threshold that the list sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn.risk.evaluation import BASE_RATE, MODEL, Predictions, level_only, list_order, operating_threshold
from tests.unit.risk.judged import predictions


def test_without_weights_every_row_counts_once_and_taking_rows_keeps_them_together():
    told = predictions(customers=5, months=2)
    assert told.weight == pytest.approx(np.ones(10))
    weighted = replace(told, weights=np.arange(10.0))
    part = weighted.take(told.as_of == told.as_of[-1])
    assert len(part) == 5
    assert part.weights == pytest.approx(np.arange(5.0, 10.0))
    assert part.probability[BASE_RATE] == pytest.approx(told.probability[BASE_RATE][5:])
    assert part.score[MODEL] == pytest.approx(told.score[MODEL][5:])


def test_the_level_of_a_month_is_its_weighted_mean_probability():
    told = Predictions(
        np.array([1, 1, 2, 2]),
        np.array([1, 2, 1, 2]),
        np.array([True, False, False, True]),
        {},
        {MODEL: np.array([0.1, 0.3, 0.2, 0.6])},
        np.array([1.0, 3.0, 1.0, 1.0]),
    )
    assert level_only(told) == pytest.approx([0.25, 0.25, 0.4, 0.4])


def test_the_list_is_in_the_published_order_value_at_risk_then_score():
    told = Predictions(
        np.ones(5, np.int64),
        np.arange(5),
        np.zeros(5, dtype=bool),
        {MODEL: np.array([5.0, 4.0, 3.0, 2.0, 2.0])},
        {MODEL: np.array([0.5, 0.4, 0.3, 0.2, 0.2])},
    )
    found = list_order(told, MODEL, np.array([10.0, 100.0, 0.0, 25.0, 25.0]))
    assert np.argsort(-found, kind="stable").tolist() == [1, 0, 3, 4, 2]
    assert found[0] > found[3] == found[4] > found[2]
    assert list_order(told, MODEL, None) == pytest.approx(told.score[MODEL])
    assert list_order(told, MODEL, np.full(5, 7.0)) == pytest.approx([3, 2, 1, 0, 0])


def test_the_lists_threshold_is_the_last_listed_probability_averaged_over_months():
    p, as_of = np.array([0.9, 0.5, 0.1, 0.7, 0.3]), np.array([1, 1, 1, 2, 2])
    assert operating_threshold(p, as_of, 2) == pytest.approx((0.5 + 0.3) / 2)
    assert operating_threshold(p, as_of, 99) == pytest.approx((0.1 + 0.3) / 2)
    assert operating_threshold(p, as_of, 2, np.array([2.0, 1, 1, 1, 1])) == pytest.approx((0.9 + 0.3) / 2)
