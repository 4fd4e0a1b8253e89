"""The pictures of the page of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from churn.dashboard.blocks import Answer, Row
from churn.dashboard.charts import Chart, Colour, axis, bars, line, points
from churn.dashboard.marks import ABOVE, nights, ranges
from churn.dashboard.pages.model_blocks import REALISED

LISTS, THRESHOLDS = "list_size", "threshold"
_WHOLE = {"range": [0, 1]}


def charts_of(answers: Mapping[str, Answer]) -> list[Chart]:
    """Return the charts of the blocks that hold anything."""
    drawn = {
        "roc": _roc,
        "pr": _pr,
        "lift": _lift,
        "calibration": _calibration,
        "threshold-tradeoff": _found,
        "clv-deciles": _clv,
    }
    found = [draw(answers) for name, draw in drawn.items() if answers[name].rows]
    if any(row["expected_net_value"] is not None for row in answers["threshold-tradeoff"].rows):
        found.append(_worth(answers))
    for figure, block in REALISED.items():
        if any(row["value"] is not None for row in answers[block.name].rows):
            found.append(_realised(figure, answers[block.name]))
    return found


def _test(answers: Mapping[str, Answer], figure: str) -> Any:
    """Return the model's value of a figure in the test that is looked at."""
    return next((row["value"] for row in answers["model-figures"].rows if row["figure"] == figure), None)


def _roc(answers: Mapping[str, Answer]) -> Chart:
    auc, curve = _test(answers, "auc_roc"), answers["roc"]
    told = "" if auc is None else f"The area below is {auc:.3f}; by chance it is 0.5. "
    return Chart(
        name="roc",
        title="ROC: are leavers told from stayers?",
        block="roc",
        summary=f"{told}{_reading(curve, 0.1, 'of the stayers contacted', 'of the leavers found')}",
        traces=[
            line("Model", curve.column("x"), curve.column("y")),
            line("By chance", [0, 1], [0, 1], "muted", dashed=True),
        ],
        layout={
            "xaxis": axis("Share of the stayers contacted", "share", **_WHOLE),
            "yaxis": axis("Share of the leavers found", "share", **_WHOLE),
        },
    )


def _pr(answers: Mapping[str, Answer]) -> Chart:
    curve, row = answers["pr"], answers["model-performance"].first or {}
    average, chance = _test(answers, "pr_auc"), _chance(answers, row)
    told = "" if average is None else f"Precision is {average:.1%} on average over all lists. "
    return Chart(
        name="pr",
        title="Precision and recall: what finding more costs",
        block="pr",
        summary=f"{told}{_reading(curve, 0.25, 'of the leavers found', 'of those contacted leave')}",
        traces=[
            line("Model", curve.column("x"), curve.column("y")),
            line("By chance", [0, 1], [chance, chance], "muted", dashed=True),
        ],
        layout={
            "xaxis": axis("Recall: share of the leavers found", "share", **_WHOLE),
            "yaxis": axis("Precision", "share", rangemode="tozero"),
        },
    )


def _chance(answers: Mapping[str, Answer], row: Row) -> float | None:
    """Return the precision of contacting everybody: that of the lowest threshold tried."""
    tried = [found for found in answers["threshold-tradeoff"].rows if found["kind"] == THRESHOLDS]
    lowest = max(tried, key=lambda found: found["contacted"], default=None)
    found = row.get("base_rate") if lowest is None else lowest["precision"]
    return None if found is None else float(found)


def _lift(answers: Mapping[str, Answer]) -> Chart:
    curve, lift = answers["lift"], _test(answers, "lift_top_decile")
    told = (
        ""
        if lift is None
        else f"Its riskiest tenth holds {lift:.1f} times as many leavers as a tenth drawn at random. "
    )
    return Chart(
        name="lift",
        title="Lift: how much better than at random?",
        block="lift",
        summary=f"{told}With everybody contacted it is 1.",
        traces=[
            line("Model", curve.column("x"), curve.column("y")),
            line("By chance", [0, 1], [1, 1], "muted", dashed=True),
        ],
        layout={
            "xaxis": axis("Share contacted, the riskiest first", "share", **_WHOLE),
            "yaxis": axis("Times more leavers", rangemode="tozero"),
        },
    )


def _reading(curve: Answer, at: float, across: str, upwards: str) -> str:
    """Read a curve at one place, for those who can't see it."""
    row = min(curve.rows, key=lambda found: abs(found["x"] - at))
    return f"With {row['x']:.0%} {across}, {row['y']:.0%} {upwards}."


def _calibration(answers: Mapping[str, Answer]) -> Chart:
    found = answers["calibration"]
    predicted, observed, sizes = (found.column(name) for name in ("predicted", "observed", "customers"))
    top = 1.05 * max(*predicted, *observed, *(value or 0 for value in found.column("observed_high")))
    off = sum(bool(row["is_off"]) for row in found.rows)
    return Chart(
        name="calibration",
        title="Calibration: does a probability mean what it says?",
        block="calibration",
        summary=f"Of those it gave {predicted[-1]:.1%} on average, {observed[-1]:.1%} left; of those it gave "
        f"{predicted[0]:.1%}, {observed[0]:.1%}. {off} of {len(sizes)} groups lie off the line by more than chance; "
        f"each holds about {sum(sizes) // len(sizes):,} customer-months.",
        traces=[
            line("Exactly right", [0, top], [0, top], "muted", dashed=True),
            points(
                "Groups, larger ones as larger dots",
                predicted,
                observed,
                marker={"size": [8 + 8 * (size / max(sizes)) for size in sizes]},
                error_y=ranges(observed, found.column("observed_low"), found.column("observed_high")),
                customdata=sizes,
                hovertemplate="it said %{x:.1%}, %{y:.1%} left<br>%{customdata:,} customer-months<extra></extra>",
            ),
        ],
        layout={
            "xaxis": axis("It said", "share", rangemode="tozero"),
            "yaxis": axis("Of them left", "share", rangemode="tozero"),
        },
    )


