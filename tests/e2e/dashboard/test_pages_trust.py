"""The pages campaigns, model and runs show what the views hold, before anything is known and after it went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from churn.dashboard import rendering
from churn.dashboard.formats import Formats
from churn.dashboard.pages.campaigns import CAMPAIGNS_PAGE, CampaignsQuery
from churn.dashboard.pages.model import MODEL, ModelQuery
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.runs import RUNS_PAGE, RunsQuery
from churn.dashboard.reading import Seen, read
from tests.e2e.company import AS_OF, Office, dropped
from tests.e2e.conftest import MakeOffice

CHAMPION = "model_status = 'champion' and evaluation = 'out_of_time'"


def seen(office: Office, page: Page, query: Query) -> Seen:
    with office.reading() as connection:
        return read(connection, page.asks(query))


def rows(found: Seen, block: str) -> list[dict[str, Any]]:
    return [dict(row) for row in found.answers[block].rows]


def html_of(page: Page, query: Query, found: Seen) -> str:
    templates = rendering.environment(Formats("EUR", "Europe/Berlin"))
    templates.globals.update(menu=[page], link=lambda name, **query: f"/{name}", asset=lambda file: f"/{file}", api="")
    return rendering.render(templates, page.template, page.shown(found, query))


# --- a first night: nothing is measured yet -----------------------------------------------------------------------


def test_a_campaign_without_outcomes_is_shown_as_the_views_hold_it(published):
    query = CampaignsQuery()
    found = seen(published, CAMPAIGNS_PAGE, query)
    whole, *offers = rows(found, "campaign-arms")
    view = {row["arm"]: row for row in published.rows("select * from bi.campaign_results")}
    assert whole == {name: view["all"][name] for name in whole}
    assert [row["arm"] for row in offers] == sorted(view.keys() - {"all"})
    assert whole["incremental_retention"] is None
    html = html_of(CAMPAIGNS_PAGE, query, found)
    assert "the first outcomes are known on 2025-12-17" in html
    assert "not known yet" in html

    balance = published.rows("select dimension, value, p_value from bi.campaign_balance")
    shown = [{name: row[name] for name in balance[0]} for row in rows(found, "campaign-balance")]
    assert sorted(shown, key=str) == sorted(balance, key=str)
    assert shown[0]["dimension"] == "all"
    offered = published.rows("select offer, assumed, save_rate from bi.save_rates")
    assert len(rows(found, "save-rates")) == len(offered) > 0
    sums = published.rows("select sum(listed) as listed, sum(planned_cost) as cost from bi.campaign_lists")
    (listed,) = rows(found, "campaign-lists")
    assert (listed["treatment"] + listed["holdout"], listed["planned_cost"]) == (sums[0]["listed"], sums[0]["cost"])
    assert CAMPAIGNS_PAGE.missing(found.answers, query) is None


def test_a_campaign_that_is_not_there_is_missing(published):
    query = CampaignsQuery(campaign="'; drop table ops.models; --")
    assert CAMPAIGNS_PAGE.missing(seen(published, CAMPAIGNS_PAGE, query).answers, query) is not None


def test_the_model_in_use_is_shown_as_the_views_hold_it(published):
    found = seen(published, MODEL, ModelQuery())
    (view,) = published.rows(f"select * from bi.model_performance where {CHAMPION}")
    (performance,) = rows(found, "model-performance")
    assert performance == {name: view[name] for name in performance}
    for curve in ("roc", "pr", "lift"):
        known = published.rows(
            f"select point, x, y from bi.model_curves where {CHAMPION} and segment = 'all' and curve = '{curve}' "
            "order by point"
        )
        assert rows(found, curve) == known
    for row in rows(found, "model-figures"):
        known = {
            of["predictor"]: (of["value"], of["low"], of["high"])
            for of in published.rows(
                f"select predictor, value, low, high from bi.model_figures where {CHAMPION} and segment = 'all' "
                "and figure = :figure",
                figure=row["figure"],
            )
        }
        assert (row["value"], row["low"], row["high"]) == known["model"]
        assert row["recency"] == known["recency"][0]
    assert len(rows(found, "model-figures")) == 13
    bins = published.column(f"select observed from bi.calibration where {CHAMPION} and segment = 'all' order by bin")
    assert [row["observed"] for row in rows(found, "calibration")] == bins
    best = published.rows("select * from bi.clv_performance where model_status = 'champion' and is_used")
    assert rows(found, "clv-performance")[0]["realised"] == best[0]["realised"]
    brought = published.value(
        "select sum(realised) from bi.clv_deciles where model_status = 'champion' and method = :method",
        method=best[0]["method"],
    )
    assert sum(row["realised"] for row in rows(found, "clv-deciles")) == brought
    html = html_of(MODEL, ModelQuery(), found)
    assert html.count('class="chart"') == len(list(MODEL.charts(found.answers)))
    assert "No published night's outcome is known yet" in html.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("query", "by_list", "by_threshold"),
    [
        (ModelQuery(), "abs(cutoff - 60)", "case when is_chosen then 0 else 1 end"),
        (ModelQuery(contacted=130), "abs(contacted - 130)", "abs(contacted - 130)"),
        (ModelQuery(threshold=0.1), "abs(cutoff - 60)", "abs(cutoff - 0.1)"),
        (ModelQuery(contacted=130, threshold=0.1), "abs(contacted - 130)", "abs(cutoff - 0.1)"),
    ],
)
def test_the_explorer_marks_the_nearest_list_and_threshold(published, query, by_list, by_threshold):
    found = rows(seen(published, MODEL, query), "threshold-tradeoff")
    whole = f"from bi.threshold_tradeoff where {CHAMPION} and segment = 'all'"
    assert len(found) == published.value(f"select count(*) {whole}")
    marked = {row["kind"]: row for row in found if row["is_nearest"]}
    assert sum(row["is_nearest"] for row in found) == 2
    for kind, distance in (("list_size", by_list), ("threshold", by_threshold)):
        nearest = published.rows(f"select * {whole} and kind = '{kind}' order by {distance}, cutoff limit 1")[0]
        names = ("cutoff", "contacted", "precision", "recall", "false_alarms", "expected_net_value")
        assert {name: marked[kind][name] for name in names} == {name: nearest[name] for name in names}


def test_a_segment_is_judged_by_itself(published):
    segment = published.column(f"select distinct segment from bi.model_figures where {CHAMPION} and segment <> 'all'")[
        0
    ]
    query = ModelQuery(segment=segment)
    found = seen(published, MODEL, query)
    known = published.value(
        f"select value from bi.model_figures where {CHAMPION} and segment = :segment and predictor = 'model' "
        "and figure = 'log_loss'",
        segment=segment,
    )
    assert [row["value"] for row in rows(found, "model-figures") if row["figure"] == "log_loss"] == [known]
    assert MODEL.missing(found.answers, query) is None
    for wrong in (ModelQuery(version="churn-0"), ModelQuery(segment="nobody")):
        assert MODEL.missing(seen(published, MODEL, wrong).answers, wrong) is not None


def test_the_night_is_shown_with_its_checks_and_what_it_read(published):
    found = seen(published, RUNS_PAGE, RunsQuery())
    runs = published.column("select run_id from bi.job_runs order by run_id desc")
    assert [row["run_id"] for row in rows(found, "runs")] == runs
    night = published.value("select max(run_id) from bi.job_runs where published")
    checks = published.rows("select * from bi.data_quality where run_id = :run", run=night)
    outcomes = [row["outcome"] for row in rows(found, "checks")]
    assert len(outcomes) == len(checks)
    assert outcomes == sorted(outcomes, key=["failed", "warned", "passed"].index)
    assert outcomes.count("passed") == sum(row["status"] == "passed" for row in checks)
    read_rows = rows(found, "extractions")
    assert len(read_rows) == 5
    for row in read_rows:
        assert row["rows_read"] == row["rows_used"] + row["rows_quarantined"] + row["rows_forgotten"]
    payments = published.value(
        "select value from bi.table_figures where table_name = 'staging.payments' and figure = 'rows'"
    )
    assert [row["value"] for row in rows(found, "table-volumes") if row["table_name"] == "staging.payments"] == [
        payments
    ]
    train = published.value("select run_id from bi.job_runs where job = 'train'")
    listed = seen(published, RUNS_PAGE, RunsQuery(job="train", run=train))
    assert [row["job"] for row in rows(listed, "runs")] == ["train"]
    assert {row["run_id"] for row in rows(listed, "extractions")} <= {train}


# --- later: outcomes are known, and a run failed ------------------------------------------------------------------

LISTED = AS_OF - timedelta(days=44)
"""What became of this night's list is known on AS_OF."""


