"""The charts of a profile."""

from __future__ import annotations

from typing import Any

from churn.dashboard.blocks import Answer
from churn.dashboard.charts import Chart, axis, bars, heat, line
from churn.profiling.tryout import Knee, at

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LOW = 200


def weeks_chart(entity: str, answer: Answer) -> Chart:
    """Return the rows a week of an entity."""
    rows = answer.column("rows")
    return Chart(
        name=f"weeks-{entity}",
        title=f"{entity}: rows by week",
        block="weeks",
        summary=f"{len(rows)} weeks, from {min(rows):,} to {max(rows):,} rows a week.",
        traces=[line("Rows", answer.column("week"), rows)],
        layout={"xaxis": axis(form="date"), "yaxis": axis(form="integer", rangemode="tozero")},
        height=_LOW,
    )


def histogram(entity: str, column: str, answer: Answer) -> Chart:
    """Return how the values of a column of numbers are spread."""
    middles = [(row["from_value"] + row["to_value"]) / 2 for row in answer.rows]
    fullest = max(answer.rows, key=lambda row: row["rows"])
    width = answer.rows[0]["to_value"] - answer.rows[0]["from_value"]
    return Chart(
        name=f"histogram-{entity}-{column}",
        title=f"{entity}.{column}",
        block="histograms",
        summary=f"Most rows lie between {fullest['from_value']:,.4g} and {fullest['to_value']:,.4g}.",
        traces=[bars("Rows", middles, answer.column("rows"), **({"width": width} if width else {}))],
        layout={"xaxis": axis(form="number"), "yaxis": axis(form="integer"), "bargap": 0.02},
        height=_LOW,
    )


def activity_chart(entity: str, answer: Answer) -> Chart:
    """Return when in the week things happen."""
    counts = {(row["weekday"], row["hour"]): row["rows"] for row in answer.rows}
    weekday, hour = max(counts, key=lambda place: counts[place])
    return Chart(
        name="hours",
        title=f"When it happens: {entity} by weekday and hour, on the business's clock",
        block="hours",
        summary=f"Most on {_WEEKDAYS[weekday - 1]} from {hour}:00, {counts[weekday, hour]:,} rows.",
        traces=[
            heat(
                [f"{each:02d}:00" for each in range(24)],
                list(_WEEKDAYS),
                [[counts.get((day, each), 0) for each in range(24)] for day in range(1, 8)],
                "integer",
            )
        ],
        layout={"xaxis": {"type": "category"}, "yaxis": {"autorange": "reversed"}},
        height=280,
    )


def curve_chart(answer: Answer, knee: Knee | None, words: tuple[str, str]) -> Chart:
    """Return a curve of silence with the days that stand out.

    Parameters
    ----------
    answer : Answer
    knee : Knee or None
    words : tuple of str
        Names of the two lines.
    """
    days = answer.column("days")
    marks = {} if knee is None else {"bends": knee.bend_days, "few come back": knee.rare_days}
    return Chart(
        name=answer.block.name,
        title=answer.block.title,
        block=answer.block.name,
        summary="; ".join(_told(answer, days[-1])) + ".",
        traces=[
            line(words[0], days, answer.column("still_silent")),
            line(words[1], days, answer.column("come_back_later"), "second"),
        ],
        layout={
            "xaxis": axis("days", "integer", range=[0, _until(answer)]),
            "yaxis": axis(form="share", range=[0, 1.02]),
            "shapes": [_upright(day) for day in marks.values() if day],
            "annotations": [_note(text, day, place) for place, (text, day) in enumerate(marks.items()) if day],
        },
    )


def _until(answer: Answer) -> float:
    """Return how far to draw: a little beyond the day from which the curve lies still."""
    rest = answer.rows[-1]["still_silent"]
    return 1.15 * max(30, next(int(row["days"]) for row in answer.rows if row["still_silent"] <= rest))


def settings_chart(answer: Answer, title: str) -> Chart:
    """Return who would count as churned under each setting."""
    known = [row for row in answer.rows if row["churn_rate"] is not None]
    return Chart(
        name=answer.block.name,
        title=title,
        block=answer.block.name,
        summary="; ".join(f"{row['days']} days: {row['churn_rate']:.0%}" for row in known) + ".",
        traces=[bars("Churn rate", [f"{row['days']} days" for row in known], [row["churn_rate"] for row in known])],
        layout={"xaxis": {"type": "category"}, "yaxis": axis(form="share", rangemode="tozero")},
        height=260,
    )


def _told(answer: Answer, last: int) -> list[str]:
    told = []
    for days in (30, 90, 180):
        row = at(answer.rows, days)
        if row is not None:
            told.append(f"after {days} days {row['still_silent']:.0%} last on, {row['come_back_later']:.0%} end later")
    return told or [f"known up to {last} days"]


def _upright(day: int) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": day,
        "x1": day,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": "muted", "width": 1.5, "dash": "dot"},
    }


def _note(text: str, day: int, place: int) -> dict[str, Any]:
    return {"x": day, "y": 0.98 - 0.12 * place, "yref": "paper", "text": f"{text}: {day} days", "showarrow": False,
            "xanchor": "left", "xshift": 4}  # fmt: skip


def parted(answer: Answer, column: str) -> dict[str, Answer]:
    """Return an answer in parts, one for each value of a column."""
    parts: dict[str, list[Any]] = {}
    for row in answer.rows:
        parts.setdefault(row[column], []).append(row)
    return {value: Answer(answer.block, rows, len(rows)) for value, rows in parts.items()}
