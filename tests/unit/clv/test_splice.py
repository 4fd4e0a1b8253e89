"""The splice: a customer's own risk behind the churn horizon, its two regressions, survival as a whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from churn.clv import BdwParams, Contracts, ContractualModel, Economics, Panel
from churn.clv.clock import Clock
from churn.clv.cohorts import Cohort, Cohorts
from churn.clv.panel import stays_of
from churn.clv.splice import Splice, fit_splice
from churn.clv.survival import survival_of
from tests.unit.clv.contracts import contracts

FLAT = Cohorts((Cohort("", 0, 0.05, None, (0.05,)),))


def terms(days: int = 30, months: int = 12) -> Economics:
    return Economics(days, months, 0.1, 0.8)


def present(model: ContractualModel, there: Contracts, p: list[float], **known: int) -> np.ndarray:
    return survival_of(model, there, np.array(p), terms(**known)).present


def test_without_a_splice_the_cohort_takes_over_behind_the_horizon() -> None:
    found = present(ContractualModel(FLAT), contracts(), [0.3])[0]
    rest = 1 - 30 * 12 / 365.25
    assert found == pytest.approx(0.7 * 0.95 ** (np.arange(12) + rest))


def test_formula_a_of_the_methods() -> None:
    splice = Splice(level=(0.2, -0.1), persistence=(0.8, -0.2), first=2, last=5)
    found = present(ContractualModel(FLAT, splice), contracts(), [0.2], months=8)[0]
    horizon = 30 * 12 / 365.25
    delta = logit(0.2) - logit(1 - 0.95**horizon)
    steps = np.log(np.clip(np.arange(1, 9), 2, 5) / 2)
    hazard = expit(logit(0.05) + 0.2 - 0.1 * steps + (0.8 - 0.2 * steps) * delta)
    expected = 0.8 * (1 - hazard[0]) ** (1 - horizon) * np.r_[1, np.cumprod(1 - hazard[1:])]
    assert found == pytest.approx(expected)


def test_no_probability_means_the_curve_alone() -> None:
    model = ContractualModel(FLAT, Splice((0.5, 0.1), (0.9, 0.0), last=6, size=-0.2, means=(("", 1.0),)))
    assert present(model, contracts(), [np.nan])[0] == pytest.approx(0.95 ** np.arange(1, 13))
    assert present(ContractualModel(FLAT), contracts(), [np.nan], days=90)[0] == pytest.approx(0.95 ** np.arange(1, 13))


def test_a_yearly_contract_falls_at_its_renewals_alone() -> None:
    yearly = contracts(billing_months=12, tenure_months=6.5, renewal_months=5.5)
    found = present(ContractualModel(FLAT), yearly, [0.001], months=24)[0]
    assert found[0] == pytest.approx(0.999)
    assert found[4] == pytest.approx(0.999)
    assert found[5] == pytest.approx(0.999 * 0.95)
    assert found[[16, 17]] == pytest.approx([0.999 * 0.95, 0.999 * 0.95**2])


def test_within_a_long_horizon_a_longer_contract_falls_at_its_renewal() -> None:
    quarterly = contracts(billing_months=3, tenure_months=10.5, renewal_months=1.5)
    found = present(ContractualModel(FLAT), quarterly, [0.4], days=90, months=5)[0]
    assert found == pytest.approx([1, 0.6, 0.6, 0.6, 0.6 * 0.95])


def test_tenure_of_which_nothing_is_known_takes_the_overall_hazard() -> None:
    curves = Cohorts((Cohort("", 0, 0.07, None, (0.5, 0.01)),))
    found = present(ContractualModel(curves), contracts(tenure_months=np.nan), [np.nan])[0]
    assert found == pytest.approx(0.93 ** np.arange(1, 13))


@settings(max_examples=60, deadline=None)
@given(
    p=st.floats(0, 1), days=st.integers(1, 200), billing=st.sampled_from([1, 3, 12]), ahead=st.floats(0, 11),
    persistence=st.floats(0, 1), tenure=st.floats(0, 100),
)  # fmt: skip
def test_survival_never_rises_and_falls_with_the_risk(
    p: float, days: int, billing: int, ahead: float, persistence: float, tenure: float
) -> None:
    model = ContractualModel(
        Cohorts((Cohort("", 0, 0.05, BdwParams(1.0, 12.0, 1.2)),)), Splice(persistence=(persistence, 0.0), last=6)
    )
    there = contracts(2, billing_months=billing, renewal_months=ahead % billing, tenure_months=tenure)
    lives = survival_of(model, there, np.array([p, min(1.0, p + 0.1)]), terms(days, 24))
    assert lives.overall.sum(axis=1) == pytest.approx(1)
    assert (lives.overall >= -1e-12).all()
    assert (lives.present[1] <= lives.present[0] + 1e-9).all()


def panel(persistence: float, level: float = 0.0, customers: int = 4_000, months: int = 12, seed: int = 1) -> Panel:
    """Monthly contracts whose logit hazard is the cohort's, plus `level`, plus a lasting share of their delta."""
    rng = np.random.default_rng(seed)
    delta, rows = rng.normal(0, 1.0, customers), []
    alive = np.ones(customers, bool)
    for month in range(months):
        first = 1 - (1 - expit(logit(0.05) + delta)) if month == 0 else None
        hazard = expit(logit(0.05) + delta) if month == 0 else expit(logit(0.05) + level + persistence * delta)
        left = alive & (rng.random(customers) < hazard)
        who = np.flatnonzero(alive)
        p = 1 - (1 - first[who]) ** (30 * 12 / 365.25) if first is not None else np.full(len(who), np.nan)
        rows.append((who, np.full(len(who), 100 + 30 * month), p, left[who]))
        alive &= ~left
    keys, as_of, p, churned = (np.concatenate(part) for part in zip(*rows, strict=True))
    return Panel(keys, as_of, contracts(len(keys)), p, np.ones(len(keys)), churned)


