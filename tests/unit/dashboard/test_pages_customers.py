"""The pages overview, segments and at-risk, drawn from answers made by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from churn.dashboard import rendering
from churn.dashboard.blocks import Answer
from churn.dashboard.charts import Chart
from churn.dashboard.formats import Formats
from churn.dashboard.pages.at_risk import AT_RISK, AtRiskQuery
from churn.dashboard.pages.overview import OVERVIEW, measures
from churn.dashboard.pages.overview_blocks import KPIS
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.segments import SEGMENTS_PAGE
from churn.dashboard.reading import Night, Seen, State

SHOWN = State(Night(date(2025, 11, 3), 7, datetime(2025, 11, 3, 3, 20, tzinfo=UTC), "churn-2"), None, None, None, None)
NOTHING = State(None, None, None, None, None)
HOSTILE = """<script>alert(1)</script>"'&{{7*7}}"""
PAGES = [(OVERVIEW, Query()), (SEGMENTS_PAGE, Query()), (AT_RISK, AtRiskQuery())]

Rows = Sequence[Mapping[str, Any]]


def address(name: str, **query: Any) -> str:
    return f"/{name}?{urlencode(query)}" if query else f"/{name}"


def answers_of(page: Page, query: Query, rows: Mapping[str, Rows], total: int | None = None) -> dict[str, Answer]:
    """Answers with the rows given; what a row lacks is null."""
    found = {}
    for ask in page.asks(query):
        given = rows.get(ask.block.name.replace("-", "_"), ())
        whole = [{column.name: row.get(column.name) for column in ask.block.columns} for row in given]
        count = total if total is not None and ask.paging else len(whole)
        found[ask.block.name] = Answer(ask.block, whole, count, ask.paging)
    return found


def drawn(page: Page, query: Query, state: State = SHOWN, total: int | None = None, **rows: Rows) -> str:
    templates = rendering.environment(Formats("GBP", "Europe/London"))
    templates.globals.update(menu=[page], link=address, asset=lambda file: f"/static/{file}", api="")
    templates.globals["download"] = lambda page, block, **query: address(f"download/{page}/{block}.csv", **query)
    shown = page.shown(Seen(state, answers_of(page, query, rows, total)), query)
    return rendering.render(templates, page.template, shown)


def charts_of(page: Page, query: Query, **rows: Rows) -> dict[str, Chart]:
    return {chart.name: chart for chart in page.charts(answers_of(page, query, rows))}


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(script|pre).*?</\1>", " ", html, flags=re.S)).split())


def month(number: int, **known: Any) -> dict[str, Any]:
    whole = {"month": date(2025, number, 1), "customers_end": 100, "is_provisional": False, "is_over": True}
    return dict.fromkeys(column.name for column in KPIS.columns) | whole | known


# --- every page ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "query"), PAGES)
@pytest.mark.parametrize("state", [SHOWN, NOTHING])
def test_a_page_without_rows_has_no_chart_and_says_what_to_do(page, query, state):
    html = drawn(page, query, state)
    assert 'class="chart"' not in html
    assert re.search(r"churn (train|nightly|backfill)|retention\.offers", text_of(html.split("</nav>")[-1]))
    assert ("No night is published yet" in html) is (state is NOTHING)
    assert " style=" not in html


# --- overview -----------------------------------------------------------------------------------------------------

CONTRACTS = [
    month(
        8, churn_rate=0.02, retention_rate=0.98, mrr_end=Decimal(1000), revenue=Decimal(7), nrr=0.99, arpa=Decimal(10)
    ),
    month(
        9, churn_rate=0.03, retention_rate=0.97, mrr_end=Decimal(1100), revenue=Decimal(8), nrr=0.99, arpa=Decimal(10)
    ),
    month(10, mrr_end=Decimal(1210), is_provisional=True, arpa=Decimal(11)),
    month(11, mrr_end=Decimal(1300), is_provisional=True, is_over=False, avg_clv=Decimal(5)),
]
PURCHASES = [
    month(8, churn_rate=0.5, retention_rate=0.5, revenue=Decimal(200), arpa=Decimal(2)),
    month(9, churn_rate=0.4, retention_rate=0.6, revenue=Decimal(100), arpa=Decimal(1)),
    month(10, revenue=Decimal(30), is_provisional=True, is_over=False, arpa=Decimal(1)),
]


