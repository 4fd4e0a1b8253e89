"""What stayers pay and who comes back: growth, discounts that end, lapses, returns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn.clv import Contracts, Panel
from churn.clv.growth import Bank, Growth, fit_growth
from churn.clv.money import drawn_paths, mean_paths
from churn.clv.panel import stays_of
from churn.clv.returns import Returns, fit_returns
from churn.clv.values import DAYS_PER_MONTH
from churn.errors import ModelError
from tests.unit.clv.contracts import contracts

GROWING = Growth((Bank("", "grown", ((1.0, 1.0), (1.0, 1.2))),))


def panel(mrr: np.ndarray, churned: np.ndarray | None = None, **known) -> Panel:
    """Month ends (rows) by customer (columns); NaN is absent."""
    month, key = np.nonzero(~np.isnan(mrr))
    known = {name: np.broadcast_to(value, mrr.shape)[month, key] for name, value in known.items()}
    there = contracts(len(key), mrr=mrr[month, key], **known)
    left = None if churned is None else churned[month, key]
    return Panel(key, month + 1, there, np.full(len(key), np.nan), np.ones(len(key)), left)


def test_without_a_bank_the_mrr_stays_as_it_is() -> None:
    assert mean_paths(Growth(), contracts(), 3).tolist() == [[1, 1, 1, 1]]


def test_paths_go_on_behind_one_another_and_keep_the_atom_at_one() -> None:
    assert mean_paths(GROWING, contracts(), 4)[0] == pytest.approx([1, 1, 1.1, 1.1, 1.21])
    u = np.random.default_rng(1).random((4, 1, 40_000))
    drawn = drawn_paths(GROWING, contracts(), 4, u)[0]
    assert drawn.mean(axis=0) == pytest.approx([1, 1.1, 1.1, 1.21], abs=0.005)
    assert (drawn == 1.0).all(axis=1).mean() == pytest.approx(0.25, abs=0.01)


def test_a_longer_contract_moves_at_its_renewals_alone() -> None:
    growth = Growth((Bank("", "long", ((1.0,), (1.3,))),))
    yearly = contracts(billing_months=12, renewal_months=2.5)
    assert mean_paths(growth, yearly, 15)[0] == pytest.approx([1] * 3 + [1.15] * 12 + [1.15**2])


def test_each_renewal_draws_a_step_of_its_own() -> None:
    growth = Growth((Bank("", "long", ((1.0,), (1.3,))),))
    u = np.random.default_rng(1).random((4, 1, 40_000))
    drawn = drawn_paths(growth, contracts(billing_months=12, renewal_months=2.5), 27, u)[0]
    assert drawn[:, -1].mean() == pytest.approx(1.15**3, rel=0.005)
    assert sorted(set(drawn[:, -1].round(4))) == pytest.approx([1, 1.3, 1.3**2, 1.3**3])


def test_contracts_of_different_cycles_have_steps_of_their_own() -> None:
    months, n = 30, 600
    yearly = np.arange(n) % 2 == 0
    cycle, age = np.where(yearly, 12, 3), np.arange(n) % 12 + np.arange(months)[:, None]
    ahead = cycle - age % cycle - 0.5
    made = panel(100 * 1.08 ** (age // 12), tenure_months=age + 0.5, billing_months=cycle, renewal_months=ahead)
    growth = fit_growth(made, stays_of(made, 30))
    there = contracts(3, billing_months=[12, 3, 6], renewal_months=0.5)
    paths = mean_paths(growth, there, 24)
    assert paths[:2, 12] == pytest.approx(1.08, rel=0.01)
    assert paths[:2, 24] == pytest.approx(1.08**2, rel=0.01)
    # Half a year was never seen: the pool's step, taken to the power of the cycles' ratio.
    assert paths[2, 24] == pytest.approx(1.08**2, rel=0.02)


def test_a_discount_that_ends_multiplies_the_mrr_from_then_on() -> None:
    growth = replace(GROWING, banks=(), uplifts=(1.25, 1.35))
    ends = contracts(3, days_to_discount_end=[0.0, 2 * DAYS_PER_MONTH, np.nan])
    assert mean_paths(growth, ends, 3) == pytest.approx(np.array([[1, 1.3, 1.3, 1.3], [1, 1, 1, 1.3], [1, 1, 1, 1]]))


def test_growth_is_found_by_plan_and_discounts_are_kept_out_of_it() -> None:
    months, n = 14, 300
    plan = np.array(["basic", "team", "team"] * (n // 3))
    factor = np.where(plan == "basic", 1.02, 1.0)
    mrr = 100 * factor ** np.arange(months)[:, None]
    ends = np.full((months, n), np.nan)
    discounted = np.arange(n) % 3 == 2
    ends[:, discounted] = (6 - np.arange(months))[:, None] * DAYS_PER_MONTH - 5
    mrr[:6, discounted] = mrr[:6, discounted] * 0.8
    ends[ends < 0] = np.nan
    made = panel(mrr, days_to_discount_end=ends)
    made = replace(made, contracts=replace(made.contracts, plan=plan[made.customer_keys].astype(object)))
    growth = fit_growth(made, stays_of(made, 30))
    paths = mean_paths(growth, contracts(2, plan=["basic", "team"]), 12)
    assert paths[0, [1, 12]] == pytest.approx([1.02, 1.02**12], rel=0.02)
    assert paths[1, [1, 12]] == pytest.approx([1.0, 1.0], rel=0.02)
    assert growth.uplift == pytest.approx(1.25, rel=0.01)


def test_a_lapse_costs_its_month() -> None:
    rng = np.random.default_rng(2)
    mrr = np.full((14, 2_000), 100.0)
    lapses = rng.random(mrr.shape) < 0.02
    lapses[:, 0], lapses[[0, -1]] = False, False
    lapses &= ~np.r_[np.zeros((1, 2_000), bool), lapses[:-1]]
    mrr[lapses] = np.nan
    made = panel(mrr, churned=np.zeros(mrr.shape, bool))
    path = mean_paths(fit_growth(made, stays_of(made, 30)), contracts(), 12)[0]
    assert path[2:12].mean() == pytest.approx(1 - lapses[1:-1].mean(), abs=0.01)


def test_who_comes_back_is_counted_with_what_they_pay() -> None:
    n, months = 2_000, 8
    mrr = np.full((months, n), 100.0)
    mrr[2:, : n // 2] = np.nan
    mrr[4:, : n // 10] = 150.0
    made = panel(mrr)
    found = fit_returns(made, stays_of(made, 30))
    assert found.monthly[:3] == pytest.approx((0.0, 0.2, 0.2), abs=0.01)
    assert found.monthly_amount == pytest.approx(1.5, abs=0.05)
    assert found.long == ()
    assert found.shares(contracts(), 9)[0] == pytest.approx([0, 0] + [0.2] * 7, abs=0.01)


def test_few_churners_do_not_promise_returns() -> None:
    mrr = np.full((6, 40), 100.0)
    mrr[2, :3] = np.nan
    made = panel(mrr)
    assert fit_returns(made, stays_of(made, 30)) == Returns()
    assert Returns().shares(contracts(billing_months=12), 4).tolist() == [[0, 0, 0, 0]]


def test_contracts_of_different_lengths_are_refused() -> None:
    with pytest.raises(ModelError, match="different lengths"):
        Contracts(np.ones(2), np.ones(2), np.ones(2), np.ones(2), np.ones(2), ["basic"])
