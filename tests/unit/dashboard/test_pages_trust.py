"""The pages campaigns, model and runs, drawn from answers made by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from churn.dashboard import rendering
from churn.dashboard.blocks import Answer
from churn.dashboard.charts import Chart
from churn.dashboard.formats import Formats
from churn.dashboard.pages.campaigns import CAMPAIGNS_PAGE, CampaignsQuery
from churn.dashboard.pages.model import MODEL, ModelQuery
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.runs import RUNS_PAGE, RunsQuery
from churn.dashboard.reading import Night, Seen, State

NIGHT = date(2025, 11, 3)
AT = datetime(2025, 11, 3, 3, 20, tzinfo=UTC)
SHOWN = State(Night(NIGHT, 7, AT, "churn-2"), None, None, None, None)
HOSTILE = """<script>alert(1)</script>"'&{{7*7}}"""

Rows = Sequence[Mapping[str, Any]]


def link(name: str, **query: Any) -> str:
    return f"/{name}?{urlencode(query)}" if query else f"/{name}"


def answers_of(page: Page, query: Query, rows: Mapping[str, Rows]) -> dict[str, Answer]:
    """Answers with the rows given; what a row lacks is null."""
    found = {}
    for ask in page.asks(query):
        name = ask.block.name
        whole = [{c.name: row.get(c.name) for c in ask.block.columns} for row in rows.get(name.replace("-", "_"), ())]
        found[name] = Answer(ask.block, whole, len(whole), ask.paging)
    return found


def html_of(page: Page, query: Query, answers: dict[str, Answer]) -> str:
    templates = rendering.environment(Formats("GBP", "Europe/London"))
    templates.globals.update(menu=[page], link=link, asset=lambda file: f"/static/{file}", api="")
    return rendering.render(templates, page.template, page.shown(Seen(SHOWN, answers), query))


def drawn(page: Page, query: Query, **rows: Rows) -> str:
    return html_of(page, query, answers_of(page, query, rows))


def charts_of(page: Page, query: Query, **rows: Rows) -> dict[str, Chart]:
    return {chart.name: chart for chart in page.charts(answers_of(page, query, rows))}


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(script|pre).*?</\1>", " ", html, flags=re.S)).split())


PAGES = [(CAMPAIGNS_PAGE, CampaignsQuery()), (MODEL, ModelQuery()), (RUNS_PAGE, RunsQuery())]


@pytest.mark.parametrize(("page", "query"), PAGES)
def test_no_page_holds_script_or_style_that_the_policy_forbids(page, query):
    html = drawn(page, query)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    assert " style=" not in html
    assert 'class="chart"' not in html


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        (CAMPAIGNS_PAGE, CampaignsQuery(), ("No campaign is recorded yet", "churn campaign record", "churn nightly")),
        (MODEL, ModelQuery(), ("No model is trained yet", "churn train")),
        (RUNS_PAGE, RunsQuery(), ("No night has run yet", "churn nightly", "churn status", "churn doctor")),
    ],
)
def test_an_empty_page_says_what_to_do(page, query, said):
    text = text_of(drawn(page, query))
    assert [part for part in said if part not in text] == []


# --- campaigns ----------------------------------------------------------------------------------------------------

TOO_EARLY = {
    "campaign": "autumn",
    "arm": "all",
    "assigned_treatment": 456,
    "contacted_treatment": 0,
    "measured_treatment": 0,
    "assigned_holdout": 44,
    "contacted_holdout": 0,
    "measured_holdout": 0,
    "cost": 9133,
    "cost_basis": "as planned",
    "first_as_of_date": NIGHT,
    "last_as_of_date": NIGHT,
    "as_of_date": NIGHT,
    "verdict": "Nothing is measured yet; the first outcomes are known on 2025-12-17.",
}
MEASURED = {
    **TOO_EARLY,
    "contacted_treatment": 400,
    "measured_treatment": 450,
    "measured_holdout": 43,
    "retained_rate_treatment": 0.93,
    "retained_rate_holdout": 0.86,
    "incremental_retention": 0.07,
    "incremental_retention_low": 0.01,
    "incremental_retention_high": 0.14,
    "incremental_revenue": 5200,
    "incremental_revenue_low": -300,
    "incremental_revenue_high": 11000,
    "roi": 0.4,
    "roi_low": -0.2,
    "roi_high": 1.1,
    "verdict": "It kept customers: 7.0 points more stayed than without it (95 % interval +1.0 to +14.0 points).",
}


