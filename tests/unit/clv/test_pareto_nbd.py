"""Pareto/NBD: its formulae against simulation and quadrature, its fit on hard data, its refusals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import simpson
from scipy.optimize import check_grad
from scipy.special import hyp2f1

from churn.clv import (
    ParetoNbdParams,
    fit_pareto_nbd,
    p_alive,
    pareto_expected_purchases,
    pareto_probability_no_purchase,
)
from churn.clv.dropout import Rates, dropout_integral
from churn.clv.pareto_nbd import _objective, pareto_log_likelihood
from churn.clv.purchases import group_purchases
from churn.errors import ModelError

Floats = NDArray[np.float64]
TRUTH = ParetoNbdParams(r=0.8, alpha_days=30.0, s=0.7, beta_days=80.0)


@dataclass(frozen=True)
class Simulated:
    frequency: Floats
    recency_days: Floats
    t_days: Floats
    future: Floats
    alive: NDArray[np.bool_]


def simulate(params: ParetoNbdParams, t: Floats, horizon: float, seed: int) -> Simulated:
    """Play the model's story: an exponential life, and purchases at exponential waits until its end."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(params.r, 1 / params.alpha_days, len(t))
    life = rng.exponential(1 / rng.gamma(params.s, 1 / params.beta_days, len(t)))
    end = np.minimum(life, t + horizon)
    frequency, recency, future, now = (np.zeros(len(t)) for _ in range(4))
    playing = np.arange(len(t))
    while len(playing):
        now[playing] += rng.exponential(1 / rate[playing])
        playing = playing[now[playing] < end[playing]]
        past = now[playing] < t[playing]
        frequency[playing[past]] += 1
        recency[playing[past]] = now[playing[past]]
        future[playing[~past]] += 1
    return Simulated(frequency, recency, t, future, life > t)


@pytest.fixture(scope="module")
def played() -> Simulated:
    t = np.random.default_rng(5).integers(60, 400, 40_000).astype(np.float64)
    return simulate(TRUTH, t, 90.0, seed=6)


def assert_mean(outcomes: Floats, predicted: Floats) -> None:
    error = outcomes - predicted
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(outcomes))


@pytest.mark.parametrize("kind", ["0", "1", "2", "3-5", "6+", "recent", "long ago"])
def test_predictions_are_unbiased_in_every_class_of_customers(played: Simulated, kind: str) -> None:
    x, silent = played.frequency, played.t_days - played.recency_days
    chosen = {
        "0": x == 0, "1": x == 1, "2": x == 2, "3-5": (x >= 3) & (x <= 5), "6+": x >= 6,
        "recent": (x > 0) & (silent < 20), "long ago": (x > 2) & (silent > 150),
    }[kind]  # fmt: skip
    history = (x[chosen], played.recency_days[chosen], played.t_days[chosen])
    future = played.future[chosen]
    assert len(future) > 300
    assert_mean(future, pareto_expected_purchases(TRUTH, *history, 90.0))
    assert_mean((future == 0).astype(np.float64), pareto_probability_no_purchase(TRUTH, *history, 90.0))
    assert_mean(played.alive[chosen].astype(np.float64), p_alive(TRUTH, *history))


def test_a_fit_recovers_the_parameters_behind_a_simulation(played: Simulated) -> None:
    history = (played.frequency, played.recency_days, played.t_days)
    fit = fit_pareto_nbd(*history)
    found = (fit.params.r, fit.params.alpha_days, fit.params.s, fit.params.beta_days)
    assert found == pytest.approx((TRUTH.r, TRUTH.alpha_days, TRUTH.s, TRUTH.beta_days), rel=0.15)
    assert fit.log_likelihood >= pareto_log_likelihood(TRUTH, *history)
    assert (fit.customers, fit.at_bounds) == (40_000, ())


