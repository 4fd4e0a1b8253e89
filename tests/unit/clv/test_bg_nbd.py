"""BG/NBD: its formulae against simulation and quadrature, its fit on hard data, its refusals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import check_grad
from scipy.special import betaln, expit, hyp2f1, log_expit

from churn.clv import BgNbdParams, bg_nbd, expected_purchases, fit_bg_nbd, probability_no_purchase
from churn.clv.bg_nbd import _objective, alive_share, beta_nodes, log_likelihood, purchases_given_alive
from churn.clv.purchases import group_purchases
from churn.errors import ModelError

Floats = NDArray[np.float64]
TRUTH = BgNbdParams(r=0.8, alpha_days=30.0, a=0.9, b=2.5)


@dataclass(frozen=True)
class Simulated:
    frequency: Floats
    recency_days: Floats
    t_days: Floats
    future: Floats


def simulate(params: BgNbdParams, t: Floats, horizon: float, seed: int) -> Simulated:
    """Play the model's story: exponential waits, a chance to drop out after each repeat purchase."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(params.r, 1 / params.alpha_days, len(t))
    leaving = rng.beta(params.a, params.b, len(t))
    frequency, recency, future, now = (np.zeros(len(t)) for _ in range(4))
    playing = np.arange(len(t))
    while len(playing):
        now[playing] += rng.exponential(1 / rate[playing])
        playing = playing[now[playing] < t[playing] + horizon]
        past = playing[now[playing] < t[playing]]
        frequency[past] += 1
        recency[past] = now[past]
        future[np.setdiff1d(playing, past, assume_unique=True)] += 1
        playing = playing[rng.random(len(playing)) >= leaving[playing]]
    return Simulated(frequency, recency, t, future)


@pytest.fixture(scope="module")
def played() -> Simulated:
    t = np.random.default_rng(5).integers(60, 400, 40_000).astype(np.float64)
    return simulate(TRUTH, t, 90.0, seed=6)


def assert_mean(outcomes: Floats, predicted: Floats) -> None:
    error = (outcomes - predicted).mean()
    assert abs(error) < 4 * (outcomes - predicted).std() / np.sqrt(len(outcomes))


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
    assert_mean(future, expected_purchases(TRUTH, *history, 90.0))
    assert_mean((future == 0).astype(np.float64), probability_no_purchase(TRUTH, *history, 90.0))


def test_a_fit_recovers_the_parameters_behind_a_simulation(played: Simulated) -> None:
    fit = fit_bg_nbd(played.frequency, played.recency_days, played.t_days)
    found = (fit.params.r, fit.params.alpha_days, fit.params.a, fit.params.b)
    assert found == pytest.approx((TRUTH.r, TRUTH.alpha_days, TRUTH.a, TRUTH.b), rel=0.1)
    assert fit.log_likelihood >= log_likelihood(TRUTH, played.frequency, played.recency_days, played.t_days)
    assert fit.customers == 40_000
    assert fit.at_bounds == ()


@pytest.mark.parametrize("unit", [1 / 24, 7.0, 365.0])
def test_the_unit_of_time_changes_nothing_but_the_unit(unit: float) -> None:
    t = np.random.default_rng(1).integers(100, 400, 4_000).astype(np.float64)
    # A day is the finest unit that a purchase day allows, hence few purchases each.
    slow = simulate(BgNbdParams(1.0, 3_000.0, 0.5, 2.0), t * 365, 1.0, seed=2)
    days = fit_bg_nbd(slow.frequency, slow.recency_days, slow.t_days)
    other = fit_bg_nbd(slow.frequency, slow.recency_days * unit, slow.t_days * unit)
    assert other.params.alpha_days == pytest.approx(days.params.alpha_days * unit, rel=1e-4)
    assert other.params.r == pytest.approx(days.params.r, rel=1e-4)
    repeats = slow.frequency.sum()
    assert other.log_likelihood + repeats * np.log(unit) == pytest.approx(days.log_likelihood, abs=1e-3)


