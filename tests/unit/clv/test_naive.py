"""The naive baselines: what anyone would reckon, and how they stand where the model stands."""

from __future__ import annotations

import numpy as np
import pytest

from churn.clv import DAYS_PER_MONTH, Economics
from churn.clv.naive import (
    baseline_values,
    own_rate_of_contracts,
    own_rate_of_purchases,
    segment_averages,
)

TERMS = Economics(horizon_days=30, horizon_months=12, annual_discount_rate=0.1, gross_margin=0.8)


def floats(*values):
    return np.array(values, dtype=np.float64)


def test_a_contract_goes_on_at_what_is_paid_now():
    assert own_rate_of_contracts(floats(100, 0), gross_margin=0.8) == pytest.approx([80, 0])


def test_a_buyer_goes_on_at_the_own_rate_and_the_own_average_value():
    found = own_rate_of_purchases(floats(4, 0, 3), floats(100, 50, 0), floats(25, np.nan, 9), gross_margin=0.5)
    assert found == pytest.approx([0.5 * 4 / 100 * DAYS_PER_MONTH * 25, 0, 0])


def test_a_segment_is_worth_what_its_customers_brought_a_month():
    averages = segment_averages(floats(60, 0, 30, 90), np.array(["a", "a", "b", ""]), months=3)
    assert averages.segments == {"a": 10.0, "b": 10.0}
    assert averages.everybody == 15.0
    assert averages.monthly(np.array(["b", "new", ""]), 3) == pytest.approx([10, 15, 15])
    assert averages.monthly(None, 2) == pytest.approx([15, 15])


def test_without_segments_everybody_has_the_same_average():
    averages = segment_averages(floats(60, 0), None, months=6)
    assert averages.segments == {}
    assert averages.everybody == 5.0
    assert segment_averages(floats(), None, months=6).everybody == 0.0


def test_a_baseline_is_split_by_the_churn_probability_without_changing_it():
    p = floats(0, 0.2, 0.9, 1)
    values = baseline_values(floats(10, 10, 20, 5), p, TERMS)
    assert values.clv == pytest.approx(floats(10, 10, 20, 5) * TERMS.discount_factors().sum())
    assert (1 - p) * values.clv_if_retained + p * values.value_if_churned == pytest.approx(values.clv)
    assert values.clv_if_retained - values.value_if_churned == pytest.approx(values.clv)
    assert np.isnan(values.low).all()
    assert np.isnan(values.variance).all()
    assert values.shifts.shape == (4, 0)


def test_without_a_probability_all_is_lost_with_the_customer():
    values = baseline_values(floats(10), floats(np.nan), TERMS)
    assert values.clv_if_retained == pytest.approx(values.clv)
    assert values.value_if_churned == [0.0]
