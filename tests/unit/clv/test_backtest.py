"""How a backtest scores the model and the baselines, and which of them it calls the best."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from churn.clv.backtest import DECILES, METHODS, best_method, score_methods
from churn.errors import ModelError

RNG = np.random.default_rng(4)
REALISED = RNG.gamma(2.0, 50.0, 200) * (RNG.random(200) < 0.8)


def score(predicted, realised=REALISED):
    (found,) = score_methods({"model": np.asarray(predicted, float)}, np.asarray(realised, float))
    return found


def test_a_perfect_prediction_has_no_error():
    found = score(REALISED)
    assert found.error == pytest.approx(0)
    assert found.rank_correlation == pytest.approx(1)
    assert found.mean_absolute_error == 0
    assert found.predicted == found.realised == pytest.approx(REALISED.sum())


def test_an_error_of_a_fifth_everywhere_counts_as_a_fifth_in_total_and_by_decile():
    realised = np.linspace(10, 100, 50)
    found = score(1.2 * realised, realised)
    assert found.total_error == pytest.approx(0.2)
    assert found.decile_error == pytest.approx(0.2)
    assert found.error == pytest.approx(0.4)


def test_rank_correlation_is_spearmans_with_ties():
    predicted = np.round(REALISED + RNG.normal(0, 40, 200), -1)
    assert score(predicted).rank_correlation == pytest.approx(spearmanr(predicted, REALISED).statistic)


def test_deciles_hold_everybody_once_and_ascend_by_prediction():
    predicted = RNG.permutation(203).astype(float)
    deciles = score(predicted, predicted + 1).deciles
    assert [decile.decile for decile in deciles] == list(range(1, DECILES + 1))
    assert sum(decile.customers for decile in deciles) == 203
    assert {decile.customers for decile in deciles} == {20, 21}
    assert sum(decile.predicted for decile in deciles) == pytest.approx(predicted.sum())
    means = [decile.predicted / decile.customers for decile in deciles]
    assert means == sorted(means)


def test_a_decile_that_brought_nothing_does_not_decide_alone():
    realised = np.r_[np.zeros(10), np.full(90, 100.0)]
    predicted = np.r_[np.full(10, 1.0), np.full(90, 100.0)]
    assert score(predicted, realised).decile_error == pytest.approx(10 / (0.1 * 900) / 10)


def test_few_customers_have_a_total_and_no_deciles():
    found = score([1, 2, 3], [1, 2, 4])
    assert found.deciles == ()
    assert found.decile_error is None
    assert found.error == found.total_error == pytest.approx(1 / 7)


def test_what_does_not_vary_has_no_rank_and_what_brought_nothing_no_error():
    assert score(np.full(20, 3.0), np.arange(20.0)).rank_correlation is None
    nothing = score(np.arange(20.0), np.zeros(20))
    assert nothing.rank_correlation is nothing.decile_error is nothing.total_error is None
    assert nothing.error == float("inf")


def test_the_method_nearest_in_total_and_by_decile_is_the_best_and_of_equals_the_model():
    off = 2 * REALISED
    scores = score_methods({"model": off, "own_rate": REALISED, "segment_average": off}, REALISED)
    assert best_method(scores) == "own_rate"
    assert best_method(score_methods(dict.fromkeys(METHODS, off), REALISED)) == "model"


def test_a_total_that_is_right_with_wrong_customers_loses():
    shuffled = np.full(200, REALISED.mean())
    near = 1.05 * REALISED
    assert best_method(score_methods({"model": near, "segment_average": shuffled}, REALISED)) == "model"


def test_nobody_and_predictions_that_are_no_numbers_are_refused():
    with pytest.raises(ModelError, match="at least one customer"):
        score([], [])
    with pytest.raises(ModelError, match="not finite"):
        score([np.nan, 1], [1, 2])
    with pytest.raises(ModelError, match="different lengths"):
        score([1], [1, 2])
