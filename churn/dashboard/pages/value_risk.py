"""Where value meets risk: how much is at stake, with whom, and who stands in the corner that matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Block, Column, Paging, Row
from churn.dashboard.charts import Chart, Colour, Form, axis, bars, heat
from churn.dashboard.marks import ABOVE
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.scales import above

PAGE_SIZE = 25
_BANDS: dict[str, Colour] = {"high": "high", "medium": "medium", "low": "low"}
_TIERS = ("high", "medium", "low")
_ADDED = ("customers", "expected_to_leave", "clv", "value_at_risk")

PLANE = Block(
    name="value-risk-plane",
    title="Customers by value and risk",
    view="customer_scores",
    columns=(
        Column("value_tier", "Value tier"),
        Column("risk_band", "Risk band"),
        Column("clv_from", "CLV from", "money", "CLV, from this on; null below 1."),
        Column("clv_to", "CLV below", "money", "CLV, below this."),
        Column("risk_from", "Risk from", "share", "Churn probability, from this on; null without a model."),
        Column("risk_to", "Risk below", "share", "Churn probability, below this."),
        Column("customers", "Customers", "integer", "How many of the night's customers are there."),
        Column("expected_to_leave", "Expected to leave", "number", "Their churn probabilities added up."),
        Column("clv", "CLV", "money", "Of all of them together."),
        Column("value_at_risk", "Value at risk", "money", "Of all of them together."),
    ),
    empty="No customer has been scored yet: the first published night fills this.",
)
CORNER = Block(
    name="value-risk-corner",
    title="High value, high risk",
    view="high_value_at_risk",
    columns=(
        Column("customer_id", "Customer", "id"),
        Column("value_at_risk", "Value at risk", "money"),
        Column("churn_probability", "Risk", "share"),
        Column("clv_if_retained", "CLV if kept", "money"),
        Column("segment", "Segment"),
        Column("recommended_action", "What to do"),
        Column("priority_rank", "Place", "integer"),
        Column("list_status", "Tonight's list"),
        Column("reason_1", "First reason"),
    ),
    empty=(
        "Nobody of high value is in the riskiest tenth tonight, or there is no CLV: "
        "churn status says whether the night computed one."
    ),
    sortable=("value_at_risk", "churn_probability", "clv_if_retained", "priority_rank"),
)


class ValueRiskQuery(Query):
    """Which page of the customers in the corner."""

    page: int = Field(1, ge=1, le=100_000, description="Page of the customers of high value at high risk.")


def _asks(query: ValueRiskQuery) -> Sequence[Ask]:
    largest_first = Paging(page=query.page, size=PAGE_SIZE, sort="value_at_risk", descending=True)
    return [Ask(PLANE), Ask(CORNER, paging=largest_first)]


# --- charts -------------------------------------------------------------------------------------------------------


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    rows = answers[PLANE.name].rows
    places = _added_up([row for row in rows if row["clv_to"] and row["risk_to"]], "clv_to", "risk_to")
    drawn = []
    if places:
        drawn.append(_plane("stakes", "Value at risk, by value and risk", places, "value_at_risk", "money"))
        drawn.append(_plane("crowd", "Customers, by value and risk", places, "customers", "integer"))
    totals = _totals(rows)
    if any(row["value_at_risk"] for row in totals):
        drawn.append(_stacked(totals))
    return drawn


def _added_up(rows: Sequence[Row], *by: str) -> list[dict[str, Any]]:
    """Add up the rows that agree in some columns; what is unknown in all of them stays unknown."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        whole = found.setdefault(tuple(row[name] for name in by), dict(row) | dict.fromkeys(_ADDED))
        for name in _ADDED:
            if row[name] is not None:
                whole[name] = row[name] + (whole[name] or 0)
    return list(found.values())


