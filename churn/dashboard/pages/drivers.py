"""What behaviour leads to churn, and whether the figures that the model reads have moved away from what it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Block, Column, Row
from churn.dashboard.charts import Chart, Colour, axis, bars
from churn.dashboard.marks import ABOVE
from churn.dashboard.pages.page import Page, Query

EVERYBODY = "all"
_DRAWN = 15
_NO_MODEL = "No model has been trained yet, so nothing is known of what drives churn: run churn train."
_DIRECTIONS: dict[str, tuple[str, Colour]] = {
    "raises": ("Raises the risk", "bad"),
    "mixed": ("Mixed", "muted"),
    "lowers": ("Lowers the risk", "good"),
}
_STATUSES: dict[str, tuple[str, Colour]] = {
    "fail": ("Too far", "high"),
    "warn": ("Worth a look", "medium"),
    "ok": ("As learned", "low"),
}

WEIGHTS = Block(
    name="drivers",
    title="What weighs most",
    view="churn_drivers",
    columns=(
        Column("driver", "Behaviour"),
        Column("direction", "Risk of leaving"),
        Column("importance", "Importance", "number"),
        Column("customers_affected", "Customers pushed to leave", "integer"),
        Column("description", "In words"),
    ),
    empty=_NO_MODEL,
)
BY_SEGMENT = Block(
    name="drivers-by-segment",
    title="The strongest of each segment",
    view="churn_drivers",
    columns=(
        Column("segment", "Segment"),
        Column("driver", "Behaviour that weighs most"),
        Column("direction", "Risk of leaving"),
        Column("importance", "Importance", "number"),
        Column("customers_affected", "Customers pushed to leave", "integer"),
    ),
    empty=_NO_MODEL,
)
DRIFT = Block(
    name="drivers-drift",
    title="Has the data moved since the model learned?",
    view="feature_drift",
    columns=(
        Column("feature", "Feature"),
        Column("psi", "PSI", "number"),
        Column("status", "Status"),
        Column("missing_share", "Missing tonight", "share"),
        Column("missing_share_trained", "Missing in training", "share"),
        Column("unseen_share", "Never seen category", "share"),
    ),
    empty="Tonight was not compared with what a model learned: there is no model yet. Run churn train.",
)


class DriversQuery(Query):
    """Whose drivers."""

    segment: str = Field(EVERYBODY, description="A segment's name, or all for every customer.")


def _asks(query: DriversQuery) -> Sequence[Ask]:
    return [Ask(WEIGHTS, {"segment": query.segment}), Ask(BY_SEGMENT), Ask(DRIFT)]


def _missing(answers: Mapping[str, Answer], query: DriversQuery) -> str | None:
    if query.segment == EVERYBODY or answers[WEIGHTS.name].rows:
        return None
    return (
        f"Tonight there is no segment “{query.segment}” with drivers. "
        "Segments may get another name when they are fitted anew."
    )


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    drawn = []
    if answers[WEIGHTS.name].rows:
        drawn.append(_importance(answers[WEIGHTS.name].rows))
    if any(row["psi"] is not None for row in answers[DRIFT.name].rows):
        drawn.append(_drift(answers[DRIFT.name].rows))
    return drawn


def _importance(rows: Sequence[Row]) -> Chart:
    shown = rows[:_DRAWN]
    pushing = sum(row["direction"] == "raises" for row in rows)
    return Chart(
        name="importance",
        title="How much each behaviour weighs in the risk",
        block=WEIGHTS.name,
        summary=(
            f"{rows[0]['driver']} weighs most ({rows[0]['importance']:.2f}) and {_said(rows[0]['direction'])}; "
            f"{pushing} of {len(rows)} behaviours mostly raise the risk."
        ),
        traces=_by_kind(shown, "driver", "importance", "direction", _DIRECTIONS),
        layout=_lying([row["driver"] for row in shown], "Importance"),
        height=110 + 30 * len(shown),
    )


def _drift(rows: Sequence[Row]) -> Chart:
    known = [row for row in rows if row["psi"] is not None]
    shown = known[:_DRAWN]
    moved = sum(row["status"] != "ok" for row in rows)
    return Chart(
        name="drift",
        title="Features that moved furthest",
        block=DRIFT.name,
        summary=(
            f"{known[0]['feature']} moved furthest, PSI {known[0]['psi']:.2f}; {moved} of {len(rows)} features are "
            "worth a look. 0 is no change."
        ),
        traces=_by_kind(shown, "feature", "psi", "status", _STATUSES),
        layout=_lying([row["feature"] for row in shown], "PSI"),
        height=110 + 26 * len(shown),
    )


def _by_kind(
    rows: Sequence[Row], label: str, value: str, kind: str, kinds: Mapping[str, tuple[str, Colour]]
) -> list[dict[str, Any]]:
    """Return lying bars, one colour and one entry of the legend for each kind that there is."""
    traces = []
    for name, (title, colour) in kinds.items():
        own = [row for row in rows if row[kind] == name]
        if own:
            labels, values = [row[label] for row in own], [row[value] for row in own]
            traces.append(bars(title, labels, values, colour, lying=True))
    return traces


def _lying(labels: Sequence[str], title: str) -> dict[str, Any]:
    order = {"type": "category", "categoryorder": "array", "categoryarray": list(labels), "autorange": "reversed"}
    return {"xaxis": axis(title, rangemode="tozero"), "yaxis": order, "showlegend": True, **ABOVE, "bargap": 0.3}


def _said(direction: str) -> str:
    return {
        "raises": "raises the risk for most whom it moves",
        "lowers": "lowers the risk for most whom it moves",
        "mixed": "raises the risk for some and lowers it for others",
    }[direction]


def _facts(answers: Mapping[str, Answer], query: DriversQuery) -> Mapping[str, Any]:
    drivers, drift = answers[WEIGHTS.name].rows, answers[DRIFT.name].rows
    return {
        "segments": [row["segment"] for row in answers[BY_SEGMENT.name].rows],
        "everybody": EVERYBODY,
        "strongest": drivers[0] if drivers else None,
        "strongest_said": _said(drivers[0]["direction"]) if drivers else "",
        "moved": [row for row in drift if row["status"] != "ok"],
        "whose": "all customers" if query.segment == EVERYBODY else query.segment,
    }


DRIVERS = Page(
    name="drivers",
    title="Drivers",
    question="What behaviour goes with leaving, for whom, and does the model still see what it learned?",
    asks=_asks,
    query=DriversQuery,
    charts=_charts,
    facts=_facts,
    missing=_missing,
)