def test_the_unit_of_time_changes_nothing_but_the_unit(played: Simulated) -> None:
    x, recency, t = played.frequency[:3_000], np.ceil(played.recency_days[:3_000]), played.t_days[:3_000]
    days, other = fit_pareto_nbd(x, recency, t), fit_pareto_nbd(x, recency * 30.0, t * 30.0)
    for name, unit in (("r", 1.0), ("alpha_days", 30.0), ("s", 1.0), ("beta_days", 30.0)):
        assert getattr(other.params, name) == pytest.approx(getattr(days.params, name) * unit, rel=1e-3)
    assert other.log_likelihood + x.sum() * np.log(30.0) == pytest.approx(days.log_likelihood, abs=1e-3)


def test_frequencies_in_the_hundreds_are_fitted_and_predicted() -> None:
    truth = ParetoNbdParams(4.0, 16.0, 1.0, 2_000.0)
    heavy = simulate(truth, np.full(3_000, 900.0), 90.0, seed=3)
    assert heavy.frequency.max() > 400
    history = (heavy.frequency, np.ceil(heavy.recency_days), heavy.t_days)
    fit = fit_pareto_nbd(*history)
    assert fit.params.r / fit.params.alpha_days == pytest.approx(0.25, rel=0.1)
    assert pareto_expected_purchases(fit.params, *history, 90.0).sum() == pytest.approx(heavy.future.sum(), rel=0.05)


def test_grouped_and_shuffled_rows_give_the_same_fit(played: Simulated) -> None:
    x, recency, t = played.frequency[:2_000], played.recency_days[:2_000], played.t_days[:2_000]
    twice = tuple(np.repeat(values, 2) for values in (x, recency, t))
    alone = fit_pareto_nbd(*twice)
    assert fit_pareto_nbd(x, recency, t, weight=np.full(2_000, 2.0)) == alone
    shuffled = np.random.default_rng(0).permutation(4_000)
    assert fit_pareto_nbd(*(values[shuffled] for values in twice)) == alone


def by_simpsons_rule(rates: Rates, x: float, start: float, end: float) -> float:
    """Return ln D over a fine grid in the logarithm of time, where the integrand is smooth."""
    nearest = min(rates.alpha, rates.beta)
    w = np.linspace(np.log(nearest + start), np.log(nearest + end), 200_001)
    u = np.exp(w) - nearest
    heights = w - (rates.r + x) * np.log(rates.alpha + u) - (rates.s + 1) * np.log(rates.beta + u)
    top = heights.max()
    return float(np.log(rates.s) + top + np.log(simpson(np.exp(heights - top), x=w)))


@settings(max_examples=80, deadline=None)
@given(
    logs=st.lists(st.floats(-4, 4), min_size=4, max_size=4), x=st.sampled_from([0, 1, 2, 10, 100, 400]),
    start=st.floats(0, 300), log_span=st.floats(-3, 7),
)  # fmt: skip
def test_the_chance_of_dropping_out_is_the_integral_that_it_is(
    logs: list[float], x: int, start: float, log_span: float
) -> None:
    rates = Rates(*np.exp(logs).tolist())
    start = start if x else 0.0
    end = start + float(np.exp(log_span))
    found = dropout_integral(rates, np.array([float(x)]), np.array([start]), np.array([end])).log_value[0]
    assert found == pytest.approx(by_simpsons_rule(rates, x, start, end), abs=1e-8)


def test_the_chance_of_dropping_out_is_the_closed_form_of_the_paper_where_that_does_not_cancel() -> None:
    rates, x, start, end = Rates(0.55, 10.6, 0.61, 11.7), np.array([0.0, 2, 26]), np.array([0.0, 30, 37]), 39.0

    def upper(u: Floats | float) -> Floats:
        total, reach = rates.r + rates.s + x, (rates.beta - rates.alpha) / (rates.beta + u)
        return hyp2f1(total, rates.r + x, total + 1, reach) / (rates.beta + u) ** total / total

    closed = rates.s * (upper(start) - upper(end))
    found = dropout_integral(rates, x, start, np.full(3, end)).log_value
    assert np.exp(found) == pytest.approx(closed, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4))
