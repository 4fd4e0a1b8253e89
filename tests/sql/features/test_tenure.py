from __future__ import annotations

import pytest

PATH = "features/tenure.sql"


@pytest.mark.parametrize(("signed_up", "expected"), [(-1, 1), (-100, 100)])
def test_tenure_counts_days_since_sign_up(staging, signed_up, expected):
    staging.customer(1, signed_up)
    assert staging.features("tenure")["tenure_days"] == expected


@pytest.mark.parametrize("signed_up", [0, 1])
def test_a_sign_up_on_the_as_of_day_is_in_the_future(staging, signed_up):
    staging.customer(1, signed_up)
    assert staging.features("tenure") == {}


@pytest.mark.parametrize(("started", "active"), [(-2, 1), (-1, 1), (0, None), (1, None)])
def test_a_subscription_is_active_from_the_day_after_its_start(staging, started, active):
    staging.customer(1, -500)
    staging.subscription(1, started)
    assert staging.features("tenure")["active_subscriptions"] == active


@pytest.mark.parametrize(("ended", "active", "paid"), [(-1, 0, 99), (0, 1, 100), (1, 1, 100), (None, 1, 100)])
def test_a_subscription_that_ends_on_as_of_is_still_active(staging, ended, active, paid):
    staging.subscription(1, -100, ended)
    found = staging.features("tenure")
    assert (found["active_subscriptions"], found["paid_tenure_days"]) == (active, paid)
    assert found["subscription_age_days"] == (100 if active else None)
    assert found["plan"] == ("basic" if active else None)


def test_a_trial_is_not_paid_tenure(staging):
    staging.customer(1, -40)
    staging.subscription(1, -40, -10, mrr=0, subscription_id="a")
    staging.subscription(1, -10, subscription_id="b")
    found = staging.features("tenure")
    assert (found["tenure_days"], found["paid_tenure_days"], found["subscription_age_days"]) == (40, 10, 10)
    assert found["past_gaps"] == 0


def test_a_trial_converted_in_place_is_paid_for_from_the_conversion(staging):
    staging.subscription(1, -40, mrr=0, subscription_id="a", valid_to=-10)
    staging.subscription(1, -40, mrr=50, subscription_id="a", valid_from=-10)
    found = staging.features("tenure")
    assert (found["paid_tenure_days"], found["subscription_age_days"]) == (10, 10)


def test_a_price_change_is_neither_a_new_subscription_nor_a_plan_change(staging):
    staging.subscription(1, -40, mrr=40, subscription_id="a", valid_to=-10)
    staging.subscription(1, -40, mrr=50, subscription_id="a", valid_from=-10)
    found = staging.features("tenure")
    assert (found["active_subscriptions"], found["subscription_age_days"], found["paid_tenure_days"]) == (1, 40, 40)
    assert (found["plan_changes_365d"], found["days_since_plan_change"], found["past_gaps"]) == (0, None, 0)


def test_parallel_and_adjoining_subscriptions_cover_a_day_once(staging):
    staging.subscription(1, -100, -60)
    staging.subscription(1, -80, -50)
    staging.subscription(1, -70, -65)
    staging.subscription(1, -50, -20)
    found = staging.features("tenure")
    assert (found["paid_tenure_days"], found["past_gaps"]) == (80, 0)


def test_a_break_of_a_day_is_a_gap(staging):
    staging.subscription(1, -100, -60)
    staging.subscription(1, -59, -30)
    staging.subscription(1, -20)
    found = staging.features("tenure")
    assert (found["paid_tenure_days"], found["past_gaps"]) == (40 + 29 + 20, 2)


@pytest.mark.parametrize(("changed", "changes"), [(-366, 0), (-365, 1), (-364, 1), (-1, 1), (0, 0)])
def test_a_plan_change_counts_for_365_days(staging, changed, changes):
    staging.subscription(1, -500, changed, plan="basic")
    staging.subscription(1, changed, plan="pro")
    found = staging.features("tenure")
    assert found["plan_changes_365d"] == changes
    assert found["days_since_plan_change"] == (None if changed == 0 else -changed)


def test_a_plan_changed_in_place_is_a_change(staging):
    staging.subscription(1, -90, plan="pro", subscription_id="b")
    staging.subscription(1, -100, plan="basic", subscription_id="a", valid_to=-30)
    staging.subscription(1, -100, plan="team", subscription_id="a", valid_from=-30)
    found = staging.features("tenure")
    assert (found["plan_changes_365d"], found["days_since_plan_change"]) == (2, 30)


def test_the_plan_is_that_of_the_dearest_active_subscription(staging):
    staging.subscription(1, -100, -10, mrr=900, plan="gone")
    staging.subscription(1, -90, mrr=20, plan="small")
    staging.subscription(1, -80, mrr=30, plan="large")
    found = staging.features("tenure")
    assert (found["plan"], found["active_subscriptions"], found["subscription_age_days"]) == ("large", 2, 90)
