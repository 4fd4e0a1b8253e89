"""The pages customer, drivers, cohorts and value × risk, drawn from answers made by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from churn.dashboard import rendering
from churn.dashboard.blocks import Answer
from churn.dashboard.formats import Formats
from churn.dashboard.pages.cohorts import COHORTS, CohortsQuery
from churn.dashboard.pages.customer import CUSTOMER, CustomerQuery
from churn.dashboard.pages.drivers import DRIVERS, DriversQuery
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.value_risk import VALUE_RISK, ValueRiskQuery
from churn.dashboard.reading import Night, Seen, State

NIGHT = date(2025, 11, 3)
SHOWN = State(Night(NIGHT, 7, datetime(2025, 11, 3, 3, 20, tzinfo=UTC), "churn-1"), None, None, None, None)
NOTHING = State(None, None, None, None, None)
HOSTILE = """<script>alert(1)</script>"'&{{7*7}}%s\u2028"""


def link(name: str, **query: Any) -> str:
    return f"/{name}?{urlencode(query)}" if query else f"/{name}"


def answers_of(page: Page, query: Query, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Answer]:
    """Answers with the rows given; what a row lacks is null."""
    found = {}
    for ask in page.asks(query):
        whole = [{c.name: row.get(c.name) for c in ask.block.columns} for row in rows.get(ask.block.name, ())]
        found[ask.block.name] = Answer(ask.block, whole, len(whole), ask.paging)
    return found


def drawn(page: Page, query: Query, state: State = SHOWN, **rows: Sequence[Mapping[str, Any]]) -> str:
    """The page as HTML; blocks are named with underscores."""
    seen = Seen(state, answers_of(page, query, {name.replace("_", "-"): of for name, of in rows.items()}))
    templates = rendering.environment(Formats("GBP", "Europe/London"))
    templates.globals.update(menu=[page], link=link, asset=lambda file: f"/static/{file}", api="")
    return rendering.render(templates, page.template, page.shown(seen, query))


def charts_of(page: Page, query: Query, **rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    answers = answers_of(page, query, {name.replace("_", "-"): of for name, of in rows.items()})
    return {chart.name: chart for chart in page.charts(answers)}


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


PAGES = [
    (CUSTOMER, CustomerQuery(id="c1")),
    (CUSTOMER, CustomerQuery()),
    (DRIVERS, DriversQuery()),
    (COHORTS, CohortsQuery()),
    (VALUE_RISK, ValueRiskQuery()),
]


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_a_page_without_any_night_says_what_to_do(page, query):
    html = drawn(page, query, NOTHING)
    assert "No night is published yet" in html
    assert "churn nightly" in html
    assert 'class="chart"' not in html


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_no_page_holds_script_or_style_that_the_policy_forbids(page, query):
    html = drawn(page, query)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    assert " style=" not in html
    assert "onclick" not in html
    assert "<style" not in html


# --- one customer -------------------------------------------------------------------------------------------------

SCORED = {
    "customer_id": "c1", "segment": "Champions", "segment_since_date": date(2025, 6, 1), "plan": "team",
    "mrr": Decimal("120.00"), "value_tier": "high", "churn_probability": 0.423, "risk_band": "high",
    "risk_percentile": 98.2, "reason_1": "Logged in on 2 days", "clv": Decimal(2500), "clv_low": Decimal(900),
    "clv_high": Decimal(4100), "clv_if_retained": Decimal(3900), "value_at_risk": Decimal(1500),
    "list_status": "listed", "offer": "call", "expected_net_value": Decimal(88), "model_version": "churn-1",
    "as_of_date": NIGHT,
}  # fmt: skip
LISTED = {
    "priority_rank": 3, "campaign": "autumn", "campaign_group": "treatment", "recommended_action": "call",
    "why": "Worth a call: £1,500 at risk.", "entered_as_of_date": date(2025, 10, 27),
}  # fmt: skip


def test_a_customer_on_the_list_is_told_with_interval_reasons_and_what_to_do():
    said = text_of(drawn(CUSTOMER, CustomerQuery(id="c1"), customer=[SCORED | LISTED]))
    assert "42.3%" in said
    assert "98 of 100 customers are at lower risk" in said
    assert "80 % sure: £900 to £4,100" in said
    assert "Logged in on 2 days" in said
    assert "Worth a call: £1,500 at risk." in said
    assert "autumn" in said


def test_who_is_held_out_is_not_to_be_contacted():
    held = SCORED | LISTED | {"campaign_group": "holdout", "recommended_action": "hold out"}
    assert "Do not contact: held out" in text_of(drawn(CUSTOMER, CustomerQuery(id="c1"), customer=[held]))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("cooldown", "Leave alone tonight: cooldown."),
        (None, "no offer is expected to pay"),
        ("listed", "no longer want to be contacted"),
    ],
)
def test_who_is_not_on_the_list_is_left_alone_and_it_says_why(status, words):
    html = drawn(CUSTOMER, CustomerQuery(id="c1"), customer=[SCORED | {"list_status": status}])
    assert words in text_of(html)


