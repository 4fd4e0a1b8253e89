"""The year after training: one model scores each of the following month ends, and what happens is held to its word.

The prediction intervals are those that the nightly job uses (`churn.risk.expectation`), from nothing but the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.stats import binom

from benchmarks.companies import Matrix
from benchmarks.tables import number, table
from churn.matrix import Batch
from churn.risk import Predictions, RiskModel, TrainSettings, score_batches
from churn.risk.evaluation import MODEL
from churn.risk.expectation import (
    COMPARISONS,
    INSIDE,
    MONTHS_A_YEAR,
    OUTSIDE,
    REALISED_FIGURES,
    UNKNOWN,
    WARNING,
    Expected,
    expected_figures,
    interval,
    judge_series,
    measured_figures,
    status_of,
)
from churn.risk.training import TrainingResult

STATED = 0.95
_ALLOWED = 0.05


@dataclass(frozen=True)
class Realised:
    """A figure of one month of one company beside what was expected of it.

    Attributes
    ----------
    seed : int
    as_of : date
    figure : str
    value : float or None
    expected : float
    low, high : float
        95 % prediction interval of this figure alone.
    wide_low, wide_high : float
        The same with Bonferroni over all figures and months of a year, which the nightly job uses.
    """

    seed: int
    as_of: date
    figure: str
    value: float | None
    expected: float
    low: float
    high: float
    wide_low: float
    wide_high: float

    @property
    def alone(self) -> str:
        """Say whether the figure lies inside its own interval."""
        return status_of(self.value, (self.low, self.high))

    @property
    def status(self) -> str:
        """Say whether the figure lies inside the interval that the nightly job uses."""
        return status_of(self.value, (self.wide_low, self.wide_high))


def year_after(seed: int, matrix: Matrix, result: TrainingResult, settings: TrainSettings) -> list[Realised]:
    """Score the months of a company with a model that was trained before them, and compare.

    Parameters
    ----------
    seed : int
    matrix : Matrix
        The month ends to score, none of whose labels the training saw.
    result : TrainingResult
    settings : TrainSettings
    """
    expected = expected_figures(result.predictions, result.walk, settings)
    return [
        _beside(seed, night, expected[figure], measured.value, measured.variance)
        for night in _nights(matrix, result.model)
        for figure, measured in measured_figures(night, settings).items()
        if figure in expected
    ]


def _nights(matrix: Matrix, model: RiskModel) -> Iterator[Predictions]:
    for day in np.unique(matrix.data.as_of):
        if day < model.labels_end.toordinal():
            raise ValueError(f"{date.fromordinal(int(day))} lies before the model's labels end, {model.labels_end}")
        rows = matrix.data.take(matrix.data.as_of == day)
        batch = Batch(rows.customer_keys, rows.numbers, rows.codes)
        (scored,) = score_batches(model, rows.names, [batch], as_of=date.fromordinal(int(day)))
        yield Predictions(
            rows.as_of,
            rows.customer_keys,
            rows.churned,
            {MODEL: scored.risk_score},
            {MODEL: scored.churn_probability},
        )


def _beside(seed: int, night: Predictions, expected: Expected, value: float | None, variance: float) -> Realised:
    low, high = interval(expected, variance, comparisons=1)
    wide_low, wide_high = interval(expected, variance, comparisons=COMPARISONS)
    as_of = date.fromordinal(int(night.as_of[0]))
    return Realised(seed, as_of, expected.figure, value, expected.mean, low, high, wide_low, wide_high)


# --- what is said about them --------------------------------------------------------------------------------------


def realised_table(found: Sequence[Realised]) -> str:
    """Return one row a figure: what was expected, what came, and how much lay inside."""
    columns = ["figure", "expected", "realised", "95 % interval", "inside it", "inside the year's", "warnings"]
    rows = []
    for figure in REALISED_FIGURES:
        of = [one for one in found if one.figure == figure and one.status != UNKNOWN]
        if not of:
            continue
        means = (np.mean([getattr(one, name) for one in of]) for name in ("expected", "value", "low", "high"))
        expected, value, low, high = (number(float(mean)) for mean in means)
        alone, wide = (
            f"{sum(status == INSIDE for status in statuses)} of {len(of)}"
            for statuses in ([one.alone for one in of], [one.status for one in of])
        )
        rows.append([figure.replace("_", " "), expected, value, f"{low}–{high}", alone, wide, str(_warnings(of))])
    return table(columns, rows)


def _warnings(found: Sequence[Realised]) -> int:
    """Count the warnings of one figure: from the second consecutive breach on, company by company."""
    seeds = dict.fromkeys(one.seed for one in found)
    series = ([one.status for one in found if one.seed == seed] for seed in seeds)
    return sum(judge_series(statuses).count(WARNING) for statuses in series)


def realised_criteria(found: Sequence[Realised]) -> list[tuple[str, bool]]:
    """Return the criteria in words, and whether they hold."""
    known = [one for one in found if one.status != UNKNOWN]
    seeds = list(dict.fromkeys(one.seed for one in known))
    shares = [float(np.mean([one.alone == INSIDE for one in known if one.seed == seed])) for seed in seeds]
    share = float(np.mean([one.alone == INSIDE for one in known]))
    error = float(np.std(shares, ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else 0.0
    breached = [seed for seed in seeds if any(one.status == OUTSIDE for one in known if one.seed == seed)]
    allowed = int(binom.ppf(1 - _ALLOWED, len(seeds), 1 - STATED))
    return [
        (
            f"{share:.1%} of {len(known)} realised figures lie inside their own 95 % prediction intervals (at least "
            f"{STATED:.0%}, less two standard errors over companies, {2 * error:.1%})",
            share >= STATED - 2 * error,
        ),
        (
            f"{len(breached)} of {len(seeds)} years ({MONTHS_A_YEAR} months, {len(REALISED_FIGURES)} figures) have a "
            f"figure outside the interval that the nights use, which one year in twenty may (at most {allowed})",
            len(breached) <= allowed,
        ),
    ]
