"""How much history each horizon needs: the splits' own rules, run on an imagined company with churners enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from churn.risk.data import TrainSettings
from churn.risk.splits import FIT_CHURNERS, Plan, Snapshot, boosting_plan, logistic_plan
from churn.windows import add_months, matures_on, month_start

FIRST_DAY = date(2023, 1, 1)
FULL_SNAPSHOTS = 12
MONTHS_A_YEAR = 12

_MOST = 100
_ROWS = 1000


@dataclass(frozen=True)
class HistoryNeeded:
    """Days of data before a training can do each thing, from a first row on the first of January.

    Attributes
    ----------
    horizon_days, grace_days : int
    logistic : int
        A logistic regression, tested on a later month.
    boosting : int
        LightGBM, calibrated and tested on one month.
    all_tests : int
        LightGBM, tested on `TrainSettings.test_months` months.
    full : int
        The same with twelve snapshots, and one to stop early that nothing else uses.
    season_level : int
        Each month of the year twice among the matured snapshots.
    """

    horizon_days: int
    grace_days: int
    logistic: int
    boosting: int
    all_tests: int
    full: int
    season_level: int


def history_needed(horizon_days: int, grace_days: int, *, behind_first: int) -> HistoryNeeded:
    """Compute the days of data that each step of training needs.

    Parameters
    ----------
    horizon_days, grace_days : int
    behind_first : int
        Days of data that the first snapshot has behind it.
    """
    settings = TrainSettings(horizon_days=horizon_days, grace_days=grace_days)

    def days(is_enough: Callable[[list[Snapshot], TrainSettings], bool]) -> int:
        count = next(count for count in range(1, _MOST) if is_enough(_snapshots(count, behind_first), settings))
        last = _snapshots(count, behind_first)[-1].as_of
        return (matures_on(last, horizon_days, grace_days) - FIRST_DAY).days

    return HistoryNeeded(
        horizon_days,
        grace_days,
        days(lambda found, settings: logistic_plan(found, settings) is not None),
        days(lambda found, settings: boosting_plan(found, settings) is not None),
        days(lambda found, settings: _tests(boosting_plan(found, settings)) == settings.test_months),
        days(_is_full),
        days(_holds_each_month_twice),
    )


def history_table(behind_first: int) -> str:
    """Return the table of docs/training.md: contractual with its usual grace, then by inactivity."""
    lines = [
        "| definition | horizon | grace | logistic regression | LightGBM, 1 test month | LightGBM, 3 test months "
        "| full split | every month of the year twice |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for definition, grace_days in (("contractual", 14), ("inactivity", 0)):
        for horizon_days in (30, 60, 90):
            found = history_needed(horizon_days, grace_days, behind_first=behind_first)
            counts = (found.logistic, found.boosting, found.all_tests, found.full, found.season_level)
            lines.append(f"| {definition} | {horizon_days} | {grace_days} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines) + "\n"


def _snapshots(count: int, behind_first: int) -> list[Snapshot]:
    """Return the first snapshots of a company, with churners enough in each."""
    earliest = FIRST_DAY + timedelta(days=behind_first - 1)
    return [
        Snapshot(add_months(month_start(earliest), place + 1), place * _ROWS, (place + 1) * _ROWS, 2 * FIT_CHURNERS)
        for place in range(count)
    ]


def _tests(plan: Plan | None) -> int:
    return 0 if plan is None else len(plan.tests)


def _is_full(snapshots: list[Snapshot], settings: TrainSettings) -> bool:
    plan = boosting_plan(snapshots, settings)
    if plan is None or plan.stop is None or plan.stop_shared:
        return False
    return len(snapshots) >= FULL_SNAPSHOTS and len(plan.tests) == settings.test_months


def _holds_each_month_twice(snapshots: list[Snapshot], settings: TrainSettings) -> bool:
    months = [snapshot.as_of.month for snapshot in snapshots]
    return all(months.count(month) >= 2 for month in range(1, MONTHS_A_YEAR + 1))
