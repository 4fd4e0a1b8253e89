"""The figures that are ratios of sums over rows: summed per customer once, so that all resamples are one product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from churn.risk import metrics
from churn.risk.calibration import CLIP
from churn.risk.data import Floats, Integers
from churn.risk.evaluation import Predictions

SUMMED = (
    "recall", "precision", "brier", "log_loss", "calibration_slope", "observed_expected", "expected_net_value",
)  # fmt: skip
_PLAIN = 8


@dataclass(frozen=True)
class Task:
    """One predictor on the rows of several groups.

    Attributes
    ----------
    predictions : Predictions
        Without rows of weight 0.
    name : str
        The predictor.
    group : ndarray of int64, shape (n,)
        0 to `groups` - 1; -1 belongs to none but may be on the list.
    groups : int
    list_size : float
    threshold : float
    net : ndarray of float64, shape (n,), optional
        Net value of contacting each row, given what came of it.
    order : ndarray of float64, shape (n,), optional
        What the list is ordered by, the highest first; the score where None.
    """

    predictions: Predictions
    name: str
    group: Integers
    groups: int
    list_size: float
    threshold: float
    net: Floats | None
    order: Floats | None = None

    @property
    def score(self) -> Floats:
        """What the predictor ranks by, shape (n,)."""
        return self.predictions.score[self.name]

    @property
    def probability(self) -> Floats:
        """What the predictor promises, shape (n,)."""
        return self.predictions.probability[self.name]


@dataclass(frozen=True)
class Sums:
    """Sums over the rows of each (group, customer): figures that are ratios of sums, and a step of the slope.

    The slope of a resample is one step from the slope of all rows (Moulton & Zeger 1991, Computational Statistics &
    Data Analysis 11, the one-step bootstrap), taken to the second order.
    """

    CHURNERS = 1

    customer: Integers
    bounds: Integers
    columns: Floats
    slopes: Floats
    months: int
    has_net: bool

    @classmethod
    def of(cls, task: Task, place: Integers) -> Sums:
        """Sum the rows of a task; `place` (shape (n,)) is each row's customer, 0 = first."""
        rows = np.flatnonzero(task.group >= 0)
        many = int(place.max()) + 1
        cells, cell = np.unique(task.group[rows] * many + place[rows], return_inverse=True)
        lines = [_line(task, group) for group in range(task.groups)]
        parts = _row_columns(task, rows, np.array(lines).reshape(-1, 2))
        columns = np.column_stack([metrics.tally(cell, part, len(cells)) for part in parts])
        bounds = np.searchsorted(cells // many, np.arange(task.groups + 1))
        slopes = np.array([slope for slope, _ in lines])
        months = len(np.unique(task.predictions.as_of))
        return cls(cells % many, bounds, columns, slopes, months, task.net is not None)

    def totals(self, times: Floats) -> Floats:
        """Return the sums of each group, shape (b, groups, columns)."""
        parts = [
            np.take(times, self.customer[a:b], axis=1, mode="clip") @ self.columns[a:b]
            for a, b in zip(self.bounds, self.bounds[1:], strict=False)
        ]
        return np.stack(parts, axis=1)

    def figures(self, sums: Floats) -> Floats:
        """Return `SUMMED` of sums, shape (b, groups, len(SUMMED))."""
        total, churners, expected, squares, losses, listed, hits, net = np.moveaxis(sums[..., :_PLAIN], -1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack(
                [
                    hits / churners,
                    hits / listed,
                    squares / total,
                    losses / total,
                    self.slopes + _slope_step(np.moveaxis(sums[..., _PLAIN:], -1, 0)),
                    churners / expected,
                    net / self.months if self.has_net else np.full_like(net, np.nan),
                ],
                axis=-1,
            )


def _slope_step(sums: Floats) -> Floats:
    """Return how far a resample's slope is from that of all rows, from the sums of its likelihood's derivatives."""
    g0, g1, h00, h01, h11, t0, t1, t2, t3 = sums
    a, b = _solved(h00, h01, h11, g0, g1)
    bent0, bent1 = t0 * a * a + 2 * t1 * a * b + t2 * b * b, t1 * a * a + 2 * t2 * a * b + t3 * b * b
    return _solved(h00, h01, h11, g0 - bent0 / 2, g1 - bent1 / 2)[1]


def _solved(h00: Floats, h01: Floats, h11: Floats, g0: Floats, g1: Floats) -> tuple[Floats, Floats]:
    determinant = h00 * h11 - h01 * h01
    return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant


def _line(task: Task, group: int) -> tuple[float, float]:
    """Return (slope, intercept) of a group's calibration line; NaN where it has none, or ranks nobody."""
    rows = task.group == group
    if not rows.any() or np.ptp(task.score[rows]) == 0:
        return float("nan"), float("nan")
    told = task.predictions
    return metrics.calibration_line(told.churned[rows], task.probability[rows], told.weight[rows])


def _row_columns(task: Task, rows: Integers, lines: Floats) -> Iterator[Floats]:
    """Yield what `Sums.figures` takes apart, shape (rows,) each, weighted."""
    weight, p, y = task.predictions.weight[rows], task.probability[rows], task.predictions.churned[rows]
    listed = weight * (p >= task.threshold)
    yield from (weight, weight * y, weight * p, weight * (p - y) ** 2, weight * metrics.log_losses(y, p))
    yield from (listed, listed * y, np.zeros(len(rows)) if task.net is None else listed * task.net[rows])
    slope, intercept = np.nan_to_num(lines)[task.group[rows]].T
    z = logit(np.clip(p, CLIP, 1 - CLIP))
    mean = expit(intercept + slope * z)
    z = z - float(z.mean()) if len(z) else z
    gap, curvature = weight * (y - mean), weight * mean * (1 - mean)
    yield from (gap, gap * z, curvature, curvature * z, curvature * z * z)
    bend = curvature * (1 - 2 * mean)
    yield from (bend, bend * z, bend * z * z, bend * z * z * z)
