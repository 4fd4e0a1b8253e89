"""Contractual CLV: the life table, the splice at the horizon, the split by p."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.clv import DAYS_PER_MONTH, ClvValues, RetentionCurve, contractual_clv, fit_retention_curve
from churn.errors import ConfigError, ModelError

FLAT = RetentionCurve((0.05,), 0.05)


def clv(
    p: list[float], mrr: list[float], tenure: list[float], curve: RetentionCurve = FLAT,
    *, days: int = 30, months: int = 12, rate: float = 0.1, margin: float = 0.8,
) -> ClvValues:  # fmt: skip
    return contractual_clv(
        p, mrr, tenure, curve,
        horizon_days=days, horizon_months=months, annual_discount_rate=rate, gross_margin=margin,
    )  # fmt: skip


def test_with_the_curves_own_hazard_clv_is_the_textbook_sum() -> None:
    expected = sum(0.8 * 100 * 0.95**k / 1.1 ** (k / 12) for k in range(1, 13))
    assert clv([np.nan], [100.0], [500.0]).clv == pytest.approx([expected])
    assert clv([np.nan], [100.0], [500.0], days=90).clv == pytest.approx([expected])


def test_after_the_horizon_the_cohorts_curve_takes_over_at_the_customers_tenure() -> None:
    curve = RetentionCurve((0.5, 0.2, 0.1, 0.05), 0.1)
    found = clv([0.3], [1.0], [2 * DAYS_PER_MONTH], curve, days=30, months=3, rate=0.0, margin=1.0)
    rest = 1 - 30 / DAYS_PER_MONTH
    kept = sum(np.array([0.9**rest, 0.9**rest * 0.95, 0.9**rest * 0.95**2]))
    assert found.clv_if_retained == pytest.approx([kept])
    assert found.value_if_churned == pytest.approx([0.0])
    assert found.clv == pytest.approx([0.7 * kept])


def test_who_churns_within_a_long_horizon_pays_until_then() -> None:
    found = clv([0.3], [1.0], [0.0], days=90, months=2, rate=0.0, margin=1.0)
    h = 90 / DAYS_PER_MONTH
    stays = [0.7 ** (k / h) for k in (1, 2)]
    assert found.clv == pytest.approx([sum(stays)])
    assert found.value_if_churned == pytest.approx([sum(s - 0.7 for s in stays) / 0.3])


@settings(max_examples=100)
@given(
    p=st.floats(0, 1), days=st.integers(1, 400), tenure=st.floats(0, 4_000), rate=st.floats(0, 0.5),
    hazards=st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=6),
)  # fmt: skip
def test_clv_is_split_by_p_and_falls_with_it(
    p: float, days: int, tenure: float, rate: float, hazards: list[float]
) -> None:
    curve = RetentionCurve(tuple(hazards), 0.1)
    found = clv([p, min(1.0, p + 0.1)], [50.0] * 2, [tenure] * 2, curve, days=days, rate=rate)
    kept, left = found.clv_if_retained, found.value_if_churned
    risk = np.array([p, min(1.0, p + 0.1)])
    assert found.clv == pytest.approx((1 - risk) * kept + risk * left)
    assert (left >= -1e-9).all()
    assert (left <= kept + 1e-9).all()
    assert found.clv[1] <= found.clv[0] + 1e-9
    assert found.clv[0] <= 0.8 * 50 * 12


def test_certain_and_impossible_churn_are_finite() -> None:
    found = clv([0.0, 1.0, 1 - 1e-15, 1e-15], [100.0] * 4, [100.0] * 4, days=90)
    assert np.isfinite(found.clv).all()
    assert found.clv_if_retained == pytest.approx(np.full(4, found.clv_if_retained[0]))
    assert found.clv[0] == pytest.approx(found.clv_if_retained[0])
    assert found.clv[1] == 0


def test_unknown_tenure_takes_the_overall_hazard_and_unknown_mrr_stays_unknown() -> None:
    curve = RetentionCurve((0.5, 0.01), 0.05)
    unknown, flat = clv([0.1], [100.0], [np.nan], curve), clv([0.1], [100.0], [0.0], FLAT)
    assert unknown.clv == pytest.approx(flat.clv)
    assert np.isnan(clv([0.1], [np.nan], [10.0]).clv).all()
    assert clv([0.1], [0.0], [10.0]).clv == pytest.approx([0.0])


def test_a_life_table_is_close_to_its_months_where_many_are_at_risk() -> None:
    curve = fit_retention_curve([0, 1, 2], [100_000, 90_000, 80_000], [10_000, 900, 8_000])
    assert curve.hazards[:3] == pytest.approx((0.1, 0.01, 0.1), abs=2e-4)


def test_rows_of_the_same_month_add_up_and_their_order_does_not_matter() -> None:
    one = fit_retention_curve([0, 1], [400, 300], [40, 20])
    assert fit_retention_curve([1, 0, 1, 0], [100, 200, 200, 200], [5, 30, 15, 10]) == one


def test_a_thin_tail_is_pooled_shrunk_and_held() -> None:
    curve = fit_retention_curve([0, 1, 50, 60], [1_000, 900, 3, 1], [50, 45, 0, 1])
    assert len(curve.hazards) == 3
    assert curve.hazards[2] == pytest.approx(0.05, abs=0.02)
    far = curve.log_survival(np.array([500.0]), 0.0, 1.0)
    assert np.exp(far) == pytest.approx([1 - curve.hazards[2]])


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 500), st.floats(0, 1)), min_size=1, max_size=40))
def test_every_hazard_is_a_probability_and_survival_never_rises(rows: list[tuple[int, int, float]]) -> None:
    months, risk = [m for m, _, _ in rows], [n for _, n, _ in rows]
    if not sum(risk):
        return
    curve = fit_retention_curve(months, risk, [int(n * share) for _, n, share in rows])
    assert all(0 < hazard < 1 for hazard in curve.hazards)
    grid = np.array([curve.log_survival(np.array([0.0]), 0.0, t)[0] for t in np.linspace(0, 120, 61)])
    assert (np.diff(grid) < 0).all()


@pytest.mark.parametrize("rows", [([], [], []), ([0], [0], [0]), ([0], [5], [6]), ([-1], [5], [1]), ([0.5], [5], [1])])
def test_impossible_life_tables_are_refused(rows: tuple[list[float], list[float], list[float]]) -> None:
    with pytest.raises(ModelError, match="retention curve"):
        fit_retention_curve(*rows)


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ModelError, match="not scores"):
        clv([-0.1], [1.0], [1.0])
    with pytest.raises(ModelError, match="different lengths"):
        clv([0.1], [1.0, 2.0], [1.0])
    with pytest.raises(ConfigError, match="margin"):
        clv([0.1], [1.0], [1.0], margin=1.5)
