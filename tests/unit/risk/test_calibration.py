"""Calibrators: never a ranking reversed, and another kind than logistic only where it is shown to be better."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.risk.calibration import CLIP, Calibrator, fit_calibrator
from churn.risk.calibration_fit import Pool, beta, choose_calibrator, isotonic, logistic


@pytest.fixture(autouse=True)
def one_thread():
    """Calibrators are fitted as in training: threads of small matrix products only wait for one another."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def pool(rows: int = 20_000, seed: int = 1, bend=lambda raw: 0.9 * raw - 0.3, repeats: int = 1) -> Pool:
    """Draw raw scores around -2.5 with labels of probability expit(bend(raw)); customers have `repeats` equal rows."""
    random = np.random.default_rng(seed)
    raw = random.normal(-2.5, 1.3, rows)
    churned = random.random(rows) < expit(bend(raw))
    raw, churned = np.repeat(raw, repeats), np.repeat(churned, repeats)
    customers = np.repeat(np.arange(rows, dtype=np.int64), repeats)
    return Pool(raw, churned, np.ones(len(raw)), customers)


def bent(raw: np.ndarray) -> np.ndarray:
    """Return the log-odds of a world in which the riskiest are far less at risk than they look."""
    return np.minimum(raw, -2.5)


def stepped(raw: np.ndarray) -> np.ndarray:
    """Return the log-odds of a world with two kinds of customers."""
    return np.where(raw > -2.0, -0.5, -4.0)


@pytest.mark.parametrize("seed", range(5))
def test_logistic_stands_where_the_truth_is_logistic(seed):
    assert choose_calibrator(pool(seed=seed), 1).kind == "logistic"


def test_another_kind_is_chosen_where_the_truth_is_bent():
    assert choose_calibrator(pool(bend=bent), 1).kind in ("beta", "isotonic")
    assert choose_calibrator(pool(bend=stepped), 1).kind == "isotonic"


def test_fewer_than_a_thousand_churners_are_always_logistic():
    steps = pool(bend=stepped)
    until = int(np.searchsorted(np.cumsum(steps.churned), 999, side="right"))
    few = steps.take(np.arange(len(steps.raw)) < until)
    assert few.churned.sum() == 999
    assert choose_calibrator(few, 1).kind == "logistic"
    enough = steps.take(np.arange(len(steps.raw)) < until + 1)
    assert choose_calibrator(enough, 1).kind == "isotonic"


def test_a_customers_many_rows_do_not_talk_it_into_another_kind():
    """Each customer has 25 equal rows: parted by row instead of by customer, isotonic would have seen every answer."""
    assert choose_calibrator(pool(600, bend=lambda raw: raw + 1, repeats=25), 1).kind == "logistic"


@pytest.mark.parametrize("fit", [logistic, beta, isotonic])
@pytest.mark.parametrize("bend", [bent, stepped, lambda raw: -raw - 5, lambda raw: 0 * raw - 3])
def test_no_calibrator_reverses_a_ranking_and_every_probability_is_within_the_clip(fit, bend):
    found = fit(pool(5000, bend=bend))
    raw = np.linspace(-40, 40, 4001)
    assert (np.diff(found.log_odds(raw)) >= 0).all()
    p = found.probability(raw)
    assert p.min() >= CLIP
    assert p.max() <= 1 - CLIP


@pytest.mark.parametrize("fit", [logistic, beta, isotonic])
@pytest.mark.parametrize("bend", [bent, stepped])
def test_expected_churners_are_the_observed_whatever_the_kind(fit, bend):
    rows = pool(bend=bend)
    weighted = replace(rows, weight=np.where(rows.churned, 3.0, 1.0))
    for each in (rows, weighted):
        expected = each.weight @ fit(each).probability(each.raw)
        assert expected == pytest.approx(each.weight @ each.churned, rel=0.002)