def test_without_a_model_a_value_or_subscriptions_the_customer_page_says_so():
    bare = {"customer_id": "c1", "risk_band": "medium", "risk_percentile": 80.0, "as_of_date": NIGHT}
    said = text_of(drawn(CUSTOMER, CustomerQuery(id="c1"), customer=[bare], customer_nights=[bare]))
    assert "No model has been trained yet" in said
    assert "Without a model there are no reasons" in said
    assert "The night had no CLV" in said
    assert "None" not in said


def test_a_customer_who_has_left_is_shown_with_the_last_night_that_scored_them():
    night = {"as_of_date": date(2025, 10, 1), "churn_probability": 0.5}
    said = text_of(drawn(CUSTOMER, CustomerQuery(id="c1"), customer_nights=[night]))
    assert "no score tonight" in said
    assert "1 Oct 2025" in said


@pytest.mark.parametrize("known", ["customer", "customer-nights", "customer-activity"])
def test_only_a_customer_of_whom_nothing_is_known_is_missing(known):
    query = CustomerQuery(id="c1")
    assert CUSTOMER.missing(answers_of(CUSTOMER, query, {known: [{}]}), query) is None
    said = CUSTOMER.missing(answers_of(CUSTOMER, query, {}), query)
    assert said is not None
    assert "c1" in said
    assert CUSTOMER.missing(answers_of(CUSTOMER, CustomerQuery(), {}), CustomerQuery()) is None


def test_a_hostile_id_is_only_text():
    html = drawn(CUSTOMER, CustomerQuery(id=HOSTILE), customer=[SCORED | {"customer_id": HOSTILE, "reason_1": HOSTILE}])
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "{{7*7}}" in html


def test_an_id_longer_than_any_is_refused():
    CustomerQuery(id="x" * 200)
    with pytest.raises(ValidationError):
        CustomerQuery(id="x" * 201)


def test_a_very_long_unknown_id_is_not_repeated_whole():
    query = CustomerQuery(id="x" * 200)
    said = CUSTOMER.missing(answers_of(CUSTOMER, query, {}), query)
    assert said is not None
    assert "x" * 61 not in said


def test_charts_of_a_customer_say_their_figures_and_refunds_point_down():
    weeks = [
        {"week": date(2025, 10, 20), "usage_events": 9, "amount_paid": Decimal(50), "amount_refunded": Decimal(0),
         "payments_failed": 0, "tickets_opened": 0},
        {"week": date(2025, 10, 27), "usage_events": 1, "amount_paid": Decimal(0), "amount_refunded": Decimal(20),
         "payments_failed": 1, "tickets_opened": 2},
    ]  # fmt: skip
    charts = charts_of(CUSTOMER, CustomerQuery(id="c1"), customer_activity=weeks)
    assert charts["usage"].summary == "10 uses in 2 weeks with anything, 1 in the last of them."
    assert charts["payments"].traces[1]["y"] == [None, -20.0]
    assert charts["trouble"].summary == "1 payment failed and 2 tickets opened."
    assert "score" not in charts


# --- drivers ------------------------------------------------------------------------------------------------------

WEIGHED = [
    {"driver": "use", "direction": "raises", "importance": 0.8, "customers_affected": 120, "description": "Used less."},
    {"driver": "price", "direction": "lowers", "importance": 0.4, "customers_affected": 3, "description": "Pays less."},
]


