"""Who came back: after more than the grace days without paid coverage, or a silence beyond the inactivity days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sql.staging_tables import AS_OF, Staging

GRACE, SILENCE = 14, 90


def returned(staging: Staging) -> dict[int, int]:
    """By customer, the days since the return."""
    rows = staging.run("scores/returns_contractual.sql", grace_days=GRACE)
    rows += staging.run("scores/returns_inactivity.sql", inactivity_days=SILENCE)
    return {row["customer_key"]: (AS_OF - row["returned_date"]).days for row in rows}


@pytest.mark.parametrize(
    ("gap", "since", "came_back"),
    [
        (GRACE, 20, False),
        (GRACE + 1, 20, True),
        (GRACE + 1, 180, True),
        (GRACE + 1, 181, False),
        (GRACE + 1, 1, True),
        (GRACE + 1, 0, False),
    ],
)
def test_paid_coverage_that_resumes_after_more_than_grace_within_180_days_is_a_return(staging, gap, since, came_back):
    staging.subscription(1, -900, -since - gap)
    staging.subscription(1, -since)
    assert returned(staging) == ({1: since} if came_back else {})


def test_a_first_subscription_is_no_return_and_neither_is_a_paid_one_after_a_trial(staging):
    staging.subscription(1, -30)
    staging.subscription(2, -200, -100, mrr=0)
    staging.subscription(2, -30)
    assert returned(staging) == {}


def test_a_parallel_subscription_leaves_no_gap(staging):
    staging.subscription(1, -900, -300)
    staging.subscription(1, -800)
    staging.subscription(1, -100)
    assert returned(staging) == {}


def test_a_cancellation_on_or_after_as_of_is_not_known_yet(staging):
    staging.subscription(1, -900, 0)
    staging.subscription(1, 20)
    assert returned(staging) == {}


def test_a_new_price_is_no_return(staging):
    staging.subscription(1, -300, subscription_id="one", valid_to=-50, mrr=20)
    staging.subscription(1, -300, subscription_id="one", valid_from=-50, mrr=30)
    assert returned(staging) == {}


@pytest.mark.parametrize(
    ("silence", "since", "came_back"),
    [
        (SILENCE, 20, False),
        (SILENCE + 1, 20, True),
        (SILENCE + 1, SILENCE, True),
        (SILENCE + 1, SILENCE + 1, False),
        (SILENCE + 1, 1, True),
        (SILENCE + 1, 0, False),
    ],
)
def test_a_purchase_after_a_longer_silence_within_the_inactivity_days_is_a_return(staging, silence, since, came_back):
    staging.payment(1, -since - silence)
    staging.payment(1, -since)
    staging.payment(1, -since + 1)
    assert returned(staging) == ({1: since} if came_back else {})


def test_only_purchases_end_a_silence_as_they_were_known(staging):
    for key in (1, 2, 3, 4):
        staging.payment(key, -300)
    staging.payment(1, -10, status="failed")
    staging.payment(2, -10, -5, status="refunded")
    staging.payment(3, -10, valid_to=-5)
    staging.payment(4, -10, valid_from=1)
    assert returned(staging) == {}


def test_the_latest_return_counts(staging):
    for since in (500, 170, 20):
        staging.payment(1, -since)
        staging.subscription(1, -since, -since + 1)
    rows = staging.run("scores/returns_contractual.sql", grace_days=GRACE)
    assert [row["returned_date"] for row in rows] == [AS_OF - timedelta(days=20)]
    assert returned(staging) == {1: 20}
