"""The renewal clock: when longer contracts come up, and where in their cycle they are left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.clv.clock import Clock, schedule
from churn.clv.clock_fit import fit_clock
from churn.clv.panel import Panel, stays_of
from tests.unit.clv.contracts import contracts


def test_a_monthly_contract_comes_up_every_month() -> None:
    found = schedule(contracts(tenure_months=7.4), 3, Clock())
    assert found.share.tolist() == [[1, 1, 1]]
    assert found.renewals.tolist() == [[7, 8, 9]]


def test_a_yearly_contract_comes_up_in_the_month_of_its_renewal_and_a_year_later() -> None:
    found = schedule(contracts(billing_months=12, tenure_months=20.5, renewal_months=3.5), 24, Clock())
    assert np.flatnonzero(found.share[0]).tolist() == [3, 15]
    assert found.renewals[0, [3, 15]].tolist() == [1, 2]


def test_a_renewal_today_falls_into_the_first_month() -> None:
    found = schedule(contracts(billing_months=3, tenure_months=3, renewal_months=0.0), 6, Clock())
    assert np.flatnonzero(found.share[0]).tolist() == [0, 3]


def test_an_unknown_renewal_day_follows_from_tenure() -> None:
    found = schedule(contracts(billing_months=6, tenure_months=7.5), 12, Clock())
    assert np.flatnonzero(found.share[0]).tolist() == [4, 10]


def test_measured_shares_move_risk_to_the_neighbouring_months() -> None:
    clock = Clock(early=(0.4, 0, 0, 0), late=(0, 0, 0, 0.3), off=0.12)
    early = schedule(contracts(billing_months=12, renewal_months=2.1), 12, clock).share[0]
    assert early[[1, 2]] == pytest.approx([0.4 * 0.88 + 0.01, 0.6 * 0.88 + 0.01])
    late = schedule(contracts(billing_months=12, renewal_months=2.9), 12, clock).share[0]
    assert late[[2, 3]] == pytest.approx([0.7 * 0.88 + 0.01, 0.3 * 0.88 + 0.01])
    assert early.sum() == pytest.approx(1)


@given(st.integers(2, 24), st.floats(0, 23.9), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_each_cycle_carries_one_renewals_risk(cycle: int, ahead: float, early: float, late: float, off: float) -> None:
    clock = Clock((early,) * 4, (late,) * 4, off)
    found = schedule(contracts(billing_months=cycle, renewal_months=ahead % cycle, tenure_months=60), 3 * cycle, clock)
    assert found.share.sum() == pytest.approx(3)
    assert (found.share >= 0).all()


def test_the_shares_before_and_far_from_the_renewal_are_measured() -> None:
    rng, n = np.random.default_rng(1), 40_000
    ahead = rng.uniform(0, 12, n)
    leaves = (ahead < 1) & (rng.random(n) < 0.3) | (ahead >= 1) & (ahead < 1.25) & (rng.random(n) < 0.3)
    leaves |= (ahead > 4) & (ahead < 8) & (rng.random(n) < 0.01)
    there = contracts(n, billing_months=12, tenure_months=12, renewal_months=ahead)
    panel = Panel(np.arange(n), np.zeros(n, np.int64), there, np.full(n, np.nan), np.ones(n), leaves)
    clock = fit_clock(panel, stays_of(panel, 30))
    assert clock.early[0] == pytest.approx(0.5, abs=0.05)
    assert clock.early[1:] == (0.0, 0.0, 0.0)
    assert clock.off == pytest.approx(0.01 * 4 / (0.3 * 1.25 + 0.04), abs=0.02)
