"""Attributes as they are mapped now: what tells who has left is a copy of the outcome."""

from __future__ import annotations

import numpy as np
import pytest

from churn.risk.hindsight import CurrentValues, hindsight


def values(left: list[list[float]], here: list[list[float]]) -> CurrentValues:
    names = ("missing", *(f"'{place}'" for place in range(1, len(left[0]))))
    return CurrentValues("attribute_x", names, np.array(left, float), np.array(here, float))


def alike(left: list[float], here: list[float]) -> CurrentValues:
    """Both halves of the customers are alike."""
    return values([left, left], [here, here])


@pytest.mark.parametrize(
    ("left", "here"),
    [
        ([0, 300], [3000, 0]),
        ([0, 300], [2990, 10]),
        ([0, 100, 100, 100], [3000, 0, 0, 0]),
        ([0, 150, 150, 0, 0], [0, 0, 0, 1000, 900]),
        ([300, 0], [0, 3000]),
        ([0, 0, 60], [0, 400, 0]),
    ],
)
def test_values_that_only_those_who_left_have_are_a_copy(left, here):
    found = hindsight(alike(left, here))
    assert found is not None
    assert found.feature == "attribute_x"


def test_a_reason_that_some_leavers_gave_is_known_after_the_fact():
    found = hindsight(alike([240, 40, 20], [4000, 0, 0]))
    assert found is not None
    assert found.seen.startswith("is missing for all but 0 of the 8,000 customers who are here, but something else")
    assert "120 of the 600 who have left" in found.seen


@pytest.mark.parametrize(
    ("left", "here"),
    [
        ([0, 100, 100, 100], [0, 1000, 900, 1100]),
        ([0, 250, 50], [0, 1500, 1500]),
        ([300, 0, 0], [2940, 30, 30]),
        ([0, 270, 30], [0, 2999, 1]),
        ([0, 290, 10], [0, 3000, 0]),
        ([0, 100, 0, 200], [0, 100, 800, 500]),
    ],
)
def test_what_many_who_left_share_with_those_who_are_here_is_no_copy(left, here):
    assert hindsight(alike(left, here)) is None


def test_a_country_that_was_given_up_is_no_copy():
    """Everybody there has left, but those who are here live in many others."""
    assert hindsight(alike([0, 100, 100, 60], [0, 1500, 1500, 0])) is None


@pytest.mark.parametrize(("left", "here"), [([0, 3], [40, 0]), ([0, 300], [4, 0]), ([0, 0], [40, 0]), ([0, 4], [0, 0])])
def test_a_few_customers_prove_nothing(left, here):
    assert hindsight(alike(left, here)) is None


def test_a_value_of_each_customer_alone_proves_nothing():
    """What one half would learn by heart, the other half does not confirm."""
    many = 200
    random = np.random.default_rng(1)
    left, here = random.poisson(0.5, (2, many)).astype(float), random.poisson(0.5, (2, many)).astype(float)
    assert hindsight(CurrentValues("attribute_x", ("'v'",) * many, left, here)) is None