def test_what_is_not_known_yet_of_a_campaign_is_told_with_the_day_it_will_be():
    html = drawn(CAMPAIGNS_PAGE, CampaignsQuery(), campaigns=[TOO_EARLY], campaign_arms=[TOO_EARLY])
    text = text_of(html)
    assert "the first outcomes are known on 2025-12-17" in text
    assert text.count("not known yet") == 5
    assert "0 of 456 are measured" in text
    assert 'class="chart"' not in html, "there is no effect to draw"


def test_an_effect_is_drawn_as_a_range_beside_zero():
    arms = [MEASURED, {**MEASURED, "arm": "call", "incremental_retention_low": -0.02}, {**TOO_EARLY, "arm": "email"}]
    chart = charts_of(CAMPAIGNS_PAGE, CampaignsQuery(), campaign_arms=arms)["arms"]
    (trace,) = chart.traces
    assert trace["y"] == ["whole campaign", "call"]
    assert trace["x"] == pytest.approx([7.0, 7.0])
    assert trace["error_x"]["array"] == pytest.approx([7.0, 7.0])
    assert trace["error_x"]["arrayminus"] == pytest.approx([6.0, 9.0])
    assert [(shape["x0"], shape["x1"]) for shape in chart.layout["shapes"]] == [(0, 0)]
    assert "whole campaign: +7.0 points, from +1.0 to +14.0; call: +7.0 points, from -2.0 to +14.0." in chart.summary

    text = text_of(drawn(CAMPAIGNS_PAGE, CampaignsQuery(), campaigns=[MEASURED], campaign_arms=arms))
    assert "+7.0 pp +1.0 pp to +14.0 pp" in text
    assert "40.0% -20.0% to 110.0%" in text
    assert "93.0% 450 measured" in text
    assert "not known yet" not in text


def test_a_campaign_is_chosen_by_its_name_whatever_it_is_called():
    query = CampaignsQuery(campaign=HOSTILE)
    named = {**MEASURED, "campaign": HOSTILE}
    html = drawn(CAMPAIGNS_PAGE, query, campaigns=[MEASURED, named], campaign_arms=[named])
    assert html.count("<option") == 2
    assert re.search(r'<option value="&lt;script&gt;[^"]*" selected>', html)
    assert "<script>alert" not in html
    assert CAMPAIGNS_PAGE.missing(answers_of(CAMPAIGNS_PAGE, query, {}), query) is not None


def balance(*chances: float | None) -> list[dict[str, Any]]:
    return [
        {"campaign": "autumn", "dimension": "all" if place == 0 else "segment", "value": f"group {place}"}
        | {"treatment": 90, "holdout": 10, "expected_holdout": 10.0, "p_value": chance}
        for place, chance in enumerate(chances)
    ]


@pytest.mark.parametrize(
    ("chances", "said"),
    [
        ((0.4, 0.02, 0.9), "within what a fair draw does"),  # times three groups it is no rarity
        ((0.4, 0.01, 0.9), "in 3.0 of 100 fair draws"),
        ((0.4, 0.0003, 0.9), "Chance does not explain"),
        ((None,), "isn't known"),
    ],
)
def test_the_draw_is_judged_by_its_most_uneven_group(chances, said):
    chart = charts_of(CAMPAIGNS_PAGE, CampaignsQuery(), campaign_balance=balance(*chances))["balance"]
    assert "10 of 100 in the campaign are held out; 10 were to be expected." in chart.summary
    assert said in chart.summary


