"""Walk-forward splits, purged on dates: what may be fitted on what, and what may be calibrated on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from churn.risk.data import TrainingSet, TrainSettings
from churn.risk.model import Kind
from churn.windows import add_months, matures_on, month_start, purge_ok

FIT_CHURNERS = 25
POOL_CHURNERS = 20
SHARED_ROWS = 100_000
_SHORTEST_WALK = 6
_BOOSTING_WINDOWS = 3
_MOST = 0.5


@dataclass(frozen=True)
class Snapshot:
    """One as_of of the training set.

    Attributes
    ----------
    as_of : date
    start, end : int
        Its rows, half-open.
    churners : int
    """

    as_of: date
    start: int
    end: int
    churners: int


@dataclass(frozen=True)
class Fold:
    """A month predicted by a fit on the rows [0, fit_end), whose labels had all matured by then.

    Attributes
    ----------
    as_of : date
    start, end : int
        The month's rows.
    fit_end : int
        End of the rows of every snapshot that satisfies the purge.
    fit_churners, churners : int
        Churners among the rows to fit on, and of the month.
    """

    as_of: date
    start: int
    end: int
    fit_end: int
    fit_churners: int
    churners: int

    @property
    def both_classes(self) -> bool:
        """Say whether the month has enough churners, and any stayers, to learn a calibration from."""
        return POOL_CHURNERS <= self.churners < self.end - self.start


@dataclass(frozen=True)
class Plan:
    """What is fitted, predicted, calibrated and judged.

    Attributes
    ----------
    kind : {"lightgbm", "logistic"}
    walk : tuple of Fold
        Months predicted walk-forward, ascending; `tests` are the last of them.
    tests : tuple of Fold
        Months that the figures come from.
    stop : Fold or None
        The snapshot that chooses the number of trees; its labels matured before the first test month.
    stop_shared : bool
        Whether `stop` is also a month that calibrators learn from; then each customer serves one of the two.
    """

    kind: Kind
    walk: tuple[Fold, ...]
    tests: tuple[Fold, ...]
    stop: Fold | None = None
    stop_shared: bool = False


def snapshots_of(data: TrainingSet) -> list[Snapshot]:
    """List the snapshots of a training set, ascending."""
    if len(data) == 0:
        return []
    days, starts = np.unique(data.as_of, return_index=True)
    ends = [*starts[1:].tolist(), len(data)]
    return [
        Snapshot(date.fromordinal(int(day)), int(start), int(end), int(data.churned[start:end].sum()))
        for day, start, end in zip(days, starts, ends, strict=True)
    ]


def disjoint_windows(snapshots: Sequence[Snapshot], settings: TrainSettings) -> int:
    """Count the label windows (grace included) that fit behind one another without overlap."""
    count, latest = 0, None
    for snapshot in snapshots:
        if latest is None or _purged(latest, snapshot.as_of, settings):
            count, latest = count + 1, snapshot.as_of
    return count


def boosting_plan(snapshots: Sequence[Snapshot], settings: TrainSettings) -> Plan | None:
    """Plan LightGBM with a calibrator judged on months it has not seen; None where history is too short.

    The last `walk_months` months are predicted, down to six where otherwise no month before them could choose the
    number of trees; more where a long purge would leave fewer than `test_months` of them with an earlier, matured
    month to calibrate on.
    """
    if disjoint_windows(snapshots, settings) < _BOOSTING_WINDOWS:
        return None
    folds = folds_of(snapshots, settings)
    tests = [fold for fold in folds if pool_of(fold, folds, settings)][-settings.test_months :]
    if not tests:
        return None
    needed = folds.index(pool_of(tests[0], folds, settings)[-1])
    lengths = range(settings.walk_months, min(settings.walk_months, _SHORTEST_WALK) - 1, -1)
    plans = [_boosting_plan(folds, min(needed, max(0, len(folds) - length)), tests, settings) for length in lengths]
    return next((plan for plan in plans if not plan.stop_shared), plans[-1])


def _boosting_plan(folds: Sequence[Fold], first: int, tests: Sequence[Fold], settings: TrainSettings) -> Plan:
    """Return the plan whose walk begins with the fold at position `first`."""
    walk = tuple(folds[first:])
    stop, shared = _stop(folds, walk, tests[0], settings)
    return Plan("lightgbm", walk, tuple(tests), stop, shared)


def logistic_plan(snapshots: Sequence[Snapshot], settings: TrainSettings) -> Plan | None:
    """Plan the fallback: a logistic regression judged on later months, not calibrated; None if impossible."""
    tests = tuple(folds_of(snapshots, settings)[-settings.test_months :])
    if sum(fold.churners for fold in tests) < POOL_CHURNERS:
        return None
    return Plan("logistic", tests, tests)


def pool_of(fold: Fold, walk: Sequence[Fold], settings: TrainSettings) -> list[Fold]:
    """List the predicted months whose labels had matured when `fold` began: its calibrator's."""
    return [earlier for earlier in walk if earlier.both_classes and _purged(earlier.as_of, fold.as_of, settings)]


