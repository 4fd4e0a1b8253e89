"""Values of a batch, facts beside its features, and what a run says of the CLV model in force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from churn.clv import ContractualModel, Economics, LifeTable, fit_contractual
from churn.config import Settings
from churn.matrix import Batch, FeatureNames
from churn.valuation import ClvInForce, contracts_of, stakes, value_batch
from churn.valuation.facts import ByCustomer

NAMES = FeatureNames(("mrr", "paid_tenure_days"), ("plan",), (("basic", "pro"),))
BATCH = Batch(
    np.array([3, 5, 9]),
    np.array([[10, 100], [20, 200], [30, 300]], np.float32),
    np.array([[0], [1], [-1]], np.int32),
)
LIFE = LifeTable(["basic"] * 12, np.ones(12), np.arange(12.0), np.full(12, 1000.0), np.full(12, 40.0))
P = np.array([0.01, 0.1, 0.5])
BACKTEST = {
    "from_date": "2025-01-01",
    "to_date": "2025-10-01",
    "best": "own_rate",
    "methods": {
        "model": {
            "customers": 900, "predicted": 80_000.0, "realised": 100_000.0, "mean_absolute_error": 3.0,
            "decile_error": 0.25, "rank_correlation": 0.812,
        },
        "own_rate": {
            "customers": 900, "predicted": 101_000.0, "realised": 100_000.0, "mean_absolute_error": 2.0,
            "decile_error": 0.05, "rank_correlation": None,
        },
    },
}  # fmt: skip


def model() -> ContractualModel:
    return fit_contractual(LIFE, None, horizon_days=30)


def in_force(*, is_new: bool = False, **details: Any) -> ClvInForce:
    return ClvInForce("clv-20251103-abcdef01", model(), details, is_new)


def settings(method: str = "model") -> Settings:
    return Settings(clv={"method": method}, churn={"definition": "contractual", "horizon_days": 30})


def test_a_number_of_some_customers_is_found_by_key_and_others_have_the_default():
    some = ByCustomer(np.array([3, 9]), np.array([1.5, 2.5]))
    assert some.of(np.array([9, 1, 3, 12]), 0.0).tolist() == [2.5, 0.0, 1.5, 0.0]
    assert ByCustomer.nobody().of(np.array([1, 2]), 7.0).tolist() == [7.0, 7.0]


def test_contracts_take_plans_by_name_and_what_is_not_known_as_missing():
    contracts = contracts_of(NAMES, BATCH, np.array([np.nan, 12.0, np.nan]))
    assert list(contracts.plan) == ["basic", "pro", ""]
    assert contracts.mrr.tolist() == [10, 20, 30]
    assert np.isnan(contracts.billing_months).all()
    assert contracts.days_to_discount_end[1] == 12
    without = contracts_of(FeatureNames(("mrr",)), Batch(BATCH.customer_keys, BATCH.numbers[:, :1], BATCH.codes), P)
    assert list(without.plan) == ["", "", ""]


def test_the_baseline_in_use_stands_in_the_model_s_place_and_is_all_at_stake():
    found = value_batch(settings("own_rate"), NAMES, BATCH, in_force(), P).values
    terms = Economics(30, settings().clv.horizon_months, settings().clv.annual_discount_rate, 0.8)
    assert found.clv == pytest.approx(np.array([10, 20, 30]) * 0.8 * terms.discount_factors().sum())
    assert stakes(settings("own_rate"), NAMES, BATCH, in_force(), P) == pytest.approx(found.clv)
    assert np.isnan(value_batch(settings("own_rate"), NAMES, BATCH, in_force(), P).p_alive).all()


def test_a_segment_is_valued_at_its_average_and_without_averages_the_model_values():
    averages = {"months": 6, "everybody": 5.0, "segments": {"a": 9.0}}
    known = in_force(segment_averages=averages)
    found = value_batch(settings("segment_average"), NAMES, BATCH, known, P, segments=np.array(["a", "new", "a"]))
    assert found.values.clv[0] == found.values.clv[2] == pytest.approx(found.values.clv[1] * 9 / 5)
    for lacking in (in_force(segment_averages=None), in_force(segment_averages=averages | {"segments": {}})):
        by_model = value_batch(settings(), NAMES, BATCH, lacking, P).values.clv
        assert value_batch(settings("segment_average"), NAMES, BATCH, lacking, P).values.clv == pytest.approx(by_model)
        assert "no averages by segment are known yet" in " ".join(lacking.notes(settings("segment_average")))


def test_without_a_model_nobody_has_a_value_but_by_the_own_rate():
    none = ClvInForce("none", None, {}, why_not="CLV could not be fitted: too few.")
    for method in ("model", "segment_average"):
        assert np.isnan(value_batch(settings(method), NAMES, BATCH, none, P).values.clv).all()
        assert none.method(settings(method)) == "none"
        assert none.notes(settings(method))[0] == "CLV could not be fitted: too few."
        assert "nobody has a CLV" in none.notes(settings(method))[1]
    own = value_batch(settings("own_rate"), NAMES, BATCH, none, P).values.clv
    assert own == pytest.approx(value_batch(settings("own_rate"), NAMES, BATCH, in_force(), P).values.clv)
    assert none.notes(settings("own_rate")) == ["CLV could not be fitted: too few."]


def test_the_stake_of_the_model_is_what_staying_is_worth_and_unknown_money_is_none():
    values = value_batch(settings(), NAMES, BATCH, in_force(), P).values
    assert stakes(settings(), NAMES, BATCH, in_force(), P) == pytest.approx(
        values.clv_if_retained - values.value_if_churned
    )
    unknown = Batch(BATCH.customer_keys, np.full((3, 2), np.nan, np.float32), BATCH.codes)
    assert stakes(settings(), NAMES, unknown, in_force(), P).tolist() == [0.0, 0.0, 0.0]


def test_a_run_says_which_method_came_nearer_until_it_is_the_one_in_use():
    (note,) = in_force(backtest=BACKTEST).notes(settings())
    assert "each customer's own rate came nearer (total +1.0%, deciles 5.0%)" in note
    assert "the model, which is in use (total -20.0%, deciles 25.0%)" in note
    assert note.endswith('clv.method = "own_rate" in churn.toml chooses it.')
    assert in_force(backtest=BACKTEST).notes(settings("own_rate")) == []
    assert in_force(backtest=None).notes(settings()) == []
    (untested,) = in_force(
        backtest=BACKTEST, segment_averages={"months": 3, "everybody": 1.0, "segments": {"a": 1.0}}
    ).notes(settings("segment_average"))
    assert "the segments' averages, which is in use (not tested)" in untested


def test_notes_of_the_fit_are_told_by_the_run_that_fitted_alone():
    assert in_force(notes=["Heavy tails."], is_new=True).notes(settings()) == ["Heavy tails."]
    assert in_force(notes=["Heavy tails."]).notes(settings()) == []


def test_training_prints_the_model_and_how_near_it_came():
    head, tested = in_force(backtest=BACKTEST).summary(settings())
    assert head == "CLV of contracts over 24 months: clv-20251103-abcdef01."
    assert (
        "80,000 USD of margin predicted, 100,000 realised (total -20.0%, deciles 25.0%, rank correlation 0.81)"
        in tested
    )
    assert tested.endswith("nearest: each customer's own rate.")
    assert in_force().summary(settings()) == (head,)
    assert "101,000 USD" in in_force(backtest=BACKTEST).summary(settings("own_rate"))[1]
