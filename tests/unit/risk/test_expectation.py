"""What a later night's figures should be: variances, intervals, and how often they cover."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from benchmarks.prediction_intervals import World, coverage_trial
from churn.errors import ModelError
from churn.risk import TrainSettings, metrics
from churn.risk.between_months import between_months, error_of_calibration, error_of_ranking, overlap
from churn.risk.evaluation import MODEL, Predictions
from churn.risk.expectation import (
    REALISED_FIGURES,
    Expected,
    expected_figures,
    interval,
    judge_series,
    measured_figures,
    status_of,
)
from tests.unit.risk.judged import SETTINGS, predictions


@pytest.fixture(scope="module")
def walk() -> Predictions:
    return predictions(customers=800, months=6)


@pytest.fixture(scope="module")
def tests(walk: Predictions) -> Predictions:
    return walk.take(walk.as_of >= np.unique(walk.as_of)[3])


def test_the_expectation_is_the_mean_of_the_test_months(walk, tests):
    found = expected_figures(tests, walk, SETTINGS)
    assert tuple(found) == REALISED_FIGURES
    slopes = [
        metrics.calibration_line(month.churned, month.probability[MODEL])[0]
        for month in (tests.take(tests.as_of == day) for day in np.unique(tests.as_of))
    ]
    assert found["calibration_slope"].mean == pytest.approx(np.mean(slopes))
    assert found["observed_expected"].mean == pytest.approx(1, abs=0.1)
    assert found["auc_roc"].months == 6


def test_an_expectation_survives_json(walk, tests):
    for expected in expected_figures(tests, walk, SETTINGS).values():
        assert Expected.from_json(json.loads(json.dumps(expected.to_json()))) == expected
        assert Expected.from_json(expected.to_json() | {"of_a_later_release": 1}) == expected
        with pytest.raises(ModelError, match="Lacks months"):
            Expected.from_json(expected.to_json() | {"months": None})


def test_months_without_ten_churners_tell_nothing():
    quiet = predictions(customers=40, months=6, level=-4.0)
    assert expected_figures(quiet, quiet, SETTINGS) == {}


def test_one_month_says_nothing_about_how_much_months_differ(walk):
    month = walk.take(walk.as_of == walk.as_of[0])
    assert expected_figures(month, month, SETTINGS) == {}


def test_variance_between_months_is_what_sampling_leaves():
    random = np.random.default_rng(1)
    months = random.normal(0, np.sqrt(0.09 + 0.04), 4000)
    variance, degrees = between_months(months, 0.04, np.eye(4000))
    assert variance == pytest.approx(0.09, rel=0.06)
    assert degrees == pytest.approx(3999)
    assert between_months(np.array([0.1, 0.1, 0.1]), 0.04, np.eye(3))[0] == 0


def test_overlapping_label_windows_make_months_worth_less_but_leave_their_variance_unbiased():
    days = 738_000 + 30 * np.arange(8)
    shared = overlap(days, 90)
    assert shared[0] == pytest.approx([1, 2 / 3, 1 / 3, 0, 0, 0, 0, 0])
    assert overlap(days, 30) == pytest.approx(np.eye(8))
    root = np.linalg.cholesky(shared + 1e-9 * np.eye(8))
    drawn = [between_months(root @ np.random.default_rng(seed).normal(size=8), 0.0, shared) for seed in range(4000)]
    assert np.mean([variance for variance, _ in drawn]) == pytest.approx(1, rel=0.05)
    degrees = drawn[0][1]
    assert 1.5 < degrees < 4
    assert np.var([variance for variance, _ in drawn]) == pytest.approx(2 / degrees, rel=0.12)


def test_the_calibrators_months_count_in_the_error_of_a_calibrated_figure():
    days, tested = 738_000 + 30 * np.arange(4), np.array([False, False, True, True])
    assert error_of_ranking(tested) == pytest.approx([0, 0, -1 / 2, -1 / 2])
    found = error_of_calibration(days, tested, TrainSettings(horizon_days=30))
    first = -1 / 4 + 1 / 2 / 2 + 1 / 2 / 3
    assert found == pytest.approx([first, first, -1 / 4 - 1 / 2 + 1 / 2 / 3, -1 / 4 - 1 / 2])


def expected(figure: str = "calibration_slope", mean: float = 1.0, **changes: float) -> Expected:
    variances = {"sampling_variance": 0.01, "between_month_variance": 0.02, "month_sampling_variance": 0.03}
    return Expected(figure=figure, mean=mean, months=6, **({"degrees_of_freedom": 1e9} | variances | changes))


def test_an_interval_by_hand():
    low, high = interval(expected(), 0.06, comparisons=1)
    assert (low, high) == pytest.approx((1 - 1.96 * 0.3, 1 + 1.96 * 0.3), abs=1e-3)
    low, high = interval(expected(), 0.06, comparisons=48)
    assert high - 1 == pytest.approx(norm.ppf(1 - 0.025 / 48) * 0.3, abs=1e-3)


def test_ratios_are_judged_on_the_log_scale_and_areas_stay_below_one():
    low, high = interval(expected(figure="observed_expected", mean=1.2), 0.06, 1)
    assert low * high == pytest.approx(1.44)
    low, high = interval(expected(figure="auc_roc", mean=0.97), 2.0, 1)
    assert 0 < low < 0.97 < high < 1


def test_few_months_widen_an_interval():
    reach = [interval(expected(degrees_of_freedom=degrees), 0.06, 48)[1] - 1 for degrees in (2.0, 5.0, 11.0, 1e9)]
    assert reach == sorted(reach, reverse=True)
    assert reach[1] == pytest.approx(student.ppf(1 - 0.025 / 48, 5) * 0.3)


def test_every_source_of_variance_widens_the_interval():
    narrow = interval(expected(), 0.06, 48)[1]
    assert interval(expected(sampling_variance=0.05), 0.06, 48)[1] > narrow
    assert interval(expected(between_month_variance=0.05), 0.06, 48)[1] > narrow
    assert interval(expected(), 0.1, 48)[1] > narrow


def test_the_sampling_variance_of_a_night_is_what_repeating_it_shows():
    nights = [predictions(customers=1500, months=1, seed=seed) for seed in range(60)]
    found = [measured_figures(night, SETTINGS) for night in nights]
    for figure, scale in (
        ("observed_expected", np.log),
        ("calibration_slope", np.asarray),
        ("lift_top_decile", np.log),
    ):
        seen = np.var(scale(np.array([each[figure].value for each in found])), ddof=1)
        assert np.mean([each[figure].variance for each in found]) == pytest.approx(seen, rel=0.5)


def test_a_night_on_which_nobody_churned_is_judged_by_observed_over_expected_alone():
    night = predictions(customers=600, months=1)
    found = measured_figures(replace(night, churned=np.zeros(600, dtype=bool)), SETTINGS)
    assert found["auc_roc"].value is None
    assert found["observed_expected"].value == 0
    p = night.probability[MODEL]
    assert found["observed_expected"].variance == pytest.approx((p @ (1 - p)) / p.sum() ** 2)
    bounds = interval(expected(figure="observed_expected"), found["observed_expected"].variance)
    assert status_of(found["observed_expected"].value, bounds) == "outside"


def test_a_night_too_small_to_tell_is_unknown():
    night = predictions(customers=12, months=1)
    for found in (measured_figures(night, SETTINGS), measured_figures(night.take(night.churned), SETTINGS)):
        assert all(figure.value is None for figure in found.values())
    nobody = measured_figures(replace(night, weights=np.zeros(12)), SETTINGS)
    assert status_of(nobody["auc_roc"].value, (0.1, 0.9)) == "unknown"
    assert status_of(0.5, (float("nan"), float("nan"))) == "unknown"


def test_a_warning_needs_two_breaches_in_a_row():
    assert judge_series(["outside", "inside", "outside"]) == ["outside", "inside", "outside"]
    assert judge_series(["inside", "outside", "outside", "outside"]) == ["inside", "outside", "warning", "warning"]
    assert judge_series(["outside", "unknown", "outside"]) == ["outside", "unknown", "warning"]
    assert judge_series(judge_series(["outside", "outside"])) == ["outside", "warning"]


@pytest.mark.parametrize("world", [World(customers=800), World(customers=800, level_spread=0.4, slope_spread=0.3)])
def test_intervals_cover_the_year_after_training_at_the_stated_rate(world):
    found = coverage_trial(10, world=world)
    assert sum(found.judged.values()) > 400
    assert found.share_inside > 0.9
    assert found.share_quiet >= 0.9
    assert found.warned_years == 0
