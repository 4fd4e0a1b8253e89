"""What counts as a purchase, and how refunds lower what purchases were worth."""

from __future__ import annotations

import pytest


def histories(staging):
    return {row["customer_key"]: row for row in staging.run("clv/purchase_histories.sql")}


def net_shares(staging):
    return {row["customer_key"]: row["net_share"] for row in staging.run("clv/refunded_customers.sql")}


def test_purchases_of_a_day_are_one_and_the_first_day_is_no_repeat(staging):
    for paid, amount in ((-30, 10), (-20, 5), (-20, 15), (-1, 40), (0, 99)):
        staging.payment(1, paid, amount)
    assert histories(staging)[1] == {
        "customer_key": 1,
        "frequency": 2,
        "recency_days": 29,
        "t_days": 30,
        "monetary_value": 30.0,
    }


def test_gifts_refunds_failures_and_payments_taken_back_are_no_purchases(staging):
    staging.payment(1, -30, 10)
    staging.payment(1, -20, 0)
    staging.payment(1, -15, 10, status="failed")
    staging.payment(1, -10, 10, status="refunded")
    staging.payment(2, -10, 0)
    staging.payment(3, -10, -5)
    found = histories(staging)
    assert set(found) == {1}
    assert (found[1]["frequency"], found[1]["monetary_value"]) == (0, None)
    assert net_shares(staging) == {}


@pytest.mark.parametrize("status", ["paid", "refunded"])
def test_a_refund_lowers_what_every_purchase_was_worth_and_not_how_many_there_were(staging, status):
    for paid, amount in ((-30, 20), (-20, 40), (-10, 40)):
        staging.payment(1, paid, amount)
    staging.payment(1, -5, -25, status=status)
    found = histories(staging)[1]
    assert (found["frequency"], found["recency_days"]) == (2, 20)
    assert found["monetary_value"] == pytest.approx(40 * 0.75)
    assert net_shares(staging) == {1: pytest.approx(0.75)}


def test_refunds_above_all_purchases_leave_nothing_and_never_less(staging):
    staging.payment(1, -30, 20)
    staging.payment(1, -20, 20)
    staging.payment(1, -10, -100)
    assert histories(staging)[1]["monetary_value"] == 0
    assert net_shares(staging) == {1: 0}


def test_a_refund_on_the_night_is_in_the_future(staging):
    staging.payment(1, -30, 20)
    staging.payment(1, -20, 20)
    staging.payment(1, 0, -20)
    assert net_shares(staging) == {}
    staging.payment(1, -1, -20)
    assert net_shares(staging) == {1: pytest.approx(0.5)}


def test_a_refund_that_was_learned_of_later_did_not_count_then(staging):
    staging.payment(1, -30, 20)
    staging.payment(1, -20, 20)
    staging.payment(1, -10, -20, valid_from=0)
    assert net_shares(staging) == {}
    assert histories(staging)[1]["monetary_value"] == 20
