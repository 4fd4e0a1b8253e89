"""How often a realised figure falls inside its prediction interval, by simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from churn.risk import TrainSettings
from churn.risk.calibration import Calibrator, fit_calibrator
from churn.risk.evaluation import MODEL, Predictions
from churn.risk.expectation import (
    COMPARISONS,
    INSIDE,
    OUTSIDE,
    REALISED_FIGURES,
    UNKNOWN,
    WARNING,
    expected_figures,
    interval,
    judge_series,
    measured_figures,
    status_of,
)

_FIRST_DAY = 738_000
_MONTH_DAYS = 30


@dataclass(frozen=True)
class World:
    """A simulated market.

    Attributes
    ----------
    customers : int
        Active customers of a month.
    level_spread : float
        Standard deviation of the months' own log-odds around the mean level.
    slope_spread : float
        Standard deviation of the months' own slope around 1.
    level : float
        Mean log-odds of churn.
    signal : float
        Standard deviation of what the model knows of a customer's log-odds.
    walk_months, test_months : int
    horizon_days : int
        A month is 30 days.
    """

    customers: int = 1500
    level_spread: float = 0.15
    slope_spread: float = 0.1
    level: float = -2.5
    signal: float = 1.0
    walk_months: int = 9
    test_months: int = 3
    horizon_days: int = 30

    def settings(self, seed: int) -> TrainSettings:
        """Return the settings that the intervals need."""
        return TrainSettings(self.horizon_days, 0, seed=seed, replicates=100)


@dataclass(frozen=True)
class Coverage:
    """What a trial found.

    Attributes
    ----------
    years : int
        Simulated years after training, each judged for 12 months.
    judged, inside : dict of figure to int
        Months in which the figure was known, and in which it was inside an interval for itself alone (95 %).
    quiet_years : int
        Years in which every figure of every month was inside the interval that allows for all 48 of them.
    warned_years : int
        Years with a warning, which there should be none of.
    """

    years: int
    judged: dict[str, int]
    inside: dict[str, int]
    quiet_years: int
    warned_years: int

    @property
    def share_inside(self) -> float:
        """Share of all judged figures inside an interval for themselves alone: 0.95 or more is promised."""
        return sum(self.inside.values()) / max(sum(self.judged.values()), 1)

    @property
    def share_quiet(self) -> float:
        """Share of years without any breach: 0.95 or more is promised."""
        return self.quiet_years / max(self.years, 1)


def coverage_trial(years: int, *, seed: int = 1, world: World | None = None) -> Coverage:
    """Simulate a walk forward and the year after it `years` times and count what its intervals cover."""
    world = world or World()
    judged, inside = dict.fromkeys(REALISED_FIGURES, 0), dict.fromkeys(REALISED_FIGURES, 0)
    quiet = warned = 0
    for year in range(years):
        found = _year(world, np.random.default_rng([seed, year]), world.settings(seed))
        for figure, pairs in found.items():
            alone = [status for status, _ in pairs]
            judged[figure] += len(alone) - alone.count(UNKNOWN)
            inside[figure] += alone.count(INSIDE)
        together = [[status for _, status in pairs] for pairs in found.values()]
        quiet += all(OUTSIDE not in series for series in together)
        warned += any(WARNING in judge_series(series) for series in together)
    return Coverage(years, judged, inside, quiet, warned)


def _year(world: World, random: np.random.Generator, settings: TrainSettings) -> dict[str, list[tuple[str, str]]]:
    """Return (status alone, status allowing for all comparisons) of every figure over the year after training."""
    raws, outcomes = zip(*_history(world, random, world.walk_months + 12), strict=True)
    known, tests = range(world.walk_months), range(world.walk_months - world.test_months, world.walk_months)
    windows = -(-world.horizon_days // _MONTH_DAYS)
    calibrators = {month: _calibrated(raws[: month - windows + 1], outcomes[: month - windows + 1]) for month in tests}
    final = _calibrated(raws[: world.walk_months], outcomes[: world.walk_months])
    expected = expected_figures(
        _predictions(raws, outcomes, {month: calibrators[month] for month in tests}),
        _predictions(raws, outcomes, dict.fromkeys(known, final)),
        settings,
    )
    statuses: dict[str, list[tuple[str, str]]] = {figure: [] for figure in REALISED_FIGURES}
    for month in range(world.walk_months, world.walk_months + 12):
        measured = measured_figures(_predictions(raws, outcomes, {month: final}), settings)
        for figure, found in measured.items():
            if figure in expected:
                alone, together = (interval(expected[figure], found.variance, many) for many in (1, COMPARISONS))
                statuses[figure].append((status_of(found.value, alone), status_of(found.value, together)))
    return statuses


def _history(world: World, random: np.random.Generator, months: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw (raw log-odds, churned) of each month; months whose label windows overlap share their level."""
    windows = -(-world.horizon_days // _MONTH_DAYS)
    levels, slopes = random.normal(size=(2, months + windows - 1))
    mean = np.ones(windows) / np.sqrt(windows)
    levels, slopes = np.convolve(levels, mean, "valid"), np.convolve(slopes, mean, "valid")
    found = []
    for month in range(months):
        raw = random.normal(0, world.signal, world.customers)
        slope = 1 + world.slope_spread * slopes[month]
        p = expit(world.level + world.level_spread * levels[month] + slope * raw)
        found.append((raw, random.random(world.customers) < p))
    return found


def _calibrated(raws: tuple[np.ndarray, ...], outcomes: tuple[np.ndarray, ...]) -> Calibrator:
    return fit_calibrator(np.concatenate(raws), np.concatenate(outcomes))


def _predictions(
    raws: tuple[np.ndarray, ...], outcomes: tuple[np.ndarray, ...], calibrators: dict[int, Calibrator]
) -> Predictions:
    """Return the months of `calibrators` as predictions; every month has customers of its own."""
    months, size = sorted(calibrators), len(raws[0])
    return Predictions(
        np.repeat(_FIRST_DAY + _MONTH_DAYS * np.array(months, dtype=np.int64), size),
        np.concatenate([month * size + np.arange(size, dtype=np.int64) for month in months]),
        np.concatenate([outcomes[month] for month in months]),
        {MODEL: np.concatenate([calibrators[month].log_odds(raws[month]) for month in months])},
        {MODEL: np.concatenate([calibrators[month].probability(raws[month]) for month in months])},
    )
