"""The churn model's figures against scikit-learn and against examples worked by hand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.metrics import log_loss as sklearn_log_loss

from churn.risk import better_than, metrics
from churn.risk.bootstrap import auc_interval, mean_interval
from churn.risk.calibration import Calibrator, fit_calibrator


def example(seed: int, digits: int | None = None, rows: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Return (churned, probability); with `digits` the probabilities have many ties."""
    random = np.random.default_rng(seed)
    p = random.beta(1.5, 6, rows)
    churned = random.random(rows) < p
    return churned, p if digits is None else np.round(p, digits)


@pytest.mark.parametrize("digits", [None, 2, 1])
@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_scikit_learns_with_and_without_ties(seed, digits):
    churned, p = example(seed, digits)
    assert metrics.auc_roc(churned, p) == pytest.approx(roc_auc_score(churned, p), abs=1e-12)
    assert metrics.pr_auc(churned, p) == pytest.approx(average_precision_score(churned, p), abs=1e-12)
    assert metrics.brier(churned, p) == pytest.approx(brier_score_loss(churned, p), abs=1e-12)
    clipped = np.clip(p, 1e-5, 1 - 1e-5)
    assert metrics.log_loss(churned, p) == pytest.approx(sklearn_log_loss(churned, clipped), abs=1e-12)
    listed = p >= 0.2
    assert metrics.recall_at_threshold(churned, p, 0.2) == pytest.approx(recall_score(churned, listed))
    assert metrics.precision_at_threshold(churned, p, 0.2) == pytest.approx(precision_score(churned, listed))


@pytest.mark.parametrize("digits", [None, 2, 1])
@pytest.mark.parametrize("seed", range(3))
def test_weighted_figures_equal_scikit_learns_with_and_without_ties(seed, digits):
    churned, p = example(seed, digits)
    w = np.random.default_rng(seed).choice([0.0, 1.0, 2.5, 10.0], len(p))
    assert metrics.auc_roc(churned, p, w) == pytest.approx(roc_auc_score(churned, p, sample_weight=w), abs=1e-12)
    expected = average_precision_score(churned, p, sample_weight=w)
    assert metrics.pr_auc(churned, p, w) == pytest.approx(expected, abs=1e-12)
    assert metrics.brier(churned, p, w) == pytest.approx(brier_score_loss(churned, p, sample_weight=w), abs=1e-12)
    clipped = np.clip(p, 1e-5, 1 - 1e-5)
    expected = sklearn_log_loss(churned, clipped, sample_weight=w)
    assert metrics.log_loss(churned, p, w) == pytest.approx(expected, abs=1e-12)
    listed = p >= 0.2
    expected = recall_score(churned, listed, sample_weight=w)
    assert metrics.recall_at_threshold(churned, p, 0.2, w) == pytest.approx(expected)
    expected = precision_score(churned, listed, sample_weight=w)
    assert metrics.precision_at_threshold(churned, p, 0.2, w) == pytest.approx(expected)


FIGURES: dict[str, Callable] = {
    "auc_roc": metrics.auc_roc,
    "pr_auc": metrics.pr_auc,
    "recall": lambda y, p, w: metrics.recall_at_threshold(y, p, 0.2, w),
    "precision": lambda y, p, w: metrics.precision_at_threshold(y, p, 0.2, w),
    "recall_at_list": lambda y, p, w: metrics.recall_at_list(y, p, 60, w),
    "precision_at_list": lambda y, p, w: metrics.precision_at_list(y, p, 60, w),
    "lift_top_decile": metrics.lift_top_decile,
    "brier": metrics.brier,
    "log_loss": metrics.log_loss,
    "ece": metrics.ece,
    "calibration_line": metrics.calibration_line,
    "observed_expected": metrics.observed_expected,
}


@pytest.mark.parametrize("digits", [None, 1])
@pytest.mark.parametrize("name", FIGURES)
def test_a_row_of_weight_three_counts_as_three_rows_and_one_of_weight_none_as_nothing(name, digits):
    churned, p = example(4, digits)
    times = np.random.default_rng(4).integers(0, 4, len(p))
    repeated = FIGURES[name](np.repeat(churned, times), np.repeat(p, times), None)
    assert FIGURES[name](churned, p, times.astype(float)) == pytest.approx(repeated, abs=1e-9)


@pytest.mark.parametrize("name", FIGURES)
def test_ties_never_depend_on_the_order_of_rows(name):
    churned, p = example(5, 1)
    weights = np.random.default_rng(5).choice([1.0, 2.5], len(p))
    order = np.random.default_rng(6).permutation(len(p))
    shuffled = FIGURES[name](churned[order], p[order], weights[order])
    assert FIGURES[name](churned, p, weights) == pytest.approx(shuffled, abs=1e-9)


