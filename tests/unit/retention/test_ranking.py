"""Who comes first, in which band, with what at stake."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import ModelError
from churn.retention import rank_customers, risk_band, value_at_risk

NAN = float("nan")
FEW = st.sampled_from([NAN, -1.0, 0.0, 1.0, 2.0])


def test_value_at_risk_is_what_churn_would_cost_and_not_p_times_clv() -> None:
    assert value_at_risk([0.9, 0.1, NAN], [100, 100, 100], [10, 0, 0])[:2] == pytest.approx([81, 10])
    assert np.isnan(value_at_risk([NAN, 0.5], [100, NAN], [10, 0])).all()


def test_the_most_at_stake_comes_first_then_risk_then_the_name() -> None:
    stake = [5.0, NAN, 5.0, 9.0, NAN, 5.0]
    score = [0.2, 0.9, 0.3, 0.1, NAN, 0.2]
    order = rank_customers(stake, score, ["b", "x", "c", "d", "e", "a"], 10)
    assert order.tolist() == [3, 2, 5, 0, 1, 4]


@given(st.lists(st.tuples(FEW, FEW), max_size=30), st.integers(0, 35), st.randoms(use_true_random=False))
def test_the_list_depends_neither_on_the_order_of_customers_nor_on_its_length(
    rows: list[tuple[float, float]], size: int, random: object
) -> None:
    ids = [f"c{i}" for i in range(len(rows))]
    stake, score = [s for s, _ in rows], [r for _, r in rows]
    whole = [ids[i] for i in rank_customers(stake, score, ids, len(rows))]
    assert sorted(whole) == sorted(ids)
    assert [ids[i] for i in rank_customers(stake, score, ids, size)] == whole[:size]
    mixed = np.random.default_rng(len(rows)).permutation(len(rows))
    mixed_ids = [ids[i] for i in mixed]
    again = rank_customers([stake[i] for i in mixed], [score[i] for i in mixed], mixed_ids, size)
    assert [mixed_ids[i] for i in again] == whole[:size]


def test_a_list_of_nobody_is_empty() -> None:
    assert len(rank_customers([], [], [], 5)) == 0
    assert len(rank_customers([1.0], [1.0], ["a"], 0)) == 0


def test_lengths_must_agree() -> None:
    with pytest.raises(ModelError, match="2 customers"):
        rank_customers([1.0], [1.0], ["a", "b"], 5)


def test_the_top_decile_is_high_and_the_next_two_are_medium() -> None:
    bands = risk_band([0, 69.9, 70, 89.9, 90, 100])
    assert bands.tolist() == ["low", "low", "medium", "medium", "high", "high"]
    assert risk_band([]).tolist() == []


@pytest.mark.parametrize("percentile", [NAN, -1, 101])
def test_a_percentile_that_is_none_is_refused(percentile: float) -> None:
    with pytest.raises(ModelError, match="percentile"):
        risk_band([50, percentile])
