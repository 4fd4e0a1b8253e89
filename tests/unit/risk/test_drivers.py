"""Drivers weigh what behaviours do to all customers and to each segment, as the explained ones stand for them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from churn.risk.behaviours import EARLIER_BREAKS, FAILED_PAYMENTS, OVERALL_USE, RENEWAL, SUPPORT
from churn.risk.drivers import ALL_CUSTOMERS, churn_drivers

TENTH = math.log(1.1)
BEHAVIOURS = (OVERALL_USE, FAILED_PAYMENTS, RENEWAL, SUPPORT)
GROUPED = np.array(
    [
        # use, failed payments, renewal, support
        [0.5, 0.2, -1.0, 0.0],
        [-0.5, 0.0, -1.0, 0.0],
        [0.1, TENTH, 1.5, 0.0],
    ]
)
WEIGHTS = np.array([1.0, 1.0, 10.0])
SEGMENTS = np.array([1, 1, 2])


def found(segment_id: int) -> dict[str, tuple[str, float, int]]:
    return {
        each.driver: (each.direction, round(each.importance, 6), each.customers_affected)
        for each in churn_drivers(BEHAVIOURS, GROUPED, WEIGHTS, SEGMENTS)
        if each.segment_id == segment_id
    }


def test_importance_is_the_weighted_mean_size_and_affected_are_those_raised_by_a_tenth():
    assert found(ALL_CUSTOMERS) == {
        "renewal": ("raises", round(17 / 12, 6), 10),
        "overall use": ("raises", round(2 / 12, 6), 11),
        "failed payments": ("raises", round((0.2 + 10 * TENTH) / 12, 6), 11),
    }


def test_each_segment_is_weighed_by_itself():
    assert found(1) == {
        "renewal": ("lowers", 1.0, 0),
        "overall use": ("mixed", 0.5, 1),
        "failed payments": ("raises", 0.1, 1),
    }
    assert found(2)["renewal"] == ("raises", 1.5, 10)


def test_segments_add_up_to_all():
    for driver, (_, _, affected) in found(ALL_CUSTOMERS).items():
        assert affected == found(1)[driver][2] + found(2)[driver][2]


def test_the_most_important_comes_first_and_the_description_tells_the_counts():
    drivers = churn_drivers(BEHAVIOURS, GROUPED, WEIGHTS, SEGMENTS)
    assert [each.driver for each in drivers[:3]] == ["renewal", "overall use", "failed payments"]
    assert drivers[0].description == (
        "How long they are bound, how near the next renewal is, and the payments that go with it. "
        "Of 12 customers it makes leaving likelier for 10 and less likely for 2."
    )


def test_what_moves_hardly_anybody_is_mixed_and_what_moves_nobody_is_left_out():
    drivers = churn_drivers((EARLIER_BREAKS, SUPPORT), np.array([[0.01, 0.0]]), np.ones(1), np.ones(1, dtype=np.int64))
    assert {(each.driver, each.direction, each.customers_affected) for each in drivers} == {
        ("earlier breaks", "mixed", 0)
    }
    assert drivers[0].description.endswith("Of 1 customers it makes leaving clearly likelier or less likely for none.")


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0]])
def test_the_order_of_customers_changes_nothing(order):
    again = churn_drivers(BEHAVIOURS, GROUPED[order], WEIGHTS[order], SEGMENTS[order])
    assert again == churn_drivers(BEHAVIOURS, GROUPED, WEIGHTS, SEGMENTS)


def test_without_customers_there_are_no_drivers():
    assert churn_drivers(BEHAVIOURS, GROUPED[:0], WEIGHTS[:0], SEGMENTS[:0]) == []
