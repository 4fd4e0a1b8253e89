"""How many of those who signed up in a month are still there, and what they bring, month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from churn.dashboard.blocks import Answer, Ask, Block, Column, Kind, Row
from churn.dashboard.charts import Chart, Colour, Form, axis, heat, line
from churn.dashboard.marks import ABOVE
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.scales import above

ALL_SHOWN = "all shown"
SHORTEST, MONTHS, LONGEST = 3, 24, 60
CHOICES = (12, 24, 36, 48, 60)
_EMPTY = "No cohort is known yet: the first whole month after a signup fills this, with the next published night."
_MONTH = "^((19|20)[0-9]{2}-(0[1-9]|1[0-2]))?$"
_COLOURS: tuple[Colour, ...] = ("accent", "second", "third")

TABLE = Block(
    name="cohorts",
    title="Cohorts, month by month",
    view="retention_cohorts",
    columns=(
        Column("signup_month", "Signed up in", "month"),
        Column("months_since", "Months since", "integer"),
        Column("customers", "Signed up", "integer"),
        Column("retained", "Still there", "integer"),
        Column("retention_rate", "Retention rate", "share"),
        Column("revenue", "Revenue", "money"),
        Column(
            "revenue_per_customer",
            "Revenue per signup",
            "money",
            "Revenue of the month over all who signed up, whether still there or not.",
        ),
        Column("is_provisional", "Provisional", "boolean"),
    ),
    empty=_EMPTY,
)
CURVES = Block(
    name="cohort-curves",
    title="Chosen cohorts side by side",
    view="retention_cohorts",
    columns=(
        Column("cohort", "Signed up in", note="The signup month, or all of those that are shown together."),
        Column("months_since", "Months since", "integer"),
        Column("customers", "Signed up", "integer"),
        Column("retained", "Still there", "integer"),
        Column("retention_rate", "Retention rate", "share"),
        Column(
            "revenue_per_customer",
            "Revenue per signup",
            "money",
            "Revenue of the month over all who signed up, whether still there or not.",
        ),
    ),
    empty=_EMPTY,
)


class CohortsQuery(Query):
    """How far back, and which cohorts to compare."""

    months: int = Field(MONTHS, ge=SHORTEST, le=LONGEST, description="Signup months to show, the last ones.")
    cohort: tuple[Annotated[str, Field(pattern=_MONTH)], ...] = Field(
        (), max_length=len(_COLOURS), description="Signup months to draw as curves, such as 2025-01."
    )


@dataclass(frozen=True)
class Grid:
    """A figure of the cohorts as a table: a line for each signup month, a place for each month since.

    Attributes
    ----------
    title : str
    kind : Kind
    months : list of date
    sizes : list of int
        Signups of each month.
    since : list of int
    values : list of list
        None where the month has not come yet.
    """

    title: str
    kind: Kind
    months: list[date]
    sizes: list[int]
    since: list[int]
    values: list[list[Any]]


def _asks(query: CohortsQuery) -> Sequence[Ask]:
    chosen = [date.fromisoformat(f"{month}-01") for month in query.cohort if month]
    return [Ask(TABLE, {"months": query.months}), Ask(CURVES, {"months": query.months, "cohorts": chosen})]


def _grid(title: str, rows: Sequence[Row], value: str, kind: Kind) -> Grid:
    sizes = {row["signup_month"]: row["customers"] for row in rows}
    since = sorted({row["months_since"] for row in rows})
    places = {(row["signup_month"], row["months_since"]): row[value] for row in rows}
    values = [[places.get((month, number)) for number in since] for month in sizes]
    return Grid(title, kind, list(sizes), list(sizes.values()), since, values)


# --- charts -------------------------------------------------------------------------------------------------------


def _charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    rows = answers[TABLE.name].rows
    if not rows:
        return []
    grids = _grids(answers)
    drawn = [_heat(name, grid, rows) for name, grid in grids.items()]
    if answers[CURVES.name].rows:
        drawn.append(_curves(answers[CURVES.name].rows))
    return drawn


def _grids(answers: Mapping[str, Answer]) -> dict[str, Grid]:
    rows = answers[TABLE.name].rows
    grids = {"retention": _grid("Retention by signup month", rows, "retention_rate", "share")}
    if any(row["revenue_per_customer"] is not None for row in rows):
        title = "Revenue per signup, by signup month"
        grids["revenue"] = _grid(title, rows, "revenue_per_customer", "money")
    return grids


def _heat(name: str, grid: Grid, rows: Sequence[Row]) -> Chart:
    form: Form = "share" if grid.kind == "share" else "money"
    shown = "%{z:.1%}" if form == "share" else "¤%{z:,.2f}"
    labels = [f"{month:%b %Y}" for month in grid.months]
    signups = [[size] * len(grid.since) for size in grid.sizes]
    return Chart(
        name=name,
        title=grid.title,
        block=TABLE.name,
        summary=_heat_summary(grid, rows),
        traces=[
            heat(
                grid.since,
                labels,
                grid.values,
                form,
                customdata=signups,
                hovertemplate="%{y}, %{customdata:,d} signups<br>%{x} months since: <b>"
                + shown
                + "</b><extra></extra>",
                colorbar=above(form),
                xgap=1,
                ygap=1,
            )
        ],
        layout={
            "xaxis": axis("Months since signup", "integer", showgrid=False),
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "nticks": 24},
        },
        height=150 + max(12, 320 // len(labels) if len(labels) < 20 else 16) * len(labels),
    )


def _heat_summary(grid: Grid, rows: Sequence[Row]) -> str:
    span = f"{len(grid.months)} signup months, {grid.months[0]:%b %Y} to {grid.months[-1]:%b %Y}"
    after = 12 if 12 in grid.since else grid.since[-1]
    reached = [row for row in rows if row["months_since"] == after]
    signups = sum(row["customers"] for row in reached)
    if not signups:
        return f"{span}."
    kept, revenue = sum(row["retained"] for row in reached), sum(row["revenue"] or 0 for row in reached)
    if grid.kind == "share":
        return f"{span}. {after} months on, {kept / signups:.1%} of {signups:,} signups were still there."
    return f"{span}. {after} months on, {signups:,} signups brought ¤{revenue / signups:,.2f} each in that month."


def _curves(rows: Sequence[Row]) -> Chart:
    names = list(dict.fromkeys(row["cohort"] for row in rows))
    chosen = [name for name in names if name != ALL_SHOWN]
    traces, ends = [], []
    for name in names:
        own = [row for row in rows if row["cohort"] == name]
        x, y = [row["months_since"] for row in own], [row["retention_rate"] for row in own]
        whole = name == ALL_SHOWN
        colour: Colour = "muted" if whole else _COLOURS[chosen.index(name) % len(_COLOURS)]
        traces.append(line(_named(name), x, y, colour, dashed=whole))
        ends.append(f"{_named(name)} {y[-1] or 0:.1%} after {x[-1]} months")
    return Chart(
        name="curves",
        title="Retention of chosen cohorts",
        block=CURVES.name,
        summary=f"{'; '.join(ends)}.",
        traces=traces,
        layout={
            "xaxis": axis("Months since signup", "integer"),
            "yaxis": axis(form="share", rangemode="tozero"),
            "hovermode": "x unified",
            **ABOVE,
        },
    )


def _named(cohort: str) -> str:
    return "All shown" if cohort == ALL_SHOWN else f"{date.fromisoformat(cohort + '-01'):%b %Y}"


# --- words --------------------------------------------------------------------------------------------------------


def _facts(answers: Mapping[str, Answer], query: CohortsQuery) -> Mapping[str, Any]:
    rows = answers[TABLE.name].rows
    chosen = [month for month in dict.fromkeys(query.cohort) if month]
    return {
        "grids": _grids(answers) if rows else {},
        "months": sorted({row["signup_month"] for row in rows}),
        "choices": sorted({*CHOICES, query.months}),
        "chosen": [*chosen, "", "", ""][: len(_COLOURS)],
        "provisional": any(row["is_provisional"] for row in rows),
    }


COHORTS = Page(
    name="cohorts",
    title="Cohorts",
    question="Of those who signed up in a month, how many are still there, and what do they bring?",
    asks=_asks,
    query=CohortsQuery,
    charts=_charts,
    facts=_facts,
)
