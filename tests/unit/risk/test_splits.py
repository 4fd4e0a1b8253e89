"""Walk-forward plans: every date that decides what may learn from what."""

from __future__ import annotations

from datetime import date

import pytest

from churn.risk.data import TrainSettings
from churn.risk.splits import Snapshot, boosting_plan, disjoint_windows, enough_on, fit_ends, logistic_plan, pool_of
from churn.windows import add_months, purge_ok


def snapshots(months: int, churners: int = 60, rows: int = 1000) -> list[Snapshot]:
    """Return monthly snapshots of the same number of rows."""
    return [
        Snapshot(add_months(date(2024, 1, 1), month), month * rows, month * rows + rows, churners)
        for month in range(months)
    ]


@pytest.mark.parametrize("grace_days", [0, 14, 30])
@pytest.mark.parametrize("horizon_days", [30, 60, 90])
@pytest.mark.parametrize("months", [12, 18, 30])
def test_every_fit_stop_and_calibration_keeps_the_purge(months, horizon_days, grace_days):
    settings = TrainSettings(horizon_days=horizon_days, grace_days=grace_days)
    known = snapshots(months)
    plan = boosting_plan(known, settings)
    if plan is None:
        assert disjoint_windows(known, settings) < 3
        return
    for fold in plan.walk:
        fitted = [snapshot for snapshot in known if snapshot.end <= fold.fit_end]
        assert all(purge_ok(s.as_of, fold.as_of, horizon_days, grace_days) for s in fitted)
        after = next(snapshot for snapshot in known if snapshot.end > fold.fit_end)
        assert not purge_ok(after.as_of, fold.as_of, horizon_days, grace_days)
    for test in plan.tests:
        pool = pool_of(test, plan.walk, settings)
        assert pool
        assert all(purge_ok(w.as_of, test.as_of, horizon_days, grace_days) for w in pool)
    assert plan.stop is not None
    assert purge_ok(plan.stop.as_of, plan.tests[0].as_of, horizon_days, grace_days)


@pytest.mark.parametrize(("months", "walked"), [(30, 9), (16, 6)])
def test_the_test_is_the_last_three_months_of_a_walk_of_nine_or_of_six_where_history_is_short(months, walked):
    known = snapshots(months)
    plan = boosting_plan(known, TrainSettings(horizon_days=30, grace_days=14))
    assert plan is not None
    assert [fold.as_of for fold in plan.tests] == [snapshot.as_of for snapshot in known[-3:]]
    assert len(plan.walk) == walked


def test_a_long_purge_walks_further_back_to_calibrate_every_test_month():
    settings = TrainSettings(horizon_days=90, grace_days=14)
    plan = boosting_plan(snapshots(20), settings)
    assert plan is not None
    assert len(plan.tests) == 3
    assert len(plan.walk) > 6
    assert pool_of(plan.tests[0], plan.walk, settings)


def test_the_stopping_snapshot_is_outside_the_walk_where_history_allows_and_shared_where_not():
    settings = TrainSettings(horizon_days=30, grace_days=0)
    long, short = boosting_plan(snapshots(24), settings), boosting_plan(snapshots(6), settings)
    assert long is not None
    assert short is not None
    assert (long.stop in long.walk, long.stop_shared) == (False, False)
    assert (short.stop in short.walk, short.stop_shared) == (True, True)


def test_every_fit_keeps_the_purge_even_where_months_share_it():
    settings = TrainSettings(horizon_days=30, grace_days=14)
    small, large = boosting_plan(snapshots(18), settings), boosting_plan(snapshots(18, rows=20_000), settings)
    assert small is not None
    assert large is not None
    assert fit_ends(small) == {fold.as_of: fold.fit_end for fold in small.walk}
    shared = fit_ends(large)
    assert all(shared[fold.as_of] <= fold.fit_end for fold in large.walk)
    first, second, third = large.tests
    assert [shared[fold.as_of] for fold in large.tests] == [first.fit_end, first.fit_end, third.fit_end]
    assert second.fit_end > first.fit_end
    assert large.stop is not None
    assert {shared[fold.as_of] for fold in large.walk[:3]} == {large.stop.fit_end}


def test_fewer_than_three_disjoint_label_windows_are_not_for_boosting():
    settings = TrainSettings(horizon_days=90)
    assert disjoint_windows(snapshots(6), settings) == 2
    assert boosting_plan(snapshots(6), settings) is None
    plan = logistic_plan(snapshots(6), settings)
    assert plan is not None
    assert plan.walk == plan.tests


def test_one_window_plans_nothing_and_the_date_that_is_enough_is_named():
    settings = TrainSettings(horizon_days=30, grace_days=14)
    assert logistic_plan(snapshots(2), settings) is None
    enough = enough_on(date(2024, 1, 1), 2, settings)
    assert enough == date(2024, 4, 14)
    assert logistic_plan(snapshots(3), settings) is not None
