"""What a period brought, by customer: the outcome that CLV is backtested against."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sql.staging_tables import AS_OF

MONTH_ENDS = (30, 61, 91)
"""Days after as_of at which months of 365.25 / 12 days end."""


def contracts(staging, months=3):
    found = staging.run("clv/realised_contracts.sql", from_date=AS_OF, months=months)
    return {row["customer_key"]: row["revenue"] for row in found}


def purchases(staging, days=90, inactivity_days=60):
    found = staging.run(
        "clv/realised_purchases.sql",
        from_date=AS_OF,
        to_date=AS_OF + timedelta(days=days),
        inactivity_days=inactivity_days,
    )
    return {row["customer_key"]: row["revenue"] for row in found}


def test_a_contract_that_goes_on_brings_its_mrr_every_month(staging):
    staging.subscription(1, -100, mrr=50)
    assert contracts(staging) == {1: 150}
    assert contracts(staging, months=12) == {1: 600}


@pytest.mark.parametrize(("end", "months"), [(29, 0), (30, 1), (60, 1), (61, 2), (90, 2), (91, 3)])
def test_a_contract_brings_nothing_after_its_end(staging, end, months):
    staging.subscription(1, -100, end, mrr=10)
    assert contracts(staging) == {1: 10 * months}


def test_only_those_active_at_the_beginning_count_and_a_return_counts_again(staging):
    staging.subscription(1, -100, -1, mrr=10)
    staging.subscription(2, 0, mrr=10)
    staging.subscription(3, -100, 10, mrr=10)
    staging.subscription(3, 70, mrr=20)
    staging.subscription(4, -100, 0, mrr=10)
    staging.subscription(5, -100, mrr=0)
    assert contracts(staging) == {3: 20, 4: 0}


def test_an_upgrade_and_a_second_contract_add_up(staging):
    staging.subscription(1, -100, mrr=10)
    staging.subscription(1, 45, mrr=5)
    assert contracts(staging) == {1: 10 + 15 + 15}


def test_buyers_bring_what_they_pay_net_of_refunds_within_the_period(staging):
    staging.payment(1, -10, 99)
    for paid, amount in ((0, 20), (50, 30), (89, 5), (90, 1000)):
        staging.payment(1, paid, amount)
    staging.payment(1, 60, -10)
    staging.payment(1, 61, -7, status="refunded")
    staging.payment(1, 62, 40, status="refunded")
    staging.payment(1, 63, 40, status="failed")
    assert purchases(staging) == {1: 38}


@pytest.mark.parametrize(("last", "counts"), [(-61, False), (-60, True), (-1, True), (0, False)])
def test_only_those_who_would_have_been_scored_count(staging, last, counts):
    staging.payment(1, last, 10)
    assert purchases(staging) == ({1: 0} if counts else {})


def test_a_discount_that_runs_is_told_in_days_and_one_that_ended_is_not(staging):
    staging.subscription(1, -100, discount=40)
    staging.subscription(2, -100, discount=0)
    staging.subscription(3, -100, discount=-1)
    staging.subscription(4, -100, -5, discount=40)
    staging.subscription(5, 0, discount=40)
    staging.subscription(6, -100, mrr=0, discount=40)
    found = {row["customer_key"]: row["days_to_discount_end"] for row in staging.run("clv/discount_ends.sql")}
    assert found == {1: 40, 2: 0}


def test_a_discount_that_was_granted_later_was_not_known_then(staging):
    staging.subscription(1, -100, subscription_id="s", valid_to=20)
    staging.subscription(1, -100, subscription_id="s", valid_from=20, discount=60)
    assert staging.run("clv/discount_ends.sql") == []
    (later,) = staging.run("clv/discount_ends.sql", as_of=AS_OF + timedelta(days=21))
    assert later == {"customer_key": 1, "days_to_discount_end": 39}