def test_figures_are_of_the_last_settled_month():
    found = {measure.label: measure for measure in measures(CONTRACTS)}
    assert "Revenue" not in found
    churn, mrr, clv = found["Churn rate"], found["MRR"], found["Average CLV"]
    assert (churn.month.month, churn.value, churn.direction, churn.meaning) == (9, 0.03, "up", "worse")
    assert (mrr.month.month, mrr.before, mrr.direction, mrr.meaning) == (9, date(2025, 8, 1), "up", "better")
    assert mrr.change == pytest.approx(0.1)
    assert (clv.month.month, clv.before, clv.meaning) == (11, None, "")
    assert (found["Net revenue retention"].direction, found["Net revenue retention"].meaning) == ("same", "")


def test_by_inactivity_revenue_stands_for_mrr():
    found = {measure.label: measure for measure in measures(PURCHASES)}
    assert found.keys().isdisjoint({"MRR", "Net revenue retention"})
    assert (found["Revenue"].value, found["Revenue"].direction, found["Revenue"].meaning) == (100, "down", "worse")
    assert (found["Churn rate"].direction, found["Churn rate"].meaning) == ("down", "better")
    charts = charts_of(OVERVIEW, Query(), kpis=PURCHASES)
    assert charts.keys() == {"churn-rate", "retention-rate", "money"}
    solid, dashed = charts["money"].traces
    assert (solid["y"], dashed["y"], dashed["line"]["dash"]) == ([200, 100], [100, 30], "dash")
    html = text_of(drawn(OVERVIEW, Query(), kpis=PURCHASES))
    assert "▼ down 50.0% on Aug 2025: worse" in html
    assert "▼ down 10 points on Aug 2025: better" in html


def test_what_may_still_change_is_dashed_and_said():
    charts = charts_of(OVERVIEW, Query(), kpis=CONTRACTS)
    solid, dashed = charts["money"].traces
    assert (solid["y"], dashed["y"], dashed["line"]["dash"]) == ([1000, 1100], [1100, 1210, 1300], "dash")
    assert charts["churn-rate"].summary == (
        "3.0% in Sep 2025; since Aug 2025 between 2.0% (Aug 2025) and 3.0% (Sep 2025). "
        "Not known yet: Oct 2025, Nov 2025."
    )


def test_losses_of_mrr_are_drawn_below_zero():
    won = {"mrr_new": Decimal(50), "mrr_reactivated": Decimal(5), "mrr_expansion": Decimal(10)}
    lost = {"mrr_contraction": Decimal(4), "mrr_churned": Decimal(21)}
    chart = charts_of(OVERVIEW, Query(), mrr_movement=[month(9) | won | lost])["mrr-movement"]
    assert {trace["name"]: trace["y"] for trace in chart.traces}["Churned"] == [-21]
    assert sum(trace["y"][0] for trace in chart.traces) == 40
    assert chart.summary == "In Sep 2025 MRR won ¤65 and lost ¤25, of that ¤21 by churn."


def test_findings_are_cards_with_their_evidence_folded():
    evidence = {"view": "bi.segments", "query": "select 1", "numbers": {"churn_rate": 0.25, "segment": HOSTILE}}
    found = {"priority": 1, "question": "Who?", "finding": HOSTILE, "recommendation": "Call.", "evidence": evidence}
    html = drawn(OVERVIEW, Query(), findings=[found])
    assert "<script>alert" not in html
    assert re.search(r"<details>\s*<summary>The evidence.*?churn rate</dt><dd>0.25<.*?select 1", html, re.S)


