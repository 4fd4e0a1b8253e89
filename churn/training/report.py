"""What training tells the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from churn.risk import Evaluation, Predictions
from churn.risk.judgement import EVERYBODY, FigureRow, Judgement
from churn.terminal import figure_text

_BY_DECILE = "lift_decile_"


@dataclass(frozen=True)
class TrainingReport:
    """What training made and how good it is.

    Attributes
    ----------
    model_version : str
    promoted : bool
    judgement : Judgement
        Of every predictor, on the same rows, in total and per segment.
    notes : tuple of str
    rows : int
        Customer-months.
    predictions : Predictions
        The test row by row, for whoever judges further (`make evaluate`).
    clv : tuple of str
        The CLV model fitted with it, and how it did beside the naive baselines.
    """

    model_version: str
    promoted: bool
    judgement: Judgement
    notes: tuple[str, ...]
    rows: int
    predictions: Predictions
    clv: tuple[str, ...] = ()

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """Figures of each predictor on the same rows."""
        return self.judgement.evaluations

    @property
    def span(self) -> str:
        """The tested months in words."""
        first = self.evaluations[0]
        return (
            f"{first.months} months from {first.first_as_of} to {first.last_as_of}, {first.rows:,} customer-months, "
            f"{first.churners:,} churners (base rate {first.base_rate:.3f})"
        )

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows of the figures, for a terminal: one row a figure, with its 95 % interval."""
        known = {(row.predictor, row.figure): row for row in self.judgement.figures if row.segment == EVERYBODY}
        predictors = [evaluation.predictor for evaluation in self.evaluations]
        figures = dict.fromkeys(figure for _, figure in known if not figure.startswith(_BY_DECILE))
        rows = [
            [figure.replace("_", " "), *(_shown(known.get((predictor, figure))) for predictor in predictors)]
            for figure in figures
        ]
        return ["figure", *(predictor.replace("_", " ") for predictor in predictors)], rows


def _shown(row: FigureRow | None) -> str | None:
    return None if row is None else figure_text(row.value, row.low, row.high)