def test_frequencies_in_the_hundreds_are_fitted_and_predicted() -> None:
    truth = BgNbdParams(4.0, 16.0, 0.3, 60.0)
    t = np.full(3_000, 900.0)
    heavy = simulate(truth, t, 90.0, seed=3)
    assert heavy.frequency.max() > 400
    history = (heavy.frequency, np.ceil(heavy.recency_days), heavy.t_days)
    fit = fit_bg_nbd(*history)
    assert fit.params.r / fit.params.alpha_days == pytest.approx(0.25, rel=0.1)
    expected = expected_purchases(fit.params, *history, 90.0)
    assert np.isfinite(expected).all()
    assert expected.sum() == pytest.approx(heavy.future.sum(), rel=0.05)


def test_grouped_rows_give_the_fit_of_the_single_customers(played: Simulated) -> None:
    x, recency, t = played.frequency[:5_000], played.recency_days[:5_000], played.t_days[:5_000]
    x, recency, t = (np.repeat(values, 2) for values in (x, recency, t))
    alone = fit_bg_nbd(x, recency, t)
    together = fit_bg_nbd(x[::2], recency[::2], t[::2], weight=np.full(5_000, 2.0))
    assert alone == together
    shuffled = np.random.default_rng(0).permutation(len(x))
    assert fit_bg_nbd(x[shuffled], recency[shuffled], t[shuffled]) == alone


def test_the_way_through_a_sample_leads_to_the_same_maximum(played: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    history = (played.frequency, np.ceil(played.recency_days), played.t_days)
    fits = []
    for sample in (10**9, 700):
        monkeypatch.setattr(bg_nbd, "SAMPLE", sample)
        fits.append(fit_bg_nbd(*history))
    whole, sampled = (np.array([fit.params.r, fit.params.alpha_days, fit.params.a, fit.params.b]) for fit in fits)
    assert sampled == pytest.approx(whole, rel=1e-6)
    assert fits[1].log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-6)
    assert fit_bg_nbd(*history) == fits[1]


def test_a_sample_that_misleads_is_given_up_for_all_customers(
    played: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = (played.frequency[:4_000], played.recency_days[:4_000], played.t_days[:4_000])
    honest = fit_bg_nbd(*history)
    monkeypatch.setattr(bg_nbd, "SAMPLE", 3)
    misled = fit_bg_nbd(*history)
    assert misled.log_likelihood == pytest.approx(honest.log_likelihood, abs=1e-6)


def test_the_covariance_is_the_spread_of_fits_to_repeated_samples() -> None:
    t = np.random.default_rng(1).integers(60, 400, 1_500).astype(np.float64)
    fits = [fit_bg_nbd(s.frequency, s.recency_days, s.t_days) for s in (simulate(TRUTH, t, 1.0, i) for i in range(40))]
    logs = [np.log([fit.params.r, fit.params.alpha_days, fit.params.a, fit.params.b]) for fit in fits]
    expected = np.mean([np.sqrt((np.array(fit.factor) ** 2).sum(axis=1)) for fit in fits], axis=0)
    assert np.std(logs, axis=0) == pytest.approx(expected, rel=0.35)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4))
def test_the_gradient_is_that_of_the_likelihood(logs: list[float]) -> None:
    grouped = group_purchases([0, 1, 2, 5, 300], [0, 4, 9, 20, 39], [40, 40, 30, 22, 39], None)
    objective = _objective(grouped)
    point = np.exp(logs)
    error = check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], point, epsilon=1e-7)
    assert error < 1e-4 * max(1.0, float(np.abs(objective(point)[1]).max()))


@settings(max_examples=60, deadline=None)
@given(
    a=st.floats(0.05, 5.0), b=st.floats(0.05, 5.0), x=st.integers(0, 300), r=st.floats(0.05, 5.0),
    t=st.floats(0.0, 900.0), horizon=st.floats(1.0, 1200.0),
)  # fmt: skip
def test_expected_purchases_equal_the_integral_that_they_are(
    a: float, b: float, x: int, r: float, t: float, horizon: float
) -> None:
    t += x  # a purchase day a day at most
    params, reach = BgNbdParams(r, 20.0, a, b), horizon / (20.0 + t)
    # The trapezoidal rule over the log odds of p, where integrand and density are smooth and die away.
    log_odds = np.arange(-900.0, 900.0, 0.05)
    p = np.maximum(expit(log_odds), 1e-300)
    density = np.exp(a * log_expit(log_odds) + (b + x) * log_expit(-log_odds) - betaln(a, b + x))
    bought = np.where(p * reach > 1e-12, -np.expm1(-(r + x) * np.log1p(p * reach)) / p, (r + x) * reach)
    integral = (bought * density).sum() * 0.05
    ours = purchases_given_alive(params, np.array([float(x)]), np.array([t]), np.array([horizon]), np.array([1.0]))
    assert ours[0] == pytest.approx(integral, rel=2e-4)


