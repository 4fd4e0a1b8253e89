"""The holdout is a function of seed, campaign and customer, and of nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import ConfigError
from churn.retention import assign_arms

IDS = [f"C{number}" for number in range(20_000)]


def test_the_sides_are_those_of_every_other_machine() -> None:
    arms = assign_arms(["a", "b", "c", "d", "Zoë’s 🛒"], seed=1, campaign="spring", holdout_share=0.5)
    assert arms.tolist() == ["holdout", "holdout", "treatment", "treatment", "holdout"]


def test_the_share_is_held_out_and_campaigns_and_seeds_draw_anew() -> None:
    spring = assign_arms(IDS, seed=1, campaign="spring", holdout_share=0.1) == "holdout"
    autumn = assign_arms(IDS, seed=1, campaign="autumn", holdout_share=0.1) == "holdout"
    reseeded = assign_arms(IDS, seed=2, campaign="spring", holdout_share=0.1) == "holdout"
    for drawn in (spring, autumn, reseeded):
        assert drawn.mean() == pytest.approx(0.1, abs=0.01)
    assert (spring & autumn).mean() == pytest.approx(0.01, abs=0.004)
    assert (spring & reseeded).mean() == pytest.approx(0.01, abs=0.004)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), max_size=9), st.floats(0, 1))
def test_a_customers_side_does_not_depend_on_who_else_is_listed(ids: list[str], share: float) -> None:
    together = assign_arms(ids, seed=7, campaign="c", holdout_share=share).tolist()
    alone = [assign_arms([one], seed=7, campaign="c", holdout_share=share)[0] for one in ids]
    assert together == alone


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_moves_customers_to_the_holdout(one: float, other: float) -> None:
    small, large = (
        assign_arms(IDS[:200], seed=7, campaign="c", holdout_share=share) == "holdout" for share in sorted((one, other))
    )
    assert (large | ~small).all()


def test_nobody_and_everybody_can_be_held_out() -> None:
    assert set(assign_arms(IDS[:500], seed=1, campaign="c", holdout_share=0.0)) == {"treatment"}
    assert set(assign_arms(IDS[:500], seed=1, campaign="c", holdout_share=1.0)) == {"holdout"}
    assert len(assign_arms([], seed=1, campaign="c", holdout_share=0.1)) == 0


def test_campaign_and_customer_do_not_run_into_one_another() -> None:
    drawn = [
        assign_arms([f"b:{i}"], seed=1, campaign="a", holdout_share=0.5)[0]
        == assign_arms([str(i)], seed=1, campaign="a:b", holdout_share=0.5)[0]
        for i in range(200)
    ]
    assert not all(drawn)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="holdout_share"):
        assign_arms(["a"], seed=1, campaign="c", holdout_share=share)
