"""Bins of predicted against observed, and the points of the curves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_curve

from churn.risk import metrics
from churn.risk.curves import calibration_rows, curve_rows, effective_rows, wilson
from churn.risk.evaluation import MODEL
from tests.unit.risk.judged import predictions


@pytest.mark.parametrize(("hits", "rows"), [(0, 12), (3, 10), (40, 400), (7, 7)])
def test_the_interval_of_a_rate_is_wilsons(hits, rows):
    expected = binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    assert wilson(hits / rows, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_rows_that_repeat_one_customer_tell_as_much_as_one():
    churned = np.repeat(np.array([True, False, False, True, False]), 4)
    customers = np.repeat(np.arange(5), 4)
    assert effective_rows(churned, np.ones(20), customers) == pytest.approx(5)
    assert effective_rows(churned[::4], np.ones(5), np.arange(5)) == pytest.approx(5)
    assert effective_rows(np.zeros(20, dtype=bool), np.ones(20), customers) == pytest.approx(5)


def test_the_scale_of_weights_tells_nothing_and_their_spread_costs_rows():
    churned, keys = np.arange(40) % 4 == 0, np.arange(40)
    assert effective_rows(churned, np.full(40, 7.0), keys) == pytest.approx(40)
    assert effective_rows(churned, np.where(keys < 4, 50.0, 1.0), keys) < 8
    assert effective_rows(keys >= 36, np.where(keys < 4, 50.0, 1.0), keys) == pytest.approx(236**2 / 10_036)


def test_ten_bins_hold_equal_numbers_in_order_and_average_to_the_whole():
    told = predictions()
    rows = list(calibration_rows("", told.churned, told.probability[MODEL], told.weight, told.customer_keys))
    assert [row.bin for row in rows] == list(range(1, 11))
    assert {row.customers for row in rows} == {180}
    assert [row.predicted for row in rows] == sorted(row.predicted for row in rows)
    assert np.mean([row.observed for row in rows]) == pytest.approx(told.churned.mean())
    for row in rows:
        assert row.observed_low is not None
        assert row.observed_high is not None
        assert row.observed_low < row.observed < row.observed_high


def test_equal_probabilities_share_a_bin_whatever_the_order_of_rows():
    told = predictions(ties=True)
    p, order = told.probability[MODEL], np.random.default_rng(1).permutation(len(told))
    rows = list(calibration_rows("", told.churned, p, told.weight, told.customer_keys))
    again = list(calibration_rows("", told.churned[order], p[order], told.weight, told.customer_keys[order]))
    assert [row.customers for row in rows] == [row.customers for row in again]
    assert [row.observed for row in rows] == pytest.approx([row.observed for row in again])
    assert len(rows) <= len(np.unique(p))
    constant = list(calibration_rows("", told.churned, np.full(len(told), 0.2), told.weight, told.customer_keys))
    assert [(row.bin, row.customers) for row in constant] == [(1, len(told))]


@pytest.mark.parametrize("ties", [False, True])
def test_the_roc_curve_lies_on_scikit_learns(ties):
    told = predictions(ties=ties)
    points = [row for row in curve_rows("", told.churned, told.score[MODEL], told.weight) if row.curve == "roc"]
    false, true, _ = roc_curve(told.churned, told.score[MODEL], drop_intermediate=False)
    assert len(points) == 101
    assert [row.point for row in points] == list(range(101))
    inner = points[1:-1]
    assert [row.y for row in inner] == pytest.approx(np.interp([row.x for row in inner], false, true))
    assert points[-1].y == 1
    area = np.trapezoid([row.y for row in points], [row.x for row in points])
    assert area == pytest.approx(metrics.auc_roc(told.churned, told.score[MODEL]), abs=0.005)


def test_precision_along_recall_by_hand():
    churned, score = np.array([True, False, True, False]), np.array([4.0, 3.0, 2.0, 1.0])
    points = {round(row.x, 2): row.y for row in curve_rows("", churned, score, np.ones(4)) if row.curve == "pr"}
    assert points[0.5] == pytest.approx(1.0)
    assert points[1.0] == pytest.approx(2 / 3)
    assert points[0.75] == pytest.approx(1.5 / 2.5)


def test_a_constant_score_lies_on_the_diagonal_at_the_base_rate_without_lift():
    churned = np.arange(50) % 5 == 0
    rows = list(curve_rows("", churned, np.zeros(50), np.ones(50)))
    assert all(row.y == pytest.approx(row.x) for row in rows if row.curve == "roc")
    assert all(row.y == pytest.approx(0.2) for row in rows if row.curve == "pr")
    assert all(row.y == pytest.approx(1.0) for row in rows if row.curve == "lift")


def test_lift_starts_at_the_top_decile_and_ends_at_one():
    told = predictions()
    points = {
        round(row.x, 2): row.y
        for row in curve_rows("", told.churned, told.score[MODEL], told.weight)
        if row.curve == "lift"
    }
    assert points[0.1] == pytest.approx(metrics.lift_top_decile(told.churned, told.score[MODEL]))
    assert points[1.0] == pytest.approx(1.0)


def test_one_class_has_no_curves():
    assert not list(curve_rows("", np.zeros(5, dtype=bool), np.arange(5.0), np.ones(5)))