def test_save_rates_show_what_was_measured_beside_what_was_assumed():
    rates = [
        {"offer": "call", "value": "all", "assumed": 0.25, "measured": 0.1, "save_rate": 0.18},
        {"offer": "call", "value": "Quiet", "assumed": 0.25, "save_rate": -0.05},
    ]
    chart = charts_of(CAMPAIGNS_PAGE, CampaignsQuery(), save_rates=rates)["save-rates"]
    assert [trace["name"] for trace in chart.traces] == ["The list goes by", "Assumed", "Measured"]
    assert chart.traces[0]["y"] == ["call", "call, Quiet"]
    assert "1 of 2 rates rest on a measurement so far" in chart.summary
    assert "from -5.0% to 18.0%" in chart.summary


# --- the model ----------------------------------------------------------------------------------------------------

JUDGED = {
    "model_version": "churn-2",
    "model_status": "champion",
    "trained_as_of": NIGHT,
    "evaluation": "out_of_time",
    "from_as_of_date": NIGHT,
    "to_as_of_date": NIGHT,
    "customer_months": 31568,
    "churners": 1111,
    "base_rate": 0.035,
    "threshold": 0.09,
    "list_size": 500.0,
}
FIGURES = [
    {"label": "AUC-ROC", "figure": "auc_roc", "value": 0.787, "low": 0.774, "high": 0.798, "recency": 0.591},
    {"label": "Lift of the top tenth", "figure": "lift_top_decile", "value": 4.0, "low": 3.7, "high": 4.3},
    {"label": "Observed over expected", "figure": "observed_expected", "value": 0.977, "low": 0.92, "high": 1.03},
]


def tried(kind: str, cutoff: float, contacted: float, *, worth: float | None = 100.0, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "cutoff": cutoff,
        "contacted": contacted,
        "precision": 0.067,
        "recall": 0.095,
        "false_alarms": contacted * 0.933,
        "expected_net_value": worth,
        "is_in_use": False,
        "is_nearest": False,
        **more,
    }


TRADEOFF = [
    tried("threshold", 0.01, 8000, worth=-2000),
    tried("threshold", 0.3, 50, is_nearest=True, is_in_use=True),
    tried("list_size", 250, 250, worth=27648),
    tried("list_size", 500, 500, worth=38247, is_nearest=True),
]
MODEL_ROWS: dict[str, Rows] = {"models": [JUDGED], "model_performance": [JUDGED], "model_figures": FIGURES}


def test_the_threshold_explorer_works_without_a_script():
    query = ModelQuery(contacted=480, segment="Quiet")
    html = drawn(MODEL, query, **MODEL_ROWS, threshold_tradeoff=TRADEOFF)
    text = text_of(html)
    assert re.search(r'<input type="number" name="contacted"[^>]*value="480">', html)
    assert re.search(r'<input type="hidden" name="segment" value="Quiet">', html)
    listed = "A list of 500, the most value at risk first"
    assert f"{listed} Contacted 500 Precision 6.7% Recall 9.5% False alarms 466" in text
    assert "Expected net value £38,247" in text
    assert "Everybody from a probability of 30.0% on in use" in text
    terms = ("Contacted", "Precision", "Recall", "False alarms", "Expected net value")
    assert [term for term in terms if not re.search(rf"<div><dt>{term}</dt><dd>\w", html)] == []

    charts = charts_of(MODEL, query, threshold_tradeoff=TRADEOFF)
    marked = charts["tradeoff-worth"].traces[-1]
    assert (marked["x"], marked["y"]) == ([50, 500], [100, 38247])
    assert "the marked list of 500 is worth ¤38,247" in charts["tradeoff-worth"].summary
    assert "Worth most is contacting 500 a month, ¤38,247" in charts["tradeoff-worth"].summary
    found = charts["tradeoff-found"].traces[-1]
    assert (found["x"], found["y"]) == ([50, 50, 500, 500], [0.067, 0.095, 0.067, 0.095])


def test_a_model_without_expected_values_is_explored_by_what_it_finds():
    rows = [{**row, "expected_net_value": None} for row in TRADEOFF]
    assert "tradeoff-worth" not in charts_of(MODEL, ModelQuery(), threshold_tradeoff=rows)
    text = text_of(drawn(MODEL, ModelQuery(), **MODEL_ROWS, threshold_tradeoff=rows))
    assert "This model has no expected net values" in text
    assert "Expected net value not known" in text


