"""Season in training: a feature where it repeats, a level correction where it is shown to help, else a plain note."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from scipy.stats import t as student

from churn.risk.boosting import Booster
from churn.risk.bootstrap import Interval, better_than
from churn.risk.calibrated import Calibrators
from churn.risk.calibration import clipped_expit
from churn.risk.data import Floats, TrainingSet, TrainSettings
from churn.risk.evaluation import MODEL
from churn.risk.metrics import log_losses
from churn.risk.season import MONTHS_A_YEAR, SEASON_FEATURES, Season, place_in_year
from churn.risk.season_level import level_of, month_levels, month_number, season_shifts
from churn.risk.splits import Fold, Plan, Snapshot, fit_ends, pool_of
from churn.risk.walk import Fits, Raws, Walk

JUDGED_MONTHS = 3
JUDGED_WINDOWS = 2
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Judged:
    """What a level correction would have done to the held-out months.

    Attributes
    ----------
    months : int
    gain : Interval
        Log loss without it minus with it, in nats, paired bootstrap by customer.
    observed_expected : tuple of (float, float)
        Observed over expected churners of every month, without and with it.
    agreement : Interval
        Slope of what the months' levels turned out to be on what the correction said, with its one-sided 95 % bound:
        a between-month test, since customers drawn again can't show that months differ.
    """

    months: int
    gain: Interval
    observed_expected: tuple[tuple[float, float], ...]
    agreement: Interval

    @property
    def nearer(self) -> int:
        """Count the months whose observed over expected it brings nearer 1."""
        return sum(bool(abs(np.log(after)) < abs(np.log(before))) for before, after in self.observed_expected)

    @property
    def adopted(self) -> bool:
        """Say whether it helps: customers agree, months agree, and most months come nearer."""
        return self.gain.low > 0 and self.agreement.low > 0 and 2 * self.nearer > self.months


@dataclass(frozen=True)
class SeasonFound:
    """The outcome of a training run.

    Attributes
    ----------
    season : Season
        Of the final model.
    shifts : mapping of date to float
        What it adds to each test month, from what was known when it began; empty unless `season` is a level.
    note : str
    """

    season: Season
    shifts: Mapping[date, float]
    note: str


def repeats(snapshots: Sequence[Snapshot], plan: Plan) -> bool:
    """Say whether every calendar month occurs in two years already in the earliest fit: then season is a feature."""
    earliest = min(fold.fit_end for fold in (plan.walk[0], plan.stop or plan.walk[0]))
    return _repeated([each.as_of for each in snapshots if each.end <= earliest]) == MONTHS_A_YEAR


def with_season(data: TrainingSet, settings: TrainSettings) -> TrainingSet:
    """Return the rows with the place of their label window in the year as two numbers more."""
    days, of_day = np.unique(data.as_of, return_inverse=True)
    places = np.array(
        [place_in_year(date.fromordinal(int(day)), settings.horizon_days) for day in days], dtype=np.float32
    )
    names = replace(data.names, numbers=(*data.names.numbers, *SEASON_FEATURES))
    return replace(data, names=names, numbers=np.hstack([data.numbers, places[of_day]]))


def find_season(
    walk: Walk, snapshots: Sequence[Snapshot], fits: Fits, raws: Raws, calibrators: Calibrators
) -> SeasonFound:
    """Judge the level correction on the walk-forward months that have a year before them.

    Each month's correction comes from the fit that predicted it and from months that had matured before it.
    """
    if set(SEASON_FEATURES) <= set(walk.data.names.numbers):
        return SeasonFound(Season("features"), {}, _FEATURES_NOTE)
    unknown = _unknown_note([each.as_of for each in snapshots])
    if walk.plan.kind == "logistic":
        return SeasonFound(Season(), {}, unknown)
    shifts = _known_shifts(walk, fits, calibrators)
    judged = [fold for fold in walk.plan.walk if fold.as_of in shifts]
    if not set(walk.plan.tests) <= set(judged) or not _enough(judged, walk.settings):
        return SeasonFound(Season(), {}, unknown)
    season = _final_season(walk, fits)
    found = _judge(walk, raws, calibrators, judged, shifts)
    if season is None or not found.adopted:
        return SeasonFound(Season(), {}, f"{unknown} {_rejected_note(found)}")
    return SeasonFound(
        season, {fold.as_of: shifts[fold.as_of] for fold in walk.plan.tests}, _adopted_note(found, season)
    )


def _known_shifts(walk: Walk, fits: Fits, calibrators: Calibrators) -> dict[date, float]:
    """Return what the correction says of every walk-forward month, from what was known when it began."""
    ends, found = fit_ends(walk.plan), {}
    first = month_number(date.fromordinal(int(walk.data.as_of[0])))
    for fold in walk.plan.walk:
        a_year_on = month_number(fold.as_of) >= first + MONTHS_A_YEAR
        if a_year_on and fold.both_classes and (MODEL, fold.as_of) in calibrators:
            pool = pool_of(fold, walk.plan.walk, walk.settings)
            shifts = _shifts(walk, fits, ends[fold.as_of], pool)
            if (month := fold.as_of.month - 1) in shifts:
                found[fold.as_of] = shifts[month]
    return found


def _final_season(walk: Walk, fits: Fits) -> Season | None:
    """Return the final model's correction; None unless it knows every month of the year."""
    shifts = _shifts(walk, fits, len(walk.data), walk.plan.walk)
    if len(shifts) < MONTHS_A_YEAR:
        return None
    return Season("level", tuple(float(f"{shifts[month]:.6g}") for month in range(MONTHS_A_YEAR)))


