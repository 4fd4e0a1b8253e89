"""The holdout is checked to be a fair draw in every segment and risk band."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from churn.errors import ModelError
from churn.retention import assign_arms, balance, smallest_p


def test_every_value_of_every_dimension_has_its_row_and_everybody_the_first() -> None:
    segments = ["new", "loyal", None, "new", "loyal"]
    held = np.array([True, False, True, False, False])

    rows = balance({"segment": segments, "risk_band": ["high"] * 5}, held, 0.4)

    found = [(row.dimension, row.value, row.treatment, row.holdout) for row in rows]
    assert found == [
        ("all", "all", 3, 2),
        ("segment", "loyal", 2, 0),
        ("segment", "new", 1, 1),
        ("segment", "unknown", 0, 1),
        ("risk_band", "high", 3, 2),
    ]
    assert [row.expected_holdout for row in rows] == pytest.approx([2, 0.8, 0.8, 0.4, 2])


def test_the_p_value_is_that_of_the_exact_binomial_test() -> None:
    (row,) = balance({}, np.arange(50) < 12, 0.1)
    chance = binom.pmf(np.arange(51), 50, 0.1)

    assert row.p_value == pytest.approx(chance[chance <= chance[12] * (1 + 1e-9)].sum())


def test_draws_of_the_campaign_are_balanced_and_a_holdout_of_one_segment_is_not() -> None:
    ids = [f"c{i}" for i in range(2_000)]
    segments = ["new" if i % 3 else "loyal" for i in range(2_000)]
    fair = []
    for seed in range(100):
        held = assign_arms(ids, seed=seed, campaign="c", holdout_share=0.1) == "holdout"
        fair.append(smallest_p(balance({"segment": segments}, held, 0.1)))

    assert np.mean(np.array(fair) < 0.05) <= 0.1
    assert smallest_p(balance({"segment": segments}, np.arange(2_000) % 30 == 0, 0.1)) < 0.001


def test_nobody_is_balanced_by_no_rows() -> None:
    assert balance({"segment": []}, np.array([], dtype=bool), 0.1) == []
    assert np.isnan(smallest_p([]))


def test_lengths_must_agree() -> None:
    with pytest.raises(ModelError, match="2 values of segment for 1"):
        balance({"segment": ["a", "b"]}, np.array([True]), 0.1)