def test_the_model_says_how_sure_its_figures_are_and_what_they_beat():
    text = text_of(drawn(MODEL, ModelQuery(), **MODEL_ROWS))
    assert "79 times in 100 0.774 to 0.798, 19 times in 20; days of silence 0.591" in text
    assert "Where it expects 100 to leave 98 do" in text
    assert "judged on 31,568 customer-months" in text


def test_curves_are_read_aloud():
    roc = [{"point": 0, "x": 0.0, "y": 0.0}, {"point": 1, "x": 0.1, "y": 0.42}, {"point": 2, "x": 1.0, "y": 1.0}]
    found = charts_of(MODEL, ModelQuery(), model_figures=FIGURES, roc=roc, lift=[{"point": 0, "x": 0.1, "y": 4.0}])
    assert found["roc"].summary == (
        "The area below is 0.787; by chance it is 0.5. With 10% of the stayers contacted, 42% of the leavers found."
    )
    assert "4.0 times as many leavers" in found["lift"].summary
    bins = [
        {"bin": 1, "predicted": 0.01, "observed": 0.02, "observed_low": 0.015, "customers": 100, "is_off": True},
        {"bin": 2, "predicted": 0.2, "observed": 0.21, "observed_high": 0.3, "customers": 300, "is_off": False},
    ]
    chart = charts_of(MODEL, ModelQuery(), calibration=bins)["calibration"]
    assert "Of those it gave 20.0% on average, 21.0% left; of those it gave 1.0%, 2.0%." in chart.summary
    assert "1 of 2 groups lie off the line" in chart.summary
    _, groups = chart.traces
    assert groups["error_y"]["arrayminus"] == [pytest.approx(0.005), None]
    assert groups["customdata"] == [100, 300]


def realised(**last: Any) -> list[dict[str, Any]]:
    night = {"as_of_date": NIGHT - timedelta(days=60), "value": 0.78, "expected": 0.785, "low": 0.72, "high": 0.85}
    return [{**night, "status": "inside"}, {**night, "as_of_date": NIGHT - timedelta(days=44), **last}]


def test_what_happened_is_held_against_what_the_test_promised():
    nights = realised(value=0.6, status="warning", model_version="churn-3")
    chart = charts_of(MODEL, ModelQuery(), realised_auc_roc=nights)["realised-auc-roc"]
    assert chart.summary == (
        "On 20 Sep 2025 it was 0.60; the test let expect 0.79. 1 of 2 nights lie outside the range that chance allows."
    )
    text = text_of(drawn(MODEL, ModelQuery(), **MODEL_ROWS, realised_auc_roc=nights))
    assert "does not keep what its test promised: auc roc of churn-3 0.6 where 0.72 to 0.85 was to be expected" in text
    assert "does not keep" not in text_of(
        drawn(MODEL, ModelQuery(), **MODEL_ROWS, realised_auc_roc=realised(value=0.8))
    )


def test_an_unknown_version_or_segment_is_not_there():
    rows = {**MODEL_ROWS, "model_segments": [{"segment": "all"}, {"segment": "Quiet"}]}
    wrong = ModelQuery(version="churn-9"), ModelQuery(segment="Loud")
    said = [MODEL.missing(answers_of(MODEL, query, rows), query) for query in wrong]
    assert "churn models list" in str(said[0])
    assert "all, Quiet" in str(said[1])
    right = ModelQuery(version="churn-2", segment="Quiet")
    assert MODEL.missing(answers_of(MODEL, right, rows), right) is None


# --- runs ---------------------------------------------------------------------------------------------------------

FAILED = {
    "run_id": 9,
    "job": "nightly",
    "as_of_date": NIGHT,
    "status": "failed",
    "started_at": AT,
    "stage": "extract",
    "exit_code": 11,
    "error": f"The source can't be reached. {HOSTILE}",
}