def test_the_model_and_the_night_are_told_in_figures():
    tested = {"model_version": "m-1", "evaluation": "out_of_time", "auc_roc": 0.8, "auc_roc_low": 0.75}
    tested |= {"auc_roc_high": 0.85, "baseline_auc": 0.6, "observed_expected": 1.1, "ece": 0.01, "age_days": 12}
    drift = [
        {"status": "warn", "features": 2, "most_moved": "logins", "largest_psi": 0.3},
        {"status": "ok", "features": 9},
    ]
    run = {"as_of_date": date(2025, 11, 3), "status": "succeeded", "checks": 40, "checks_failed": 0}
    run |= {"checks_warned": 3, "rows_read": 5000, "rows_quarantined": 7}
    text = text_of(drawn(OVERVIEW, Query(), champion=[tested], drift_tonight=drift, last_runs=[run]))
    for part in (
        "12 days before tonight",
        "0.8 0.75 to 0.85 not yet",
        "2 of 11 figures have moved",
        "logins (PSI 0.3)",
    ):
        assert part in text
    assert "40: 0 failed, 3 warned" in text
    assert "7 of 5,000" in text


# --- segments -----------------------------------------------------------------------------------------------------


def segment(name: str, **known: Any) -> dict[str, Any]:
    return {"segment": name, "description": "…", "customers": 10, "share": 0.5, "avg_clv": Decimal(100)} | known


def test_without_a_model_there_is_no_map_but_the_table():
    rows = [segment("A"), segment("B")]
    assert charts_of(SEGMENTS_PAGE, Query(), segments=rows) == {}
    html = drawn(SEGMENTS_PAGE, Query(), segments=rows)
    assert "run <code>churn train</code>" in html
    assert ">MRR</th>" not in html
    assert 'href="/at-risk?population=all&amp;segment=A"' in html


def test_a_rising_risk_is_said_to_be_worse():
    before = {"compared_date": date(2025, 10, 3), "customers_change": -2, "avg_clv_change": Decimal(0)}
    row = segment("A", avg_churn_probability=0.12, avg_churn_probability_change=0.03, **before)
    text = text_of(drawn(SEGMENTS_PAGE, Query(), segments=[row]))
    assert "12.0% ▲ up 3 points: worse" in text
    assert "▼ down 2" in text
    assert "£100 unchanged" in text


def test_the_migration_is_a_matrix_of_what_moved():
    dates = {"from_date": date(2025, 9, 30), "to_date": date(2025, 10, 31)}
    moves = [
        ("A", "A", 8, 0.8, True),
        ("A", "B", 2, 0.2, False),
        ("(new)", "B", 3, 1.0, False),
        ("B", "(gone)", 1, 1.0, False),
    ]
    names = ("from_segment", "to_segment", "customers", "share", "stayed")
    chart = charts_of(
        SEGMENTS_PAGE, Query(), segment_migration=[dates | dict(zip(names, move, strict=True)) for move in moves]
    )
    (trace,) = chart["segment-migration"].traces
    assert (trace["y"], trace["x"]) == (["A", "B", "(new)"], ["A", "B", "(gone)"])
    assert trace["text"] == [["8", "2", ""], ["", "", "1"], ["", "3", ""]]
    assert chart["segment-migration"].summary == (
        "8 of 11 customers stayed in their segment. Most moved from A to B: 2. 3 came. 1 went."
    )


# --- at risk ------------------------------------------------------------------------------------------------------


def customer(name: str, **known: Any) -> dict[str, Any]:
    return {"customer_id": name, "risk_percentile": 99.0, "risk_band": "high", "churn_probability": 0.3} | known


