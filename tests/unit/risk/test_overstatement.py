"""A test that promises far more than published nights came to."""

from __future__ import annotations

import numpy as np
import pytest

from churn.risk.overstatement import Area, Claim, broken_claim, suspect
from churn.risk.training import train_model
from tests.unit.risk.company import FAST, company

HIGH, MIDDLE, LOW = Area(0.95, 0.93, 0.97), Area(0.78, 0.76, 0.80), Area(0.70, 0.67, 0.73)
UNKNOWN = Area(0.70, float("nan"), float("nan"))


@pytest.mark.parametrize(
    ("tested", "claimed", "realised", "is_broken"),
    [
        (HIGH, HIGH, LOW, True),
        (MIDDLE, HIGH, LOW, False),  # the mapping was mended, or the business has changed
        (HIGH, MIDDLE, LOW, False),  # it kept what it promised: the new one has more to go by
        (HIGH, HIGH, HIGH, False),
        (HIGH, HIGH, UNKNOWN, False),
        (Area(0.95, 0.72, 1.0), Area(0.95, 0.72, 1.0), LOW, False),  # too few to say
    ],
)
def test_a_promise_is_broken_where_both_tests_are_far_above_what_nights_came_to(tested, claimed, realised, is_broken):
    claim = Claim("churn-1", claimed, realised)
    assert broken_claim(tested, [claim]) == (claim if is_broken else None)


@pytest.fixture(scope="module")
def trained():
    data = company(months=9, signal=1.5).data
    return data, train_model(data, FAST).model


def test_the_feature_that_changed_most_when_it_was_captured_is_suspected(trained):
    data, model = trained
    captured = data.as_of >= np.unique(data.as_of)[-4]
    place = data.names.numbers.index("payments_failed_28d")
    data.numbers[:, place] = np.where(captured, 0, data.churned)
    found = suspect(data, captured, model)
    assert found.feature == "payments_failed_28d"
    assert "AUC 1.000 in the snapshots that were reconstructed later, and 0.500 in those" in found.seen


def test_without_captured_snapshots_the_largest_gain_is_suspected(trained):
    data, model = trained
    found = suspect(data, np.zeros(len(data), dtype=bool), model)
    assert found.feature in {"events_trend_28d", "days_since_last_usage"}
    assert "gains most" in found.seen
