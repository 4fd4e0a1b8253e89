"""A CLV model as it is told to people: its parameters, and its backtest beside the naive baselines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from churn.modelcard.facts import ModelFacts

_METHODS = {
    "model": "the model",
    "own_rate": "each customer's own rate",
    "segment_average": "average of the segment",
}
_LONGEST_LIST = 6
_NO_PARAMETERS = ("format", "kind", "notes")


def parameter_table(facts: ModelFacts) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of a CLV model's parameters, each by its path in the artifact.

    Long lists are told by their length: the artifact itself is in `ops.models`.
    """
    fields = json.loads(facts.model.artifact)
    told = {name: value for name, value in fields.items() if name not in _NO_PARAMETERS}
    return ["parameter", "value"], [[path, value] for path, value in _flat("", told)]


def backtest_table(facts: ModelFacts) -> tuple[str, list[str], list[list[str]]]:
    """Return title, columns and rows of the backtest: a method a row, the best marked; no rows where there is none."""
    backtest = facts.detail("backtest", None)
    columns = ["method", "customers", "predicted", "realised", "ratio", "error by decile", "rank correlation"]
    if not backtest:
        return "Backtest: none", columns, []
    rows = [
        [
            f"{_METHODS[method]}{' (nearest)' if method == backtest['best'] else ''}",
            f"{score['customers']:,}",
            f"{score['predicted']:,.0f}",
            f"{score['realised']:,.0f}",
            _share(score["predicted"] / score["realised"] if score["realised"] else None),
            _share(score["decile_error"]),
            "–" if score["rank_correlation"] is None else f"{score['rank_correlation']:.3f}",
        ]
        for method, score in backtest["methods"].items()
    ]
    return f"Backtest: margin from {backtest['from_date']} to {backtest['to_date']}", columns, rows


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for each in value:
            yield from _flat(f"{path}[{_label(each)}]", {k: v for k, v in each.items() if k not in _LABELS})
    elif isinstance(value, list):
        if value:
            yield path, _list_text(value)
    elif value is not None:
        yield path, f"{value:.6g}" if isinstance(value, float) else str(value)


_LABELS = ("plan", "billing_months", "kind")


def _label(fields: Mapping[str, Any]) -> str:
    """Return what tells an entry of a list from the others: its plan and billing period, `all` where it is for all."""
    known = [fields[name] for name in _LABELS if name in fields]
    return " ".join("all" if each in ("", 0) else str(each) for each in known) or "all"


def _list_text(values: list[Any]) -> str:
    if len(values) > _LONGEST_LIST or any(isinstance(each, list) for each in values):
        return f"({len(values)} values)"
    return ", ".join(f"{each:.4g}" if isinstance(each, float) else str(each) for each in values)
