"""Retention by renewals: the likelihood, the choice between the two curves, impossible tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.clv.bdw import BdwParams, fit_bdw
from churn.errors import ModelError


def simulated(params: BdwParams, contracts: int, seed: int, seen: int = 24):
    """A life table of contracts that were first seen at different renewals, and up to a last one."""
    rng = np.random.default_rng(seed)
    hazards = params.hazards(np.arange(60.0))
    entry, end = rng.integers(0, 12, contracts), np.full(contracts, 10**6)
    own = rng.beta(params.alpha, params.beta, contracts) if params.c == 1 else None
    alive, at_risk, churned = np.ones(contracts, bool), np.zeros(seen), np.zeros(seen)
    for renewal in range(seen):
        chance = own if own is not None else hazards[renewal]
        leaves = alive & (rng.random(contracts) < chance)
        watched = alive & (renewal >= entry) & (renewal < end)
        at_risk[renewal], churned[renewal] = watched.sum(), (watched & leaves).sum()
        alive &= ~leaves
    return np.arange(seen), at_risk, churned


def test_delayed_entry_does_not_bias_the_shifted_beta_geometric() -> None:
    true = BdwParams(1.5, 12.0)
    found = fit_bdw(*simulated(true, 200_000, 1)).geometric
    assert found.hazards(np.arange(20.0)) == pytest.approx(true.hazards(np.arange(20.0)), rel=0.05)


def test_duration_dependence_is_found_where_it_is_and_not_where_it_is_not() -> None:
    plain, weibull = BdwParams(1.5, 12.0), BdwParams(1.2, 20.0, 1.8)
    assert sum(fit_bdw(*simulated(plain, 5_000, seed)).params.c != 1 for seed in range(20)) <= 3
    found = fit_bdw(*simulated(weibull, 100_000, 2))
    assert found.params.c == pytest.approx(1.8, abs=0.3)
    assert found.log_likelihood > found.geometric_log_likelihood + 1.92


@given(st.floats(0.01, 50), st.floats(0.1, 500), st.floats(0.3, 3), st.integers(0, 300))
def test_every_hazard_is_a_probability_and_adds_up_to_survival(alpha: float, beta: float, c: float, t: int) -> None:
    params = BdwParams(alpha, beta, c)
    hazards = params.hazards(np.arange(float(t + 1)))
    assert ((hazards > 0) & (hazards <= 1)).all()
    with np.errstate(divide="ignore"):
        total = np.log1p(-hazards).sum()
    survival = params.log_survival(np.array([t + 1.0]))[0]
    assert np.exp(total) == pytest.approx(np.exp(survival), abs=1e-8)


def test_the_gradient_is_that_of_the_likelihood() -> None:
    from churn.clv.bdw import _objective

    renewals, at_risk, churned = simulated(BdwParams(1.5, 12.0), 500, 3)
    objective, at = _objective(renewals.astype(float), at_risk, churned), np.array([1.3, 9.0, 1.2])
    _, gradient = objective(at)
    for place in range(3):
        step = np.zeros(3)
        step[place] = 1e-5
        slope = (objective(at + step)[0] - objective(at - step)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-5)


def test_the_order_and_the_grouping_of_rows_do_not_matter() -> None:
    renewals, at_risk, churned = simulated(BdwParams(1.5, 12.0), 2_000, 4)
    twice = fit_bdw(
        np.r_[renewals, renewals][::-1], np.r_[at_risk, at_risk][::-1] / 2, np.r_[churned, churned][::-1] / 2
    )
    assert twice.params.hazards(renewals) == pytest.approx(
        fit_bdw(renewals, at_risk, churned).params.hazards(renewals), rel=1e-4
    )


@pytest.mark.parametrize("rows", [([], [], []), ([0], [0], [0]), ([0], [5], [6]), ([-1], [5], [1]), ([0.5], [5], [1])])
def test_impossible_life_tables_are_refused(rows: tuple[list[float], list[float], list[float]]) -> None:
    with pytest.raises(ModelError, match="retention curve"):
        fit_bdw(*rows)
