"""The segments: where they stand, how they changed, who moved between them, and who of them really left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from churn.dashboard.blocks import Answer, Ask, Block, Column, Row
from churn.dashboard.charts import Chart, axis, bars, heat, points
from churn.dashboard.pages.overview_charts import LEGEND_BELOW
from churn.dashboard.pages.page import Page, Query

NEW, GONE = "(new)", "(gone)"
_LARGEST_BUBBLE_PX = 70

SEGMENTS = Block(
    name="segments",
    title="The segments tonight",
    view="segments",
    columns=(
        Column("segment", "Segment"),
        Column("description", "What sets it apart"),
        Column("customers", "Customers", "integer"),
        Column("share", "Share", "share"),
        Column("mrr", "MRR", "money"),
        Column("avg_clv", "Average CLV", "money"),
        Column("avg_churn_probability", "Churn probability", "share"),
        Column("high_value_share", "Of high value", "share"),
        Column("compared_date", "Compared with", "date"),
        Column("customers_change", "Customers, change", "integer"),
        Column("mrr_change", "MRR, change", "money"),
        Column("avg_clv_change", "Average CLV, change", "money"),
        Column("avg_churn_probability_change", "Churn probability, change", "points"),
    ),
    empty="There are no segments yet: churn train makes them, and the next night shows them.",
)
CHURN = Block(
    name="segment-churn",
    title="Who really left, by segment",
    view="group_outcomes",
    columns=(
        Column("segment", "Segment", "text", "The segment, by its name tonight."),
        Column("outcome_as_of_date", "Customers of", "date"),
        Column("customers", "Customers", "integer"),
        Column("churned", "Churned", "integer"),
        Column("churn_rate", "Churn rate", "share"),
        Column("others_churn_rate", "All other customers", "share"),
        Column(
            "avg_churn_probability",
            "Predicted tonight",
            "share",
            "Average churn probability of the segment's customers of tonight; null while there is no model.",
        ),
    ),
    empty=(
        "No outcome is known yet: a past night's horizon has to be over first. It fills by itself, "
        "and churn backfill makes past nights."
    ),
)
MIGRATION = Block(
    name="segment-migration",
    title="Who moved between segments",
    view="segment_migration",
    columns=(
        Column("from_date", "From", "date"),
        Column("to_date", "To", "date"),
        Column("from_segment", "Segment before"),
        Column("to_segment", "Segment after"),
        Column("customers", "Customers", "integer"),
        Column("share", "Share of those before", "share", "customers / all customers of from_segment."),
        Column("stayed", "Stayed", "boolean", "True where it is the same segment, whatever its name."),
    ),
    empty="There is nothing to compare yet: it takes a published night of an earlier month. churn backfill makes some.",
)
EVENTS = Block(
    name="segment-events",
    title="What became of the segments when they were made anew",
    view="segment_events",
    columns=(
        Column("as_of_date", "Date", "date"),
        Column("event", "What happened"),
        Column("segment", "Segment"),
        Column("previous_segment", "Name before"),
        Column("related_segments", "Others that it is about"),
        Column("shared_customers", "Customers in both", "integer"),
        Column("shared_share", "Their share", "share"),
        Column("reason", "Why"),
    ),
    empty="Nothing has happened to the segments: they were never made anew with another outcome.",
)


def _asks(_query: Query) -> Sequence[Ask]:
    return [Ask(SEGMENTS), Ask(CHURN), Ask(MIGRATION), Ask(EVENTS)]


# --- charts -------------------------------------------------------------------------------------------------------


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    placed = [row for row in answers[SEGMENTS.name].rows if None not in (row["avg_churn_probability"], row["avg_clv"])]
    drawn = []
    if placed:
        drawn.append(_map(placed))
    if answers[CHURN.name].rows:
        drawn.append(_outcomes(answers[CHURN.name].rows))
    if answers[MIGRATION.name].rows:
        drawn.append(_moves(answers[MIGRATION.name].rows))
    return drawn


def _map(rows: Sequence[Row]) -> Chart:
    riskiest = max(rows, key=lambda row: row["avg_churn_probability"])
    dearest = max(rows, key=lambda row: row["avg_clv"])
    customers = [row["customers"] for row in rows]
    return Chart(
        name="segment-map",
        title="The segments by risk and value; the larger the circle, the more customers",
        block=SEGMENTS.name,
        summary=(
            f"Most likely to leave: {riskiest['segment']}, {riskiest['avg_churn_probability']:.1%} on average, "
            f"{riskiest['customers']:,} customers. Worth most: {dearest['segment']}, ¤{dearest['avg_clv']:,.0f} each."
        ),
        traces=[
            points(
                "Segments",
                [row["avg_churn_probability"] for row in rows],
                [row["avg_clv"] for row in rows],
                mode="markers+text",
                text=[row["segment"] for row in rows],
                textposition=_beside([row["avg_churn_probability"] for row in rows]),
                cliponaxis=False,
                customdata=customers,
                hovertemplate="<b>%{text}</b><br>Risk %{x}, CLV %{y}, %{customdata:,d} customers<extra></extra>",
                marker={
                    "size": customers,
                    "sizemode": "area",
                    "sizeref": 2 * max(customers) / _LARGEST_BUBBLE_PX**2,
                    "sizemin": 5,
                    "opacity": 0.7,
                },
            )
        ],
        layout={
            "xaxis": axis("Average churn probability", "share", range=_room(rows, "avg_churn_probability")),
            "yaxis": axis("Average CLV", "money", range=_room(rows, "avg_clv")),
        },
        height=460,
    )


def _beside(places: Sequence[float]) -> list[str]:
    """Return where the name of each circle stands: those at the sides towards the middle, lest they be cut off."""
    low, high = min(places), max(places)
    left, right = low + (high - low) / 3, high - (high - low) / 3
    return ["top left" if place > right else "top right" if place < left else "top center" for place in places]


def _room(rows: Sequence[Row], column: str) -> list[float]:
    """Return a range of an axis with room for the circles and their names."""
    values = [float(row[column]) for row in rows]
    room = (max(values) - min(values)) * 0.25 or abs(max(values)) * 0.25 or 1.0
    return [min(0.0, min(values)) if min(values) < room else min(values) - room, max(values) + room]


def _outcomes(rows: Sequence[Row]) -> Chart:
    worst = rows[0]
    known = [row for row in rows if row["avg_churn_probability"] is not None]
    upwards = list(reversed(rows))  # the first bar is drawn at the bottom
    names = [row["segment"] for row in upwards]
    told = [f"{row['churned']:,} of {row['customers']:,}" for row in upwards]
    traces = [bars("Really churned", names, [row["churn_rate"] for row in upwards], "bad", lying=True, customdata=told)]
    traces[0]["hovertemplate"] = "%{y}: %{x} (%{customdata}) churned<extra></extra>"
    if known:
        predicted = [row["avg_churn_probability"] for row in upwards]
        traces.insert(0, bars("Predicted tonight", names, predicted, "muted", lying=True))
    return Chart(
        name="segment-churn",
        title=f"Who churned of the customers of {_day(worst['outcome_as_of_date'])}, beside what is predicted tonight",
        block=CHURN.name,
        summary=(
            f"Of {worst['segment']} {worst['churn_rate'] or 0:.1%} churned ({worst['churned']:,} of "
            f"{worst['customers']:,}), of all other customers {worst['others_churn_rate'] or 0:.1%}."
        ),
        traces=traces,
        layout={
            "xaxis": axis(form="share", rangemode="tozero"),
            "yaxis": {"type": "category"},
            "barmode": "group",
            "legend": LEGEND_BELOW,
        },
        height=120 + 52 * len(rows),
    )


def _moves(rows: Sequence[Row]) -> Chart:
    before = _in_order({row["from_segment"] for row in rows})
    after = _in_order({row["to_segment"] for row in rows})
    cells = {(row["from_segment"], row["to_segment"]): row for row in rows}
    grid = [[cells.get((one, other)) for other in after] for one in before]
    return Chart(
        name="segment-migration",
        title=(
            "From which segment (rows) customers moved to which (columns), "
            f"{_day(rows[0]['from_date'])} to {_day(rows[0]['to_date'])}"
        ),
        block=MIGRATION.name,
        summary=_moves_words(rows),
        traces=[
            heat(
                after,
                before,
                [[cell["share"] if cell else None for cell in row] for row in grid],
                text=[[f"{cell['customers']:,}" if cell else "" for cell in row] for row in grid],
                texttemplate="%{text}",
                hovertemplate="From %{y} to %{x}: %{text} customers, %{z} of the row<extra></extra>",
                xgap=2,
                ygap=2,
                showscale=False,
            )
        ],
        layout={
            "xaxis": {"type": "category", "showgrid": False, "tickangle": -35},
            "yaxis": {"type": "category", "showgrid": False, "autorange": "reversed"},
        },
        height=200 + 44 * len(before),
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _in_order(names: set[str]) -> list[str]:
    """Return segments by name; who came or went is last."""
    return sorted(names, key=lambda name: (name in (NEW, GONE), name))


def _moves_words(rows: Sequence[Row]) -> str:
    stayed = sum(row["customers"] for row in rows if row["stayed"])
    there = sum(row["customers"] for row in rows if row["from_segment"] != NEW)
    moves = [row for row in rows if not row["stayed"] and row["from_segment"] != NEW and row["to_segment"] != GONE]
    words = [f"{stayed:,} of {there:,} customers stayed in their segment."]
    if moves:
        most = max(moves, key=lambda row: row["customers"])
        words.append(f"Most moved from {most['from_segment']} to {most['to_segment']}: {most['customers']:,}.")
    for name, column, said in ((NEW, "from_segment", "came"), (GONE, "to_segment", "went")):
        words.append(f"{sum(row['customers'] for row in rows if row[column] == name):,} {said}.")
    return " ".join(words)


# --- words --------------------------------------------------------------------------------------------------------


def _facts(answers: Mapping[str, Answer], _query: Query) -> Mapping[str, Any]:
    segments = answers[SEGMENTS.name].rows
    dates = [row["compared_date"] for row in segments if row["compared_date"] is not None]
    return {
        "compared_date": max(dates) if dates else None,
        "has_mrr": any(row["mrr"] is not None for row in segments),
        "has_model": any(row["avg_churn_probability"] is not None for row in segments),
    }


SEGMENTS_PAGE = Page(
    name="segments",
    title="Segments",
    question="Which kinds of customers are there, which of them leave, and what has changed?",
    asks=_asks,
    charts=_charts,
    facts=_facts,
)