def _totals(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return what each value tier and risk band comes to, the highest of both first."""
    totals = _added_up(rows, "value_tier", "risk_band")
    order = {name: place for place, name in enumerate(_TIERS)}
    return sorted(totals, key=lambda row: (order.get(row["value_tier"], 3), order.get(row["risk_band"], 3)))


def _plane(name: str, title: str, places: Sequence[Row], value: str, form: Form) -> Chart:
    risks = sorted({(row["risk_from"], row["risk_to"]) for row in places})
    values = sorted({row["clv_to"]: row["clv_from"] for row in places}.items())
    at = {(row["clv_to"], row["risk_to"]): row for row in places}
    grid = [[at.get((high, risk[1])) for risk in risks] for high, _ in values]
    return Chart(
        name=name,
        title=title,
        block=PLANE.name,
        summary=_plane_summary(places, value),
        traces=[
            heat(
                [_risk(*risk) for risk in risks],
                [_clv(low, high) for high, low in values],
                [[place[value] if place else None for place in row] for row in grid],
                form,
                customdata=[[_told(place) for place in row] for row in grid],
                hovertemplate="CLV %{y}, risk %{x}<br>%{customdata}<extra></extra>",
                colorbar=above(form),
                xgap=1,
                ygap=1,
            )
        ],
        layout={
            "xaxis": {"type": "category", "title": {"text": "Churn probability"}, "showgrid": False},
            "yaxis": {"type": "category", "title": {"text": "CLV"}, "showgrid": False},
        },
        height=200 + 20 * len(values),
    )


def _risk(low: Decimal, high: Decimal) -> str:
    return f"{100 * low:.0f}–{high:.0%}" if low else f"<{high:.0%}"


def _clv(low: Decimal | None, high: Decimal) -> str:
    return f"{_short(low)}–{_short(high)}" if low else f"<{_short(high)}"


def _short(amount: Decimal) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if amount >= size:
            return f"{float(amount) / size:g}{letter}"
    return f"{float(amount):g}"


def _told(place: Row | None) -> str | None:
    if place is None:
        return None
    at_risk = "" if place["value_at_risk"] is None else f"<br>¤{place['value_at_risk']:,.0f} at risk"
    return f"<b>{place['customers']:,}</b> customers{at_risk}"


def _plane_summary(places: Sequence[Row], value: str) -> str:
    total = sum(row[value] or 0 for row in places)
    most = max(places, key=lambda row: row[value] or 0)
    where = f"CLV {_clv(most['clv_from'], most['clv_to'])}, risk {_risk(most['risk_from'], most['risk_to'])}"
    what = "customers" if value == "customers" else "at risk"
    sign = "" if value == "customers" else "¤"
    return f"{sign}{total:,.0f} {what} in all; the largest part in one place, {sign}{most[value] or 0:,.0f}: {where}."


def _stacked(totals: Sequence[Row]) -> Chart:
    tiers = [tier for tier in _TIERS if any(row["value_tier"] == tier for row in totals)]
    amounts = {(row["risk_band"], row["value_tier"]): row["value_at_risk"] for row in totals}
    at_risk = sum(row["value_at_risk"] or 0 for row in totals)
    largest = max(totals, key=lambda row: row["value_at_risk"] or 0)
    return Chart(
        name="totals",
        title="Value at risk by value tier and risk band",
        block=PLANE.name,
        summary=(
            f"¤{at_risk:,.0f} at risk in all; the largest part, {largest['value_at_risk'] / at_risk:.0%}, is with "
            f"customers of {largest['value_tier']} value at {largest['risk_band']} risk."
        ),
        traces=[
            bars(
                f"{band.capitalize()} risk",
                [f"{tier} value" for tier in tiers],
                [amounts.get((band, tier)) for tier in tiers],
                colour,
            )
            for band, colour in _BANDS.items()
        ],
        layout={"yaxis": axis(form="money"), "xaxis": {"type": "category"}, "barmode": "stack", "bargap": 0.4, **ABOVE},
    )


# --- words --------------------------------------------------------------------------------------------------------


def _facts(answers: Mapping[str, Answer], query: ValueRiskQuery) -> Mapping[str, Any]:
    totals = _totals(answers[PLANE.name].rows)
    known = [row["value_at_risk"] for row in totals if row["value_at_risk"] is not None]
    corner = [row for row in totals if row["risk_band"] == row["value_tier"] == "high"]
    return {
        "totals": totals,
        "at_risk": sum(known) if known else None,
        "customers": sum(row["customers"] for row in totals),
        "corner": corner[0] if known and corner else None,
        "pages": answers[CORNER.name].pages,
        "number": query.page,
    }


VALUE_RISK = Page(
    name="value-risk",
    title="Value × risk",
    question="How much value may be lost, with whom, and who is both valuable and likely to leave?",
    asks=_asks,
    query=ValueRiskQuery,
    charts=_charts,
    facts=_facts,
)