def test_expected_purchases_equal_the_closed_form_of_the_paper_where_that_is_defined() -> None:
    params = BgNbdParams(0.243, 4.414 * 7, 0.793, 2.426)
    x, recency, t = np.array([0.0, 1.0, 2.0, 26.0]), np.array([0, 50, 210, 260.0]), np.full(4, 272.0)
    r, alpha, a, b, horizon = params.r, params.alpha_days, params.a, params.b, 273.0
    z = horizon / (alpha + t + horizon)
    series = hyp2f1(r + x, b + x, a + b + x - 1, z)
    expected = (a + b + x - 1) / (a - 1) * (1 - (1 - z) ** (r + x) * series)
    expected *= alive_share(params, x, recency, t)
    assert expected_purchases(params, x, recency, t, horizon) == pytest.approx(expected, rel=1e-8)


@given(a=st.floats(0.01, 50), b=st.floats(0.01, 400))
def test_the_quadrature_integrates_polynomials_over_the_beta_distribution_exactly(a: float, b: float) -> None:
    nodes, weights = beta_nodes(a, b)
    assert weights.sum() == pytest.approx(1)
    assert nodes @ weights == pytest.approx(a / (a + b), rel=1e-8)
    assert nodes**2 @ weights == pytest.approx(a * (a + 1) / ((a + b) * (a + b + 1)), rel=1e-8)


@given(x=st.integers(0, 500), recency_share=st.floats(0, 1), t=st.floats(1, 2000), h=st.floats(1, 400))
def test_probabilities_lie_between_0_and_1_and_a_longer_horizon_is_less_silent(
    x: int, recency_share: float, t: float, h: float
) -> None:
    history = (np.array([x]), np.array([recency_share * t if x else 0.0]), np.array([t]))
    shorter, longer = (float(probability_no_purchase(TRUTH, *history, days)[0]) for days in (h, 2 * h))
    assert 0 <= longer <= shorter <= 1
    assert 0 <= expected_purchases(TRUTH, *history, h)[0] <= expected_purchases(TRUTH, *history, 2 * h)[0]


def test_expected_purchases_of_nobody_are_nothing() -> None:
    assert len(expected_purchases(TRUTH, [], [], [], 30.0)) == 0


@pytest.mark.parametrize(
    ("frequency", "recency_days", "t_days", "says"),
    [
        ([0.0] * 50, [0.0] * 50, [100.0] * 50, "at least 10 customers who bought again, got 0"),
        ([1.0] * 9, [5.0] * 9, [100.0] * 9, "got 9"),
        ([], [], [], "no customers"),
        ([1.0] * 20, [50.0] * 20, [40.0] * 20, "impossible"),
        ([1.0] * 20, [np.nan] * 20, [40.0] * 20, "impossible"),
        ([-1.0] * 20, [0.0] * 20, [40.0] * 20, "impossible"),
        ([1.0] * 20, [3.0] * 20, [40.0] * 19, "different lengths"),
        ([20.0] * 20, [14.0] * 20, [52.0] * 20, "more purchase days than days"),
        ([0.0] * 20, [14.0] * 20, [52.0] * 20, "without a repeat purchase have a positive recency"),
    ],
)  # fmt: skip
def test_histories_that_cannot_be_are_refused(
    frequency: list[float], recency_days: list[float], t_days: list[float], says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        fit_bg_nbd(frequency, recency_days, t_days)


def test_customers_who_never_drop_out_are_fitted_and_the_unidentified_parameter_is_named() -> None:
    rng = np.random.default_rng(8)
    t = np.full(2_000, 700.0)
    frequency = rng.poisson(rng.gamma(2.0, 1 / 60.0, 2_000) * t).astype(np.float64)
    recency = np.where(frequency > 0, t * rng.beta(np.maximum(frequency, 1), 1), 0.0)
    fit = fit_bg_nbd(frequency, recency, t)
    assert fit.at_bounds
    expected = expected_purchases(fit.params, frequency, recency, t, 70.0)
    assert expected.sum() == pytest.approx(frequency.sum() / 10, rel=0.05)
