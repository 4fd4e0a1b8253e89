from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from churn.config import Settings
from churn.errors import DataContractError
from churn.labels import label_query, make_labels
from tests.sql.staging_tables import AS_OF

PATH = "labels/contractual.sql"
HORIZON, GRACE = 30, 14
MATURE = AS_OF + timedelta(days=HORIZON + GRACE)


def churned(staging: Any) -> dict[int, bool]:
    rows = staging.run(PATH, horizon_days=HORIZON, grace_days=GRACE)
    return {row["customer_key"]: row["churned"] for row in rows}


@pytest.mark.parametrize(
    ("ended", "expected"),
    [(-1, {}), (0, {1: True}), (1, {1: True}), (29, {1: True}), (30, {1: False}), (31, {1: False}), (None, {1: False})],
)
def test_coverage_that_ends_within_the_horizon_is_churn(staging, ended, expected):
    staging.subscription(1, -100, ended)
    assert churned(staging) == expected


@pytest.mark.parametrize(("started", "expected"), [(-1, {1: False}), (0, {}), (1, {})])
def test_only_customers_active_at_as_of_have_a_label(staging, started, expected):
    staging.subscription(1, started)
    assert churned(staging) == expected


@pytest.mark.parametrize(("gap", "expected"), [(0, False), (1, False), (13, False), (14, False), (15, True)])
@pytest.mark.parametrize("ended", [0, 10, 29])
def test_a_return_within_grace_is_no_churn(staging, ended, gap, expected):
    staging.subscription(1, -100, ended)
    staging.subscription(1, ended + gap)
    assert churned(staging) == {1: expected}


def test_a_return_after_grace_is_churn_and_a_later_reactivation(staging):
    staging.subscription(1, -100, 5)
    staging.subscription(1, 25)
    assert churned(staging) == {1: True}


def test_a_short_return_does_not_hide_the_second_end(staging):
    staging.subscription(1, -100, 5)
    staging.subscription(1, 10, 20)
    staging.subscription(1, 35)
    assert churned(staging) == {1: True}


def test_a_parallel_subscription_keeps_the_customer(staging):
    staging.subscription(1, -100, 5)
    staging.subscription(1, -50, 40)
    staging.subscription(2, -100, 5)
    staging.subscription(2, -50, 20)
    assert churned(staging) == {1: False, 2: True}


def test_a_long_subscription_covers_the_gap_between_short_ones(staging):
    staging.subscription(1, -100)
    staging.subscription(1, -90, 1)
    staging.subscription(1, 40)
    assert churned(staging) == {1: False}


def test_trials_do_not_count(staging):
    staging.subscription(1, -5, 20, mrr=0)
    staging.subscription(2, -100, 5)
    staging.subscription(2, 5, mrr=0)
    assert churned(staging) == {2: True}


def test_a_trial_converted_in_place_counts_from_the_conversion(staging):
    for key, converted in [(1, -1), (2, 0)]:
        staging.subscription(key, -20, 10, mrr=0, subscription_id=f"s{key}", valid_to=converted)
        staging.subscription(key, -20, 10, mrr=50, subscription_id=f"s{key}", valid_from=converted)
    assert churned(staging) == {1: True}


def test_a_move_to_a_free_plan_is_churn(staging):
    staging.subscription(1, -20, mrr=50, subscription_id="s", valid_to=3)
    staging.subscription(1, -20, mrr=0, subscription_id="s", valid_from=3)
    assert churned(staging) == {1: True}


def test_a_cancellation_and_return_on_one_day_is_no_churn(staging):
    staging.subscription(1, -20, 3)
    staging.subscription(1, 3)
    assert churned(staging) == {1: False}


def test_nothing_after_maturity_is_looked_at(staging):
    staging.subscription(1, -20, 29)
    staging.subscription(1, 44)
    staging.subscription(2, -20, 44)
    assert churned(staging) == {1: True, 2: False}


def settings(**churn: Any) -> Settings:
    return Settings.model_validate({"churn": {"horizon_days": HORIZON, "grace_days": GRACE, **churn}})


def test_an_immature_horizon_is_not_a_negative():
    label_query(settings(), AS_OF, data_through=MATURE)
    with pytest.raises(DataContractError, match="not known before 2025-08-14"):
        label_query(settings(), AS_OF, data_through=MATURE - timedelta(days=1))


def test_labels_of_another_night_take_the_place_of_the_last(staging):
    staging.subscription(1, -20, 10)
    for as_of, expected in [(AS_OF, [(1, True)]), (AS_OF - timedelta(days=25), []), (AS_OF, [(1, True)])]:
        make_labels(staging.connection, settings(), as_of, data_through=MATURE)
        found = staging.connection.exec_driver_sql("select customer_key, churned from churn_labels")
        assert [tuple(row) for row in found] == expected
