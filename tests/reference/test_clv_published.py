"""BG/NBD, Pareto/NBD and gamma-gamma against the figures of the papers, on CDNOW."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from churn.clv import (
    BgNbdFit,
    BgNbdParams,
    ParetoNbdParams,
    expected_average_value,
    expected_purchases,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_pareto_nbd,
    p_alive,
    pareto_expected_purchases,
)
from churn.clv.bg_nbd import log_likelihood
from churn.clv.gamma_gamma import GammaGammaParams
from churn.clv.pareto_nbd import pareto_log_likelihood

WEEK = 7
CALIBRATION_END = pd.Timestamp("1997-09-30")
HOLDOUT_DAYS = 39 * WEEK


@dataclass(frozen=True)
class Histories:
    """Calibration histories of CDNOW, and the repeat purchases of the holdout."""

    frequency: NDArray[np.float64]
    recency_days: NDArray[np.float64]
    t_days: NDArray[np.float64]
    holdout_repeats: int


@pytest.fixture
def cdnow(shared_data: Path) -> Path:
    folder = shared_data / "cdnow"
    if not folder.is_dir():
        pytest.skip(f"CDNOW is not at {folder}; set CHURN_SHARED to the folder that holds data/cdnow")
    return folder


def from_transactions(path: Path, customer: str) -> Histories:
    """Merge purchases of one day, and split at the end of the calibration period."""
    days = pd.read_parquet(path, columns=[customer, "date"]).drop_duplicates()
    days["date"] = pd.to_datetime(days["date"])
    known = days[days["date"] <= CALIBRATION_END].groupby(customer)["date"].agg(["min", "max", "count"])
    recency, t = (known["max"] - known["min"]).dt.days, (CALIBRATION_END - known["min"]).dt.days
    return Histories(
        np.asarray(known["count"] - 1, dtype=np.float64),
        np.asarray(recency, dtype=np.float64),
        np.asarray(t, dtype=np.float64),
        int((days["date"] > CALIBRATION_END).sum()),
    )


def weekly(fit: BgNbdFit) -> tuple[float, float, float, float]:
    return fit.params.r, fit.params.alpha_days / WEEK, fit.params.a, fit.params.b


def assert_published(found: tuple[float, ...], published: tuple[float, ...], decimals: int) -> None:
    """Within 0.1 % or half a unit of the last printed digit, whichever is larger."""
    for ours, theirs in zip(found, published, strict=True):
        assert abs(ours - theirs) <= max(0.001 * abs(theirs), 0.5 * 10**-decimals)


def assert_at_least_as_likely(fit: BgNbdFit, published: tuple[float, float, float, float], data: Histories) -> None:
    r, alpha, a, b = published
    theirs = log_likelihood(BgNbdParams(r, alpha * WEEK, a, b), data.frequency, data.recency_days, data.t_days)
    assert fit.log_likelihood >= theirs


def weekly_log_likelihood(fit: BgNbdFit, data: Histories) -> float:
    return fit.log_likelihood + float(data.frequency.sum() * np.log(WEEK))


def test_bg_nbd_has_the_parameters_of_the_paper_on_its_own_summary(cdnow: Path) -> None:
    summary = pd.read_parquet(cdnow / "cdnow_customers_summary.parquet")
    frequency, recency, t = (
        summary[column].to_numpy(dtype=np.float64) * unit
        for column, unit in (("frequency", 1), ("recency", WEEK), ("T", WEEK))
    )
    data = Histories(frequency, recency, t, 0)
    fit = fit_bg_nbd(frequency, recency, t)
    published = (0.243, 4.414, 0.793, 2.426)
    assert_published(weekly(fit), published, decimals=3)
    assert_at_least_as_likely(fit, published, data)
    assert weekly_log_likelihood(fit, data) == pytest.approx(-9582.4, abs=0.05)


def test_bg_nbd_has_the_published_parameters_on_the_samples_transactions(cdnow: Path) -> None:
    data = from_transactions(cdnow / "cdnow_sample.parquet", "sample_id")
    assert (len(data.frequency), data.frequency.sum(), data.holdout_repeats) == (2357, 2457, 1882)
    fit = fit_bg_nbd(data.frequency, data.recency_days, data.t_days)
    published = (0.2426, 4.4136, 0.7929, 2.4259)
    assert_published(weekly(fit), published, decimals=4)
    assert_at_least_as_likely(fit, published, data)
    assert weekly_log_likelihood(fit, data) == pytest.approx(-9582.43, abs=0.005)


def test_bg_nbd_predicts_the_published_holdout_total(cdnow: Path) -> None:
    data = from_transactions(cdnow / "cdnow_sample.parquet", "sample_id")
    histories = (data.frequency, data.recency_days, data.t_days)
    total = expected_purchases(fit_bg_nbd(*histories).params, *histories, HOLDOUT_DAYS).sum()
    assert total == pytest.approx(1653, abs=2)
    own_rate = (data.frequency / data.t_days * HOLDOUT_DAYS).sum()
    assert abs(total - data.holdout_repeats) < abs(own_rate - data.holdout_repeats)


def test_bg_nbd_has_the_published_parameters_on_all_customers(cdnow: Path) -> None:
    data = from_transactions(cdnow / "cdnow_master.parquet", "customer_id")
    assert (len(data.frequency), data.frequency.sum(), data.holdout_repeats) == (23_570, 24_337, 19_684)
    fit = fit_bg_nbd(data.frequency, data.recency_days, data.t_days)
    published = (0.2516, 4.7889, 0.7234, 2.1611)
    assert_published(weekly(fit), published, decimals=4)
    assert_at_least_as_likely(fit, published, data)
    assert weekly_log_likelihood(fit, data) == pytest.approx(-95368.44, abs=0.005)


@pytest.fixture
def published_histories(cdnow: Path) -> tuple[NDArray[np.float64], ...]:
    """Calibration histories of the sample as the authors' own package carries them, and the holdout's repeats."""
    summary = pd.read_parquet(cdnow / "btyd_cdnowSummary_cbs.parquet")
    x, recency, t, holdout = (summary[column].to_numpy(dtype=np.float64) for column in ("x", "t.x", "T.cal", "x.star"))
    return x, recency * WEEK, t * WEEK, holdout


def test_pareto_nbd_has_the_published_parameters(published_histories: tuple[NDArray[np.float64], ...]) -> None:
    *histories, _ = published_histories
    fit = fit_pareto_nbd(*histories)
    found = (fit.params.r, fit.params.alpha_days / WEEK, fit.params.s, fit.params.beta_days / WEEK)
    assert_published(found, (0.553, 10.578, 0.606, 11.669), decimals=3)
    theirs = ParetoNbdParams(0.553, 10.578 * WEEK, 0.606, 11.669 * WEEK)
    assert fit.log_likelihood >= pareto_log_likelihood(theirs, *histories)
    weekly_value = fit.log_likelihood + float(histories[0].sum() * np.log(WEEK))
    assert weekly_value == pytest.approx(-9594.98, abs=0.005)


def test_pareto_nbd_has_the_published_predictions_for_one_customer(
    published_histories: tuple[NDArray[np.float64], ...],
) -> None:
    """Customer 1516 of the BTYD vignette: 26 repeats, alive with 0.9979, 25.46 purchases expected in 52 weeks."""
    params = ParetoNbdParams(0.5533, 10.5776 * WEEK, 0.6061, 11.6650 * WEEK)
    x, recency, t, _ = published_histories
    history = (x[1515:1516], recency[1515:1516], t[1515:1516])
    assert history[0][0] == 26
    assert p_alive(params, *history)[0] == pytest.approx(0.9979, abs=0.0001)
    assert pareto_expected_purchases(params, *history, 52 * WEEK)[0] == pytest.approx(25.46, abs=0.01)


def test_pareto_nbd_predicts_the_holdout_a_little_nearer_than_bg_nbd(
    published_histories: tuple[NDArray[np.float64], ...],
) -> None:
    x, recency, t, holdout = published_histories
    total = pareto_expected_purchases(fit_pareto_nbd(x, recency, t).params, x, recency, t, HOLDOUT_DAYS).sum()
    assert holdout.sum() == 1882
    assert total == pytest.approx(1665.5, abs=2)


def test_gamma_gamma_has_the_parameters_and_the_first_ten_values_of_the_note(cdnow: Path) -> None:
    summary = pd.read_parquet(cdnow / "cdnow_customers_summary_with_transactions.parquet")
    frequency, value = summary["x"].to_numpy(np.float64), summary["zbar"].to_numpy(np.float64)
    fit = fit_gamma_gamma(frequency, value)
    assert fit.buyers == 946
    found = (fit.params.p, fit.params.q, fit.params.v)
    assert_published(found, (6.25, 3.74, 15.44), decimals=2)
    assert_published(found, (6.249, 3.745, 15.448), decimals=3)
    first_ten = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    published = GammaGammaParams(6.25, 3.74, 15.44)
    for params in (fit.params, published):
        ours = expected_average_value(params, frequency[:10], value[:10])
        tolerance = 0.01 if params is fit.params else 0.06
        assert ours == pytest.approx(first_ten, abs=tolerance)