def test_who_is_held_out_is_marked_not_to_be_contacted():
    rows = [
        customer("c1", campaign_group="treatment", recommended_action="call"),
        customer("c2", campaign_group="holdout", recommended_action="hold out"),
        customer("c3", list_status="cooldown"),
    ]
    text = text_of(drawn(AT_RISK, AtRiskQuery(population="all"), customers=rows))
    assert "c1 Contact call" in text
    assert "c2 Hold out: do not contact" in text
    assert "c3 Not on the list: cooldown" in text


def test_heads_sort_and_say_how_it_is_sorted():
    html = drawn(AT_RISK, AtRiskQuery(sort="mrr", segment="A"), customers=[customer("c1", mrr=Decimal(5))])
    assert re.search(
        r'aria-sort="descending"[^>]*>\s*<a href="/at-risk\?segment=A&amp;sort=mrr&amp;descending=False">', html
    )
    assert html.count("aria-sort") == 1


def test_links_to_pages_keep_what_was_asked_and_are_few():
    html = drawn(AT_RISK, AtRiskQuery(page=500, plan="Pro"), total=100_000, customers=[customer("c1", plan="Pro")])
    pages = re.findall(r'href="/at-risk\?([^"]*)"[^>]*><span class="hidden">Page </span>([\d,]+)<', html)
    assert [page for _, page in pages] == ["1", "498", "499", "500", "501", "502", "2,000"]
    assert [asked for asked, _ in pages[:2]] == ["plan=Pro", "plan=Pro&amp;page=498"]
    assert 'href="/download/at-risk/customers.csv?plan=Pro"' in html
    assert "shown: 24,951 to 24,951" in text_of(html)


def test_a_filter_that_nobody_fits_says_to_remove_it():
    text = text_of(drawn(AT_RISK, AtRiskQuery(customer="zz")))
    assert "No customer fits: remove a filter." in text
    assert "No customer fits" not in text_of(drawn(AT_RISK, AtRiskQuery()))


def test_a_page_after_the_last_leads_to_the_last():
    html = drawn(AT_RISK, AtRiskQuery(page=9), total=60)
    assert 'There are 2 pages only: go to <a href="/at-risk?page=2">' in html


def test_without_a_model_the_list_says_what_it_is_ranked_by():
    html = drawn(AT_RISK, AtRiskQuery(), customers=[customer("c1", churn_probability=None)])
    assert "There is no model yet" in html
    assert "There is no model yet" not in drawn(AT_RISK, AtRiskQuery(), customers=[customer("c1")])


@pytest.mark.parametrize(
    "asked",
    [
        {"population": "some"},
        {"sort": "why"},
        {"min_probability": 1.5},
        {"page": 0},
        {"size": 1000},
        {"customer": "x" * 201},
        {"risk_band": "huge"},
        {"other": "1"},
    ],
)
def test_what_cannot_be_asked_is_refused(asked):
    with pytest.raises(ValidationError):
        AtRiskQuery(**asked)


@pytest.mark.parametrize("name", ["customer", "segment", "plan", "action"])
def test_a_hostile_filter_is_shown_as_text(name):
    html = drawn(AT_RISK, AtRiskQuery(**{name: HOSTILE}), customers=[customer(HOSTILE)])
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


@pytest.mark.parametrize(("failed_as_of", "told"), [(date(2025, 11, 4), True), (date(2025, 11, 3), False)])
def test_a_failed_night_is_told_only_where_it_would_have_been_newer(failed_as_of, told):
    state = State(SHOWN.night, None, None, "It ran out of disk.", failed_as_of)
    assert ("was not published" in drawn(OVERVIEW, Query(), state)) is told


def test_a_change_too_small_to_be_written_is_no_change():
    row = {
        "segment": "Champions",
        "customers": 10,
        "avg_churn_probability": 0.1,
        "compared_date": date(2025, 10, 3),
    }
    changed = [row | {"avg_churn_probability_change": size} for size in (0.0001, 0.01)]
    pages = [drawn(SEGMENTS_PAGE, Query(), segments=[one]) for one in changed]
    assert [": worse" in page for page in pages] == [False, True]
