"""The pages customer, drivers, cohorts and value × risk show what the views hold, for whoever is asked about."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from churn.dashboard.pages.cohorts import COHORTS, CohortsQuery
from churn.dashboard.pages.customer import CUSTOMER, CustomerQuery
from churn.dashboard.pages.drivers import DRIVERS, DriversQuery
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.value_risk import VALUE_RISK, ValueRiskQuery
from churn.dashboard.reading import Seen, read
from tests.e2e.company import Office

LISTED = "(select customer_id from bi.at_risk_customers order by priority_rank limit 1)"


def seen(office: Office, page: Page, query: Query) -> Seen:
    with office.reading() as connection:
        return read(connection, page.asks(query))


def rows(found: Seen, block: str) -> list[dict[str, Any]]:
    return [dict(row) for row in found.answers[block].rows]


# --- one customer -------------------------------------------------------------------------------------------------


def test_a_customer_on_the_list_is_shown_with_everything_the_views_know(published):
    customer_id = published.value(f"select {LISTED}")
    found = seen(published, CUSTOMER, CustomerQuery(id=customer_id))
    (shown,) = rows(found, "customer")
    (scored,) = published.rows("select * from bi.customer_scores where customer_id = :id", id=customer_id)
    (listed,) = published.rows("select * from bi.at_risk_customers where customer_id = :id", id=customer_id)
    assert shown.pop("risk_percentile") == pytest.approx(scored["risk_percentile"])
    known = scored | {name: listed[name] for name in ("priority_rank", "campaign", "campaign_group", "why")}
    known |= {name: listed[name] for name in ("recommended_action", "entered_as_of_date")}
    assert shown == {name: known[name] for name in shown}
    (night,) = rows(found, "customer-nights")
    assert (night["churn_probability"], night["clv"]) == (scored["churn_probability"], scored["clv"])
    (on_list,) = rows(found, "customer-lists")
    length = published.value("select listed from bi.campaign_lists")
    assert (on_list["campaign"], on_list["offer"], on_list["listed"]) == (listed["campaign"], listed["offer"], length)


def test_the_last_weeks_of_a_customer_add_up_to_the_staging_tables(published):
    customer_id = published.value(
        "select k.customer_id from staging.usage_daily as u inner join staging.customer_keys as k using (customer_key) "
        "group by k.customer_id order by count(distinct date_trunc('week', u.usage_date)) desc, k.customer_id limit 1"
    )
    weeks = rows(seen(published, CUSTOMER, CustomerQuery(id=customer_id)), "customer-activity")
    known = published.column("select week from bi.customer_activity where customer_id = :id order by 1", id=customer_id)
    assert len(known) > 53
    assert [week["week"] for week in weeks] == known[-53:]
    used, tickets = (
        published.value(f"select {what} and k.customer_id = :id", id=customer_id, since=weeks[0]["week"])
        for what in (
            "sum(u.events) from staging.usage_daily as u, staging.customer_keys as k "
            "where u.customer_key = k.customer_key and u.usage_date between :since and date '2025-11-02'",
            "count(*) from staging.support_tickets as t, staging.customer_keys as k "
            "where t.customer_key = k.customer_key and t.opened_date between :since and date '2025-11-02' "
            "and t.valid_to = '9999-12-31'",
        )
    )
    assert (sum(week["usage_events"] for week in weeks), sum(week["tickets_opened"] for week in weeks)) == (
        used,
        tickets,
    )


def test_each_feature_of_a_customer_has_a_line_with_its_meaning(published):
    customer_id = published.value(f"select {LISTED}")
    features = rows(seen(published, CUSTOMER, CustomerQuery(id=customer_id)), "customer-features")
    names = published.column(
        "select attname from pg_attribute where attrelid = 'bi.customer_features'::regclass and attnum > 0"
    )
    assert {row["feature"] for row in features} == set(names) - {"as_of_date", "customer_id", "run_id"}
    assert all(row["meaning"] for row in features)
    (tenure,) = [row["value"] for row in features if row["feature"] == "tenure_days"]
    held = published.value("select tenure_days from bi.customer_features where customer_id = :id", id=customer_id)
    assert float(tenure) == held


def test_a_customer_who_has_left_is_shown_without_a_score(published):
    gone = published.value(
        "select k.customer_id from staging.customer_keys as k "
        "where k.customer_id not in (select customer_id from bi.customer_scores) "
        "and exists (select 1 from staging.payments as p where p.customer_key = k.customer_key) limit 1"
    )
    found = seen(published, CUSTOMER, CustomerQuery(id=gone))
    assert CUSTOMER.missing(found.answers, CustomerQuery(id=gone)) is None
    assert (rows(found, "customer"), rows(found, "customer-features")) == ([], [])
    assert rows(found, "customer-activity")


@pytest.mark.parametrize(
    "stranger",
    ["nobody", "<script>alert(1)</script>", "' or '1'='1", '"; drop table x; --', "%", ":id", "{{7*7}}", "é" * 200],
)
def test_a_hostile_id_finds_nobody_and_does_no_harm(published, stranger):
    query = CustomerQuery(id=stranger)
    found = seen(published, CUSTOMER, query)
    assert [answer.total for answer in found.answers.values()] == [0] * 5
    assert CUSTOMER.missing(found.answers, query)


# --- drivers ------------------------------------------------------------------------------------------------------


def test_drivers_of_all_and_of_a_segment_are_those_of_the_view(published):
    strongest = rows(seen(published, DRIVERS, DriversQuery()), "drivers-by-segment")
    assert strongest[0]["segment"] == "all"
    assert {row["segment"] for row in strongest[1:]} == set(published.column("select segment from bi.segments"))
    for first in strongest[:2]:
        query = DriversQuery(segment=first["segment"])
        found = seen(published, DRIVERS, query)
        known = published.rows(
            "select driver, direction, importance, customers_affected, description from bi.churn_drivers "
            "where segment = :segment",
            segment=first["segment"],
        )
        assert sorted(rows(found, "drivers"), key=str) == sorted(known, key=str)
        assert found.answers["drivers"].column("driver")[0] == first["driver"]
        assert DRIVERS.missing(found.answers, query) is None
    stranger = DriversQuery(segment="' or true --")
    assert DRIVERS.missing(seen(published, DRIVERS, stranger).answers, stranger)


def test_drift_is_that_of_the_night_furthest_first(published):
    drift = rows(seen(published, DRIVERS, DriversQuery()), "drivers-drift")
    assert len(drift) == published.value("select count(*) from bi.feature_drift")
    known = [row["psi"] for row in drift if row["psi"] is not None]
    assert known == sorted(known, reverse=True)


# --- cohorts ------------------------------------------------------------------------------------------------------


def test_the_last_cohorts_are_shown_and_no_others(published):
    table = rows(seen(published, COHORTS, CohortsQuery(months=5)), "cohorts")
    months = published.column("select distinct signup_month from bi.retention_cohorts order by signup_month")
    assert list(dict.fromkeys(row["signup_month"] for row in table)) == months[-5:]
    kept, brought = (sum(row[name] for row in table) for name in ("retained", "revenue"))
    known = published.rows(
        "select sum(retained) as kept, sum(revenue) as brought from bi.retention_cohorts where signup_month >= :since",
        since=months[-5],
    )
    assert [{"kept": kept, "brought": brought}] == known


def test_curves_are_the_chosen_cohorts_and_all_that_are_shown(published):
    months = published.column("select distinct signup_month from bi.retention_cohorts order by signup_month desc")
    chosen: date = months[6]
    query = CohortsQuery(months=8, cohort=("", f"{chosen:%Y-%m}", ""))
    curves = rows(seen(published, COHORTS, query), "cohort-curves")
    own = [(row["months_since"], row["retention_rate"]) for row in curves if row["cohort"] == f"{chosen:%Y-%m}"]
    known = published.rows(
        "select months_since, retention_rate from bi.retention_cohorts where signup_month = :month "
        "and not is_provisional order by 1",
        month=chosen,
    )
    assert own == [tuple(row.values()) for row in known]
    together = {row["months_since"]: row["customers"] for row in curves if row["cohort"] == "all shown"}
    whole = published.rows(
        "select months_since, count(*) as cohorts, sum(customers) as customers from bi.retention_cohorts "
        "where signup_month >= :since and not is_provisional group by 1",
        since=months[7],
    )
    most = max(row["cohorts"] for row in whole)
    assert together == {row["months_since"]: row["customers"] for row in whole if 2 * row["cohorts"] >= 8}
    assert most < 8, "the youngest month is provisional"


def test_where_no_cohort_is_chosen_an_old_a_middle_and_a_young_one_are_drawn(published):
    months = published.column("select distinct signup_month from bi.retention_cohorts order by signup_month desc")
    curves = rows(seen(published, COHORTS, CohortsQuery(months=8)), "cohort-curves")
    assert {row["cohort"] for row in curves} == {f"{months[n]:%Y-%m}" for n in (7, 5, 3)} | {"all shown"}


# --- value and risk -----------------------------------------------------------------------------------------------


def test_everybody_is_in_one_place_of_the_plane_with_their_value(published):
    plane = rows(seen(published, VALUE_RISK, ValueRiskQuery()), "value-risk-plane")
    scored = published.rows(
        "select churn_probability, clv, value_at_risk, risk_band, value_tier from bi.customer_scores"
    )
    assert sum(place["customers"] for place in plane) == len(scored)
    for place in plane:
        there = [
            row
            for row in scored
            if place["risk_from"] <= row["churn_probability"] < place["risk_to"]
            and (place["clv_from"] or 0) <= row["clv"] < place["clv_to"]
            and (place["risk_band"], place["value_tier"]) == (row["risk_band"], row["value_tier"])
        ]
        assert len(there) == place["customers"], place
        assert sum(row["value_at_risk"] for row in there) == place["value_at_risk"]


def test_totals_by_band_and_tier_are_those_of_the_scores(published):
    query = ValueRiskQuery()
    totals = VALUE_RISK.facts(seen(published, VALUE_RISK, query).answers, query)["totals"]
    known = published.rows(
        "select risk_band, value_tier, count(*) as customers, sum(clv) as clv, sum(value_at_risk) as value_at_risk "
        "from bi.customer_scores group by 1, 2"
    )
    shown = [{name: row[name] for name in known[0]} for row in totals]
    assert sorted(shown, key=str) == sorted(known, key=str)
    assert (totals[0]["risk_band"], totals[0]["value_tier"]) == ("high", "high")


def test_the_corner_is_the_view_of_it_largest_value_at_risk_first(published):
    known = published.column("select customer_id from bi.high_value_at_risk order by value_at_risk desc, customer_id")
    found = seen(published, VALUE_RISK, ValueRiskQuery()).answers["value-risk-corner"]
    assert found.total == len(known) > 0
    assert found.column("customer_id") == known[:25]
    beyond = seen(published, VALUE_RISK, ValueRiskQuery(page=100_000)).answers["value-risk-corner"]
    assert (beyond.rows, beyond.total) == ([], len(known))
