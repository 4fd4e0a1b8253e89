"""Intervals of CLV by inactivity: right on simulated customers, and a customer's own whoever is beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import betaln
from scipy.stats import gamma, poisson

from benchmarks.clv_worlds import COVERED, WORLDS, judge, play, randomised_pit
from churn.clv import (
    DAYS_PER_MONTH,
    BgNbdParams,
    ClvValues,
    Economics,
    GammaGammaParams,
    InactivityModel,
    inactivity_clv,
)
from churn.clv.inactivity import Histories, predictive_prospects
from churn.clv.predictive import margin_draws
from churn.clv.predictive_draws import (
    DRAWS,
    gamma_draws,
    lifetime_draws,
    midpoints,
    poisson_draws,
    strata,
    sum_draws,
    uniform_start,
)

Floats = NDArray[np.float64]
PURCHASES, SPEND = BgNbdParams(0.8, 30.0, 0.9, 2.5), GammaGammaParams(6.0, 4.0, 15.0)
FACTOR = tuple(tuple(0.05 * (row == column) for column in range(7)) for row in range(7))
MODEL = InactivityModel(PURCHASES, SPEND, None, FACTOR)
TERMS = Economics(horizon_days=60, horizon_months=12, annual_discount_rate=0.2, gross_margin=0.5)


def valued(known: Histories, model: InactivityModel = MODEL, keys: NDArray[np.int64] | None = None) -> ClvValues:
    return inactivity_clv(
        known.churn_probability, known.frequency, known.recency_days, known.t_days, known.monetary_value, model,
        economics=TERMS, customer_keys=np.arange(len(known.frequency)) if keys is None else keys, seed=3,
    ).values  # fmt: skip


def customers(n: int, seed: int = 0) -> Histories:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 20, n).astype(np.float64)
    t = rng.uniform(60, 400, n)
    recency = np.where(x > 0, t * rng.uniform(0.3, 1, n), 0.0)
    return Histories(x, recency, t, np.where(x > 0, rng.gamma(4, 8, n), np.nan), rng.uniform(0, 1, n))


@dataclass(frozen=True)
class Alike:
    """What simulated customers with about the same history did."""

    known: Histories
    future: Floats


@pytest.fixture(scope="module")
def alike() -> Alike:
    """Simulate many customers and keep those with one repeat purchase between 50 and 100 days ago of a given age."""
    rng = np.random.default_rng(11)
    n, t = 400_000, 100.0
    rate, leaving = rng.gamma(PURCHASES.r, 1 / PURCHASES.alpha_days, n), rng.beta(PURCHASES.a, PURCHASES.b, n)
    level = rng.gamma(SPEND.q, 1 / SPEND.v, n)
    now, past, last, spent, future = (np.zeros(n) for _ in range(5))
    playing = np.arange(n)
    while len(playing):
        now[playing] += rng.exponential(1 / rate[playing])
        playing = playing[now[playing] < t + 12 * DAYS_PER_MONTH]
        before, amount = now[playing] < t, rng.gamma(SPEND.p, 1 / level[playing])
        past[playing] += before
        last[playing[before]] = now[playing[before]]
        spent[playing] += np.where(before, amount, 0.0)
        paid = np.ceil((now[playing] - t) / DAYS_PER_MONTH) / 12
        future[playing] += np.where(before, 0.0, TERMS.gross_margin * amount / 1.2**paid)
        playing = playing[rng.random(len(playing)) >= leaving[playing]]
    one = np.flatnonzero((past == 1) & (last > 50))
    known = Histories(past[one], last[one], np.full(len(one), t), spent[one], np.full(len(one), np.nan))
    return Alike(known, future[one])


def test_outcomes_of_simulated_customers_are_uniform_among_the_draws(alike: Alike) -> None:
    keys = np.arange(len(alike.future))
    assert len(keys) > 10_000
    draws = margin_draws(*predictive_prospects(alike.known, MODEL, TERMS, keys, 5))
    pit = randomised_pit(draws, alike.future, np.random.default_rng(1))
    shares = np.histogram(pit, bins=10, range=(0, 1))[0] / len(pit)
    assert shares == pytest.approx(np.full(10, 0.1), abs=4 * np.sqrt(0.09 / len(pit)) + 0.003)


def test_the_mean_and_the_variance_are_those_of_simulated_customers(alike: Alike) -> None:
    found = valued(alike.known)
    error = alike.future - found.clv
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))
    assert found.variance.mean() == pytest.approx((error**2).mean(), rel=0.06)
    inside = (alike.future >= found.low) & (alike.future <= found.high)
    assert inside.mean() >= 0.79


def test_the_draws_have_the_expected_margin_as_their_mean() -> None:
    known = customers(3_000)
    draws = margin_draws(*predictive_prospects(known, MODEL, TERMS, np.arange(3_000), 3))
    assert draws.shape == (3_000, DRAWS)
    expected = valued(known).clv
    assert draws.mean() == pytest.approx(expected.mean(), rel=0.01)
    for chosen in (known.frequency == 0, known.frequency > 10, known.churn_probability > 0.9):
        assert draws[chosen].mean() == pytest.approx(expected[chosen].mean(), rel=0.03)


@pytest.mark.parametrize("shape", [0.3, 6.0])
def test_the_variance_is_that_of_the_draws_however_uneven_the_orders(shape: float) -> None:
    known, model = customers(2_000), replace(MODEL, spend=GammaGammaParams(shape, 9.0, 15.0))
    draws = margin_draws(*predictive_prospects(known, model, TERMS, np.arange(2_000), 3))
    assert valued(known, model).variance.mean() == pytest.approx(draws.var(axis=1).mean(), rel=0.03)


def test_the_calibrated_probability_decides_how_often_nothing_comes_soon() -> None:
    known = replace(customers(2_000), churn_probability=np.full(2_000, 0.7))
    story, prospects = predictive_prospects(known, MODEL, TERMS, np.arange(2_000), 3)
    gone = replace(prospects, alive_if_silent=np.zeros(2_000))
    assert (margin_draws(story, gone) == 0).mean() == pytest.approx(0.7, abs=1e-4)


def test_a_customers_interval_does_not_depend_on_the_others() -> None:
    known, keys = customers(500), np.random.default_rng(2).integers(-(2**62), 2**62, 500)
    together = valued(known, keys=keys)
    chosen = np.random.default_rng(1).permutation(500)[:50]
    some = Histories(*(getattr(known, name)[chosen] for name in known.__dataclass_fields__))
    alone = valued(some, keys=keys[chosen])
    for name in ("clv", "low", "high", "variance", "shifts"):
        assert getattr(alone, name).tobytes() == getattr(together, name)[chosen].tobytes()


def test_other_keys_and_other_seeds_give_other_draws_of_the_same_future() -> None:
    known = Histories(*(np.repeat(values, 400) for values in ([4.0], [90.0], [100.0], [30.0], [0.3])))
    found = valued(known)
    assert len(np.unique(found.high)) > 350
    assert found.high.std() < 0.1 * found.high.mean()
    assert found.high.mean() == pytest.approx(valued(known, keys=np.arange(9_000, 9_400)).high.mean(), rel=0.01)


@settings(max_examples=40, deadline=None)
@given(
    p=st.floats(0, 1), x=st.integers(0, 400), share=st.floats(0, 1), t=st.floats(1, 2_000), z=st.floats(-10, 1e6),
)  # fmt: skip
def test_intervals_are_finite_ordered_and_never_negative(p: float, x: int, share: float, t: float, z: float) -> None:
    known = Histories(*(np.array([value]) for value in (float(x), share * t if x else 0.0, t, z, p)))
    found = valued(known)
    assert 0 <= found.low[0] <= found.high[0] < np.inf
    assert 0 <= found.variance[0] < np.inf
    assert np.isfinite(found.shifts).all()


def test_nobody_has_intervals_of_nobody() -> None:
    found = valued(customers(0))
    assert (found.low.shape, found.shifts.shape) == ((0,), (0, 7))


def test_a_shift_is_how_clv_moves_with_a_parameter() -> None:
    known = replace(customers(300), churn_probability=np.full(300, np.nan))
    found, names = valued(known), ("r", "alpha_days", "a", "b", "p", "q", "v")
    for column, name in enumerate(names):
        part = "purchases" if column < 4 else "spend"
        moved = replace(getattr(MODEL, part), **{name: getattr(getattr(MODEL, part), name) * np.exp(0.001)})
        change = (valued(known, replace(MODEL, **{part: moved})).clv - found.clv) / 0.001 * 0.05
        assert found.shifts[:, column] == pytest.approx(change, rel=0.02, abs=0.01 * np.abs(change).max())


def test_a_model_without_covariance_has_no_shifts() -> None:
    assert valued(customers(5), replace(MODEL, factor=())).shifts.shape == (5, 0)


@pytest.mark.parametrize("mean", [0.0, 0.01, 0.7, 5.0, 40.0, 63.9, 64.1, 200.0, 5_000.0])
def test_counts_are_poisson(mean: float) -> None:
    found = poisson_draws(np.full(DRAWS, mean), np.arange(DRAWS))
    exact = poisson.ppf(midpoints(), mean) if mean else np.zeros(DRAWS)
    assert np.abs(found - exact).max() <= 1
    assert (found != exact).mean() < 0.1


@pytest.mark.parametrize("count", [0, 1, 3, 64, 65, 300])
@pytest.mark.parametrize("shape", [0.5, 6.0, 400.0])
def test_sums_are_gamma(shape: float, count: int) -> None:
    found = sum_draws(shape, np.full(DRAWS, float(count)), np.arange(DRAWS))
    exact = gamma.ppf(midpoints(), shape * count) if count else np.zeros(DRAWS)
    assert found == pytest.approx(exact, rel=3e-3)


def test_rates_and_lifetimes_have_their_distributions() -> None:
    assert gamma_draws(2.5) == pytest.approx(gamma.ppf(midpoints(), 2.5))
    found, a, b = lifetime_draws(0.9, 4.5), 0.9, 4.5
    assert found.min() == 1
    assert (np.exp(betaln(a, b + found) - betaln(a, b)) <= 1 - midpoints() + 1e-12).all()
    assert (np.exp(betaln(a, b + found - 1) - betaln(a, b)) > 1 - midpoints() - 1e-12).all()


def test_every_stratum_is_taken_once_and_two_quantities_are_not_tied() -> None:
    keys, draw = np.arange(200), np.tile(np.arange(DRAWS), 200)
    customer = np.repeat(np.arange(200), DRAWS)
    one, other = (strata(keys, 1, quantity, customer, draw).reshape(200, DRAWS) for quantity in (0, 1))
    assert (np.sort(one, axis=1) == np.arange(DRAWS)).all()
    ties = [np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)]
    assert abs(np.mean(ties)) < 0.02
    starts = uniform_start(np.arange(10_000), 1)
    assert np.histogram(starts, bins=10, range=(0, 1))[0] == pytest.approx(np.full(10, 1_000), abs=130)


def test_intervals_hold_on_small_simulated_worlds() -> None:
    found = [judge(seed, customers=800) for seed in range(4)]
    everyone = sum(world.customers["all"] for world in found)
    assert sum(world.inside["all"] for world in found) / everyone == pytest.approx(COVERED, abs=0.03)
    assert sum(world.covered for world in found) >= 2
    for world in found:
        assert abs(world.predicted / world.realised - 1) < abs(world.naive / world.realised - 1)


def test_the_simulator_of_the_worlds_counts_repeat_days_and_their_average() -> None:
    seen = play(WORLDS[0], 500, seed=1)
    repeat = seen.frequency > 0
    assert 0.2 < repeat.mean() < 0.8
    assert np.isnan(seen.monetary_value[~repeat]).all()
    assert (seen.monetary_value[repeat] > 0).all()
    assert (seen.recency_days <= seen.t_days).all()
    assert (seen.frequency <= seen.recency_days).all()