def _shifts(walk: Walk, fits: Fits, fit_end: int, pool: Sequence[Fold]) -> dict[int, float]:
    """Return the shift of each calendar month by the fit on the rows [0, fit_end), in relation to `pool`."""
    fitted, data = fits.boosters[fit_end], walk.data
    log_odds = fitted.log_odds
    if log_odds is None:
        log_odds = Booster(fitted.text).log_odds(walk.matrix[:fit_end], threads=1)
    levels = month_levels(log_odds, data.churned[:fit_end], data.weight[:fit_end], data.as_of[:fit_end])
    return season_shifts(levels, [month_number(month.as_of) for month in pool])


def _enough(judged: Sequence[Fold], settings: TrainSettings) -> bool:
    return len(judged) >= JUDGED_MONTHS and _windows(judged, settings) >= JUDGED_WINDOWS


def _windows(judged: Sequence[Fold], settings: TrainSettings) -> int:
    """Count the label windows that lie behind one another: months whose windows overlap are not independent."""
    count, free = 0, date.min
    for fold in judged:
        if fold.as_of >= free:
            # A label window of 30 days reaches from a month's first day to the next one's, February included.
            count, free = count + 1, fold.as_of + timedelta(days=min(settings.horizon_days, 366) - 3)
    return count


def _judge(
    walk: Walk, raws: Raws, calibrators: Calibrators, judged: Sequence[Fold], shifts: Mapping[date, float]
) -> Judged:
    """Compare every held-out month without and with its correction."""
    data, before, after, ratios, said, turned_out = walk.data, [], [], [], [], []
    for fold in judged:
        rows, shift = slice(fold.start, fold.end), shifts[fold.as_of]
        log_odds = calibrators[MODEL, fold.as_of].log_odds(raws[MODEL][rows])
        churned, weight = data.churned[rows], data.weight[rows]
        probabilities = clipped_expit(log_odds), clipped_expit(log_odds + shift)
        before.append(log_losses(churned, probabilities[0]))
        after.append(log_losses(churned, probabilities[1]))
        observed = float(weight @ churned)
        ratios.append((observed / float(weight @ probabilities[0]), observed / float(weight @ probabilities[1])))
        said.append(shift)
        turned_out.append(level_of(log_odds, churned, weight).log_odds)
    everyone = np.concatenate([np.arange(fold.start, fold.end) for fold in judged])
    gain = better_than(
        np.concatenate(after),
        np.concatenate(before),
        data.customer_keys[everyone],
        seed=walk.settings.seed,
        replicates=walk.settings.replicates,
        weights=data.weight[everyone],
    )
    agreement = agreement_of(np.array(said), np.array(turned_out), _windows(judged, walk.settings))
    return Judged(len(judged), gain, tuple(ratios), agreement)


