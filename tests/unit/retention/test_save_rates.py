"""Save rates: what campaigns measured against what was assumed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from churn.errors import ModelError
from churn.retention import paule_mandel, shrunk_rate

# BCG vaccine trials (Colditz et al. 1994, JAMA 271): events and others, vaccinated and not.
_BCG = np.array(
    [
        [4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619], [33, 5036, 47, 5761],
        [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892], [29, 7470, 45, 7232],
        [17, 1699, 65, 1600], [186, 50448, 141, 27197], [5, 2493, 3, 2338], [27, 16886, 29, 17825],
    ],
    dtype=float,
)  # fmt: skip


def test_the_variance_between_the_bcg_trials_is_that_of_other_software() -> None:
    events, others, control, control_others = _BCG.T
    rates = np.log(events / (events + others)) - np.log(control / (control + control_others))
    variances = 1 / events - 1 / (events + others) + 1 / control - 1 / (control + control_others)

    # metafor's rma(method="PM") prints 0.3181.
    assert paule_mandel(rates.tolist(), variances.tolist()) == pytest.approx(0.3181, abs=5e-5)


def test_the_variance_between_campaigns_is_found_again() -> None:
    random = np.random.default_rng(3)
    variances = random.uniform(0.001, 0.004, 4_000)
    rates = random.normal(0.2, np.sqrt(0.01 + variances))

    assert paule_mandel(rates.tolist(), variances.tolist()) == pytest.approx(0.01, rel=0.06)
    assert paule_mandel(rates.tolist(), variances.tolist(), 0.1) == pytest.approx(0.02, rel=0.06)


def test_what_sampling_explains_is_no_variance_between_campaigns() -> None:
    assert paule_mandel([0.1, 0.11, 0.09], [0.01] * 3) == 0
    assert paule_mandel([0.3], [0.01]) == 0
    assert paule_mandel([], []) == 0


@pytest.mark.parametrize(("prior", "rate", "variance"), [(0.1, 0.3, 0.01), (0.2, -0.1, 0.02), (0.15, 0.15, 0.001)])
def test_one_campaign_is_shrunk_by_formula_c(prior: float, rate: float, variance: float) -> None:
    found = shrunk_rate(prior, [rate], [variance])
    between = (prior / 2) ** 2
    precision = 1 / between + 1 / variance

    assert found.between_variance == pytest.approx(between)
    assert found.rate == pytest.approx((prior / between + rate / variance) / precision)
    assert found.probability_harmful == pytest.approx(norm.cdf(-found.rate * np.sqrt(precision)))
    assert (found.measured, found.variance) == pytest.approx((rate, variance))


def test_five_campaigns_measure_how_far_rates_lie_from_the_assumed_one() -> None:
    rates, variances = [0.3, 0.35, 0.25, 0.32, 0.28], [0.004, 0.006, 0.005, 0.004, 0.006]
    found = shrunk_rate(0.1, rates, variances)
    between = paule_mandel(rates, variances, 0.1)
    weights = 1 / (np.array(variances) + between)
    measured, variance = weights @ rates / weights.sum(), 1 / weights.sum()

    assert found.between_variance == between > 0.03
    assert (found.measured, found.variance) == pytest.approx((measured, variance))
    assert found.rate == pytest.approx((0.1 / between + measured / variance) / (1 / between + 1 / variance))
    assert found.rate > shrunk_rate(0.1, rates[:4], variances[:4]).rate


def test_campaigns_that_agree_with_the_assumption_do_not_make_it_certain() -> None:
    found = shrunk_rate(0.1, [0.1] * 8, [0.001] * 8)
    doubted = shrunk_rate(0.1, [0.1] * 8 + [-0.3] * 8, [0.001] * 16)

    assert found.between_variance == pytest.approx(0.0025)
    assert doubted.rate < 0


def test_without_campaigns_the_assumption_stands() -> None:
    found = shrunk_rate(0.1, [], [])

    assert (found.rate, found.between_variance) == pytest.approx((0.1, 0.0025))
    assert found.probability_harmful == pytest.approx(norm.cdf(-2))
    assert np.isnan([found.measured, found.variance]).all()


def test_an_assumption_of_nothing_learns_and_one_of_harm_can_be_refuted() -> None:
    assert shrunk_rate(0.0, [0.2], [0.001]).rate == pytest.approx(0.2 * (1 / 0.001) / (1 / 0.001 + 1 / 0.025**2))
    assert shrunk_rate(-0.1, [0.4], [0.0005]).rate > 0


def test_a_rate_below_nothing_is_more_likely_harmful_than_not() -> None:
    found = shrunk_rate(0.1, [-0.4], [0.001])

    assert found.rate < 0
    assert found.probability_harmful > 0.5
    assert shrunk_rate(0.1, [0.05], [0.001]).probability_harmful < 0.5


def test_more_certain_measurements_count_more() -> None:
    assert shrunk_rate(0.1, [0.3], [0.001]).rate > shrunk_rate(0.1, [0.3], [0.01]).rate
    assert shrunk_rate(0.1, [0.3, 0.0], [0.001, 0.01]).rate > shrunk_rate(0.1, [0.3, 0.0], [0.01, 0.001]).rate


@pytest.mark.parametrize(("rates", "variances"), [([0.1], [0.0]), ([float("nan")], [0.1]), ([0.1], [])])
def test_a_rate_without_a_variance_is_refused(rates: list[float], variances: list[float]) -> None:
    with pytest.raises(ModelError, match="variance"):
        shrunk_rate(0.1, rates, variances)
