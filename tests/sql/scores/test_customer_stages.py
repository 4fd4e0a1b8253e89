"""Lifecycle stages and RFM quintiles from the night's own features."""

from __future__ import annotations

from typing import Any

import pytest

from churn.warehouse import run_ddl
from tests.sql.nights import Nights
from tests.sql.staging_tables import AS_OF, Staging

INACTIVITY_DAYS = 90
USED: dict[str, Any] = {
    "tenure_days": 900, "paid_tenure_days": 800, "mrr_change_90d": 0, "days_since_last_usage": 3,
    "active_days_90d": 20, "events_trend_28d": 0, "events_trend_90d": 0,
}  # fmt: skip
BOUGHT: dict[str, Any] = {
    "tenure_days": 900, "t_days": 800, "days_since_last_purchase": 20, "frequency": 5, "spend_365d": 100,
    "spend_trend_90d": 0,
}  # fmt: skip
PAID: dict[str, Any] = {
    "tenure_days": 900, "paid_tenure_days": 800, "mrr_change_90d": 0, "billing_months": 1,
    "days_since_last_purchase": 10, "frequency": 20, "spend_365d": 600, "spend_trend_90d": 0,
}  # fmt: skip


def rows_of(staging: Staging, features: dict[int, dict[str, Any]], **options: Any) -> dict[int, dict[str, Any]]:
    """What the file gives each customer of a snapshot; `returned` names those who came back."""
    returned = options.pop("returned", ())
    snapshot_id = Nights(staging).snapshot(features, **options)
    run_ddl(staging.connection, "create temporary table returned_customers (customer_key bigint, returned_date date)")
    values = ", ".join(f"({key}, date '{AS_OF}')" for key in returned)
    if values:
        run_ddl(staging.connection, f"insert into returned_customers values {values}")
    found = staging.run("scores/customer_stages.sql", snapshot_id=snapshot_id, inactivity_days=INACTIVITY_DAYS)
    return {row["customer_key"]: row for row in found}


def stage(
    staging: Staging, features: dict[str, Any], population: str = "contractual", *, returned: bool = False
) -> str:
    found = rows_of(staging, {1: features}, population=population, returned=(1,) if returned else ())
    return str(found[1]["lifecycle_stage"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "mature"),
        ({"paid_tenure_days": 89}, "new"),
        ({"paid_tenure_days": 90}, "mature"),
        ({"paid_tenure_days": None}, "mature"),
        ({"paid_tenure_days": None, "tenure_days": 89}, "new"),
        ({"days_since_last_usage": 29}, "mature"),
        ({"days_since_last_usage": 30}, "dormant"),
        ({"days_since_last_usage": None}, "dormant"),
        ({"events_trend_90d": -0.34}, "declining"),
        ({"events_trend_90d": -0.33}, "mature"),
        ({"events_trend_90d": 0.34}, "growing"),
        ({"events_trend_90d": 0.33}, "mature"),
        ({"events_trend_90d": None}, "mature"),
        ({"mrr_change_90d": -1}, "declining"),
        ({"mrr_change_90d": 1}, "growing"),
        ({"mrr_change_90d": 1, "events_trend_90d": -0.5}, "declining"),
        ({"paid_tenure_days": 179, "events_trend_90d": 0.9, "events_trend_28d": 0.1}, "mature"),
        ({"paid_tenure_days": 179, "events_trend_28d": -0.5}, "declining"),
        ({"paid_tenure_days": 180, "events_trend_90d": 0.9, "events_trend_28d": 0.1}, "growing"),
        ({"paid_tenure_days": 10, "days_since_last_usage": None}, "new"),
        ({"days_since_last_usage": 30, "mrr_change_90d": -1}, "dormant"),
    ],
)
def test_the_stage_of_a_subscriber_with_usage(staging, changes, expected):
    assert stage(staging, {**USED, **changes}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"days_since_last_purchase": 60}, "mature"),
        ({"days_since_last_purchase": 61}, "dormant"),
        ({"days_since_last_purchase": 61, "billing_months": 3}, "mature"),
        ({"days_since_last_purchase": 61, "billing_months": None}, "mature"),
        ({"days_since_last_purchase": 402, "billing_months": None}, "dormant"),
        ({"days_since_last_purchase": None}, "mature"),
        ({"spend_trend_90d": -1}, "mature"),
        ({"mrr_change_90d": -1}, "declining"),
    ],
)
def test_without_usage_a_subscriber_is_dormant_where_payments_stopped(staging, changes, expected):
    assert stage(staging, {**PAID, **changes}) == expected