def test_beta_finds_the_two_slopes_that_it_was_drawn_from():
    rows = pool(200_000, bend=lambda raw: -0.4 - 0.6 * np.logaddexp(0, -(raw + 2)) + 1.5 * np.logaddexp(0, raw + 2))
    found = beta(replace(rows, raw=rows.raw + 2))
    assert (found.intercept, found.slope, found.slope_above) == pytest.approx((-0.4, 0.6, 1.5), abs=0.1)


def test_beta_with_equal_slopes_is_logistic():
    raw = np.linspace(-8, 8, 100)
    same = Calibrator(0.3, 0.7, "beta", 0.7).log_odds(raw)
    assert same == pytest.approx(Calibrator(0.3, 0.7).log_odds(raw))


def test_isotonic_gives_each_level_stretch_its_rate_and_ranks_ties_by_the_raw_score():
    raw = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0])
    churned = np.array([False, True, False, True, False, True])
    found = isotonic(Pool(raw, churned, np.ones(6), np.arange(6)))
    assert found.probability(np.array([-1.5, 0.5])) == pytest.approx([0.5, 0.5], abs=1e-5)
    assert (np.diff(found.log_odds(np.linspace(-2, -1, 50))) > 0).all()
    assert found.probability(np.array([-9.0, 9.0])) == pytest.approx([CLIP, 1 - CLIP], rel=1e-3)


@given(some.lists(some.tuples(some.integers(-50, 50), some.booleans(), some.integers(1, 9)), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_isotonic_is_ascending_and_a_weight_is_that_many_rows(rows):
    raw, churned, times = (np.array(column) for column in zip(*rows, strict=True))
    customers = np.arange(len(raw), dtype=np.int64)
    weighted = isotonic(Pool(raw / 10, churned, times.astype(float), customers))
    repeated = isotonic(
        Pool(np.repeat(raw / 10, times), np.repeat(churned, times), np.ones(times.sum()), np.repeat(customers, times))
    )
    levels = [level for _, level in weighted.knots]
    assert levels == sorted(levels)
    at = np.linspace(-6, 6, 50)
    assert weighted.probability(at) == pytest.approx(repeated.probability(at), abs=1e-9)


def test_weights_of_a_logistic_calibrator_are_repeated_rows():
    rows = pool(3000)
    times = np.random.default_rng(2).integers(1, 4, len(rows.raw))
    weighted = fit_calibrator(rows.raw, rows.churned, times.astype(float))
    repeated = fit_calibrator(np.repeat(rows.raw, times), np.repeat(rows.churned, times))
    assert (weighted.intercept, weighted.slope) == pytest.approx((repeated.intercept, repeated.slope), abs=1e-7)


@pytest.mark.parametrize("bend", [lambda raw: raw, bent, stepped])
def test_a_calibrator_survives_json_and_the_same_rows_choose_the_same(bend):
    rows = pool(bend=bend)
    found = choose_calibrator(rows, 1)
    assert Calibrator.from_json(asdict(found)) == found
    assert choose_calibrator(rows, 1) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "guess"},
        {"slope": -0.1},
        {"kind": "beta"},
        {"kind": "beta", "slope_above": -1.0},
        {"kind": "isotonic"},
        {"kind": "isotonic", "knots": ((0.0, 1.0), (1.0, 0.5))},
        {"kind": "isotonic", "knots": ((0.0, 1.0), (0.0, 1.5))},
        {"knots": ((0.0, 1.0),)},
    ],
)
def test_parameters_of_another_kind_are_refused(wrong):
    with pytest.raises(ValueError, match="not the parameters of a"):
        Calibrator(**wrong)


def test_a_constant_score_gives_everyone_the_base_rate():
    found = choose_calibrator(Pool(np.full(100, 2.0), np.arange(100) < 20, np.ones(100), np.arange(100)), 1)
    assert found.log_odds(np.array([0.0, 5.0])) == pytest.approx(logit([0.2, 0.2]))
