"""The pictures of the overview: how churn, retention and revenue went by month."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from churn.dashboard.blocks import Answer, Row
from churn.dashboard.charts import Chart, Colour, axis, bars, line

# Where a narrow screen breaks it into lines it grows over nothing.
LEGEND_BELOW = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0}
_FEW_MONTHS = 6
_MOVES: tuple[tuple[str, str, int, Colour], ...] = (
    ("New", "mrr_new", 1, "accent"),
    ("Came back", "mrr_reactivated", 1, "third"),
    ("Pay more", "mrr_expansion", 1, "good"),
    ("Pay less", "mrr_contraction", -1, "second"),
    ("Churned", "mrr_churned", -1, "bad"),
)


def overview_charts(answers: Mapping[str, Answer]) -> Sequence[Chart]:
    """Draw what there is: by inactivity there is no MRR, but revenue; rates are unknown while they are provisional."""
    months = answers["kpis"].rows
    drawn = [
        _rate(months, "churn_rate", "churn-rate", "Churn rate by month", "bad", {"rangemode": "tozero"}),
        _rate(months, "retention_rate", "retention-rate", "Retention rate by month", "good", {}),
        _money(months),
        _movement(answers["mrr-movement"].rows),
    ]
    return [chart for chart in drawn if chart is not None]


def month_words(month: date) -> str:
    """Return a month as it stands in a sentence: Sep 2025."""
    return month.strftime("%b %Y")


def _rate(
    months: Sequence[Row], column: str, name: str, title: str, colour: Colour, how: Mapping[str, Any]
) -> Chart | None:
    known = [row for row in months if row[column] is not None]
    if not known:
        return None
    return Chart(
        name=name,
        title=title,
        block="kpis",
        summary=f"{_span(known, column, _percent)}{_unknown(months, column)}",
        traces=[
            line(
                title.removesuffix(" by month"),
                [row["month"] for row in months],
                [row[column] for row in months],
                colour,
                mode="lines+markers",
            )
        ],
        layout={"xaxis": _by_month(months), "yaxis": axis(form="share", **how), "showlegend": False},
        height=260,
    )


def _money(months: Sequence[Row]) -> Chart | None:
    """Draw MRR at each month's end, or the revenue of each month; dashed where it may change or isn't all there."""
    column, open_column, words = (
        ("mrr_end", "is_provisional", "MRR")
        if any(row["mrr_end"] is not None for row in months)
        else ("revenue", "is_over", "Revenue")
    )
    known = [row for row in months if row[column] is not None]
    if not known:
        return None
    opened = [row for row in known if row[open_column] is (column == "mrr_end")]
    whole = known[: len(known) - len(opened)]
    name = "provisional" if column == "mrr_end" else "month is not over"
    traces = [_amounts(words, whole, column)] if whole else []
    if opened:
        traces.append(_amounts(f"{words}, {name}", [*whole[-1:], *opened], column, dashed=True))
    still = f" {month_words(opened[0]['month'])} and after it: {name}." if opened else ""
    return Chart(
        name="money",
        title=f"{words} by month",
        block="kpis",
        summary=f"{_span(whole or known, column, _amount)}{still}",
        traces=traces,
        layout={
            "xaxis": _by_month(known),
            "yaxis": axis(form="money", rangemode="tozero"),
            "showlegend": bool(opened),
        },
        height=260,
    )


def _amounts(name: str, rows: Sequence[Row], column: str, *, dashed: bool = False) -> dict[str, Any]:
    marker = {"symbol": "circle-open" if dashed else "circle"}
    months, values = [row["month"] for row in rows], [row[column] for row in rows]
    return line(name, months, values, dashed=dashed, mode="lines+markers", marker=marker)


def _movement(months: Sequence[Row]) -> Chart | None:
    if not months:
        return None
    shown = months[-12:]
    last = next((row for row in reversed(shown) if not row["is_provisional"]), shown[-1])
    won = sum(last[column] for _, column, sign, _ in _MOVES if sign > 0)
    lost = sum(last[column] for _, column, sign, _ in _MOVES if sign < 0)
    return Chart(
        name="mrr-movement",
        title="What moved MRR, the last twelve months",
        block="mrr-movement",
        summary=f"In {month_words(last['month'])} MRR won ¤{won:,.0f} and lost ¤{lost:,.0f}, "
        f"of that ¤{last['mrr_churned']:,.0f} by churn.",
        traces=[
            bars(name, [row["month"] for row in shown], [sign * row[column] for row in shown], colour)
            for name, column, sign, colour in _MOVES
        ],
        layout={
            "xaxis": _by_month(shown),
            "yaxis": axis(form="money"),
            "barmode": "relative",
            "legend": LEGEND_BELOW,
        },
        height=300,
    )


def _by_month(rows: Sequence[Row]) -> dict[str, Any]:
    """Return an axis of months; few of them each have their tick, lest days appear."""
    each = {"dtick": "M1", "tickformat": "%b %Y"} if len(rows) <= _FEW_MONTHS else {}
    return axis(form="date") | {"hoverformat": "%b %Y"} | each


# ---------------------------------------------------------------- words


def _span(known: Sequence[Row], column: str, words: Callable[[Any], str]) -> str:
    """Say the last value, and between which it lay."""
    last = known[-1]
    least = min(known, key=lambda row: row[column])
    most = max(known, key=lambda row: row[column])
    least_words, most_words = (f"{words(row[column])} ({month_words(row['month'])})" for row in (least, most))
    now = f"{words(last[column])} in {month_words(last['month'])}"
    return f"{now}; since {month_words(known[0]['month'])} between {least_words} and {most_words}."


def _unknown(months: Sequence[Row], column: str) -> str:
    open_months = [month_words(row["month"]) for row in months if row["is_provisional"] and row[column] is None]
    return f" Not known yet: {', '.join(open_months)}." if open_months else ""


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _amount(value: Any) -> str:
    return f"¤{value:,.0f}"