def test_the_gradient_is_that_of_the_likelihood(logs: list[float]) -> None:
    grouped = group_purchases([0, 1, 2, 5, 300, 1], [0, 4, 9, 20, 39, 40], [40, 40, 30, 22, 39, 40], None)
    objective, point = _objective(grouped), np.exp(logs)
    error = check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], point, epsilon=1e-7)
    assert error < 1e-4 * max(1.0, float(np.abs(objective(point)[1]).max()))


def test_a_one_time_buyer_is_less_and_less_surely_alive() -> None:
    ages = np.array([0.0, 10.0, 100.0, 1_000.0, 10_000.0])
    found = p_alive(TRUTH, np.zeros(5), np.zeros(5), ages)
    assert found[0] == 1.0
    assert (np.diff(found) < 0).all()
    assert found[-1] < 0.1


@given(x=st.integers(0, 500), recency_share=st.floats(0, 1), t=st.floats(1, 2000), h=st.floats(1, 400))
def test_probabilities_lie_between_0_and_1_and_a_longer_horizon_is_less_silent(
    x: int, recency_share: float, t: float, h: float
) -> None:
    history = (np.array([x]), np.array([recency_share * t if x else 0.0]), np.array([t]))
    shorter, longer = (float(pareto_probability_no_purchase(TRUTH, *history, days)[0]) for days in (h, 2 * h))
    assert 0 <= longer <= shorter + 1e-12
    assert shorter <= 1
    assert 1 - float(p_alive(TRUTH, *history)[0]) <= longer + 1e-9
    assert 0 <= pareto_expected_purchases(TRUTH, *history, h)[0] <= pareto_expected_purchases(TRUTH, *history, 2 * h)[0]


def test_expected_purchases_pass_smoothly_through_s_of_1() -> None:
    history = (np.array([3.0]), np.array([50.0]), np.array([60.0]))
    near = [
        float(pareto_expected_purchases(ParetoNbdParams(0.8, 30.0, s, 80.0), *history, 90.0)[0])
        for s in (1 - 1e-7, 1.0, 1 + 1e-7)
    ]
    assert near[0] == pytest.approx(near[1], rel=1e-6)
    assert near[2] == pytest.approx(near[1], rel=1e-6)


def test_p_alive_of_a_customer_does_not_depend_on_the_others(played: Simulated) -> None:
    history = (played.frequency[:5_000], played.recency_days[:5_000], played.t_days[:5_000])
    chosen = np.random.default_rng(1).permutation(5_000)[:777]
    alone = p_alive(TRUTH, *(values[chosen] for values in history))
    assert alone.tobytes() == p_alive(TRUTH, *history)[chosen].tobytes()


def test_nobody_has_predictions_of_nobody() -> None:
    assert len(p_alive(TRUTH, [], [], [])) == 0
    assert len(pareto_expected_purchases(TRUTH, [], [], [], 30.0)) == 0


def test_customers_who_never_drop_out_are_alive() -> None:
    rng = np.random.default_rng(8)
    t = np.full(2_000, 700.0)
    frequency = rng.poisson(rng.gamma(2.0, 1 / 60.0, 2_000) * t).astype(np.float64)
    recency = np.where(frequency > 0, t * rng.beta(np.maximum(frequency, 1), 1), 0.0)
    fit = fit_pareto_nbd(frequency, recency, t)
    assert p_alive(fit.params, frequency, recency, t).mean() > 0.97


@pytest.mark.parametrize(
    ("frequency", "recency_days", "t_days", "says"),
    [
        ([0.0] * 50, [0.0] * 50, [100.0] * 50, "Pareto/NBD needs at least 10 customers who bought again, got 0"),
        ([1.0] * 20, [50.0] * 20, [40.0] * 20, "impossible"),
        ([20.0] * 20, [14.0] * 20, [52.0] * 20, "more purchase days than days"),
    ],
)
def test_histories_that_cannot_be_are_refused(
    frequency: list[float], recency_days: list[float], t_days: list[float], says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        fit_pareto_nbd(frequency, recency_days, t_days)
