"""The pages overview, segments and at-risk show what the views hold, and each customer once."""

from __future__ import annotations

from typing import Any

import pytest

from churn.dashboard.blocks import Answer
from churn.dashboard.pages.at_risk import AT_RISK, SORTABLE, AtRiskQuery
from churn.dashboard.pages.overview import OVERVIEW
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.segments import SEGMENTS_PAGE
from churn.dashboard.reading import read
from tests.e2e.company import AS_OF, Office

VIEWS = {"list": "at_risk_customers", "valuable": "high_value_at_risk", "all": "customer_scores"}


def seen(office: Office, page: Page, query: Query) -> dict[str, Answer]:
    with office.reading() as connection:
        return read(connection, page.asks(query)).answers


def customers(office: Office, **asked: Any) -> Answer:
    return seen(office, AT_RISK, AtRiskQuery(**asked))["customers"]


# --- overview -----------------------------------------------------------------------------------------------------


def test_the_overview_has_the_figures_of_the_views(published):
    query = Query()
    answers = seen(published, OVERVIEW, query)
    facts = OVERVIEW.facts(answers, query)
    found = {measure.label: measure for measure in facts["measures"]}
    settled = published.rows("select * from bi.kpi_monthly where not is_provisional order by month desc limit 2")
    assert found["Churn rate"].value == settled[0]["churn_rate"]
    assert found["Churn rate"].change == pytest.approx(settled[0]["churn_rate"] - settled[1]["churn_rate"])
    assert found["MRR"].value == settled[0]["mrr_end"]
    listed = "select {} from bi.at_risk_customers where campaign_group = '{}'"
    assert facts["listed"]["to_contact"] == published.value(listed.format("count(*)", "treatment"))
    assert facts["listed"]["held_out"] == published.value(listed.format("count(*)", "holdout"))
    worth = published.value(listed.format("sum(expected_net_value)", "treatment"))
    assert facts["listed"]["expected_net_value"] == worth
    assert facts["at_risk"]["value"] == published.value("select sum(value_at_risk) from bi.customer_scores")
    assert [row["finding"] for row in answers["findings"].rows] == published.column(
        "select finding from bi.insights order by priority"
    )


def test_the_overview_tells_the_model_the_drift_and_the_night(published):
    facts = OVERVIEW.facts(seen(published, OVERVIEW, Query()), Query())
    champion = "select auc_roc from bi.model_performance where model_status = 'champion' and evaluation = 'out_of_time'"
    assert facts["tested"]["auc_roc"] == published.value(champion)
    assert facts["tested"]["age_days"] == (AS_OF - facts["tested"]["trained_as_of"]).days
    moved = "select count(*) from bi.feature_drift where as_of_date = :as_of and status <> 'ok'"
    assert facts["drift"]["warn"] + facts["drift"]["fail"] == published.value(moved, as_of=AS_OF)
    run = facts["last_run"]
    checks = "select count(*) from bi.data_quality where run_id = :run and check_name not like 'quarantine:%'"
    assert run["published"]
    assert run["checks"] == published.value(checks, run=run["run_id"])
    left_out = "select sum(rows_quarantined) from bi.extractions where run_id = :run"
    assert run["rows_quarantined"] == published.value(left_out, run=run["run_id"])


# --- segments -----------------------------------------------------------------------------------------------------


def test_segments_and_what_became_of_them_are_those_of_the_views(published):
    answers = seen(published, SEGMENTS_PAGE, Query())
    shown = {row["segment"]: (row["customers"], row["avg_clv"]) for row in answers["segments"].rows}
    scored = published.rows(
        "select segment, count(*) as n, round(avg(clv), 2) as clv from bi.customer_scores group by 1"
    )
    assert {name: customers for name, (customers, _) in shown.items()} == {row["segment"]: row["n"] for row in scored}
    assert {name: round(clv, 2) for name, (_, clv) in shown.items()} == {row["segment"]: row["clv"] for row in scored}
    churned = "select sum(churned) from bi.group_outcomes where dimension = 'segment'"
    assert sum(row["churned"] for row in answers["segment-churn"].rows) == published.value(churned)
    assert len(answers["segment-events"].rows) == published.value(
        "select count(*) from bi.segment_events where event <> 'kept'"
    )


