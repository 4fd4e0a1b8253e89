"""The scale of colours of a heat map."""

from __future__ import annotations

from typing import Any

from churn.dashboard.charts import Form, axis


def above(form: Form) -> dict[str, Any]:
    """Return a scale that lies above the heat map, so that a small screen keeps its width for the map."""
    return {
        "orientation": "h",
        "x": 0.5,
        "y": 1.01,
        "yanchor": "bottom",
        "len": 1,
        "ypad": 2,
        "thickness": 10,
        "outlinewidth": 0,
        "nticks": 6,
        "tickformat": axis(form=form)["tickformat"],
    }
