"""Parts of like size, out of months; no database needed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.extract.estimates import joined
from churn.extract.times import Days
from churn.windows import add_months

FIRST = date(2020, 1, 1)


def months(count: int) -> list[Days]:
    return [Days(add_months(FIRST, n), add_months(FIRST, n + 1)) for n in range(count)]


@given(rows=st.lists(st.integers(0, 1000), min_size=1, max_size=60), most=st.integers(1, 60))
def test_parts_follow_one_another_from_the_first_day_to_the_last_and_are_not_too_many(rows, most):
    parts = joined(months(len(rows)), rows, most)
    assert [part.first for part in parts] == [FIRST, *(part.until for part in parts[:-1])]
    assert parts[-1].until == add_months(FIRST, len(rows))
    assert len(parts) <= most + 1


@pytest.mark.parametrize(
    ("rows", "most", "starts"),
    [
        ([10] * 8, 60, [0, 1, 2, 3, 4, 5, 6, 7]),
        ([10] * 8, 4, [0, 2, 4, 6]),
        ([0, 0, 0, 0, 10, 10, 10, 10], 4, [0, 5, 6, 7]),
        ([0] * 8, 4, [0]),
    ],
)
def test_months_that_hold_little_are_joined(rows, most, starts):
    assert [part.first for part in joined(months(len(rows)), rows, most)] == [add_months(FIRST, n) for n in starts]