# --- at risk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("population", ["list", "valuable", "all"])
@pytest.mark.parametrize(("sort", "descending"), [("value_at_risk", True), ("segment", False), ("plan", True)])
def test_its_pages_have_each_customer_once_and_in_order(published, population, sort, descending):
    asked = {"population": population, "sort": sort, "descending": descending, "size": 200}
    first = customers(published, **asked)
    pages = [first, *(customers(published, page=page, **asked) for page in range(2, first.pages + 1))]
    shown = [row for page in pages for row in page.rows]
    ids = published.column(f"select customer_id from bi.{VIEWS[population]}")
    assert sorted(row["customer_id"] for row in shown) == sorted(ids)
    assert first.total == len(ids)
    ordered = published.column(
        f"select customer_id from bi.{VIEWS[population]} "
        f"order by {sort} {'desc' if descending else 'asc'} nulls last, customer_id"
    )
    assert [row["customer_id"] for row in shown] == ordered


@pytest.mark.parametrize("sort", SORTABLE)
def test_everybody_can_be_sorted_by_every_column_that_says_so(published, sort):
    assert len(customers(published, population="all", sort=sort, size=5).rows) == 5


FILTERS = [
    ("segment", "segment = :value", "(select min(segment) from bi.at_risk_customers)"),
    ("plan", "plan = :value", "(select min(plan) from bi.at_risk_customers)"),
    ("risk_band", "risk_band = :value", "'high'"),
    ("value_tier", "value_tier = :value", "'high'"),
    ("campaign_group", "campaign_group = :value", "'holdout'"),
    ("action", "recommended_action = :value", "(select min(recommended_action) from bi.at_risk_customers)"),
    ("min_probability", "churn_probability >= :value", "(select avg(churn_probability) from bi.at_risk_customers)"),
    ("min_value_at_risk", "value_at_risk >= :value", "(select avg(value_at_risk) from bi.at_risk_customers)"),
    ("customer", "left(customer_id, 4) = :value", "(select left(min(customer_id), 4) from bi.at_risk_customers)"),
]


@pytest.mark.parametrize(("name", "condition", "value"), FILTERS, ids=[name for name, _, _ in FILTERS])
def test_a_filter_leaves_those_who_fit(published, name, condition, value):
    chosen = published.value(f"select {value}")
    chosen = float(chosen) if name.startswith("min_") else chosen
    for population in ("list", "all"):
        view = f"bi.{VIEWS[population]}"
        if population == "all" and name in ("campaign_group", "action"):
            view = "bi.at_risk_customers"  # which alone knows them
        expected = set(published.column(f"select customer_id from {view} where {condition}", value=chosen))
        found = customers(published, population=population, size=200, **{name: chosen})
        shown = {row["customer_id"] for row in found.rows}
        assert (found.total, shown <= expected, len(shown)) == (len(expected), True, min(200, len(expected)))
        assert expected


def test_one_customer_is_found_by_the_whole_id_whoever_is_looked_at(published):
    customer_id = published.value("select min(customer_id) from bi.at_risk_customers where campaign_group = 'holdout'")
    (row,) = customers(published, population="all", customer=customer_id).rows
    (listed,) = published.rows("select * from bi.at_risk_customers where customer_id = :id", id=customer_id)
    assert row["customer_id"] == customer_id
    assert {name: row[name] for name in ("priority_rank", "campaign_group", "why")} == {
        name: listed[name] for name in ("priority_rank", "campaign_group", "why")
    }
    assert row["list_status"] == "listed"


def test_a_hostile_search_finds_nobody_and_does_no_harm(published):
    for words in ("' or 1=1 --", "%", "_", "\\", ":segment"):
        assert customers(published, population="all", customer=words).total == 0


def test_a_page_after_the_last_is_empty_and_still_counts(published):
    found = customers(published, page=1000)
    assert (found.rows, found.total) == ([], published.value("select count(*) from bi.at_risk_customers"))


def test_what_there_is_to_choose_is_what_customers_have(published):
    answers = seen(published, AT_RISK, AtRiskQuery())
    for block, column in (("filter-segments", "segment"), ("filter-plans", "plan")):
        used = published.column(f"select distinct {column} from bi.customer_scores where {column} is not null")
        assert set(answers[block].column(column)) == set(used)
