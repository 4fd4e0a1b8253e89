"""How the level of churn goes through the year, from months that have matured and only as far as it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import expit

from churn.risk.data import Bools, Floats, Integers
from churn.risk.season import MONTHS_A_YEAR

_MOST_STEPS = 50
_TOLERANCE = 1e-10
_FEWEST_CHURNERS = 5


@dataclass(frozen=True)
class Level:
    """How far churn in one snapshot lay from what the features explain.

    Attributes
    ----------
    log_odds : float
        What has to be added to every prediction for the expected churners to be the observed.
    variance : float
        Of `log_odds`, by sampling alone.
    """

    log_odds: float
    variance: float


Levels = Mapping[int, Level]


def month_number(as_of: date) -> int:
    """Count months since the year 0; a year is 12 apart."""
    return as_of.year * MONTHS_A_YEAR + as_of.month - 1


def month_levels(log_odds: Floats, churned: Bools, weight: Floats, as_of: Integers) -> dict[int, Level]:
    """Return the level of every month that has enough churners, and stayers, by `month_number`.

    Parameters
    ----------
    log_odds : ndarray of float64, shape (n,)
        Predictions that know no month.
    churned, weight, as_of : ndarray, shape (n,)
    """
    found = {}
    for day in np.unique(as_of):
        rows = as_of == day
        churners = int(churned[rows].sum())
        if _FEWEST_CHURNERS <= churners <= int(rows.sum()) - _FEWEST_CHURNERS:
            found[month_number(date.fromordinal(int(day)))] = level_of(log_odds[rows], churned[rows], weight[rows])
    return found


def level_of(log_odds: Floats, churned: Bools, weight: Floats) -> Level:
    """Return the level of some rows by Newton's method; both classes must occur."""
    target, level = float(weight @ churned), 0.0
    for _ in range(_MOST_STEPS):
        p = expit(log_odds + level)
        step = float((target - weight @ p) / (weight @ (p * (1 - p))))
        level += float(np.clip(step, -1, 1))
        if abs(step) < _TOLERANCE:
            break
    p = expit(log_odds + level)
    information = float(weight @ (p * (1 - p)))
    return Level(level, float(weight**2 @ (p * (1 - p))) / information**2)


def season_shifts(levels: Levels, calibrated_on: Iterable[int]) -> dict[int, float]:
    """Return what each calendar month (0 = January) adds to the level of the calibrator's months.

    Parameters
    ----------
    levels : mapping of int to Level
    calibrated_on : iterable of int
        Numbers of the months that the calibrator's level comes from.

    Returns
    -------
    mapping of int to float
        For the calendar months that `levels` has; empty where none of the calibrator's is among them.

    Notes
    -----
    A construction of this project. A month is compared with the calibrator's calendar months as they were nearest to
    it in time, a year before where that is nearer: they lie on both sides of it, so that a trend cancels instead of
    passing for a season. The contrasts are drawn towards 0 as far as sampling alone would spread them (positive-part
    James-Stein).
    """
    contrasts: dict[int, list[tuple[float, float]]] = {}
    wanted = {number % MONTHS_A_YEAR for number in calibrated_on}
    for number, level in levels.items():
        nearest = [near for month in wanted if (near := _nearest(levels, number, month)) is not None]
        if nearest:
            gap = level.log_odds - float(np.mean([near.log_odds for near in nearest]))
            variance = level.variance + float(np.mean([near.variance for near in nearest])) / len(nearest)
            contrasts.setdefault(number % MONTHS_A_YEAR, []).append((gap, variance))
    gaps = {month: float(np.mean([gap for gap, _ in found])) for month, found in contrasts.items()}
    noise = sum(float(np.mean([v for _, v in found])) / len(found) for found in contrasts.values())
    spread = sum(gap**2 for gap in gaps.values())
    kept = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    return {month: kept * gap for month, gap in gaps.items()}


def _nearest(levels: Levels, number: int, month: int) -> Level | None:
    """Return the level of that calendar month nearest in time to a month, the earlier of two as near."""
    same = [other for other in levels if other % MONTHS_A_YEAR == month]
    return levels[min(same, key=lambda other: (abs(other - number), other))] if same else None