def agreement_of(said: Floats, turned_out: Floats, windows: int) -> Interval:
    """Regress what months' levels turned out to be on what was said of them, through the origin.

    Parameters
    ----------
    said, turned_out : ndarray of float64, shape (m,)
        Log-odds of every month.
    windows : int
        Independent months among them, at most m.

    Returns
    -------
    Interval
        The slope, 1 if the season repeats as it was; `low` and `high` are one-sided 95 % bounds (Student's t with
        `windows` - 1 degrees of freedom). Where nothing was said, 0 with no bounds.
    """
    energy, months = float(said @ said), len(said)
    if energy == 0:
        return Interval(0.0, float("-inf"), float("inf"))
    slope = float(said @ turned_out) / energy
    misses = turned_out - slope * said
    error = np.sqrt(misses @ misses / (months - 1) / energy * months / windows)
    reach = float(student.ppf(_CONFIDENCE, windows - 1) * error)
    return Interval(slope, slope - reach, slope + reach)


# --- what the notes say -------------------------------------------------------------------------------------------


def _repeated(snapshots: Sequence[date]) -> int:
    """Count the calendar months that occur in two years or more."""
    years: dict[int, set[int]] = {}
    for as_of in snapshots:
        years.setdefault(as_of.month, set()).add(as_of.year)
    return sum(len(seen) > 1 for seen in years.values())


def _unknown_note(snapshots: Sequence[date]) -> str:
    if _repeated(snapshots) == MONTHS_A_YEAR:
        return (
            "The season is no feature of the model yet: every month of the year was seen in two years, but not before "
            "the first month that was predicted."
        )
    return (
        f"The level is not validated across seasons: {_repeated(snapshots)} of {MONTHS_A_YEAR} months of the year were "
        "seen in two years or more."
    )


_FEATURES_NOTE = (
    "The place of the label window in the year is a feature: every month of the year was seen in two years or more "
    "before the first month that was predicted."
)


def _rejected_note(judged: Judged) -> str:
    return (
        "A correction of the level from the same months of the year before was tried on "
        f"{judged.months} held-out months and left out: {_effect(judged)}."
    )


def _adopted_note(judged: Judged, season: Season) -> str:
    most = max(range(MONTHS_A_YEAR), key=lambda month: abs(season.shifts[month]))
    without = ", ".join(f"{before:.2f}" for before, _ in judged.observed_expected)
    corrected = ", ".join(f"{after:.2f}" for _, after in judged.observed_expected)
    return (
        "The level follows the season: it is corrected from the same months of the year before, because on "
        f"{judged.months} held-out months, test months among them, {_effect(judged)} (by month {without} without it, "
        f"{corrected} with it). Its largest shift is {season.shifts[most]:+.2f} in log-odds, for a night of 1 "
        f"{calendar.month_name[most + 1]}."
    )


def _effect(judged: Judged) -> str:
    return (
        f"log loss is lower by {judged.gain.mean:.5f} nats (95 % interval {judged.gain.low:.5f} to "
        f"{judged.gain.high:.5f}), a unit of it was followed by {judged.agreement.mean:.2f} (at least "
        f"{judged.agreement.low:.2f}, 95 % sure), and observed/expected comes nearer 1 in {judged.nearer} of "
        f"{judged.months} months"
    )
