from __future__ import annotations

import pytest

CONTRACTUAL = "features/population_contractual.sql"
INACTIVITY = "features/population_inactivity.sql"


@pytest.mark.parametrize(
    ("started", "ended", "mrr", "scored"),
    [
        (-1, None, 50, True),
        (0, None, 50, False),
        (1, None, 50, False),
        (-10, -1, 50, False),
        (-10, 0, 50, True),
        (-10, 1, 50, True),
        (-10, None, 0, False),
    ],
)
def test_a_customer_is_scored_while_a_paid_subscription_is_active(staging, started, ended, mrr, scored):
    staging.subscription(1, started, ended, mrr)
    assert staging.run(CONTRACTUAL) == ([{"customer_key": 1, "mrr": 50}] if scored else [])


def test_parallel_subscriptions_make_one_customer_with_their_sum(staging):
    staging.subscription(1, -10, mrr=20)
    staging.subscription(1, -5, mrr=30)
    staging.subscription(1, -5, mrr=0)
    assert staging.run(CONTRACTUAL) == [{"customer_key": 1, "mrr": 50}]


def test_a_customer_inside_a_gap_is_not_scored(staging):
    staging.subscription(1, -10, -1)
    staging.subscription(1, 0)
    assert staging.run(CONTRACTUAL) == []


@pytest.mark.parametrize(("paid", "scored"), [(-91, False), (-90, True), (-89, True), (-1, True), (0, False)])
def test_a_buyer_of_the_inactivity_window_is_scored(staging, paid, scored):
    staging.payment(1, paid)
    found = staging.run(INACTIVITY, inactivity_days=90)
    assert found == ([{"customer_key": 1, "mrr": None}] if scored else [])


@pytest.mark.parametrize("columns", [{"status": "failed"}, {"status": "refunded"}, {"amount": 0}, {"amount": -5}])
def test_only_a_positive_paid_payment_makes_a_buyer(staging, columns):
    staging.payment(1, -1, **columns)
    assert staging.run(INACTIVITY, inactivity_days=90) == []
