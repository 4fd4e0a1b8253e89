"""What people complain of in public CLV packages must not happen here: a test for each complaint."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.clv_speed import histories
from churn.clv import (
    ParetoNbdParams,
    expected_average_value,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_inactivity,
    fit_pareto_nbd,
    p_alive,
)
from churn.clv.backtest import best_method, score_methods
from churn.errors import ModelError


@pytest.mark.parametrize("unit", [1 / 24, 30.0, 3_650.0])
@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_pareto_nbd])
def test_a_fit_converges_on_any_scale_of_time(fit: object, unit: float) -> None:
    x, recency, t = (values[:2_000] for values in histories(4_000))
    # Repeats keep their number, so that only few each are days apart in the finest unit.
    kept = (x <= recency * unit + 1) | (x == 0)
    x, recency, t = x[kept], recency[kept] * unit, t[kept] * unit
    found = fit(x, recency, t)  # type: ignore[operator]
    assert np.isfinite(found.log_likelihood)
    assert 0.01 < found.params.r < 100


@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_pareto_nbd])
def test_a_fit_converges_on_frequencies_in_the_hundreds(fit: object) -> None:
    rng = np.random.default_rng(1)
    x = np.r_[rng.integers(0, 5, 2_000), rng.integers(200, 700, 40)].astype(np.float64)
    t = np.full(len(x), 730.0)
    recency = np.where(x > 0, np.clip(np.maximum(np.floor(t * rng.beta(x + 0.5, 1.0)), x), 0, t), 0.0)
    found = fit(x, recency, t)  # type: ignore[operator]
    assert np.isfinite(found.log_likelihood)
    assert found.params.r / found.params.alpha_days == pytest.approx(x.mean() / 730, rel=0.5)


def test_a_million_customers_are_fitted_within_1_gb() -> None:
    x, recency, t = histories(1_000_000)
    tracemalloc.start()
    fit = fit_bg_nbd(x, recency, t)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fit.customers == 1_000_000
    assert peak < 500_000_000


def test_a_monetary_value_that_includes_the_first_purchase_biases_what_we_leave_out() -> None:
    """First orders are twice as large here; frequency does not count them, and neither may the average."""
    rng = np.random.default_rng(2)
    x = rng.integers(1, 4, 4_000).astype(np.float64)
    level = rng.gamma(4.0, 1 / 60.0, 4_000)
    repeats, first = rng.gamma(6.0 * x) / level, 2 * rng.gamma(6.0, 1 / level)
    future = 6.0 / level
    ours = fit_gamma_gamma(x, repeats / x)
    assert expected_average_value(ours.params, x, repeats / x).mean() == pytest.approx(future.mean(), rel=0.03)
    mixed = (repeats + first) / (x + 1)
    theirs = fit_gamma_gamma(x, mixed)
    assert expected_average_value(theirs.params, x, mixed).mean() > 1.2 * future.mean()


@pytest.mark.parametrize("fit", [fit_bg_nbd, fit_pareto_nbd])
def test_a_time_unit_that_differs_between_arguments_is_refused(fit: object) -> None:
    x, recency, t = (values[:4_000] for values in histories(4_000))
    with pytest.raises(ModelError, match="impossible"):
        fit(x, recency, t / 7)  # type: ignore[operator]
    busy = np.full(100, 30.0)
    with pytest.raises(ModelError, match="must be in days"):
        fit(busy, busy / 7 * 2, busy * 10)  # type: ignore[operator]


def test_a_model_that_a_simple_average_beats_is_noticed() -> None:
    rng = np.random.default_rng(3)
    realised = rng.gamma(2.0, 50.0, 1_000)
    predicted = {"model": realised[::-1] * 1.5, "own_rate": realised * rng.uniform(0.9, 1.1, 1_000)}
    assert best_method(score_methods(predicted, realised)) == "own_rate"


def test_a_one_time_buyer_is_not_surely_alive() -> None:
    params = ParetoNbdParams(0.55, 74.0, 0.61, 82.0)
    alive = p_alive(params, np.zeros(3), np.zeros(3), np.array([30.0, 180.0, 720.0]))
    assert (alive < 0.95).all()
    assert (np.diff(alive) < -0.1).all()


def test_the_published_p_alive_of_cdnows_one_time_buyers_is_far_from_1(shared_data: Path) -> None:
    file = shared_data / "cdnow" / "btyd_cdnowSummary_cbs.parquet"
    if not file.is_file():
        pytest.skip(f"CDNOW is not at {file}; set CHURN_SHARED to the folder that holds data/cdnow")
    summary = pd.read_parquet(file)
    x, recency, t, value = (summary[name].to_numpy(dtype=np.float64) for name in ("x", "t.x", "T.cal", "m.x"))
    model = fit_inactivity(x, recency * 7, t * 7, value)
    assert model.dropout is not None
    once = x == 0
    alive = p_alive(model.dropout, x[once], recency[once] * 7, t[once] * 7)
    again = (summary["x.star"].to_numpy()[once] > 0).mean()
    assert again < alive.mean() < 0.6
