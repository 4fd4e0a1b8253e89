from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from tests.sql.staging_tables import AS_OF

WINDOWS = (7, 28, 90)


@pytest.mark.parametrize("days", [28, 90])
@pytest.mark.parametrize("beyond", [0, 1, 2])
def test_a_paid_window_begins_days_before_as_of(staging, days, beyond):
    staging.payment(1, -400)
    staging.payment(1, -days - 1 + beyond, amount=25)
    found = staging.features("payments")
    inside = int(beyond > 0)
    assert (found[f"payments_paid_{days}d"], found[f"amount_paid_{days}d"]) == (inside, 25 * inside)


@pytest.mark.parametrize("days", WINDOWS)
@pytest.mark.parametrize("beyond", [0, 1, 2])
def test_a_failed_window_begins_days_before_as_of(staging, days, beyond):
    staging.payment(1, -days - 1 + beyond, status="failed")
    assert staging.features("payments")[f"payments_failed_{days}d"] == int(beyond > 0)


@pytest.mark.parametrize("paid", [0, 1])
def test_a_payment_on_the_as_of_day_is_in_the_future(staging, paid):
    staging.payment(1, paid)
    assert staging.features("payments") == {}


def test_days_since_the_last_of_each_kind(staging):
    for paid, status in [(-1, "refunded"), (-5, "failed"), (-9, "paid"), (-300, "paid")]:
        staging.payment(1, paid, status=status)
    staging.payment(1, -2, amount=0)
    found = staging.features("payments")
    assert (found["days_since_last_payment"], found["days_since_last_failed_payment"]) == (9, 5)


@pytest.mark.parametrize(
    ("days", "at", "trend"),
    [
        *[(28, -29, -1.0), (28, -28, 1.0), (28, -56, -1.0), (28, -57, None)],
        *[(90, -91, -1.0), (90, -90, 1.0), (90, -180, -1.0), (90, -181, None)],
    ],
)
def test_a_trend_compares_with_the_window_before(staging, days, at, trend):
    staging.payment(1, at)
    assert staging.features("payments")[f"amount_trend_{days}d"] == trend


def test_refunds_are_the_refunded_and_the_negative(staging):
    staging.payment(1, -90, amount=40, status="refunded")
    staging.payment(1, -1, amount=-5)
    staging.payment(1, -91, amount=-100)
    staging.payment(1, -3, amount=-7, status="failed")
    found = staging.features("payments")
    assert (found["amount_refunded_90d"], found["payments_paid_90d"]) == (45, 0)


def test_the_share_that_failed(staging):
    for status in ("paid", "paid", "paid", "failed"):
        staging.payment(1, -10, status=status)
    staging.payment(2, -10, status="refunded")
    assert staging.features("payments")["failed_share_90d"] == 0.25
    assert staging.features("payments", 2)["failed_share_90d"] is None


@pytest.mark.parametrize(("learned", "paid", "refunded"), [(-1, 0, 10), (0, 1, 0), (1, 1, 0)])
def test_a_status_counts_from_the_day_after_it_was_learned(staging, learned, paid, refunded):
    staging.payment(1, -20, payment_id="p", valid_to=learned)
    staging.payment(1, -20, payment_id="p", status="refunded", valid_from=learned)
    found = staging.features("payments")
    assert (found["payments_paid_28d"], found["amount_refunded_90d"]) == (paid, refunded)


def test_a_version_from_the_first_moment_of_as_of_is_in_the_future(staging):
    midnight = datetime.combine(AS_OF, time.min)
    staging.payment(1, -20, payment_id="p", valid_to=midnight)
    staging.payment(1, -20, payment_id="p", status="refunded", valid_from=midnight)
    nights = (AS_OF, AS_OF + timedelta(days=1))
    assert [staging.features("payments", as_of=night)["payments_paid_28d"] for night in nights] == [1, 0]
