"""What stands in a chart beside its lines and bars: ranges of what chance allows, and lines to hold figures against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from churn.dashboard.charts import Colour, axis, plain

ABOVE = {
    "margin": {"l": 56, "r": 16, "t": 56, "b": 44},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
}
"""Layout of a chart whose legend takes a line or two."""

DAY_MS = 86_400_000
"""A day on an axis of dates, such as the width of a bar."""

_FEW = 10


def ranges(middle: Sequence[Any], low: Sequence[Any], high: Sequence[Any], colour: Colour = "accent") -> dict[str, Any]:
    """Return the bars from low to high around each point, as Plotly's `error_x` or `error_y`; null where unknown."""
    return {
        "type": "data",
        "symmetric": False,
        "array": plain([_distance(value, end) for value, end in zip(middle, high, strict=True)]),
        "arrayminus": plain([_distance(end, value) for value, end in zip(middle, low, strict=True)]),
        "color": colour,
        "thickness": 2,
    }


def _distance(start: Any, end: Any) -> Any:
    return None if start is None or end is None else end - start


def upright(x: float, colour: Colour = "muted") -> dict[str, Any]:
    """Return a dashed line from bottom to top, as one of a layout's `shapes`."""
    return _straight({"x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}, colour)


def level(y: float, colour: Colour = "muted") -> dict[str, Any]:
    """Return a dashed line from left to right, as one of a layout's `shapes`."""
    return _straight({"y0": y, "y1": y, "xref": "paper", "x0": 0, "x1": 1}, colour)


def _straight(place: dict[str, Any], colour: Colour) -> dict[str, Any]:
    return {"type": "line", "layer": "below", "line": {"color": colour, "width": 2, "dash": "dash"}, **place}


def nights(days: Sequence[date]) -> dict[str, Any]:
    """Describe an axis of nights, one tick a night where they are few, so that no tick falls between two."""
    first, last = min(days), max(days)
    few: dict[str, Any] = {"dtick": DAY_MS, "tickformat": "%-d %b"} if (last - first).days < _FEW else {}
    return axis(form="date", range=plain([first - timedelta(days=1), last + timedelta(days=1)]), **few)
