"""Whom a night explains: the list, the riskiest tenth, and a sample that stands for all others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from churn.scoring.explained import Chosen, Scored, choose


def night(customers: int, segments: int = 4, seed: int = 1) -> Scored:
    random = np.random.default_rng(seed)
    risk = random.normal(size=customers)
    ranks = risk.argsort().argsort()
    return Scored(
        np.sort(random.choice(10 * customers, customers, replace=False)).astype(np.int64),
        random.integers(1, segments + 1, customers),
        risk,
        100 * ranks / max(customers - 1, 1),
    )


def told(scored: Scored, chosen: Chosen) -> set[int]:
    return set(scored.customer_keys[chosen.places[chosen.is_told]].tolist())


def test_the_list_and_the_top_decile_are_told():
    scored = night(1_000)
    listed = scored.customer_keys[:30]
    chosen = choose(scored, listed, 500)
    top = scored.customer_keys[scored.risk_percentile >= 90]
    assert told(scored, chosen) == set(listed.tolist()) | set(top.tolist())
    assert chosen.left_out == 0
    assert len(chosen.places) <= len(told(scored, chosen)) + 100


def test_where_the_cap_is_short_the_list_comes_first_and_then_the_riskiest():
    scored = night(1_000)
    listed = scored.customer_keys[:30]
    chosen = choose(scored, listed, 50)
    riskiest = scored.customer_keys[np.argsort(-scored.risk_score)]
    after = [key for key in riskiest.tolist() if key not in set(listed.tolist())]
    assert told(scored, chosen) == set(listed.tolist()) | set(after[:10])
    assert len(chosen.places) <= 50
    everyone = np.isin(scored.customer_keys, listed) | (scored.risk_percentile >= 90)
    assert chosen.left_out == everyone.sum() - 40


def test_those_who_come_first_are_explained_first_where_there_is_not_room_for_all():
    scored = night(1_000)
    turns = scored.customer_keys[::-1][:200]
    assert told(scored, choose(scored, turns, 50)) == set(turns[:40].tolist())
    gone = np.array([-5], dtype=np.int64)
    assert told(scored, choose(scored, np.concatenate([gone, turns]), 50)) == set(turns[:40].tolist())


def test_a_small_segment_has_its_share_of_the_sample():
    scored = night(5_000)
    scored.segment_ids[:] = 1
    scored.segment_ids[:100] = 2
    chosen = choose(scored, np.empty(0, np.int64), 1_000)
    sampled = scored.segment_ids[chosen.places[~chosen.is_told]]
    assert (sampled == 2).sum() >= 50


def test_all_are_explained_where_there_is_room():
    scored = night(40)
    chosen = choose(scored, scored.customer_keys[:5], 1_000)
    assert chosen.places.tolist() == list(range(40))
    assert set(chosen.weights.tolist()) == {1.0}


@settings(max_examples=60, deadline=None)
@example(customers=11, segments=1, listed=10, most=10, seed=0)
@given(
    customers=st.integers(1, 400), segments=st.integers(1, 12), listed=st.integers(0, 60), most=st.integers(1, 300),
    seed=st.integers(0, 5),
)  # fmt: skip
def test_never_more_than_the_cap_and_the_weights_stand_for_everybody(customers, segments, listed, most, seed):
    scored = night(customers, segments, seed)
    chosen = choose(scored, scored.customer_keys[:listed], most)
    assert len(chosen.places) <= most
    assert np.all(np.diff(chosen.places) > 0)
    assert (chosen.weights >= 1).all()
    sizes = np.bincount(scored.segment_ids, minlength=segments + 1)
    stood_for = np.bincount(scored.segment_ids[chosen.places], chosen.weights, minlength=segments + 1)
    sampled = np.bincount(scored.segment_ids[chosen.places[~chosen.is_told]], minlength=segments + 1) > 0
    assert stood_for[sampled] == pytest.approx(sizes[sampled])
    again = choose(scored, scored.customer_keys[:listed], most)
    np.testing.assert_array_equal(again.places, chosen.places)