@pytest.mark.parametrize(("tenure", "expected"), [(89, "new"), (90, "mature")])
def test_with_neither_usage_nor_payments_tenure_tells_new_from_mature(staging, tenure, expected):
    assert stage(staging, {"tenure_days": 900, "paid_tenure_days": tenure}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "mature"),
        ({"t_days": 89}, "new"),
        ({"t_days": 90}, "mature"),
        ({"days_since_last_purchase": 59}, "mature"),
        ({"days_since_last_purchase": 60}, "dormant"),
        ({"spend_trend_90d": -0.34}, "declining"),
        ({"spend_trend_90d": 0.34}, "growing"),
        ({"t_days": 179, "spend_trend_90d": 1}, "mature"),
        ({"t_days": 180, "spend_trend_90d": 1}, "growing"),
    ],
)
def test_the_stage_of_a_buyer(staging, changes, expected):
    assert stage(staging, {**BOUGHT, **changes}, "inactivity") == expected


@pytest.mark.parametrize(("days", "expected"), [(29, "mature"), (30, "dormant"), (None, "dormant")])
def test_a_silent_buyer_who_still_uses_the_product_is_not_dormant(staging, days, expected):
    features = {**USED, **BOUGHT, "days_since_last_purchase": 80, "days_since_last_usage": days}
    assert stage(staging, features, "inactivity") == expected


def test_where_spend_says_nothing_the_use_of_a_buyer_gives_the_direction(staging):
    features = {**USED, **BOUGHT, "spend_trend_90d": None, "events_trend_90d": 0.5}
    assert stage(staging, features, "inactivity") == "growing"


def test_who_came_back_is_won_back_whatever_else(staging):
    assert stage(staging, {**USED, "paid_tenure_days": 5}, returned=True) == "won_back"


def quintiles(staging: Staging, features: dict[int, dict[str, Any]], which: str, **options: Any) -> list[int | None]:
    found = rows_of(staging, features, **options)
    return [found[key][f"{which}_quintile"] for key in sorted(found)]


def test_five_is_best_and_a_fifth_of_the_customers_have_it(staging):
    features = {
        key: {**BOUGHT, "days_since_last_purchase": key, "frequency": key, "spend_365d": key} for key in range(1, 11)
    }
    found = rows_of(staging, features, population="inactivity")
    ascending = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [found[key]["frequency_quintile"] for key in range(1, 11)] == ascending
    assert [found[key]["monetary_quintile"] for key in range(1, 11)] == ascending
    assert [found[key]["recency_quintile"] for key in range(1, 11)] == ascending[::-1]


def test_equal_values_share_the_quintile_of_their_middle_and_the_unknown_have_none(staging):
    frequencies = [0, 0, 0, 0, 0, 0, 7, 8, 9, None]
    features = {key: {**BOUGHT, "frequency": value} for key, value in enumerate(frequencies)}
    assert quintiles(staging, features, "frequency", population="inactivity") == [2] * 6 + [4, 5, 5, None]


@pytest.mark.parametrize(("days", "expected"), [([1] * 85 + [9] * 15, 3), ([1] * 15 + [9] * 85, 5), ([1], 3)])
def test_those_who_all_used_it_yesterday_stand_where_their_middle_does(staging, days, expected):
    features = {key: {**USED, "days_since_last_usage": value} for key, value in enumerate(days)}
    assert quintiles(staging, features, "recency")[0] == expected


def test_without_payments_use_and_mrr_take_their_place(staging):
    features = {
        key: {**USED, "days_since_last_usage": days, "active_days_90d": active}
        for key, (days, active) in enumerate([(1, 90), (40, 3), (None, 0)])
    }
    found = rows_of(staging, features)
    assert [found[key]["recency_quintile"] for key in range(3)] == [4, 2, None]
    assert [found[key]["frequency_quintile"] for key in range(3)] == [5, 3, 1]
    assert [found[key]["monetary_quintile"] for key in range(3)] == [3, 3, 3]