def fit_ends(plan: Plan) -> dict[date, int]:
    """Say for every walk-forward month up to which row its fit goes.

    Small data are fitted anew for every month on everything that had matured. A fit on `SHARED_ROWS` rows would hardly
    change with more: there, a month that only calibrates takes the latest such fit before it (the one that chose the
    number of trees among them), and every second test month that of the month before, as nights do between two
    trainings.
    """
    known = [] if plan.stop is None else [plan.stop.fit_end]
    found: dict[date, int] = {}
    before: Fold | None = None
    for fold in plan.walk:
        shared = [end for end in known if SHARED_ROWS <= end <= fold.fit_end]
        if fold in plan.tests:
            tested = before if before in plan.tests else None
            shared = [end for end in shared if tested is not None and end == tested.fit_end == found[tested.as_of]]
        found[fold.as_of] = max(shared) if shared else fold.fit_end
        known.append(found[fold.as_of])
        before = fold
    return found


def enough_on(first_as_of: date, windows: int, settings: TrainSettings) -> date:
    """Return the date on which `windows` disjoint label windows from `first_as_of` on will have matured."""
    snapshot = first_as_of
    for _ in range(windows - 1):
        purged = matures_on(snapshot, settings.horizon_days, settings.grace_days)
        snapshot = add_months(month_start(purged - timedelta(days=1)), 1)
    return matures_on(snapshot, settings.horizon_days, settings.grace_days)


def folds_of(snapshots: Sequence[Snapshot], settings: TrainSettings) -> list[Fold]:
    """List the months that have enough matured history before them to be fitted on."""
    folds = []
    for snapshot in snapshots:
        known = [earlier for earlier in snapshots if _purged(earlier.as_of, snapshot.as_of, settings)]
        churners = sum(earlier.churners for earlier in known)
        if churners >= FIT_CHURNERS and churners < known[-1].end:
            folds.append(Fold(snapshot.as_of, snapshot.start, snapshot.end, known[-1].end, churners, snapshot.churners))
    return folds


def _stop(
    folds: Sequence[Fold], walk: tuple[Fold, ...], first_test: Fold, settings: TrainSettings
) -> tuple[Fold | None, bool]:
    """Choose the latest snapshot before the walk if most of history is then fitted on, else before its tests.

    A number of trees chosen on a small part of history is too small for all of it.
    """
    before_walk = pool_of(walk[0], folds, settings)
    if before_walk and before_walk[-1].fit_end >= _MOST * folds[-1].end:
        return before_walk[-1], False
    before_tests = pool_of(first_test, folds, settings)
    return (before_tests[-1], True) if before_tests else (None, False)


def _purged(earlier: date, later: date, settings: TrainSettings) -> bool:
    return purge_ok(earlier, later, settings.horizon_days, settings.grace_days)
