"""Charts as Plotly's JSON; colours and fonts are left to the page, which knows light from dark.

A colour is named by its meaning (`COLOURS`), and the script in the page puts the theme's in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Form = Literal["number", "integer", "share", "money", "date"]
Colour = Literal["accent", "second", "third", "good", "bad", "muted", "low", "medium", "high"]
COLOURS: tuple[Colour, ...] = ("accent", "second", "third", "good", "bad", "muted", "low", "medium", "high")

CURRENCY = "¤"
"""Stands for the business's currency in charts and their summaries; the page puts its sign there."""

_TICKS: dict[Form, str] = {"number": "", "integer": ",d", "share": ".1~%", "money": ",.3~s", "date": ""}
_HOVERS: dict[Form, str] = {"number": ".3~f", "integer": ",d", "share": ".1%", "money": ",.0f", "date": "%d %b %Y"}


@dataclass(frozen=True)
class Chart:
    """A picture of a block.

    Attributes
    ----------
    name : str
    title : str
    block : str
        Name of the block that it shows: the table behind it.
    summary : str
        What there is to see, in a sentence, for those who can't.
    traces : list of dict
    layout : dict
    height : int
        In CSS pixels.
    """

    name: str
    title: str
    block: str
    summary: str
    traces: list[dict[str, Any]]
    layout: dict[str, Any] = field(default_factory=dict)
    height: int = 320

    @property
    def figure(self) -> dict[str, Any]:
        """What `Plotly.newPlot` is given, as JSON can hold it."""
        return {"data": self.traces, "layout": {**self.layout, "height": self.height}}


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: money as a number, dates as ISO text, what isn't finite as null."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in value]
    return value


def axis(title: str = "", form: Form = "number", **more: Any) -> dict[str, Any]:
    """Describe an axis: its title and how its ticks and the values under the pointer are written."""
    return {
        "title": {"text": title},
        "tickformat": _TICKS[form],
        "hoverformat": _HOVERS[form],
        **({"type": "date"} if form == "date" else {}),
        **({"tickprefix": CURRENCY} if form == "money" else {}),
        **more,
    }


def line(
    name: str, x: Sequence[Any], y: Sequence[Any], colour: Colour = "accent", *, dashed: bool = False, **more: Any
) -> dict[str, Any]:
    """Return a line through points; a null is a gap."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": plain(x),
        "y": plain(y),
        "line": {"color": colour, "width": 2, **({"dash": "dash"} if dashed else {})},
        "connectgaps": False,
        **more,
    }


def bars(
    name: str,
    labels: Sequence[Any],
    values: Sequence[Any],
    colour: Colour = "accent",
    *,
    lying: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Return bars; lying ones have their labels on the left, where long names fit."""
    along = (
        {"y": plain(labels), "x": plain(values), "orientation": "h"}
        if lying
        else {"x": plain(labels), "y": plain(values)}
    )
    return {"type": "bar", "name": name, "marker": {"color": colour}, **along, **more}


def points(name: str, x: Sequence[Any], y: Sequence[Any], colour: Colour = "accent", **more: Any) -> dict[str, Any]:
    """Return points; `marker` among the rest may give sizes."""
    marker = {"color": colour, **more.pop("marker", {})}
    return {"type": "scatter", "mode": "markers", "name": name, "x": plain(x), "y": plain(y), "marker": marker, **more}


def heat(
    x: Sequence[Any], y: Sequence[Any], z: Sequence[Sequence[Any]], form: Form = "share", **more: Any
) -> dict[str, Any]:
    """Return a heat map: `z` has a row for each of `y` and in it a value for each of `x`; null is left blank."""
    return {
        "type": "heatmap",
        "x": plain(x),
        "y": plain(y),
        "z": plain(z),
        "colorscale": "accent",
        "zhoverformat": _HOVERS[form],
        "colorbar": {"tickformat": _TICKS[form], "tickprefix": CURRENCY if form == "money" else ""},
        "hoverongaps": False,
        **more,
    }
