"""What the registry and the tables of performance know of one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry
from churn.schema import calibration_bins, model_performance, performance_figures, threshold_tradeoff

OUT_OF_TIME = "out_of_time"
REALISED = "realised"
ALL = ""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; None where it is not defined."""

    segment: str
    predictor: str
    name: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ModelFacts:
    """One churn model, as it is told to people.

    Attributes
    ----------
    model : StoredModel
    performance : dict of str to dict
        By evaluation (`out_of_time`, `realised`): the columns of `ops.model_performance`.
    figures : dict of str to list of Figure
        By evaluation: all predictors, in total (segment is empty) and per segment.
    tradeoff : list of dict
        Out of time, in total: the columns of `ops.threshold_tradeoff`, by kind and cutoff.
    calibration : list of dict
        Out of time, in total: the columns of `ops.calibration_bins`, by bin.
    events : list of Event
    """

    model: registry.StoredModel
    performance: dict[str, dict[str, Any]]
    figures: dict[str, list[Figure]]
    tradeoff: list[dict[str, Any]]
    calibration: list[dict[str, Any]]
    events: list[registry.Event]

    def figure(self, name: str, predictor: str = "model", evaluation: str = OUT_OF_TIME) -> Figure | None:
        """Return a figure in total, or None where it is not known."""
        found = (each for each in self.figures.get(evaluation, []) if each.segment == ALL)
        return next((each for each in found if each.name == name and each.predictor == predictor), None)

    def value(self, name: str, predictor: str = "model", evaluation: str = OUT_OF_TIME) -> float | None:
        """Return a figure's value in total, or None where it is not known."""
        found = self.figure(name, predictor, evaluation)
        return None if found is None else found.value

    def lists_by_value(self, evaluation: str = OUT_OF_TIME) -> bool:
        """Say whether lists were judged in the order of value at risk: they were if a stake was known."""
        return self.value("expected_net_value", evaluation=evaluation) is not None

    def segments(self, evaluation: str = OUT_OF_TIME) -> list[str]:
        """Return the segments that have figures of their own, in the order they are stored."""
        return [name for name in dict.fromkeys(each.segment for each in self.figures.get(evaluation, [])) if name]

    def detail(self, name: str, default: Any) -> Any:
        """Return an entry of the registry's details; models of earlier releases lack some."""
        return self.model.details.get(name, default)


def read_facts(connection: Connection, model_version: str) -> ModelFacts:
    """Read what is known of a churn model.

    Raises
    ------
    ModelError
        There is no such model.
    """
    model = registry.stored(connection, model_version)
    figures: dict[str, list[Figure]] = {}
    for row in _rows(connection, performance_figures, model_version, "evaluation", "segment", "predictor", "figure"):
        figures.setdefault(row["evaluation"], []).append(
            Figure(row["segment"], row["predictor"], row["figure"], row["value"], row["low"], row["high"])
        )
    return ModelFacts(
        model=model,
        performance={row["evaluation"]: row for row in _rows(connection, model_performance, model_version)},
        figures=figures,
        tradeoff=_in_total(_rows(connection, threshold_tradeoff, model_version, "kind", "cutoff")),
        calibration=_in_total(_rows(connection, calibration_bins, model_version, "bin")),
        events=registry.events_of(connection, model_version),
    )


def _rows(connection: Connection, table: sa.Table, model_version: str, *order: str) -> list[dict[str, Any]]:
    query = sa.select(table).where(table.c.model_version == model_version).order_by(*(table.c[name] for name in order))
    return [dict(row) for row in connection.execute(query).mappings()]


def _in_total(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["segment"] == ALL and row["evaluation"] == OUT_OF_TIME]
