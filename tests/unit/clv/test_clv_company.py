"""The verdict on a company's year says what holds and what does not; the PIT and the tiers that it rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.clv_company import ValuedYear, clv_criteria
from benchmarks.clv_contracts import randomised_pit, tiers

ONES = np.ones(10)
GOOD = ValuedYear(
    1, 1.01, 1.15, ONES * 1.02, ONES * 0.98, ONES * 1.1, ONES * 1.1, 0.30, 0.31, (0.8, 0.79, 0.81, 0.8), 0.5, 0.02
)
BAD = {
    0: {"total": 0.94},
    1: {"by_risk": np.r_[ONES[:9], 1.11]},
    2: {"by_clv": np.r_[0.89, ONES[:9]]},
    3: {"rank": 0.29},
    4: {"naive_by_clv": ONES * 1.01},
    5: {"inside": (0.8, 0.79, 0.77, 0.8)},
    6: {"z": -1.4},
}


def test_a_good_year_holds_throughout() -> None:
    assert all(holds for _, holds in clv_criteria([GOOD, GOOD]))


@pytest.mark.parametrize("place", BAD)
def test_each_shortcoming_fails_its_own_criterion(place: int) -> None:
    found = [holds for _, holds in clv_criteria([replace(GOOD, **BAD[place])])]
    assert [place for place, holds in enumerate(found) if not holds] == [place]


def test_the_randomised_pit_is_uniform_where_outcomes_follow_the_draws_atoms_included() -> None:
    rng = np.random.default_rng(1)

    def drawn(count: int) -> np.ndarray:
        return np.where(rng.random((20_000, count)) < 0.4, 7.0, rng.normal(7.0, 1.0, (20_000, count)))

    pit = randomised_pit(drawn(128), drawn(1)[:, 0], 1)
    assert np.histogram(pit, 10, (0, 1))[0] / 20_000 == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_the_best_fifth_and_the_next_three_tenths_are_the_upper_tiers() -> None:
    assert tiers(np.arange(10.0)).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