def test_drivers_are_coloured_and_named_by_the_way_they_push():
    chart = charts_of(DRIVERS, DriversQuery(), drivers=WEIGHED)["importance"]
    assert [(trace["name"], trace["marker"]["color"], trace["y"]) for trace in chart.traces] == [
        ("Raises the risk", "bad", ["use"]),
        ("Lowers the risk", "good", ["price"]),
    ]
    assert "use weighs most (0.80) and raises the risk" in chart.summary
    assert "1 of 2" in chart.summary


def test_a_segment_that_is_not_there_is_missing_and_all_customers_never_are():
    query = DriversQuery(segment="Nobody")
    assert DRIVERS.missing(answers_of(DRIVERS, query, {}), query) is not None
    assert DRIVERS.missing(answers_of(DRIVERS, query, {"drivers": WEIGHED}), query) is None
    assert DRIVERS.missing(answers_of(DRIVERS, DriversQuery(), {}), DriversQuery()) is None


def test_drivers_without_a_model_say_how_to_get_one():
    assert text_of(drawn(DRIVERS, DriversQuery())).count("churn train") == 2


def test_features_that_moved_are_named():
    drift: list[dict[str, Any]] = [
        {"feature": "logins_30d", "psi": 0.31, "status": "fail"},
        {"feature": "mrr", "psi": 0.01, "status": "ok"},
        {"feature": "nothing", "psi": None, "status": "ok"},
    ]
    html = drawn(DRIVERS, DriversQuery(), drivers_drift=drift)
    assert "1 of 3 features have moved" in text_of(html)
    assert "logins_30d moved furthest, PSI 0.31" in html


# --- cohorts ------------------------------------------------------------------------------------------------------


def cohort(month: int, since: int, retained: int, **more: Any) -> dict[str, Any]:
    rate = {"retention_rate": retained / 10, "revenue": Decimal(50), "revenue_per_customer": Decimal(5)}
    return {"signup_month": date(2025, month, 1), "months_since": since, "customers": 10, "retained": retained,
            "is_provisional": False} | rate | more  # fmt: skip


def test_a_heat_map_has_a_line_for_each_signup_month_newest_last_and_blanks_where_time_has_not_come():
    rows = [cohort(1, 0, 9), cohort(1, 1, 7), cohort(2, 0, 8)]
    charts = charts_of(COHORTS, CohortsQuery(), cohorts=rows)
    trace = charts["retention"].traces[0]
    assert trace["y"] == ["Jan 2025", "Feb 2025"]
    assert trace["x"] == [0, 1]
    assert trace["z"] == [[0.9, 0.7], [0.8, None]]
    assert "70.0% of 10 signups were still there" in charts["retention"].summary
    assert charts["revenue"].traces[0]["z"] == [[5.0, 5.0], [5.0, None]]


def test_cohorts_without_payments_have_no_heat_map_of_revenue():
    rows = [cohort(1, 0, 9, revenue=None, revenue_per_customer=None)]
    assert set(charts_of(COHORTS, CohortsQuery(), cohorts=rows)) == {"retention"}


def test_the_table_behind_the_heat_map_is_laid_out_as_it_is():
    html = drawn(COHORTS, CohortsQuery(), cohorts=[cohort(1, 0, 9), cohort(1, 1, 7), cohort(2, 0, 8)])
    assert "Jan 2025 10 90.0% 70.0% Feb 2025 10 80.0%" in text_of(html)


