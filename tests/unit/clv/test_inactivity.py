"""CLV by inactivity: consistent in the model, with the calibrated p, and for the almost surely gone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from churn.clv import (
    DAYS_PER_MONTH,
    BgNbdParams,
    Economics,
    GammaGammaParams,
    InactivityClv,
    InactivityModel,
    ParetoNbdParams,
    expected_average_value,
    expected_purchases,
    fit_inactivity,
    inactivity_clv,
    inactivity_fit,
    model_from_text,
    model_to_text,
    p_alive,
    probability_no_purchase,
    text_sha256,
)
from churn.errors import ConfigError, ModelError

FACTOR = tuple(tuple(0.05 * (row == column) for column in range(7)) for row in range(7))
MODEL = InactivityModel(
    BgNbdParams(0.8, 30.0, 0.9, 2.5), GammaGammaParams(6.0, 4.0, 15.0), ParetoNbdParams(0.9, 40.0, 0.6, 60.0), FACTOR
)
VALUE = 30.0  # everybody's: p v / (q - 1)


def clv(
    p: list[float], x: list[float], recency: list[float], t: list[float],
    *, days: int = 90, months: int = 24, rate: float = 0.1, margin: float = 0.5,
) -> InactivityClv:  # fmt: skip
    return inactivity_clv(
        p, x, recency, t, [np.nan] * len(x), MODEL,
        economics=Economics(days, months, rate, margin), customer_keys=np.arange(len(x)), seed=1,
    )  # fmt: skip


def test_without_a_champion_and_without_discount_clv_is_what_bg_nbd_expects() -> None:
    x, recency, t = [0.0, 3.0, 12.0], [0.0, 200.0, 300.0], [100.0, 290.0, 301.0]
    found = clv([np.nan] * 3, x, recency, t, rate=0.0)
    expected = expected_purchases(MODEL.purchases, x, recency, t, 24 * DAYS_PER_MONTH)
    assert found.values.clv == pytest.approx(expected * VALUE * 0.5, rel=1e-9)
    within = expected_purchases(MODEL.purchases, x, recency, t, 90)
    assert found.expected_purchases == pytest.approx(within, rel=1e-9)
    none = probability_no_purchase(MODEL.purchases, x, recency, t, 90)
    assert found.purchase_probability == pytest.approx(1 - none)


def test_p_alive_is_that_of_pareto_nbd_and_unknown_without_it() -> None:
    histories = ([0.0, 3.0], [0.0, 200.0], [100.0, 290.0])
    found = clv([0.4, np.nan], *histories)
    assert MODEL.dropout is not None
    assert found.p_alive == pytest.approx(p_alive(MODEL.dropout, *histories))
    assert found.p_alive[0] < 1
    assert found.purchase_probability[0] == pytest.approx(0.6)
    old = inactivity_clv(
        [0.4, np.nan], *histories, [np.nan] * 2, replace(MODEL, dropout=None),
        economics=Economics(90, 12, 0.1, 0.5), customer_keys=np.arange(2), seed=1,
    )  # fmt: skip
    assert np.isnan(old.p_alive).all()


def test_retained_and_churned_values_are_those_of_simulated_customers_who_did_and_did_not_buy() -> None:
    rng = np.random.default_rng(3)
    n, t, h, months, params = 200_000, 100.0, 60.0, 12, MODEL.purchases
    rate, leaving = rng.gamma(params.r, 1 / params.alpha_days, n), rng.beta(params.a, params.b, n)
    now, past, last, soon, worth = (np.zeros(n) for _ in range(5))
    playing = np.arange(n)
    while len(playing):
        now[playing] += rng.exponential(1 / rate[playing])
        playing = playing[now[playing] < t + months * DAYS_PER_MONTH]
        time = now[playing]
        before = time < t
        past[playing] += before
        last[playing[before]] = time[before]
        soon[playing] += (time >= t) & (time < t + h)
        worth[playing] += np.where(before, 0.0, 1.2 ** -(np.ceil((time - t) / DAYS_PER_MONTH) / 12))
        playing = playing[rng.random(len(playing)) >= leaving[playing]]
    one = (past == 1) & (last > 60)
    assert one.sum() > 5_000
    found = inactivity_clv(
        np.full(one.sum(), np.nan), past[one], last[one], np.full(one.sum(), t), np.full(one.sum(), np.nan), MODEL,
        economics=Economics(60, months, 0.2, 1 / VALUE), customer_keys=np.arange(one.sum()), seed=1,
    ).values  # fmt: skip
    for chosen, values in ((soon[one] > 0, found.clv_if_retained), (soon[one] == 0, found.value_if_churned)):
        outcome, predicted = worth[one][chosen], values[chosen]
        assert abs((outcome - predicted).mean()) < 4 * outcome.std() / np.sqrt(chosen.sum())


@settings(max_examples=50, deadline=None)
@given(
    p=st.floats(0, 1), x=st.integers(0, 200), share=st.floats(0, 1), t=st.floats(1, 2_000),
    days=st.integers(7, 180),
)  # fmt: skip
def test_clv_is_split_by_p_and_more_risk_is_never_worth_more(
    p: float, x: int, share: float, t: float, days: int
) -> None:
    recency = share * t if x else 0.0
    found = clv([p, 0.0, 1.0, np.nan], [x] * 4, [recency] * 4, [t] * 4, days=days)
    kept, left = found.values.clv_if_retained, found.values.value_if_churned
    assert np.isfinite(found.values.clv).all()
    assert kept[0] == kept[2]
    assert left[0] == left[2]
    assert found.values.clv[:3] == pytest.approx([(1 - p) * kept[0] + p * left[0], kept[0], left[0]])
    assert 0 <= left[0] <= kept[0]
    own = float(probability_no_purchase(MODEL.purchases, [x], [recency], [t], days)[0])
    assert found.values.clv[3] == pytest.approx((1 - own) * kept[0] + own * left[0])
    assert found.expected_purchases[1] >= 1 - 1e-9
    assert found.expected_purchases[2] == 0


def test_a_customer_almost_surely_gone_still_has_a_finite_value_if_retained() -> None:
    found = clv([0.5], [150.0], [160.0], [3_000.0]).values
    assert 0 < found.clv_if_retained[0] < 150 * VALUE
    assert found.value_if_churned[0] == pytest.approx(0, abs=1e-9)


def test_a_horizon_beyond_the_clv_leaves_nothing_for_those_who_churn() -> None:
    assert clv([0.5], [3.0], [50.0], [60.0], days=90, months=2).values.value_if_churned[0] == 0


def purchases(n: int, seed: int) -> tuple[NDArray[np.float64], ...]:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, n).astype(np.float64)
    t = rng.integers(50, 200, n).astype(np.float64)
    recency = np.where(x > 0, np.ceil(t * rng.uniform(0.1, 0.9, n)), 0.0)
    return x, recency, t, np.where(x > 0, rng.gamma(5, 10, n), np.nan)


def test_all_models_are_fitted_together_with_how_well_they_are_known() -> None:
    model, larger = (fit_inactivity(*purchases(n, 2)) for n in (400, 6_400))
    assert 20 < model.spend.p * model.spend.v / (model.spend.q - 1) < 80
    assert model.dropout is not None
    few, many = (np.linalg.norm(np.array(fitted.factor), axis=1) for fitted in (model, larger))
    known = (few > 0) & (many > 0)
    assert known.sum() >= 3
    assert (many[known] < few[known]).all()


def test_a_refund_that_leaves_a_negative_average_a_gift_and_a_missing_amount_are_valued_low_not_refused() -> None:
    x, recency, t, z = purchases(400, 3)
    z[:3] = (-2_000.0, 0.0, np.nan)
    x[:3], recency[:3], t[:3] = 4.0, 60.0, 80.0
    model = fit_inactivity(x, recency, t, z)
    found = inactivity_clv(
        np.full(400, 0.3), x, recency, t, z, model,
        economics=Economics(90, 12, 0.1, 0.5), customer_keys=np.arange(400), seed=1,
    ).values  # fmt: skip
    assert np.isfinite(found.clv).all()
    assert (found.clv >= 0).all()
    assert found.clv[0] == found.clv[1] < found.clv[2]
    assert (found.low >= 0).all()
    assert found.high[0] == pytest.approx(found.high[1], rel=0.3)


def test_enormous_orders_are_damped_and_said() -> None:
    x, recency, t, _ = purchases(2_000, 4)
    rng = np.random.default_rng(5)
    z = np.where(x > 0, 10 / rng.gamma(0.4, 1, 2_000), np.nan)
    model = fit_inactivity(x, recency, t, z)
    assert any("held at 2.4 times" in note for note in model.notes)
    assert 1 < expected_average_value(model.spend, [0.0], [np.nan])[0] / np.nanmedian(z) < 5


def test_a_pareto_nbd_that_fails_leaves_p_alive_unknown_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ModelError("no convergence", "try")

    monkeypatch.setattr(inactivity_fit, "fit_pareto_nbd", fails)
    model = fit_inactivity(*purchases(400, 2))
    assert model.dropout is None
    assert any("p_alive is unknown" in note for note in model.notes)


def test_where_hardly_anybody_is_seen_to_drop_out_p_alive_is_unknown_and_the_notes_name_the_parameters() -> None:
    rng = np.random.default_rng(7)
    t = rng.integers(60, 360, 500).astype(float)
    x = np.floor(t / 10)
    recency = t - rng.integers(0, 10, 500)
    model = fit_inactivity(x, recency, t, rng.gamma(5, 10, 500))
    assert model.dropout is None
    assert any("p_alive is unknown: the purchases do not tell" in note for note in model.notes)
    assert any("of Pareto/NBD" in note for note in model.notes)


def test_a_level_that_a_backtest_missed_moves_everybody_s_value_together() -> None:
    known = ([0.4, 0.2], [3.0, 5.0], [200.0, 100.0], [290.0, 120.0], [np.nan] * 2)
    sure, unsure = (
        inactivity_clv(
            *known, replace(MODEL, level_sd=sd), economics=Economics(90, 12, 0.1, 0.5),
            customer_keys=np.arange(2), seed=1,
        ).values
        for sd in (0.0, 0.3)
    )  # fmt: skip
    assert unsure.shifts.shape[1] == sure.shifts.shape[1] + 1
    assert unsure.shifts[:, -1] == pytest.approx(0.3 * unsure.clv)
    assert (unsure.shifts[:, :-1] == sure.shifts).all()
    assert (unsure.variance == sure.variance).all()


def test_a_model_is_stored_whole_and_one_of_format_1_still_loads() -> None:
    whole = replace(MODEL, notes=("said",), level_sd=0.2)
    text = model_to_text(whole)
    assert model_from_text(text, text_sha256(text)) == whole
    old = json.dumps(
        {
            "kind": "clv_inactivity",
            "purchases": {"r": 0.8, "alpha_days": 30.0, "a": 0.9, "b": 2.5},
            "spend": {"p": 6.0, "q": 4.0, "v": 15.0},
        }
    )
    assert model_from_text(old, text_sha256(old)) == InactivityModel(MODEL.purchases, MODEL.spend)
    newer = text.replace('"format":2', '"format":3')
    with pytest.raises(ModelError, match="format 3"):
        model_from_text(newer, text_sha256(newer))


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ModelError, match=r"probabilities from 1\.5"):
        clv([1.5], [1.0], [5.0], [9.0])
    with pytest.raises(ModelError, match="different lengths"):
        clv([0.5, 0.5], [1.0], [5.0], [9.0])
    with pytest.raises(ModelError, match="impossible"):
        clv([0.5], [1.0], [10.0], [9.0])
    with pytest.raises(ConfigError, match="horizons of at least 1"):
        clv([0.5], [1.0], [5.0], [9.0], months=0)