def test_auc_by_hand_counts_ties_half():
    churned = np.array([True, True, False, False])
    assert metrics.auc_roc(churned, np.array([3.0, 2.0, 2.0, 1.0])) == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("seed", range(3))
def test_the_calibration_line_equals_an_unpenalised_logistic_regression(seed):
    churned, p = example(seed, rows=4000)
    x = logit(np.clip(p, 1e-5, 1 - 1e-5))[:, None]
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, churned)
    slope, intercept = metrics.calibration_line(churned, p)
    assert slope == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    assert intercept == pytest.approx(fitted.intercept_[0], abs=1e-4)


def test_list_figures_by_hand():
    churned = np.array([True, False, True, False, False, True, False, False, False, False])
    score = np.array([9.0, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    assert metrics.recall_at_list(churned, score, 3) == pytest.approx(2 / 3)
    assert metrics.precision_at_list(churned, score, 3) == pytest.approx(2 / 3)
    assert metrics.precision_at_list(churned, score, 99) == pytest.approx(0.3)
    assert metrics.lift_top_decile(churned, score) == pytest.approx(1 / 0.3)


def test_ties_at_the_end_of_the_list_share_its_places_whatever_the_order_of_rows():
    churned = np.array([True, True, False, False, False])
    score = np.array([5.0, 1.0, 1.0, 1.0, 0.0])
    assert metrics.listed_shares(score, 2) == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    assert metrics.recall_at_list(churned, score, 2) == pytest.approx((1 + 1 / 3) / 2)
    assert metrics.recall_at_list(churned[::-1], score[::-1], 2) == pytest.approx((1 + 1 / 3) / 2)
    assert metrics.lift_top_decile(churned, np.zeros(5)) == pytest.approx(1.0)


def test_every_month_has_a_list_of_its_own():
    churned = np.array([True, False, False, True])
    score, as_of = np.array([9.0, 8.0, 2.0, 1.0]), np.array([1, 1, 2, 2])
    assert metrics.listed_shares(score, 1, as_of) == pytest.approx([1, 0, 1, 0])
    assert metrics.precision_at_list(churned, score, 1, as_of=as_of) == pytest.approx(0.5)
    assert metrics.recall_at_list(churned, score, 1, as_of=as_of) == pytest.approx(0.5)


def test_a_weighted_row_takes_as_many_places_on_the_list():
    score, weights = np.array([3.0, 2.0, 1.0]), np.array([4.0, 4.0, 4.0])
    assert metrics.listed_shares(score, 6, weights=weights) == pytest.approx([1, 0.5, 0])


def test_lift_by_decile_by_hand_and_its_mean_is_one():
    churned = np.arange(20) >= 16
    lifts = metrics.lift_by_decile(churned, np.arange(20.0))
    assert lifts == pytest.approx([5, 5, 0, 0, 0, 0, 0, 0, 0, 0])
    churned, p = example(6, 2)
    weights = np.random.default_rng(6).uniform(0.5, 3, len(p))
    assert metrics.lift_by_decile(churned, p, weights).mean() == pytest.approx(1.0)


def test_ece_by_hand_and_a_constant_base_rate_passes():
    churned = np.array([False, False, True, True])
    assert metrics.ece(churned, np.array([0.1, 0.1, 0.6, 0.6]), bins=2) == pytest.approx((0.2 + 0.8) / 4)
    assert metrics.ece(churned, np.full(4, 0.5)) == pytest.approx(0.0)


@pytest.mark.parametrize("seed", range(3))
def test_ece_equals_equal_mass_bins_where_nothing_is_tied(seed):
    churned, p = example(seed, rows=1500)
    order = np.argsort(p).reshape(15, 100)
    expected = np.mean(np.abs(p[order].mean(axis=1) - churned[order].mean(axis=1)))
    assert metrics.ece(churned, p) == pytest.approx(expected)


def test_observed_over_expected_by_hand():
    assert metrics.observed_expected(np.array([True, False, True]), np.array([0.5, 0.25, 0.25])) == 2.0


def test_figures_of_one_class_are_undefined_and_never_an_accident():
    churned, p = np.zeros(5, dtype=bool), np.linspace(0.1, 0.5, 5)
    assert np.isnan(metrics.auc_roc(churned, p))
    assert np.isnan(metrics.pr_auc(churned, p))
    assert np.isnan(metrics.lift_top_decile(churned, p))
    assert np.isnan(metrics.recall_at_threshold(churned, p, 0.2))
    assert np.isnan(metrics.calibration_line(churned, p)[0])
    assert np.isnan(metrics.precision_at_threshold(churned, p, 0.9))


def test_the_bootstrap_interval_of_a_mean_agrees_with_the_clustered_standard_error():
    random = np.random.default_rng(3)
    customers = np.repeat(np.arange(400), 5)
    values = np.repeat(random.normal(size=400), 5) + 0.1 * random.normal(size=2000)
    found = mean_interval(values, customers, seed=1)
    standard_error = values.reshape(400, 5).mean(axis=1).std(ddof=1) / 20
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(standard_error, rel=0.1)


def test_many_rows_are_judged_by_all_resamples_and_many_customers_as_well_as_few():
    random = np.random.default_rng(3)
    values = random.normal(0.05, 1, 600)
    once = mean_interval(values, np.arange(600), seed=1)
    often = mean_interval(np.repeat(values, 200), np.repeat(np.arange(600), 200), seed=1)
    assert (often.low, often.high, often.positive_share) == pytest.approx((once.low, once.high, once.positive_share))
    assert once.low != pytest.approx(mean_interval(values, np.arange(600), seed=1, replicates=200).low)
    values, customers = random.normal(size=60_000), np.arange(60_000)
    tracemalloc.start()
    grouped = mean_interval(values, customers, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
    standard_error = values.std(ddof=1) / np.sqrt(60_000)
    assert (grouped.high - grouped.low) / (2 * 1.96) == pytest.approx(standard_error, rel=0.1)
    assert grouped.mean == pytest.approx(values.mean())


def test_repeating_every_customer_does_not_narrow_an_interval():
    churned, p = example(1, rows=300)
    once = auc_interval(churned, p, np.arange(300), seed=1)
    thrice = auc_interval(np.tile(churned, 3), np.tile(p, 3), np.tile(np.arange(300), 3), seed=1)
    assert (thrice.mean, thrice.low, thrice.high) == pytest.approx((once.mean, once.low, once.high))


def test_the_auc_interval_agrees_with_hanley_and_mcneil_in_width():
    churned, p = example(2, rows=2000)
    found = auc_interval(churned, p, np.arange(2000), seed=1)
    a, positives = found.mean, int(churned.sum())
    negatives = 2000 - positives
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = a * (1 - a) + (positives - 1) * (q1 - a * a) + (negatives - 1) * (q2 - a * a)
    standard_error = np.sqrt(variance / positives / negatives)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(standard_error, rel=0.15)


def test_a_better_challenger_is_seen_and_an_equal_one_is_not():
    random = np.random.default_rng(5)
    customers = np.repeat(np.arange(1000), 2)
    champion = random.exponential(size=2000)
    better = better_than(champion - 0.1, champion, customers)
    assert better.low > 0
    assert better.mean == pytest.approx(0.1)
    equal = better_than(champion + random.normal(0, 0.1, 2000), champion, customers)
    assert equal.low < 0 < equal.high


def test_a_calibrator_recovers_the_line_that_labels_were_drawn_from():
    random = np.random.default_rng(7)
    raw = random.normal(-1, 2, 60_000)
    churned = random.random(60_000) < expit(-0.5 + 0.6 * raw)
    found = fit_calibrator(raw, churned)
    assert (found.intercept, found.slope) == pytest.approx((-0.5, 0.6), abs=0.04)


def test_a_calibrator_never_reverses_a_ranking():
    raw = np.linspace(-2, 2, 200)
    found = fit_calibrator(raw, raw < -1)
    assert found.slope == 0
    assert found.probability(raw) == pytest.approx(np.full(200, np.mean(raw < -1)))


def test_a_calibrator_of_separated_classes_is_finite_and_clipped():
    raw = np.concatenate([np.linspace(-3, -1, 50), np.linspace(1, 3, 50)])
    found = fit_calibrator(raw, raw > 0)
    p = found.probability(raw)
    assert np.isfinite([found.intercept, found.slope]).all()
    assert p.min() == 1e-5
    assert p.max() == 1 - 1e-5
    assert Calibrator().probability(np.array([-99.0, 0.0, 99.0])) == pytest.approx([1e-5, 0.5, 1 - 1e-5])


def test_weights_move_the_mean_that_an_interval_is_about():
    values, customers = np.array([1.0, 1.0, 4.0, 4.0] * 50), np.arange(200)
    weights = np.array([3.0, 3.0, 1.0, 1.0] * 50)
    found = mean_interval(values, customers, seed=1, weights=weights)
    assert found.mean == pytest.approx(1.75)
    assert found.low < 1.75 < found.high


def test_the_positive_share_says_how_sure_a_gain_is():
    random = np.random.default_rng(5)
    champion, noise = random.exponential(size=1000), random.normal(0, 1, 1000)
    keys = np.arange(1000)
    sure = better_than(champion - 1, champion, keys)
    assert sure.positive_share == 1
    unsure = better_than(champion - noise + noise.mean(), champion, keys)
    assert unsure.positive_share == pytest.approx(0.5, abs=0.08)
