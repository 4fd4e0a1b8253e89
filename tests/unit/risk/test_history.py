"""How much history training needs, as docs/training.md tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn.risk import history
from churn.risk.history import history_needed, history_table
from churn.training.snapshots import HISTORY_DAYS

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "training.md"


def test_the_table_of_the_docs_is_what_the_splits_need():
    assert history_table(HISTORY_DAYS) in _PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("horizon_days", "grace_days"), [(30, 0), (30, 14), (90, 14), (180, 30)])
def test_each_step_needs_more_history_than_the_one_before(horizon_days, grace_days):
    found = history_needed(horizon_days, grace_days, behind_first=90)
    assert 90 < found.logistic < found.boosting < found.all_tests < found.full


def test_a_year_more_behind_the_first_snapshot_moves_everything():
    near, far = (history_needed(30, 14, behind_first=days) for days in (90, 90 + 365))
    assert far.logistic - near.logistic in range(363, 369)
    assert far.full - near.full in range(363, 369)


def test_the_day_is_the_one_on_which_the_last_label_is_known():
    needed = history_needed(30, 14, behind_first=90)
    snapshots = history._snapshots(4, 90)
    assert [str(snapshot.as_of) for snapshot in snapshots[:2]] == ["2023-04-01", "2023-05-01"]
    assert needed.logistic == (snapshots[2].as_of - history.FIRST_DAY).days + 44