@pytest.fixture(scope="module")
def later(make_office: MakeOffice, server_home) -> Iterator[Office]:
    """An office in which a campaign has outcomes; one run failed, one died and one is at work."""
    made = make_office()
    made.change_warehouse(
        "update ops.campaign_results set "
        "measured_treatment = 48, measured_holdout = 12, retained_rate_treatment = 0.9, retained_rate_holdout = 0.8, "
        "incremental_retention = 0.1, incremental_retention_low = -0.05, incremental_retention_high = 0.28, "
        "incremental_revenue = 900, incremental_revenue_low = -200, incremental_revenue_high = 2000, "
        "cost = 480, cost_measured = 480, roi = 0.5, verdict = 'No effect can be shown yet.' where arm = 'all'"
    )
    made.change_warehouse(
        "insert into ops.runs "
        "(job, as_of_date, status, stage, started_at, finished_at, config_digest, exit_code, error) "
        "select x.job, :night, x.status, x.stage, r.last + x.after * interval '1 day', "
        "case when x.status = 'failed' then r.last + x.after * interval '1 day' + interval '90 seconds' end, "
        "'digest', x.code, x.error "
        "from (select max(started_at) as last from ops.runs) as r, (values "
        "('nightly', 'failed', 'extract', 1, 11, 'The source can''t be reached. Check source.url.'), "
        "('train', 'died', 'risk', 2, cast(null as integer), null), "
        "('nightly', 'running', 'features', 3, null, null)) as x (job, status, stage, after, code, error)",
        night=AS_OF + timedelta(days=1),
    )
    yield made
    dropped(server_home, made.source_url, made.warehouse_url)


