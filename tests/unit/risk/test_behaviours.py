"""Every column has its behaviour, and columns that nobody has heard of don't stop a night."""

from __future__ import annotations

import numpy as np
import pytest

from churn.config import UsageFeature
from churn.features.catalogue import CATALOGUE_FAMILY, describe
from churn.features.definitions import FIXED
from churn.risk.behaviours import behaviour_of, grouping
from churn.risk.season import SEASON_FEATURES

FIXED_COLUMNS = [row.name for rows in FIXED.values() for row in rows]


ENTRY = UsageFeature(name="api_calls", event_type="api_call", measure="count")


@pytest.mark.parametrize("billed", [True, False])
@pytest.mark.parametrize("column", FIXED_COLUMNS)
def test_every_fixed_feature_has_a_behaviour_of_its_own_kind(column, billed):
    found = behaviour_of(column, billed=billed)
    assert found.kind not in ("other", "entry", "attribute", "season")
    assert found.about.endswith(".")


def test_all_features_of_a_usage_entry_are_one_behaviour():
    columns = [feature.name for feature in describe([CATALOGUE_FAMILY], [ENTRY])]
    assert len(columns) == 4
    assert {behaviour_of(column, billed=False) for column in columns} == {behaviour_of(columns[0], billed=False)}
    found = behaviour_of(columns[0], billed=False)
    assert (found.driver, found.name, found.subject) == ("use: api calls", "api_calls", "api calls")


@pytest.mark.parametrize(
    ("column", "driver"),
    [
        ("usage_exports_trend_28d", "use: exports"),
        ("usage_last_7d_90d", "use: last 7d"),
        ("attribute_industry", "attribute: industry"),
        ("attribute_plan", "attribute: plan"),
        ("sessions_28d", "other: sessions"),
        ("sessions_trend_28d", "other: sessions"),
        ("nps_score", "other: nps score"),
        ("_", "other: unnamed"),
        ("", "other: unnamed"),
    ],
)
def test_other_columns_are_named_in_words(column, driver):
    assert behaviour_of(column, billed=True).driver == driver


def test_the_time_of_the_year_is_one_behaviour():
    assert {behaviour_of(column, billed=False).driver for column in SEASON_FEATURES} == {"time of year"}


def test_payments_follow_the_bill_where_there_are_subscriptions():
    assert behaviour_of("days_since_last_payment", billed=True).driver == "renewal"
    assert behaviour_of("days_since_last_payment", billed=False).driver == "purchases"
    assert grouping(["spend_90d"], ["spend_90d", "billing_months"]).behaviours[0].driver == "renewal"
    assert grouping(["spend_90d"], ["spend_90d"]).behaviours[0].driver == "spending"


def test_contributions_add_up_by_behaviour_and_no_driver_is_there_twice():
    columns = ["events_7d", "mrr", "active_days_28d", "usage_a_b_7d", "usage_a__b_28d", "mystery"]
    group = grouping(columns, columns)
    drivers = [each.driver for each in group.behaviours]
    assert drivers == ["overall use", "price", "use: a b", "other: mystery"]
    sums = group.sums(np.array([[1.0, 2.0, 4.0, 8.0, 16.0, 32.0], [0.0, 0.0, -1.0, 1.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(sums, [[5.0, 2.0, 24.0, 32.0], [-1.0, 0.0, 1.0, 0.0]])