def test_a_failure_is_told_in_full_with_what_to_do():
    died = {**FAILED, "run_id": 8, "status": "died", "exit_code": None, "error": "It was cut off."}
    made_up = {**FAILED, "run_id": 6, "made_up_by": 7}
    html = drawn(RUNS_PAGE, RunsQuery(), run_failures=[FAILED, died, made_up])
    assert "<script>alert" not in html
    text = text_of(html)
    assert "Run 9: nightly of 3 Nov 2025 failed in stage extract The source can&#39;t be reached." in text
    assert "exit code 11. Not made up yet: churn doctor" in text
    assert "Run 8: nightly of 3 Nov 2025 died in stage extract It was cut off." in text
    assert "the next run of its job goes on" in text
    assert "Made up by run 7." in text
    assert 'href="/runs?run=9#checks"' in html


def test_a_run_at_work_is_shown_with_its_last_sign_of_life():
    at_work = {**FAILED, "status": "running", "stage": "features", "heartbeat_at": AT + timedelta(minutes=5)}
    text = text_of(drawn(RUNS_PAGE, RunsQuery(), runs_at_work=[at_work]))
    assert "At work now" in text
    assert "features 3 Nov 2025, 03:20 3 Nov 2025, 03:25" in text
    assert "At work now" not in text_of(drawn(RUNS_PAGE, RunsQuery()))


def check(outcome: str, name: str) -> dict[str, Any]:
    return {"run_id": 9, "as_of_date": NIGHT, "outcome": outcome, "check_name": name, "rows": 3, "detail": "examples"}


def test_what_checks_found_stands_before_what_passed():
    checks = [check("failed", "payments"), check("warned", "volume"), check("passed", "amounts")]
    html = drawn(RUNS_PAGE, RunsQuery(), checks=checks)
    assert "1 failed, 1 warned, 1 passed" in text_of(html)
    assert html.index("payments") < html.index("volume") < html.index("The 1 that passed") < html.index("amounts")
    assert "All 1 checks passed." in text_of(drawn(RUNS_PAGE, RunsQuery(), checks=checks[2:]))


def test_the_length_of_nights_is_drawn_by_how_they_ended():
    nights = [
        {"as_of_date": NIGHT - timedelta(days=1), "run_id": 7, "status": "succeeded", "duration_s": 30.0},
        {"as_of_date": NIGHT, "run_id": 9, "status": "failed", "duration_s": 90.0},
        {"as_of_date": NIGHT + timedelta(days=1), "run_id": 10, "status": "died"},
    ]
    chart = charts_of(RUNS_PAGE, RunsQuery(), run_nights=nights)["durations"]
    assert [(trace["name"], trace["y"]) for trace in chart.traces] == [
        ("succeeded", [30.0]),
        ("failed", [90.0]),
        ("died", [0]),
    ]
    assert "The last of 3 nights: 90 seconds in the middle, 90 the longest; 2 failed or died." in chart.summary


def test_a_table_that_shrank_is_named():
    volumes = [
        {"table_name": f"staging.{name}", "as_of_date": NIGHT + timedelta(days=day), "value": 1000 * share}
        | {"against_first": share}
        for name, last in (("customers", 1.01), ("payments", 0.4))
        for day, share in enumerate((1.0, last))
    ]
    chart = charts_of(RUNS_PAGE, RunsQuery(), table_volumes=volumes)["volumes"]
    assert "payments changed most, to 40.0% of the first night: 400 rows." in chart.summary
    assert charts_of(RUNS_PAGE, RunsQuery(), table_volumes=volumes[:1]) == {}, "one night is no course"


def test_runs_are_read_page_by_page_and_keep_what_was_asked():
    query = RunsQuery(job="nightly", status="failed", page=2, size=25)
    answers = answers_of(RUNS_PAGE, query, {"runs": [FAILED]})
    answers["runs"] = replace(answers["runs"], total=60)
    html = html_of(RUNS_PAGE, query, answers)
    assert "Page 2 of 3, 60 runs" in text_of(html)
    assert 'href="/runs?job=nightly&amp;status=failed&amp;page=3"' in html


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (RunsQuery, {"job": "everything"}),
        (RunsQuery, {"sort": "error"}),
        (RunsQuery, {"page": 0}),
        (ModelQuery, {"threshold": 2}),
        (ModelQuery, {"evaluation": "guessed"}),
        (CampaignsQuery, {"campaign": "x" * 10_000}),
    ],
)
def test_what_makes_no_sense_is_refused(query, given):
    with pytest.raises(ValidationError):
        query(**given)