@pytest.mark.parametrize("persistence", [0.0, 0.5, 1.0])
def test_how_much_of_the_own_risk_lasts_is_found(persistence: float) -> None:
    made = panel(persistence, level=0.3, customers=20_000)
    found = fit_splice(made, stays_of(made, 30), FLAT, Clock(), 30)
    level, gamma = found.at(np.array([2.0, 5.0, 9.0]))
    assert gamma == pytest.approx([persistence] * 3, abs=0.12)
    assert level == pytest.approx([0.3] * 3, abs=0.15)


def test_few_churners_leave_the_cohorts_curve_as_it_is() -> None:
    made = panel(1.0, customers=12)
    found = fit_splice(made, stays_of(made, 30), FLAT, Clock(), 30)
    assert abs(found.persistence[0]) < 0.6
    short = panel(1.0, customers=12, months=1)
    alone = fit_splice(short, stays_of(short, 30), FLAT, Clock(), 60)
    assert (alone.level, alone.persistence) == ((0.0, 0.0), (0.0, 0.0))


def test_a_lapse_that_is_no_churn_does_not_end_a_stay_and_any_other_absence_does() -> None:
    keys = np.array([1, 2, 3, 2, 3, 1, 2, 3])
    as_of = np.array([1, 1, 1, 2, 2, 3, 3, 3])
    churned = np.array([False, False, False, False, True, False, True, False])
    made = Panel(keys, as_of, contracts(8), np.full(8, np.nan), np.ones(8), churned)
    stays = stays_of(made, 30)
    assert stays.stay_end.tolist() == [2, 2, 1, 2, 1, 2, 2, 2]
    assert stays.left.tolist() == [False, True, True, True, True, False, True, False]
    assert stays.ahead(2)[:3].tolist() == [5, 6, 7]


def test_an_absence_at_the_last_month_end_is_not_taken_for_churn_that_the_label_denies() -> None:
    keys, as_of = np.array([1, 2, 3, 1, 2, 3, 3]), np.array([1, 1, 1, 2, 2, 2, 3])
    churned = np.array([False, False, False, False, True, False, False])
    made = Panel(keys, as_of, contracts(7), np.full(7, np.nan), np.ones(7), churned)
    assert stays_of(made, 30).left.tolist() == [False, True, False, False, True, False, False]
    # Over two months the label does not say in which one the stay ends; over two weeks it does not deny an absence.
    assert stays_of(made, 60).left.tolist() == [False, True, False, False, True, False, False]
    assert stays_of(made, 14).left.tolist() == [True, True, False, True, True, False, False]
    without = stays_of(Panel(keys, as_of, contracts(7), np.full(7, np.nan), np.ones(7)), 30)
    assert without.left.tolist() == [True, True, False, True, True, False, False]


def test_a_label_over_two_months_makes_one_departure_of_a_churner() -> None:
    keys, as_of = np.array([1, 2, 1, 2, 1, 2, 2, 2]), np.array([1, 1, 2, 2, 3, 3, 4, 5])
    churned = np.array([False, False, True, False, True, False, False, True])
    made = Panel(keys, as_of, contracts(8), np.full(8, np.nan), np.ones(8), churned)
    stays = stays_of(made, 60)
    assert stays.stay_end.tolist() == [2, 4, 2, 4, 2, 4, 4, 4]
    assert stays.left.tolist() == [True, False, True, False, True, False, False, False]
    assert (stays.known_until, stays_of(made, 30).known_until) == (4, 5)
