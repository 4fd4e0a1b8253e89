"""Contractual CLV: cohorts, the split by p, money, intervals, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.clv_contracts import COVERED, WORLDS, life_of, outcome, panel_of, snapshot, world
from churn.clv import (
    ClvValues,
    Contracts,
    ContractualModel,
    Economics,
    LifeTable,
    Panel,
    contractual_clv,
    contractual_value,
    fit_contractual,
)
from churn.clv.cohorts import Cohort, Cohorts, fit_cohorts
from churn.clv.contractual_value import predictive_draws
from churn.clv.growth import Bank, Growth
from churn.clv.returns import Returns
from churn.clv.splice import Splice
from churn.clv.values import DAYS_PER_MONTH
from churn.errors import ModelError
from tests.unit.clv.contracts import contracts

FLAT = ContractualModel(Cohorts((Cohort("", 0, 0.05, None, (0.05,)),)))
RICH = replace(
    FLAT,
    splice=Splice(level=(0.1, 0.0), persistence=(0.6, -0.1), last=6, size=-0.1, long_level=0.05, means=(("", 4.6),)),
    growth=Growth(
        (
            Bank("", "grown", ((1.0,) * 12, (1.0,) * 5 + (1.2,) * 7, (1.0,) * 3 + (0.9,) * 8 + (0.0,))),
            Bank("", "long", ((1.0,), (1.1,))),
        ),
        (1.25,),
        0.02,
    ),
    returns=Returns((0.0, 0.1, 0.15), (), 1.2),
)


def clv(
    p: list[float], there: Contracts, model: ContractualModel = FLAT,
    *, days: int = 30, months: int = 12, rate: float = 0.1, margin: float = 0.8, keys: np.ndarray | None = None,
) -> ClvValues:  # fmt: skip
    keys = np.arange(len(p)) if keys is None else keys
    terms = Economics(days, months, rate, margin)
    return contractual_clv(model, there, p, economics=terms, customer_keys=keys, seed=1)


def test_with_the_curves_own_hazard_clv_is_the_textbook_sum() -> None:
    expected = sum(0.8 * 100 * 0.95**k / 1.1 ** (k / 12) for k in range(1, 13))
    assert clv([np.nan], contracts()).clv == pytest.approx([expected])
    assert clv([np.nan], contracts(), days=90).clv == pytest.approx([expected])


def test_who_churns_within_a_long_horizon_pays_until_then() -> None:
    found = clv([0.3], contracts(mrr=1.0), days=90, months=2, rate=0.0, margin=1.0)
    h = 90 / DAYS_PER_MONTH
    stays = [0.7 ** (k / h) for k in (1, 2)]
    assert found.clv == pytest.approx([sum(stays)])
    assert found.value_if_churned == pytest.approx([sum(s - 0.7 for s in stays) / 0.3])


def test_who_leaves_later_may_come_back_and_who_leaves_within_the_horizon_is_lost() -> None:
    model = replace(FLAT, returns=Returns((0.0, 0.2), (), 1.5))
    there = contracts(mrr=10.0)
    found = clv([0.3], there, model, rate=0.0, margin=1.0)
    plain = clv([0.3], there, rate=0.0, margin=1.0)
    stays = [1.0, *(0.95 ** (month - 30 / DAYS_PER_MONTH) for month in range(1, 13))]
    again = sum((stays[m - 1] - stays[m]) * (11 - m) * 0.2 * 1.5 * 10 for m in range(1, 12))
    assert found.clv_if_retained - plain.clv_if_retained == pytest.approx([again])
    assert found.value_if_churned == pytest.approx([0])
    assert found.clv == pytest.approx(0.7 * found.clv_if_retained)


@settings(max_examples=80, deadline=None)
@given(
    p=st.floats(0, 1), days=st.integers(1, 400), tenure=st.floats(0, 130), rate=st.floats(0, 0.5),
    billing=st.sampled_from([1, 3, 12]), ahead=st.floats(0, 11.9),
)  # fmt: skip
def test_clv_is_split_by_p_exactly_whatever_the_model(
    p: float, days: int, tenure: float, rate: float, billing: int, ahead: float
) -> None:
    there = contracts(2, tenure_months=tenure, billing_months=billing, renewal_months=ahead % billing)
    risk = np.array([p, min(1.0, p + 0.1)])
    found = clv(list(risk), there, RICH, days=days, rate=rate)
    assert found.clv == pytest.approx((1 - risk) * found.clv_if_retained + risk * found.value_if_churned)
    assert (found.value_if_churned >= -1e-9).all()
    plain = clv(list(risk), there, days=days, rate=rate)
    assert (plain.value_if_churned <= plain.clv_if_retained + 1e-9).all()
    assert plain.clv[1] <= plain.clv[0] + 1e-9


def test_certain_and_impossible_churn_are_finite() -> None:
    found = clv([0.0, 1.0, 1 - 1e-15, 1e-15], contracts(4), RICH, days=90)
    assert all(np.isfinite(getattr(found, name)).all() for name in ClvValues.__annotations__)
    plain = clv([0.0, 1.0], contracts(2))
    assert plain.clv[0] == pytest.approx(plain.clv_if_retained[0])
    assert plain.clv[1] == 0


def test_unknown_mrr_stays_unknown_and_nothing_else_does() -> None:
    found = clv([0.1, 0.1, np.nan], contracts(3, mrr=[np.nan, 0.0, 50.0], plan=["", "other", "basic"]), RICH)
    assert np.isnan(found.clv[0])
    assert np.isnan(found.low[0])
    assert found.clv[1] == 0
    assert found.clv[2] > 0


def test_nobody_is_valued_where_nobody_is() -> None:
    found = clv([], contracts(0))
    assert (len(found.clv), found.shifts.shape) == (0, (0, 2))


# --- intervals ----------------------------------------------------------------------------------------------------


def test_draws_have_the_mean_that_is_stated_and_the_interval_holds_four_fifths_of_them() -> None:
    n = 3_000
    there = contracts(n, billing_months=np.where(np.arange(n) % 3, 1, 12), renewal_months=4.5, tenure_months=7.5)
    p = np.full(n, 0.1)
    terms = Economics(30, 24, 0.1, 0.8)
    draws = predictive_draws(RICH, there, p, economics=terms, customer_keys=np.arange(n), seed=3)
    found = contractual_clv(RICH, there, p, economics=terms, customer_keys=np.arange(n), seed=3)
    for rows in (np.arange(n) % 3 == 0, np.arange(n) % 3 > 0):
        assert draws[rows].mean() == pytest.approx(found.clv[rows].mean(), rel=0.01)
    inside = (draws >= found.low[:, None]) & (draws <= found.high[:, None])
    assert 0.79 < inside.mean() < 0.9
    assert found.variance == pytest.approx(draws.var(axis=1))


def test_draws_of_longer_contracts_have_the_mean_that_is_stated_over_many_renewals() -> None:
    steps = ((1.05,),) * 140 + ((1.0,),) * 8 + ((2.0,),) * 12
    model, n = replace(FLAT, growth=Growth((Bank("", "long", steps),))), 400
    for billing, months in ((12, 24), (12, 60), (3, 24)):
        there = contracts(n, billing_months=billing, renewal_months=0.6)
        terms, p = Economics(30, months, 0.1, 0.8), np.full(n, 0.001)
        found = contractual_clv(model, there, p, economics=terms, customer_keys=np.arange(n), seed=3)
        draws = predictive_draws(model, there, p, economics=terms, customer_keys=np.arange(n), seed=3)
        assert draws.mean() == pytest.approx(found.clv.mean(), rel=0.01)
        assert ((found.low <= found.clv) & (found.clv <= found.high)).mean() >= 0.98


def test_values_do_not_depend_on_how_many_are_valued_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 450
    there = contracts(n, billing_months=np.where(np.arange(n) % 3, 1, 3), renewal_months=0.6)
    whole = clv([0.03] * n, there, RICH, months=120)
    monkeypatch.setattr(contractual_value, "_CHUNK_MONTHS", 120)
    monkeypatch.setattr(contractual_value, "_LEAST_CHUNK", 7)
    parts = clv([0.03] * n, there, RICH, months=120)
    assert all(np.array_equal(getattr(whole, name), getattr(parts, name)) for name in ClvValues.__annotations__)


def test_a_customers_interval_does_not_depend_on_who_is_valued_beside_them() -> None:
    there, p, keys = contracts(9), np.linspace(0.01, 0.5, 9), np.arange(100, 109)
    together = clv(list(p), there, RICH, keys=keys)
    for place in (0, 4, 8):
        alone = clv([p[place]], there.take(slice(place, place + 1)), RICH, keys=keys[place : place + 1])
        assert (alone.low[0], alone.high[0]) == (together.low[place], together.high[place])


def test_shared_uncertainty_moves_everyones_value_the_same_way() -> None:
    found = clv([0.02, 0.3], contracts(2), RICH)
    assert (found.shifts[:, 0] < 0).all()
    assert found.shifts[:, 1] == pytest.approx(found.clv * 0.02)


def test_intervals_hold_in_small_worlds() -> None:
    worlds = 16
    found = [outcome(seed, 800) for seed in range(worlds)]
    assert sum(one.covered for one in found) >= COVERED / WORLDS * worlds
    pit = np.concatenate([one.pit for one in found])
    assert ((pit >= 0.1) & (pit <= 0.9)).mean() == pytest.approx(0.8, abs=0.02)


# --- cohorts and fitting ------------------------------------------------------------------------------------------


def life(**kinds: tuple[int, float]) -> LifeTable:
    """Per `plan_billing`: at risk, hazard at renewals 0 to 9, halving after five."""
    rows = [
        (
            plan.split("_")[0],
            float(plan.split("_")[1]),
            renewal,
            at_risk,
            at_risk * (hazard if renewal < 5 else hazard / 2),
        )
        for plan, (at_risk, hazard) in kinds.items()
        for renewal in range(10)
    ]
    plans, billing, renewals, at_risk, churned = zip(*rows, strict=True)
    return LifeTable(plans, *(np.array(column, float) for column in (billing, renewals, at_risk, churned)))


def test_a_cohort_of_enough_churners_has_its_own_curve_and_others_share_one_at_their_level() -> None:
    curves = fit_cohorts(life(basic_1=(1_000, 0.06), team_1=(1_000, 0.03), rare_1=(100, 0.03), basic_12=(200, 0.2)))
    plans = ["basic", "team", "rare", "unheard", "basic", "team"]
    billing = np.array([1.0, 1, 1, 1, 12, 12])
    hazard = curves.hazards(curves.positions(plans, billing), np.full(6, 2.0))
    pooled = hazard[3]
    assert hazard[0] == pytest.approx(0.058, abs=0.01)
    assert hazard[1] == pytest.approx(0.029, abs=0.006)
    assert hazard[1] < hazard[2] < pooled < hazard[0]
    assert hazard[4] == hazard[5] == pytest.approx(0.19, abs=0.03)
    unknown = curves.hazards(curves.positions(["basic"], np.array([7.0])), np.array([2.0]))
    assert 0.03 < unknown[0] < 0.1


def test_hardly_any_churner_leaves_one_constant_hazard() -> None:
    curves = fit_cohorts(LifeTable(["a"], np.array([1.0]), np.array([0.0]), np.array([20.0]), np.array([1.0])))
    assert curves.hazards(np.zeros(2, np.intp), np.array([0.0, 90.0])) == pytest.approx([1.5 / 21] * 2)


def test_curves_fitted_anew_keep_what_training_found() -> None:
    made = panel_of(world(1, 600))
    model = fit_contractual(life_of(made), made, horizon_days=30)
    renewed = model.with_curves(life(basic_1=(1_000, 0.06)))
    assert renewed.cohorts != model.cohorts
    assert replace(renewed, cohorts=model.cohorts) == model


def test_the_life_table_alone_makes_a_model() -> None:
    model = fit_contractual(life(basic_1=(1_000, 0.06)), None, horizon_days=30)
    assert (model.splice, model.growth, model.returns) == (Splice(), Growth(), Returns())
    assert clv([0.1], contracts(), model).clv[0] > 0


def test_snapshots_after_the_runs_date_are_refused() -> None:
    made = panel_of(world(1, 100))
    last = date.fromordinal(int(made.as_of.max()))
    fit_contractual(life_of(made), made, horizon_days=30, until=last)
    with pytest.raises(ModelError, match="as of"):
        fit_contractual(life_of(made), made, horizon_days=30, until=date.fromordinal(last.toordinal() - 1))


def test_a_years_value_is_right_where_the_risk_lasts() -> None:
    ratios = []
    for seed in range(100, 104):
        made = world(seed, 3_000)
        panel = panel_of(made)
        who, there, p = snapshot(made, 30)
        found = contractual_clv(
            fit_contractual(life_of(panel), panel, horizon_days=30), there, p,
            economics=Economics(30, 12, 0.1, 0.8), customer_keys=who, seed=1,
        )  # fmt: skip
        paid = made.mrr[31:43, who].T @ (1.1 ** (-np.arange(1, 13) / 12)) * 0.8
        tenths = np.array_split(np.argsort(p), 5)
        ratios.append([found.clv[part].sum() / paid[part].sum() for part in tenths])
    assert np.mean(ratios, axis=0) == pytest.approx(np.ones(5), abs=0.06)


@pytest.mark.parametrize("billing", [3, 12])
@pytest.mark.parametrize("days", [60, 90])
def test_totals_hold_where_the_churn_horizon_is_longer_than_a_month(days: int, billing: int) -> None:
    n, past, months = 6_000, 36, 24
    rng = np.random.default_rng(5)
    hazard = rng.choice([0.1, 0.3], n)
    start = rng.integers(0, past, n)
    end = start + billing * rng.geometric(hazard)
    # Who starts in month s is there at month ends s + 1 to `end`, and comes up half a month after a cycle's last.
    month, key = np.nonzero((np.arange(past)[:, None] > start) & (np.arange(past)[:, None] <= end))
    age = month - start[key]
    ahead = billing - 0.5 - (age - 1) % billing
    horizon = days / DAYS_PER_MONTH
    renewals = np.maximum(np.floor((horizon - ahead) / billing) + 1, 0)
    p = 1 - (1 - hazard[key]) ** renewals
    churned = end[key] + 0.5 - month < horizon
    there = contracts(len(key), tenure_months=age - 0.5, billing_months=billing, renewal_months=ahead)
    seen = month + horizon <= past - 1
    made = Panel(key[seen], month[seen], there.take(seen), p[seen], np.ones(seen.sum()), churned[seen])
    due = (ahead < 1) & (month < past - 1)
    renewal = (age - 1) // billing
    at_risk, left = np.bincount(renewal[due]), np.bincount(renewal[due], weights=end[key][due] == month[due])
    table = LifeTable(
        ["basic"] * len(left),
        np.full(len(left), float(billing)),
        np.arange(len(left), dtype=np.float64),
        at_risk.astype(np.float64),
        left.astype(np.float64),
    )
    model = fit_contractual(table, made, horizon_days=days)
    now = month == past - 1
    found = contractual_clv(
        model, there.take(now), p[now],
        economics=Economics(days, months, 0.0, 1.0), customer_keys=key[now], seed=1,
    )  # fmt: skip
    paid = 100.0 * np.minimum(end[key[now]] - (past - 1), months).sum()
    assert found.clv.sum() / paid == pytest.approx(1.0, abs=0.03)


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ModelError, match="not scores"):
        clv([-0.1], contracts())
    with pytest.raises(ModelError, match="different lengths"):
        clv([0.1], contracts(2))
