"""Recordings and results as lines and cells of text, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from churn.campaigns.recording import Recording, refusal_text

COLUMNS = (
    "arm",
    "to contact",
    "held out",
    "contacted",
    "measured",
    "stayed",
    "stayed, held out",
    "difference in points",
    "revenue each",
    "cost",
    "return",
)
"""Of a table of results."""


def recording_lines(recording: Recording, *, dry_run: bool) -> list[str]:
    """Say what was recorded, what was known already, what was refused and why."""
    would = "Would record" if dry_run else "Recorded"
    lines = [
        f"{would} {recording.contacts:,} contacts for campaign {recording.campaign} from {recording.rows_read:,} rows: "
        f"{recording.rows_used:,} new, {recording.rows_known:,} that add nothing, {recording.rows_refused:,} refused."
    ]
    if recording.members:
        lines.append(f"- {recording.members:,} customers entered the campaign, which was drawn elsewhere.")
    if recording.contacted_holdout:
        lines.append(
            f"- {recording.contacted_holdout:,} customers who were held out were contacted. That is recorded; they "
            "still count as held out, so the campaign will look less useful than it is."
        )
    if recording.refusals:
        lines.append(f"- Refused: {refusal_text(recording.refusals)}.")
    return lines


def result_tables(rows: Sequence[Mapping[str, Any]], currency: str) -> Iterator[tuple[str, list[list[Any]], list[str]]]:
    """Yield, by campaign, a title, the cells under `COLUMNS` of each arm, and what there is to say."""
    for campaign in dict.fromkeys(row["campaign"] for row in rows):
        arms = [row for row in rows if row["campaign"] == campaign]
        title = f"Campaign {campaign}, as of {arms[0]['as_of_date']}; money in {currency}; intervals 95 %"
        told: dict[str, str] = {}
        for row in arms:
            told.setdefault(row["verdict"], row["arm"])
        yield title, [_cells(row) for row in arms], [f"- {arm}: {verdict}" for verdict, arm in told.items()]


def _cells(row: Mapping[str, Any]) -> list[Any]:
    return [
        row["arm"],
        row["assigned_treatment"],
        row["assigned_holdout"],
        row["contacted_treatment"],
        row["measured_treatment"] + row["measured_holdout"],
        _percent(row["retained_rate_treatment"]),
        _percent(row["retained_rate_holdout"]),
        _interval(row, "incremental_retention", lambda value: f"{100 * value:+.1f}"),
        _interval(row, "incremental_revenue_each", lambda value: f"{value:+,.2f}"),
        None if row["cost"] is None else f"{row['cost']:,.2f}",
        _interval(row, "roi", lambda value: f"{value:+.0%}"),
    ]


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _interval(row: Mapping[str, Any], name: str, shown: Any) -> str | None:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return None
    return f"{shown(value)}" if low is None or high is None else f"{shown(value)} [{shown(low)}, {shown(high)}]"


def json_value(value: Any) -> Any:
    """Return a figure as JSON has it: amounts as numbers, days and times as text."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
