"""A night that is no longer the latest: what the warehouse keeps of it, night by night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import Field
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.dashboard.blocks import Answer, Ask, Block, Column
from churn.dashboard.charts import Chart, axis, bars, line
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.reading import Night, read
from churn.dashboard.report_chapters import CUSTOMERS, Chapter, Shown, shown

_HINDSIGHT = "The model had been trained on outcomes of days after that night."
MONTHS = Block(
    name="report-months",
    title="The business by month",
    view="kpi_monthly",
    columns=(
        Column("month", "Month", "month"),
        Column("customers_end", "Customers", "integer"),
        Column("new", "New", "integer"),
        Column("churned", "Churned", "integer"),
        Column("churn_rate", "Churn rate", "share"),
        Column("mrr_end", "MRR", "money"),
        Column("revenue", "Revenue", "money"),
        Column("nrr", "Net revenue retention", "share"),
        Column("is_of_night", "Month of that night", "boolean", "It was not over yet; its figures are of all of it."),
    ),
    empty="No month before that night is known any more.",
)
SEGMENTS = Block(
    name="report-segments",
    title="Segments that night",
    view="customer_scores_history",
    columns=(
        Column("segment", "Segment"),
        Column("customers", "Customers", "integer"),
        Column("share", "Share", "share"),
        Column("mrr", "MRR", "money"),
        Column("avg_clv", "Average CLV", "money"),
        Column("avg_churn_probability", "Average churn probability", "share"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("in_sample", "Scored with hindsight", "boolean", _HINDSIGHT),
    ),
    empty="Nobody was scored that night.",
)
TOTALS = Block(
    name="report-totals",
    title="Value at risk that night",
    view="customer_scores_history",
    columns=(
        Column("risk_band", "Risk"),
        Column("customers", "Customers", "integer"),
        Column("avg_churn_probability", "Average churn probability", "share"),
        Column("mrr", "MRR", "money"),
        Column("clv", "CLV", "money"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("in_sample", "Scored with hindsight", "boolean", _HINDSIGHT),
    ),
    empty="Nobody was scored that night.",
)
LISTED = Block(
    name=CUSTOMERS,
    title="The most worth contacting that night",
    view="customer_scores_history",
    file="report_listed",
    columns=(
        Column("customer_id", "Customer", "id"),
        Column("offer", "Offer"),
        Column("churn_probability", "Churn probability", "share"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("expected_net_value", "Expected net value", "money"),
        Column("segment", "Segment"),
        Column("reason_1", "First reason"),
    ),
    empty="Nobody was on that night's list.",
)
LISTS = Block(
    name="report-lists",
    title="That night's list in figures",
    view="campaign_lists",
    columns=(
        Column("campaign", "Campaign"),
        Column("listed", "Listed", "integer"),
        Column("treatment", "To contact", "integer"),
        Column("holdout", "Held out", "integer"),
        Column("planned_cost", "Planned cost", "money"),
        Column("expected_net_value", "Expected net value", "money"),
        Column("is_rehearsal", "Rehearsal", "boolean", "Nobody could be contacted by it."),
        Column("statement", "What it can show"),
    ),
    empty="There was no list that night.",
)
REALISED = Block(
    name="report-realised",
    title="What became of that night",
    view="realised_performance",
    columns=(
        Column("figure", "Figure"),
        Column("value", "It was", "number"),
        Column("expected", "Expected", "number"),
        Column("low", "From", "number"),
        Column("high", "To", "number"),
        Column("status", "Status"),
        Column("customers", "Customers", "integer"),
        Column("churners", "Left", "integer"),
    ),
    empty="Not known yet: the horizon of that night has not passed, or it was not compared with what happened.",
)
DRIFT = Block(
    name="report-drift",
    title="What had moved since the training",
    view="feature_drift",
    columns=(
        Column("feature", "Feature"),
        Column("psi", "PSI", "number"),
        Column("status", "Status"),
        Column("missing_share", "Missing", "share"),
        Column("missing_share_trained", "Missing in training", "share"),
    ),
    empty="Nothing had moved, or there was no model that night.",
)
CHECKS = Block(
    name="report-checks",
    title="What its checks found, and source rows left out",
    view="data_quality",
    columns=(
        Column("outcome", "Outcome"),
        Column("check_name", "Check"),
        Column("rows", "Rows", "integer"),
        Column("detail", "Detail"),
    ),
    empty="All of its checks passed, and no source row was left out.",
)


class NightQuery(Query):
    """Which night, and how many customers."""

    as_of: date = Field(description="Business date of the night.")
    customers: int = Field(description="How many of its list are named.")


def _asks(query: NightQuery) -> Sequence[Ask]:
    of_night = {"as_of": query.as_of}
    listed = Ask(LISTED, {**of_night, "customers": query.customers})
    by_night = (MONTHS, SEGMENTS, TOTALS, LISTS, REALISED, DRIFT, CHECKS)
    return [listed, *(Ask(block, of_night) for block in by_night)]


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    months, segments = answers[MONTHS.name], answers[SEGMENTS.name]
    made = []
    if any(rate is not None for rate in months.column("churn_rate")):
        own = "; the last is its own, which was not over yet" if months.rows[-1]["is_of_night"] else ""
        made.append(
            Chart(
                name="report-churn-rate",
                title="Churn rate by month, as known today",
                block=MONTHS.name,
                summary=f"{len(months.rows)} months up to that night{own}.",
                traces=[line("Churn rate", months.column("month"), months.column("churn_rate"))],
                layout={"xaxis": axis(form="date"), "yaxis": axis(form="share", rangemode="tozero")},
            )
        )
    if segments.rows:
        made.append(
            Chart(
                name="report-segments",
                title="Customers by segment that night",
                block=SEGMENTS.name,
                summary="; ".join(f"{row['segment']}: {row['customers']:,}" for row in segments.rows) + ".",
                traces=[bars("Customers", segments.column("segment"), segments.column("customers"), lying=True)],
                layout={"xaxis": axis(form="integer"), "yaxis": {"autorange": "reversed"}},
                height=220,
            )
        )
    return made


NIGHT = Page(
    name="report-night",
    title="An older night",
    question="What the warehouse keeps of a night that is no longer the latest.",
    asks=_asks,
    query=NightQuery,
    charts=_charts,
    in_menu=False,
)
CHAPTERS = (
    Chapter(
        "kpis",
        "The business by month",
        "As known today: what was learned since is in it.",
        NIGHT.name,
        ("report-churn-rate",),
        {MONTHS.name: ()},
    ),
    Chapter(
        "segments",
        "Segments",
        "Who the customers were that night.",
        NIGHT.name,
        ("report-segments",),
        {SEGMENTS.name: ()},
    ),
    Chapter("value-risk", "Value at risk", "How much might be lost.", NIGHT.name, (), {TOTALS.name: ()}),
    Chapter(
        "at-risk",
        "Who was on the list",
        "As scored that night, those held out among them. Do not contact anybody by it: tonight's list says whom.",
        NIGHT.name,
        (),
        {LISTS.name: (), CUSTOMERS: ()},
    ),
    Chapter(
        "model",
        "Health of the model",
        "What became of it, and what had moved.",
        NIGHT.name,
        (),
        {REALISED.name: (), DRIFT.name: ()},
    ),
    Chapter(
        "quality",
        "Data quality",
        "What the checks of that night found, and which rows it could not use.",
        NIGHT.name,
        (),
        {CHECKS.name: ()},
    ),
)


def older_chapters(connection: Connection, night: Night, settings: Settings) -> list[Shown]:
    """Read what is kept of a published night that is no longer the latest.

    Parameters
    ----------
    connection : Connection
        In a transaction that sees one moment.
    night : Night
    settings : Settings
    """
    query = NightQuery(as_of=night.as_of_date, customers=settings.report.customers)
    seen = read(connection, _asks(query))
    return [shown(chapter, NIGHT, seen, query) for chapter in CHAPTERS]