def _worth(answers: Mapping[str, Answer]) -> Chart:
    return _explored(
        answers,
        "tradeoff-worth",
        "What contacting so many is worth a month",
        [("expected_net_value", "net value", "solid")],
        axis("Expected net value a month", "money"),
        _worth_said(answers["threshold-tradeoff"].rows),
    )


def _worth_said(rows: Sequence[Row]) -> str:
    known = [row for row in rows if row["expected_net_value"] is not None]
    best = max(known, key=lambda row: row["expected_net_value"])
    return (
        f"Worth most is contacting {best['contacted']:,.0f} a month, ¤{best['expected_net_value']:,.0f}; "
        + "; ".join(
            f"the marked {'list of' if row['kind'] == LISTS else 'threshold, reaching'} {row['contacted']:,.0f} is "
            f"worth ¤{row['expected_net_value']:,.0f}"
            for row in known
            if row["is_nearest"]
        )
    )


def _found(answers: Mapping[str, Answer]) -> Chart:
    marked = [row for row in answers["threshold-tradeoff"].rows if row["is_nearest"] and row["recall"] is not None]
    return _explored(
        answers,
        "tradeoff-found",
        "Who is found, and how many calls are wasted",
        [("precision", "precision", "solid"), ("recall", "recall", "dot")],
        axis(form="share", rangemode="tozero"),
        "; ".join(
            f"Contacting {row['contacted']:,.0f} finds {row['recall']:.0%} of the leavers, and "
            f"{row['precision'] or 0:.0%} of those contacted leave"
            for row in marked
        ),
    )


def _explored(
    answers: Mapping[str, Answer],
    name: str,
    title: str,
    shown: Sequence[tuple[str, str, str]],
    upwards: dict[str, Any],
    said: str,
) -> Chart:
    """Draw figures over how many are contacted, by list and by threshold; the nearest rows are marked."""
    answer = answers["threshold-tradeoff"]
    kinds: tuple[tuple[str, str, Colour], ...] = ((LISTS, "List", "accent"), (THRESHOLDS, "Threshold", "second"))
    traces = []
    for figure, label, dash in shown:
        for kind, way, colour in kinds:
            rows = [row for row in answer.rows if row["kind"] == kind]
            x, y = [row["contacted"] for row in rows], [row[figure] for row in rows]
            traces.append({**line(f"{way}: {label}", x, y), "line": {"color": colour, "width": 2, "dash": dash}})
    nearest = [row for row in answer.rows if row["is_nearest"]]
    x = [row["contacted"] for row in nearest for _ in shown]
    y = [row[figure] for row in nearest for figure, _, _ in shown]
    traces.append(points("Marked", x, y, "high", marker={"size": 13, "symbol": "diamond"}, showlegend=False))
    layout = {
        "xaxis": axis("Customers contacted a month", "integer", type="log", dtick="D2"),
        "yaxis": upwards,
        **ABOVE,
    }
    return Chart(name, title, "threshold-tradeoff", f"{said}.", traces, layout, 360)


_FIGURES = {
    "auc_roc": "AUC-ROC since, against the test",
    "observed_expected": "Leavers counted over leavers predicted, since",
    "lift_top_decile": "Lift of the top tenth, since",
    "calibration_slope": "Calibration slope, since",
}


def _realised(figure: str, answer: Answer) -> Chart:
    days = answer.column("as_of_date")
    known = [row for row in answer.rows if row["value"] is not None]
    outside = sum(row["status"] in ("outside", "warning") for row in answer.rows)
    last = known[-1]
    by_test = "" if last["expected"] is None else f"; the test let expect {last['expected']:.2f}"
    lower, upper = (
        line("Range to expect", days, answer.column(end), "muted", dashed=True, legendgroup="range", showlegend=seen)
        for end, seen in (("low", True), ("high", False))
    )
    return Chart(
        name=f"realised-{figure.replace('_', '-')}",
        title=_FIGURES[figure],
        block=answer.block.name,
        summary=f"On {last['as_of_date']:%-d %b %Y} it was {last['value']:.2f}{by_test}. {outside} of {len(days)} "
        "nights lie outside the range that chance allows.",
        traces=[
            lower,
            upper,
            line("By the test", days, answer.column("expected"), "second"),
            points("What it was", days, answer.column("value"), mode="lines+markers", line={"color": "accent"}),
        ],
        layout={"xaxis": nights(days), "yaxis": axis(), **ABOVE},
        height=260,
    )


def _clv(answers: Mapping[str, Answer]) -> Chart:
    found = answers["clv-deciles"]
    top = found.rows[-1]
    return Chart(
        name="clv-deciles",
        title="Lifetime value: said, and brought",
        block="clv-deciles",
        summary=f"The tenth valued highest was said to bring ¤{top['predicted']:,.0f} and brought "
        f"¤{top['realised']:,.0f}.",
        traces=[
            bars("Said", found.column("decile"), found.column("predicted")),
            bars("Brought", found.column("decile"), found.column("realised"), "second"),
        ],
        layout={
            "xaxis": axis("Tenth of the customers, the least valued first", "integer", dtick=1),
            "yaxis": axis("Margin", "money"),
            "barmode": "group",
        },
    )
