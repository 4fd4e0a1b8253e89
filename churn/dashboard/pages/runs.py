"""Runs and data quality: whether the nights ran, what their checks found, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Block, Column, Paging, Row
from churn.dashboard.charts import Chart, Colour, axis, bars, line, points
from churn.dashboard.marks import ABOVE, DAY_MS, level, nights
from churn.dashboard.pages.narrowing import latest, narrowed
from churn.dashboard.pages.page import Page, Query

RUNS = Block(
    name="runs",
    title="Runs",
    view="job_runs",
    columns=(
        Column("run_id", "Run", "run"),
        Column("job", "Job"),
        Column("as_of_date", "Business date", "date"),
        Column("status", "Status"),
        Column("published", "Shown", "boolean"),
        Column("started_at", "Started", "timestamp"),
        Column("duration_s", "Took", "seconds"),
        Column("stage", "Stage"),
        Column("attempts", "Begun", "integer"),
        Column("exit_code", "Exit code", "integer"),
        Column("heartbeat_at", "Last sign of life", "timestamp"),
        Column("error", "What went wrong"),
    ),
    empty="No run is like that. Ask for another job or status, or for more days.",
    sortable=("run_id", "as_of_date", "started_at", "duration_s", "job", "status"),
    key="run_id",
)
AT_WORK = Block(
    name="runs-at-work",
    title="At work now",
    view="job_runs",
    columns=(
        Column("run_id", "Run", "run"),
        Column("job", "Job"),
        Column("as_of_date", "Business date", "date"),
        Column("stage", "Stage"),
        Column("started_at", "Started", "timestamp"),
        Column("heartbeat_at", "Last sign of life", "timestamp"),
        Column("attempts", "Begun", "integer"),
        Column("host", "On"),
    ),
    empty="No job is at work.",
)
FAILURES = Block(
    name="run-failures",
    title="What failed",
    view="job_runs",
    columns=(
        Column("run_id", "Run", "run"),
        Column("job", "Job"),
        Column("as_of_date", "Business date", "date"),
        Column("status", "Status"),
        Column("started_at", "Started", "timestamp"),
        Column("stage", "Stage"),
        Column("exit_code", "Exit code", "integer"),
        Column("error", "What went wrong"),
        Column("made_up_by", "Made up by run", "integer", "First run since that did the same and succeeded."),
    ),
    empty="Nothing failed in these days.",
)
NIGHTS = Block(
    name="run-nights",
    title="How long nights take",
    view="job_runs",
    columns=(
        Column("as_of_date", "Night", "date"),
        Column("run_id", "Run", "run"),
        Column("status", "Status"),
        Column("published", "Shown", "boolean"),
        Column("attempts", "Begun", "integer"),
        Column("duration_s", "Took", "seconds"),
    ),
    empty="No night has run yet: `churn nightly` runs one, `churn scheduler` each night.",
)
CHECKS = Block(
    name="checks",
    title="Checks",
    view="data_quality",
    columns=(
        Column("run_id", "Run", "run"),
        Column("as_of_date", "Business date", "date"),
        Column(
            "outcome",
            "Outcome",
            "text",
            "failed = publishing stopped; warned = it is shown; "
            "rows left out = of the source, into quarantine; passed = nothing found.",
        ),
        Column("check_name", "Check"),
        Column("rows", "Rows", "integer"),
        Column("detail", "What was found"),
    ),
    empty="This run made no checks: it has not come to them, ended before them, or is of a job that makes none.",
)
EXTRACTIONS = Block(
    name="extractions",
    title="What became of the source's rows",
    view="extractions",
    columns=(
        Column("run_id", "Run", "run"),
        Column("as_of_date", "Business date", "date"),
        Column("entity", "Rows of"),
        Column("mode", "Read"),
        Column("rows_read", "Rows read", "integer"),
        Column("rows_used", "Used", "integer"),
        Column("rows_quarantined", "In quarantine", "integer"),
        Column("rows_forgotten", "Left out: to be forgotten", "integer"),
        Column("quarantined_share", "In quarantine, share", "share"),
        Column("rows_changed", "Written", "integer"),
        Column("rows_deleted", "Gone from the source", "integer"),
        Column("late_rows", "Came late", "integer"),
    ),
    empty="This run read nothing from the source: it took what an earlier one had read, or ended before.",
)
VOLUMES = Block(
    name="table-volumes",
    title="How many rows the tables have",
    view="table_figures",
    columns=(
        Column("table_name", "Table"),
        Column("as_of_date", "Night", "date"),
        Column(
            "value",
            "Rows",
            "integer",
            "Of payments those of the last 35 days, of usage of 7, of tickets of 28; of the other tables all.",
        ),
        Column("usual", "Usual", "integer"),
        Column("against_first", "Against the first night", "share", "Rows over those of the first night shown."),
    ),
    empty="No night is published yet, so no table has been measured: run `churn nightly`.",
)
_OF_RUN = ("run_id", "as_of_date")
_COLOURS: dict[str, Colour] = {"succeeded": "accent", "failed": "bad"}
_LINES: tuple[Colour, ...] = ("accent", "second", "third", "good", "medium", "muted", "low", "bad")


class RunsQuery(Query):
    """Which runs are listed, and whose checks are shown."""

    job: Literal["extract", "train", "nightly", "backfill", "campaign", "forget"] | None = Field(
        None, description="Runs of this job only."
    )
    status: Literal["running", "succeeded", "failed", "died"] | None = Field(None, description="Runs with this status.")
    days: int = Field(30, ge=1, le=3660, description="Runs of so many days before the latest.")
    run: int | None = Field(
        None, ge=1, le=10**12, description="Run whose checks and extraction are shown; by default the last night's."
    )
    sort: Literal["run_id", "as_of_date", "started_at", "duration_s", "job", "status"] = Field(
        "run_id", description="Column to sort runs by."
    )
    descending: bool = Field(True, description="The largest first.")
    page: int = Field(1, ge=1, le=10**6, description="Page of the runs.")
    size: int = Field(25, ge=1, le=500, description="Runs a page.")


def _asks(query: RunsQuery) -> Sequence[Ask]:
    paging = Paging(query.page, query.size, query.sort, query.descending)
    return [
        Ask(RUNS, {"days": query.days, "job": query.job, "status": query.status}, paging),
        Ask(AT_WORK),
        Ask(FAILURES, {"days": query.days}),
        Ask(NIGHTS),
        Ask(CHECKS, {"run": query.run}),
        Ask(EXTRACTIONS, {"run": query.run}),
        Ask(VOLUMES),
    ]


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    found = []
    if any(row["duration_s"] is not None for row in answers["run-nights"].rows):
        found.append(_durations(answers["run-nights"].rows))
    if len(set(answers["table-volumes"].column("as_of_date"))) > 1:
        found.append(_volumes(answers["table-volumes"].rows))
    return found


def _durations(rows: Sequence[Row]) -> Chart:
    took = sorted(row["duration_s"] for row in rows if row["duration_s"] is not None)
    failed = sum(row["status"] != "succeeded" for row in rows)
    traces = [
        bars(
            status,
            [row["as_of_date"] for row in rows if row["status"] == status],
            [row["duration_s"] for row in rows if row["status"] == status],
            colour,
            width=0.7 * DAY_MS,
        )
        for status, colour in _COLOURS.items()
        if any(row["status"] == status for row in rows)
    ]
    if died := [row["as_of_date"] for row in rows if row["status"] == "died"]:
        traces.append(
            points("died", died, [0] * len(died), "bad", marker={"size": 11, "symbol": "x"}, cliponaxis=False)
        )
    return Chart(
        name="durations",
        title="How long nights take",
        block="run-nights",
        summary=f"The last of {len(rows)} nights: {took[len(took) // 2]:,.0f} seconds in the middle, {took[-1]:,.0f} "
        f"the longest; {failed} failed or died.",
        traces=traces,
        layout={
            "xaxis": nights([row["as_of_date"] for row in rows]),
            "yaxis": axis("Seconds", "integer", rangemode="tozero"),
            "barmode": "stack",
            **ABOVE,
        },
        height=280,
    )


def _volumes(rows: Sequence[Row]) -> Chart:
    tables = list(dict.fromkeys(row["table_name"] for row in rows))
    last = {row["table_name"]: row for row in rows}
    unlike = max(last.values(), key=lambda row: abs((row["against_first"] or 1) - 1))
    seen = len({row["as_of_date"] for row in rows})
    traces = []
    for place, table in enumerate(tables):
        own = [row for row in rows if row["table_name"] == table]
        found = line(
            table.removeprefix("staging."),
            [row["as_of_date"] for row in own],
            [row["against_first"] for row in own],
            _LINES[place % len(_LINES)],
            customdata=[row["value"] for row in own],
            hovertemplate="%{x|%d %b %Y}: %{customdata:,} rows, %{y:.1%}",
        )
        traces.append({**found, "mode": "lines+markers"})
    return Chart(
        name="volumes",
        title="Rows of each table, against the first night shown",
        block="table-volumes",
        summary=f"{len(tables)} tables over {seen} nights. {unlike['table_name'].removeprefix('staging.')} changed "
        f"most, to {unlike['against_first'] or 1:.1%} of the first night: {unlike['value']:,.0f} rows.",
        traces=traces,
        layout={
            "xaxis": nights([row["as_of_date"] for row in rows]),
            "yaxis": axis(form="share"),
            "shapes": [level(1)],
            **ABOVE,
        },
        height=320,
    )


def _facts(answers: Mapping[str, Answer], query: RunsQuery) -> Mapping[str, Any]:
    checks = answers["checks"]
    outcomes = checks.column("outcome")
    return {
        "asked": query.model_dump(exclude_defaults=True, exclude={"page"}),
        "pages": answers["runs"].pages,
        "checked": checks.first or answers["extractions"].first,
        "found": narrowed(checks, _OF_RUN, lambda row: row["outcome"] != "passed"),
        "volumes": latest(answers["table-volumes"], 7),
        "passed": narrowed(checks, _OF_RUN, lambda row: row["outcome"] == "passed"),
        "read": narrowed(answers["extractions"], _OF_RUN),
        "outcomes": {name: outcomes.count(name) for name in ("failed", "warned", "passed")},
        "jobs": ("nightly", "backfill", "train", "extract", "campaign", "forget"),
        "statuses": ("running", "succeeded", "failed", "died"),
    }


RUNS_PAGE = Page(
    name="runs",
    title="Runs",
    question="Did the nights run, and can their data be trusted?",
    asks=_asks,
    query=RunsQuery,
    charts=_charts,
    facts=_facts,
)
