"""What contacting is worth, the threshold chosen by it, and the trade-off around it."""

from __future__ import annotations

import numpy as np
import pytest

from churn.risk.business import LIST_SIZE, THRESHOLD, OfferTerms, best_threshold, contact_values, tradeoff_rows
from churn.risk.evaluation import MODEL, Predictions
from tests.unit.risk.judged import predictions

TERMS = OfferTerms(save_rate=0.2, saved_value_share=0.5, contact_cost=10.0)


def test_a_contact_is_worth_what_it_may_save_less_its_cost():
    found = contact_values(np.array([0.5, 1.0, 0.0]), np.array([400.0, 50.0, 400.0]), TERMS)
    assert found == pytest.approx([0.5 * 0.2 * 0.5 * 400 - 10, 0.2 * 0.5 * 50 - 10, -10])


def test_with_one_stake_for_all_the_best_threshold_is_where_a_contact_pays_for_itself():
    p = np.linspace(0.001, 0.999, 999)
    assert best_threshold(p, np.full(999, 400.0), TERMS) == pytest.approx(10 / (0.2 * 0.5 * 400), abs=0.0011)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_is_expected_to_be_worth_more_than_the_chosen_one(seed):
    random = np.random.default_rng(seed)
    p, stake = np.round(random.beta(1, 6, 300), 2), random.lognormal(5, 1, 300)
    weights = random.choice([1.0, 4.0], 300)
    worth = contact_values(p, stake, TERMS) * weights
    chosen = best_threshold(p, stake, TERMS, weights)
    best = max(worth[p >= cutoff].sum() for cutoff in [*np.unique(p), 1.0])
    assert worth[p >= chosen].sum() == pytest.approx(best)


def test_nobody_is_contacted_where_every_contact_loses_money():
    p = np.array([0.1, 0.9])
    chosen = best_threshold(p, np.array([1.0, 1.0]), TERMS)
    assert not (p >= chosen).any()
    assert chosen == 1.0


def test_the_threshold_does_not_chase_outcomes():
    told = predictions()
    stake = np.full(len(told), 300.0)
    assert best_threshold(told.probability[MODEL], stake, TERMS) == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("terms", [(2.0, 0.5, 1.0), (0.1, 1.5, 1.0), (0.1, 0.5, -1.0), (float("nan"), 0.5, 1.0)])
def test_terms_that_mean_nothing_are_refused(terms):
    with pytest.raises(ValueError, match="terms"):
        OfferTerms(*terms)


def small() -> Predictions:
    return Predictions(
        np.array([1, 1, 1, 2, 2, 2]),
        np.array([1, 2, 3, 1, 2, 3]),
        np.array([True, False, False, True, True, False]),
        {MODEL: np.array([3.0, 2.0, 1.0, 3.0, 2.0, 1.0])},
        {MODEL: np.array([0.9, 0.5, 0.2, 0.8, 0.5, 0.2])},
    )


def test_a_row_of_the_trade_off_by_hand():
    net = np.array([90.0, -10.0, -10.0, 90.0, 40.0, -10.0])
    rows = list(tradeoff_rows(small(), np.zeros(6, np.int64) - 1, [], net, 0.5, 1))
    chosen = next(row for row in rows if row.is_chosen)
    assert (chosen.kind, chosen.cutoff, chosen.contacted, chosen.false_alarms) == (THRESHOLD, 0.5, 2.0, 0.5)
    assert chosen.precision == pytest.approx(3 / 4)
    assert chosen.recall == 1.0
    assert chosen.expected_net_value == pytest.approx((90 - 10 + 90 + 40) / 2)
    listed = next(row for row in rows if row.kind == LIST_SIZE and row.cutoff == 1)
    assert (listed.contacted, listed.precision) == (1.0, 1.0)
    assert listed.recall == pytest.approx(2 / 3)
    assert listed.expected_net_value == pytest.approx(90)


def test_lists_follow_the_order_given_and_thresholds_the_probability():
    order = np.array([0.0, 5.0, 1.0, 0.0, 1.0, 5.0])
    plain = list(tradeoff_rows(small(), np.zeros(6, np.int64) - 1, [], None, 0.5, 1))
    rows = list(tradeoff_rows(small(), np.zeros(6, np.int64) - 1, [], None, 0.5, 1, order))
    assert [row for row in rows if row.kind == THRESHOLD] == [row for row in plain if row.kind == THRESHOLD]
    listed = next(row for row in rows if row.kind == LIST_SIZE and row.cutoff == 1)
    assert (listed.contacted, listed.precision, listed.recall) == (1.0, 0.0, 0.0)


def test_segments_add_up_to_everybody_at_every_cut_off():
    told = predictions(ties=True)
    segment = np.random.default_rng(1).integers(-1, 3, len(told))
    rows = list(tradeoff_rows(told, segment, [("a", True), ("b", True), ("c", False)], None, 0.3, 50))
    outside = told.take(segment == -1)
    for everybody in (row for row in rows if row.segment == ""):
        parts = [row for row in rows if row.segment and (row.kind, row.cutoff) == (everybody.kind, everybody.cutoff)]
        assert len(parts) == 3
        assert all(part.is_chosen == everybody.is_chosen for part in parts)
        if everybody.kind == THRESHOLD:
            rest = float((outside.probability[MODEL] >= everybody.cutoff).sum()) / 3
            assert sum(part.contacted for part in parts) + rest == pytest.approx(everybody.contacted)
        assert sum(part.contacted for part in parts) <= everybody.contacted + 1e-9
    assert all(row.precision is None and row.recall is None for row in rows if row.segment == "c")
    assert all(row.expected_net_value is None for row in rows)


def test_exactly_one_threshold_is_chosen_and_everyone_nobody_and_a_half_can_be_compared_with_it():
    told = predictions()
    rows = [row for row in tradeoff_rows(told, np.full(len(told), -1), [], None, 0.31, 50) if row.kind == THRESHOLD]
    assert [row.cutoff for row in rows if row.is_chosen] == [0.31]
    assert rows[0].contacted == 600
    assert 0.5 in [row.cutoff for row in rows]
    recalls = [row.recall or 0.0 for row in rows]
    assert recalls == sorted(recalls, reverse=True)
    assert len({(row.kind, row.cutoff) for row in rows}) == len(rows)