def test_known_results_are_shown_with_their_range(later):
    found = seen(later, CAMPAIGNS_PAGE, CampaignsQuery())
    (chart,) = [chart for chart in CAMPAIGNS_PAGE.charts(found.answers) if chart.name == "arms"]
    assert chart.traces[0]["x"] == pytest.approx([10.0])
    assert chart.traces[0]["error_x"]["array"] == pytest.approx([18.0])
    html = html_of(CAMPAIGNS_PAGE, CampaignsQuery(), found)
    assert "-5.0 pp to +28.0 pp" in html
    assert "€900" in html
    assert "not known yet" not in html


def test_failed_and_died_runs_are_told_and_the_one_at_work_is_shown(later):
    found = seen(later, RUNS_PAGE, RunsQuery(days=30))
    assert [(row["job"], row["status"]) for row in rows(found, "run-failures")] == [
        ("train", "died"),
        ("nightly", "failed"),
    ]
    assert [(row["job"], row["stage"]) for row in rows(found, "runs-at-work")] == [("nightly", "features")]
    failed = later.value("select run_id from bi.job_runs where status = 'failed'")
    nights = rows(found, "run-nights")
    assert [(row["status"], row["duration_s"]) for row in nights if row["run_id"] == failed] == [("failed", 90.0)]
    assert rows(found, "checks") == [], "it ended before its checks"
    html = html_of(RUNS_PAGE, RunsQuery(), found).replace("&#39;", "'")
    assert "The source can't be reached. Check source.url." in html
    assert "It was cut off and said nothing." in html
    assert "This run made no checks" in html

    dead = seen(later, RUNS_PAGE, RunsQuery(status="died"))
    assert [row["status"] for row in rows(dead, "runs")] == ["died"]
    last = seen(later, RUNS_PAGE, RunsQuery(days=1))
    assert {row["status"] for row in rows(last, "runs")} == {"running", "died"}
    later.change_warehouse("update ops.runs set status = 'succeeded' where status = 'running'")
    (died, made_up) = rows(seen(later, RUNS_PAGE, RunsQuery()), "run-failures")
    assert (died["made_up_by"], made_up["made_up_by"]) == (None, failed + 2)


def test_a_page_of_runs_holds_what_the_one_before_did_not(later):
    first, second = (
        rows(seen(later, RUNS_PAGE, RunsQuery(days=3660, size=2, page=page, sort="job", descending=False)), "runs")
        for page in (1, 2)
    )
    everything = later.rows("select run_id, job from bi.job_runs order by job, run_id")
    assert [row["run_id"] for row in first + second] == [row["run_id"] for row in everything[:4]]
