from __future__ import annotations

from datetime import date

import pytest

from tests.sql.staging_tables import AS_OF


@pytest.mark.parametrize(("started", "change"), [(-30, 0), (-29, 0), (-28, None), (-27, None)])
def test_mrr_change_is_missing_if_nothing_was_paid_for_then(staging, started, change):
    staging.subscription(1, started, mrr=50)
    assert staging.features("revenue")["mrr_change_28d"] == change


@pytest.mark.parametrize(("ended", "change"), [(-89, -20), (-90, -20), (-91, 0)])
def test_mrr_change_is_against_what_was_active_on_that_day(staging, ended, change):
    staging.subscription(1, -400, mrr=30)
    staging.subscription(1, -300, ended, mrr=20)
    found = staging.features("revenue")
    assert (found["mrr"], found["mrr_change_90d"]) == (30, change)


def test_parallel_subscriptions_add_up_and_so_does_their_peak(staging):
    staging.subscription(1, -400, mrr=30)
    staging.subscription(1, -300, -200, mrr=20)
    staging.subscription(1, -200, -100, mrr=10)
    found = staging.features("revenue")
    assert (found["mrr"], found["mrr_share_of_peak"]) == (30, pytest.approx(0.6))


def test_mrr_of_a_customer_without_an_active_subscription_is_zero(staging):
    staging.subscription(1, -400, -1)
    found = staging.features("revenue")
    assert (found["mrr"], found["mrr_share_of_peak"], found["billing_months"]) == (0, 0, None)


@pytest.mark.parametrize(("until", "expected"), [(-2, 2), (-1, 1), (0, None), (1, None), (None, None)])
def test_a_discount_that_still_runs_has_not_ended(staging, until, expected):
    staging.subscription(1, -100, discount=until)
    assert staging.features("revenue")["days_since_discount_end"] == expected


@pytest.mark.parametrize(
    ("started", "months", "as_of", "renewal"),
    [
        (date(2025, 6, 1), 1, AS_OF, date(2025, 7, 1)),
        (date(2025, 6, 2), 1, AS_OF, date(2025, 7, 2)),
        (date(2025, 5, 30), 1, AS_OF, date(2025, 7, 30)),
        (date(2025, 6, 30), 1, AS_OF, date(2025, 7, 30)),
        (date(2024, 7, 1), 12, AS_OF, date(2025, 7, 1)),
        (date(2024, 6, 30), 12, AS_OF, date(2026, 6, 30)),
        (date(2024, 7, 2), 12, AS_OF, date(2025, 7, 2)),
        (date(2025, 2, 14), 3, AS_OF, date(2025, 8, 14)),
        (date(2025, 1, 31), 1, date(2025, 2, 15), date(2025, 2, 28)),
        (date(2025, 1, 31), 1, date(2025, 2, 28), date(2025, 2, 28)),
        (date(2025, 1, 31), 1, date(2025, 3, 1), date(2025, 3, 31)),
        (date(2024, 2, 29), 12, date(2025, 3, 1), date(2026, 2, 28)),
        (date(2025, 6, 10), 12, date(2025, 6, 20), date(2026, 6, 10)),
        (date(2025, 6, 10), 36, date(2025, 6, 20), date(2028, 6, 10)),
    ],
)
def test_a_renewal_falls_on_the_day_of_the_month_of_the_start(staging, started, months, as_of, renewal):
    staging.subscription(1, started, billing_months=months)
    assert staging.features("revenue", as_of=as_of)["days_to_renewal"] == (renewal - as_of).days


def test_billing_is_that_of_the_dearest_active_subscription(staging):
    staging.subscription(1, -50, mrr=10, billing_months=1)
    staging.subscription(1, -40, mrr=20, billing_months=12)
    found = staging.features("revenue")
    assert (found["billing_months"], found["days_to_renewal"]) == (12, 325)


@pytest.mark.parametrize("months", [None, 0])
def test_without_billing_months_there_is_no_renewal(staging, months):
    staging.subscription(1, -50, billing_months=months)
    found = staging.features("revenue")
    assert (found["billing_months"], found["days_to_renewal"]) == (None, None)


def test_a_price_change_keeps_the_renewal(staging):
    staging.subscription(1, date(2025, 1, 20), mrr=40, subscription_id="a", valid_to=-10)
    staging.subscription(1, date(2025, 1, 20), mrr=50, subscription_id="a", valid_from=-10)
    found = staging.features("revenue")
    assert (found["mrr"], found["mrr_change_28d"], found["days_to_renewal"]) == (50, 10, 19)