def test_forty_eight_cohorts_make_a_chart_that_is_tall_enough_to_read():
    rows = [cohort(1, 0, 9) | {"signup_month": date(2020 + n // 12, n % 12 + 1, 1)} for n in range(48)]
    assert charts_of(COHORTS, CohortsQuery(months=48), cohorts=rows)["retention"].height >= 48 * 14


@pytest.mark.parametrize(
    "wrong",
    [{"months": 2}, {"months": 121}, {"cohort": ("2025-13",)}, {"cohort": ("0000-01",)}, {"cohort": ("x",) * 4}],
)
def test_cohorts_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        CohortsQuery(**wrong)


def test_a_cohort_that_is_left_open_in_the_form_is_none():
    (_, curves) = COHORTS.asks(CohortsQuery(cohort=("", "2025-01", "")))
    assert curves.parameters["cohorts"] == [date(2025, 1, 1)]


# --- value and risk -----------------------------------------------------------------------------------------------

LOW = {"clv_from": None, "clv_to": Decimal(1), "risk_from": Decimal(0), "risk_to": Decimal("0.01")}
HIGH = {"clv_from": Decimal(1500), "clv_to": Decimal(2000), "risk_from": Decimal("0.5"), "risk_to": Decimal("0.75")}
PLACES = [
    {"value_tier": "low", "risk_band": "low", "customers": 80, "value_at_risk": Decimal(4)} | LOW,
    {"value_tier": "medium", "risk_band": "low", "customers": 10, "value_at_risk": Decimal(1)} | LOW,
    {"value_tier": "high", "risk_band": "high", "customers": 10, "value_at_risk": Decimal(400)} | HIGH,
]


def test_the_plane_shows_counts_and_value_where_they_are_and_blanks_elsewhere():
    charts = charts_of(VALUE_RISK, ValueRiskQuery(), value_risk_plane=PLACES)
    assert charts["crowd"].traces[0]["z"] == [[90, None], [None, 10]]
    assert charts["stakes"].traces[0]["z"] == [[5.0, None], [None, 400.0]]
    assert charts["stakes"].traces[0]["x"] == ["<1%", "50–75%"]
    assert charts["stakes"].traces[0]["y"] == ["<1", "1.5k–2k"]
    assert charts["stakes"].summary == (
        "¤405 at risk in all; the largest part in one place, ¤400: CLV 1.5k–2k, risk 50–75%."
    )
    assert "99%, is with customers of high value at high risk" in charts["totals"].summary


def test_totals_are_told_by_tier_and_band_the_highest_first():
    said = text_of(drawn(VALUE_RISK, ValueRiskQuery(), value_risk_plane=PLACES))
    assert "CLV <1% 50–75% 1.5k–2k £400 <1 £5" in said
    assert "high high 10 – – £400 98.8% medium low 10 – – £1 0.2% low low 80 – – £4 1.0%" in said


def test_value_and_risk_without_a_model_has_totals_and_says_what_is_missing():
    unknown = [{"risk_band": "high", "value_tier": "high", "customers": 10, "clv": Decimal(9), "clv_to": Decimal(1)}]
    said = text_of(drawn(VALUE_RISK, ValueRiskQuery(), value_risk_plane=unknown))
    assert "No model has been trained yet" in said
    assert "The plane needs a churn probability and a CLV" in said
    assert "high high 10 – £9 – –" in said


def corner_page(number: int, shown: int) -> str:
    """The page where 60 customers are in the corner."""
    query = ValueRiskQuery(page=number)
    answers = answers_of(VALUE_RISK, query, {"value-risk-corner": [{"customer_id": HOSTILE}] * shown})
    corner = answers["value-risk-corner"]
    answers["value-risk-corner"] = Answer(corner.block, corner.rows, 60, corner.paging)
    templates = rendering.environment(Formats("GBP", "Europe/London"))
    templates.globals.update(menu=[], link=link, asset=lambda file: file, api="")
    return rendering.render(templates, VALUE_RISK.template, VALUE_RISK.shown(Seen(SHOWN, answers), query))


def test_the_corner_leads_to_its_customers_and_pages_on():
    html = corner_page(2, 25)
    assert f'href="/customer?{urlencode({"id": HOSTILE})}"' in html
    assert "<script>alert" not in html
    assert 'href="/value-risk?page=1"' in html
    assert "Page 2 of 3" in html
    assert 'href="/value-risk?page=3"' in html


def test_a_page_beyond_the_last_says_so_and_leads_back():
    html = corner_page(9, 0)
    assert "There is no page 9, only 3" in text_of(html)
    assert "Nobody of high value" not in html


def test_figures_in_charts_are_plain_json():
    for page, query in PAGES:
        rows = {
            "value_risk_plane": PLACES,
            "drivers": WEIGHED,
            "cohorts": [cohort(1, 0, 9)],
        }
        for chart in charts_of(page, query, **rows).values():
            json.dumps(chart.figure, allow_nan=False)
