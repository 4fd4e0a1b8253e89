from __future__ import annotations

import pytest


def test_frequency_counts_repeat_days_and_monetary_value_leaves_the_first_out(staging):
    for paid, amount in [(-300, 1000), (-300, 1), (-200, 10), (-200, 20), (-100, 40)]:
        staging.payment(1, paid, amount)
    found = staging.features("rfm")
    assert (found["frequency"], found["recency_days"], found["t_days"]) == (2, 200, 300)
    assert (found["monetary_value"], found["purchase_interval_days"]) == (35, 100)
    assert found["days_since_last_purchase"] == 100


def test_a_single_purchase_day_has_no_repeats(staging):
    staging.payment(1, -1, 10)
    staging.payment(1, -1, 20)
    found = staging.features("rfm")
    assert (found["frequency"], found["recency_days"], found["t_days"]) == (0, 0, 1)
    assert (found["monetary_value"], found["purchase_interval_days"]) == (None, None)
    assert found["purchases_28d"] == 1


@pytest.mark.parametrize(
    "columns", [{"status": "failed"}, {"status": "refunded"}, {"amount": 0}, {"amount": -5}, {"paid": 0}, {"paid": 1}]
)
def test_only_positive_paid_payments_before_as_of_are_purchases(staging, columns):
    staging.payment(1, **{"paid": -1, **columns})
    assert staging.features("rfm") == {}


@pytest.mark.parametrize(("name", "days"), [("purchases", 28), ("purchases", 90), ("spend", 90), ("spend", 365)])
@pytest.mark.parametrize("beyond", [0, 1, 2])
def test_a_window_begins_days_before_as_of(staging, name, days, beyond):
    staging.payment(1, -400)
    staging.payment(1, -days - 1 + beyond, 1)
    assert staging.features("rfm")[f"{name}_{days}d"] == int(beyond > 0)


@pytest.mark.parametrize(("at", "trend"), [(-91, -1.0), (-90, 1.0), (-180, -1.0), (-181, None)])
def test_a_trend_compares_with_the_window_before(staging, at, trend):
    staging.payment(1, at)
    assert staging.features("rfm")["spend_trend_90d"] == trend
