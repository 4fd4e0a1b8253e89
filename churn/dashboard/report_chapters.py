"""The chapters of the report: which charts and tables of which page, with the columns that fit on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from churn.dashboard.blocks import Answer
from churn.dashboard.charts import Chart
from churn.dashboard.pages.page import Page
from churn.dashboard.reading import Seen

CUSTOMERS = "customers"
"""The block that names customers: the top of the list."""


@dataclass(frozen=True)
class Chapter:
    """A part of the report, taken from a page.

    Attributes
    ----------
    name : str
        Where the table of contents leads.
    title, question : str
    page : str
        Name of the page that it is from.
    charts : sequence of str
        Charts of the page; one that the page has nothing for is left out.
    blocks : mapping of str to sequence of str
        Blocks of the page, or answers among its facts, that are shown as tables, with the columns that fit on paper;
        none: all of them.
    """

    name: str
    title: str
    question: str
    page: str
    charts: Sequence[str] = ()
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)


CHAPTERS = (
    Chapter(
        "kpis",
        "The business by month",
        "How many customers come and go, and what is left of the revenue?",
        "overview",
        ("churn-rate", "retention-rate", "money", "mrr-movement"),
    ),
    Chapter("findings", "What the night found", "What stands out, and what should be done?", "overview"),
    Chapter(
        "segments",
        "Segments",
        "Which kinds of customers are there, which of them leave, and what has changed?",
        "segments",
        ("segment-map", "segment-churn"),
        {
            "segments": (
                "segment",
                "description",
                "customers",
                "share",
                "mrr",
                "avg_clv",
                "avg_churn_probability",
                "customers_change",
                "avg_churn_probability_change",
            )
        },
    ),
    Chapter(
        "at-risk",
        "Whom to contact first",
        "The top of the night's list. Rows that say hold out are there to measure against: do not contact them.",
        "at-risk",
        ("list-actions",),
        {
            CUSTOMERS: (
                "priority_rank",
                "customer_id",
                "recommended_action",
                "churn_probability",
                "value_at_risk",
                "expected_net_value",
                "segment",
                "reason_1",
            )
        },
    ),
    Chapter(
        "drivers",
        "What goes with leaving",
        "What behaviour goes with leaving? That it causes it, only a campaign can show.",
        "drivers",
        ("importance",),
        {"drivers": ("driver", "direction", "customers_affected", "description")},
    ),
    Chapter(
        "value-risk",
        "Value at risk",
        "How much value may be lost, and with whom?",
        "value-risk",
        ("stakes", "totals"),
    ),
    Chapter(
        "risk-bands",
        "Customers by risk",
        "The riskiest tenth, the next two tenths, and the others.",
        "overview",
        blocks={"risk-bands": ()},
    ),
    Chapter(
        "campaigns",
        "Campaigns",
        "Did contacting customers keep them, and was it worth its cost?",
        "campaigns",
        ("effects", "save-rates", "balance"),
        {
            "campaigns": (
                "campaign",
                "assigned_treatment",
                "assigned_holdout",
                "incremental_retention",
                "incremental_revenue",
                "cost",
                "roi",
                "verdict",
            ),
            "campaign-lists": ("campaign", "lists", "treatment", "holdout", "planned_cost", "expected_net_value"),
        },
    ),
    Chapter(
        "model",
        "Health of the model",
        "Can its probabilities be trusted?",
        "model",
        ("calibration", "lift", "realised-auc-roc", "realised-observed-expected"),
        {
            "model-figures": ("label", "value", "low", "high", "recency", "reading"),
            "clv-performance": ("method", "predicted", "realised", "predicted_over_realised", "is_used", "is_best"),
        },
    ),
    Chapter(
        "drift",
        "Moved since the training",
        "Does the night look like what the model learned from?",
        "overview",
        (),
        {"drift-tonight": ()},
    ),
    Chapter(
        "quality",
        "Data quality",
        "What the checks found, and what became of the source's rows.",
        "runs",
        ("volumes",),
        {
            "found": ("outcome", "check_name", "rows", "detail"),
            "extractions": ("entity", "mode", "rows_read", "rows_used", "rows_quarantined", "quarantined_share"),
        },
    ),
)


@dataclass(frozen=True)
class Drawn:
    """A chart with the table behind it."""

    chart: Chart
    answer: Answer


@dataclass(frozen=True)
class Shown:
    """A chapter as the template writes it.

    Attributes
    ----------
    chapter : Chapter
    drawn : tuple of Drawn
    tables : tuple of Answer
    facts : mapping
        Of the page.
    """

    chapter: Chapter
    drawn: tuple[Drawn, ...]
    tables: tuple[Answer, ...]
    facts: Mapping[str, Any]


def shown(chapter: Chapter, page: Page, seen: Seen, query: Any) -> Shown:
    """Return a chapter with its part of what a page shows.

    Parameters
    ----------
    chapter : Chapter
    page : Page
    seen : Seen
        Of all blocks that the page asks for.
    query : Query
        Of the page.
    """
    content = page.shown(seen, query)
    charts = content["charts"]
    return Shown(
        chapter,
        tuple(Drawn(charts[name], seen.answers[charts[name].block]) for name in chapter.charts if name in charts),
        tuple(_narrowed(seen.answers.get(name) or content[name], columns) for name, columns in chapter.blocks.items()),
        content,
    )


def _narrowed(answer: Answer, columns: Sequence[str]) -> Answer:
    """Return an answer with the columns that fit on paper."""
    if not columns:
        return answer
    by_name = {column.name: column for column in answer.block.columns}
    return replace(answer, block=replace(answer.block, columns=tuple(by_name[name] for name in columns)))
