"""What training hands to CLV: the panel of contracts, and the segments of past customers."""

from __future__ import annotations

from datetime import date

import numpy as np

from churn.matrix import FeatureNames
from churn.risk import Predictions, TrainingSet
from churn.risk.evaluation import MODEL
from churn.segments import Segmenter
from churn.training import worth
from churn.training.worth import Known, make_panel
from churn.valuation import NO_FACTS, Facts
from churn.valuation.facts import ByCustomer

JANUARY, FEBRUARY = date(2025, 1, 1).toordinal(), date(2025, 2, 1).toordinal()
DATA = TrainingSet(
    FeatureNames(("mrr",), ("plan",), (("basic",),)),
    np.array([[10], [20], [11], [30]], np.float32),
    np.array([[0], [-1], [0], [0]], np.int32),
    np.array([1, 2, 1, 3]),
    np.array([JANUARY, JANUARY, FEBRUARY, FEBRUARY]),
    np.array([False, True, False, True]),
    np.array([1.0, 5.0, 1.0, 1.0]),
)


def predicted(rows: list[int]) -> Predictions:
    p = np.array([0.1, 0.2, 0.3, 0.4])[rows]
    return Predictions(DATA.as_of[rows], DATA.customer_keys[rows], DATA.churned[rows], {}, {MODEL: p})


def test_the_panel_has_every_row_and_probabilities_only_where_they_are_out_of_sample():
    discounts = Facts(ByCustomer(np.array([1, 3]), np.array([40.0, 9.0])), ByCustomer.nobody(), ByCustomer.nobody())
    panel = make_panel(DATA, {JANUARY: discounts, FEBRUARY: NO_FACTS}, predicted([2, 3]))
    assert panel.customer_keys.tolist() == [1, 2, 1, 3]
    assert np.isnan(panel.churn_probability).tolist() == [True, True, False, False]
    assert panel.churn_probability[2:].tolist() == [0.3, 0.4]
    assert panel.contracts.mrr.tolist() == [10, 20, 11, 30]
    assert list(panel.contracts.plan) == ["basic", "", "basic", "basic"]
    assert panel.contracts.days_to_discount_end[0] == 40
    assert np.isnan(panel.contracts.days_to_discount_end[1:]).all()
    assert panel.weights.tolist() == [1, 5, 1, 1]
    assert panel.churned is not None
    assert panel.churned.tolist() == [False, True, False, True]


def test_past_segments_are_those_of_the_latest_snapshot_at_most_a_month_before(monkeypatch):
    monkeypatch.setattr(worth, "segment_names", lambda _segmenter, _names, numbers: numbers[:, 0].astype(str))
    segments_at = Known(DATA, {}, Segmenter.__new__(Segmenter)).segments_at

    def keys(day: date) -> list[int] | None:
        found = segments_at(day)
        return None if found is None else found[0].tolist()

    assert keys(date(2025, 1, 20)) == [1, 2]
    assert keys(date(2025, 2, 1)) == [1, 3]
    assert keys(date(2025, 3, 4)) == [1, 3]
    assert keys(date(2025, 3, 5)) is None
    assert keys(date(2024, 12, 31)) is None
    january = segments_at(date(2025, 1, 1))
    assert january is not None
    assert january[1].tolist() == ["10.0", "20.0"]
