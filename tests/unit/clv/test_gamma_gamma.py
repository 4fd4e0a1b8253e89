"""Gamma-gamma: recovers a simulation, shrinks to the mean, leaves out what has no value, refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad

from churn.clv import GammaGammaFit, GammaGammaParams, expected_average_value, fit_gamma_gamma
from churn.clv.gamma_gamma import _by_mean, _objective
from churn.errors import ModelError

TRUTH = GammaGammaParams(p=6.0, q=4.0, v=15.0)


def simulate(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rate = rng.gamma(TRUTH.q, 1 / TRUTH.v, n)
    x = rng.integers(1, 6, n).astype(np.float64)
    return x, rng.gamma(TRUTH.p * x) / (rate * x), TRUTH.p / rate


def test_a_fit_recovers_the_parameters_and_predicts_without_bias() -> None:
    x, z, mean = simulate(20_000, 1)
    fit = fit_gamma_gamma(x, z)
    assert (fit.params.p, fit.params.q, fit.params.v) == pytest.approx((6, 4, 15), rel=0.12)
    predicted = expected_average_value(fit.params, x, z)
    for chosen in (x == 1, x == 5, z < 15, z > 60):
        assert predicted[chosen].mean() == pytest.approx(mean[chosen].mean(), rel=0.03)


def test_the_currency_changes_nothing_but_the_amounts() -> None:
    x, z, _ = simulate(5_000, 2)
    one, other = fit_gamma_gamma(x, z), fit_gamma_gamma(x, z * 1_000)
    assert other.params.v == pytest.approx(one.params.v * 1_000, rel=1e-4)
    assert other.params.p == pytest.approx(one.params.p, rel=1e-4)
    assert other.log_likelihood + 5_000 * np.log(1_000) == pytest.approx(one.log_likelihood, abs=1e-3)


def test_one_time_buyers_and_gifts_stay_out_of_the_fit() -> None:
    x, z, _ = simulate(2_000, 3)
    extra_x, extra_z = [0.0, 2.0, 1.0, 3.0], [500.0, 0.0, np.nan, -20.0]
    fit = fit_gamma_gamma(np.r_[x, extra_x], np.r_[z, extra_z])
    assert fit == fit_gamma_gamma(x, z)
    everybody = TRUTH.p * TRUTH.v / (TRUTH.q - 1)
    values = expected_average_value(TRUTH, extra_x, extra_z)
    assert values[[0, 2]] == pytest.approx([everybody, everybody])
    assert (values > 0).all()
    assert values[1] < everybody


@given(x=st.integers(1, 300), z=st.floats(0.01, 1e6))
def test_an_expected_value_lies_between_the_customers_own_and_everybodys(x: int, z: float) -> None:
    everybody = TRUTH.p * TRUTH.v / (TRUTH.q - 1)
    value = expected_average_value(TRUTH, [x], [z])[0]
    assert min(z, everybody) * (1 - 1e-9) <= value <= max(z, everybody) * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1.5), min_size=3, max_size=3))
def test_the_gradient_is_that_of_the_likelihood(logs: list[float]) -> None:
    objective = _by_mean(_objective(np.array([1.0, 2, 300]), np.array([0.5, 2.0, 7.0]), np.array([3.0, 1, 1])))
    point = np.exp(logs) + np.array([0, 1, 0])
    error = check_grad(lambda p: objective(p)[0], lambda p: objective(p)[1], point, epsilon=1e-7)
    assert error < 1e-4 * max(1.0, float(np.abs(objective(point)[1]).max()))


def test_too_few_buyers_are_refused() -> None:
    with pytest.raises(ModelError, match="at least 10 repeat buyers"):
        fit_gamma_gamma([1.0] * 9 + [0.0] * 100, [10.0] * 109)
    with pytest.raises(ModelError, match="got 0"):
        fit_gamma_gamma([], [])


def test_values_without_a_mean_are_held_near_the_median_instead_of_extrapolated() -> None:
    rng = np.random.default_rng(4)
    z = 10 / rng.gamma(0.4, 1, 5_000) * rng.gamma(18.0, 1 / 18.0, 5_000)
    fit = fit_gamma_gamma(np.full(5_000, 3.0), z)
    assert fit.at_bounds == ("q",)
    newcomer = expected_average_value(fit.params, [0], [np.nan])[0]
    assert 1 < newcomer / np.median(z) < 5
    assert newcomer < z.mean() / 10


def test_the_covariance_is_the_inverse_of_the_information_and_the_spread_of_repeated_samples() -> None:
    def fitted(seed: int) -> GammaGammaFit:
        x, z, _ = simulate(600, 100 + seed)
        return fit_gamma_gamma(x, z)

    x, z, _ = simulate(600, 100)
    fit, objective, step = fitted(0), _objective(x, z, np.ones(600)), 1e-4
    best = np.log([fit.params.p, fit.params.q, fit.params.v])

    def slope(logs: np.ndarray) -> np.ndarray:
        return objective(np.exp(logs))[1] * np.exp(logs)

    steps = step * np.eye(3)
    information = np.array([(slope(best - move) - slope(best + move)) / (2 * step) for move in steps])
    factor = np.array(fit.factor)
    covariance = factor @ factor.T
    assert covariance == pytest.approx(np.linalg.inv(information), rel=0.01)
    logs = [np.log([other.params.p, other.params.q, other.params.v]) for other in map(fitted, range(60))]
    assert np.std(logs, axis=0) == pytest.approx(np.sqrt(np.diag(covariance)), rel=0.3)


def test_one_price_for_everything_gives_that_price() -> None:
    fit = fit_gamma_gamma(np.full(50, 2.0), np.full(50, 9.99))
    assert expected_average_value(fit.params, [0, 2], [np.nan, 9.99]) == pytest.approx([9.99, 9.99], rel=0.02)
