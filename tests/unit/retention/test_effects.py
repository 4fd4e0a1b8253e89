"""What a campaign did: published examples, hand-worked strata, and coverage on simulated campaigns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_ind

from churn.errors import ModelError
from churn.retention import Difference, assign_arms, mean_difference, newcombe, save_rate, stratified_difference


def _interval(found: Difference) -> tuple[float, float]:
    return found.low, found.high


# --- shares -------------------------------------------------------------------------------------------------------

# Newcombe 1998, Statistics in Medicine 17, 873-890, Table II, method 10.
_PUBLISHED = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0000),
    (10, 10, 0, 10, 0.6075, 1.0000),
]


@pytest.mark.parametrize(("x_t", "n_t", "x_c", "n_c", "low", "high"), _PUBLISHED)
def test_newcombes_worked_examples(x_t: int, n_t: int, x_c: int, n_c: int, low: float, high: float) -> None:
    found = newcombe(x_t, n_t, x_c, n_c)

    assert found.estimate == pytest.approx(x_t / n_t - x_c / n_c)
    assert _interval(found) == pytest.approx((low, high), abs=5e-5)


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=6))
def test_an_interval_holds_its_estimate_and_turns_round_with_the_arms(counts: list[tuple[int, ...]]) -> None:
    x_t, n_t, x_c, n_c = (np.array(c) for c in zip(*[(a, a + b, c, c + d) for a, b, c, d in counts], strict=True))
    assume(n_t.sum() and n_c.sum())

    there, back = stratified_difference(x_t, n_t, x_c, n_c), stratified_difference(x_c, n_c, x_t, n_t)

    assert -1 - 1e-9 <= there.estimate <= 1 + 1e-9
    assert there.low <= there.estimate + 1e-12
    assert there.estimate <= there.high + 1e-12
    assert (-back.high, -back.estimate, -back.low) == pytest.approx((there.low, there.estimate, there.high))


def test_strata_are_weighted_by_their_customers_and_their_intervals_combined() -> None:
    found = stratified_difference([56, 45], [70, 50], [48, 15], [80, 50])
    one, other = newcombe(56, 70, 48, 80), newcombe(45, 50, 15, 50)
    w, v = 150 / 250, 100 / 250

    estimate = w * one.estimate + v * other.estimate
    assert found.estimate == pytest.approx(estimate)
    assert estimate - found.low == pytest.approx(
        math.hypot(w * (one.estimate - one.low), v * (other.estimate - other.low))
    )
    assert found.high - estimate == pytest.approx(
        math.hypot(w * (one.high - one.estimate), v * (other.high - other.estimate))
    )
    assert found.merged == ()


def test_strata_too_small_to_stand_alone_become_one_and_nobody_is_dropped() -> None:
    found = stratified_difference([56, 3, 5, 30], [70, 5, 12, 60], [48, 0, 11, 20], [80, 0, 18, 60])

    assert found.merged == (1, 2)
    expected = stratified_difference([56, 8, 30], [70, 17, 60], [48, 11, 20], [80, 18, 60])
    assert expected.merged == ()
    assert _parts(found) == pytest.approx(_parts(expected))


def test_what_is_too_small_together_is_joined_by_the_smallest_other_stratum() -> None:
    found = stratified_difference([56, 3, 30], [70, 5, 60], [48, 1, 20], [80, 4, 60])

    assert found.merged == (1, 2)
    assert _parts(found) == pytest.approx(_parts(stratified_difference([56, 33], [70, 65], [48, 21], [80, 64])))


def test_where_nobody_left_all_strata_are_one() -> None:
    found = stratified_difference([70, 60], [70, 60], [80, 60], [80, 60])

    assert found.merged == (0, 1)
    assert _parts(found) == pytest.approx(_parts(newcombe(130, 130, 140, 140)))


def _parts(found: Difference) -> tuple[float, float, float]:
    return found.estimate, found.low, found.high


def test_a_campaign_without_one_of_its_arms_shows_nothing() -> None:
    for found in (
        newcombe(3, 5, 0, 0),
        stratified_difference([1, 2], [3, 4], [0, 0], [0, 0]),
        stratified_difference([], [], [], []),
        mean_difference([3], [1.0], [1.0], [0], [0.0], [0.0]),
    ):
        assert np.isnan(_parts(found)).all()


@pytest.mark.parametrize("counts", [(5, 4, 1, 2), (-1, 4, 1, 2), (1, 4, 3, 2)])
def test_counts_that_are_none_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ModelError, match="counts"):
        newcombe(*counts)
    with pytest.raises(ModelError, match="counts"):
        save_rate(*counts)


@pytest.mark.parametrize("base_rate", [0.05, 0.25])
@pytest.mark.parametrize("held_out", [0.1, 0.5])
def test_the_interval_covers_the_true_effect_of_a_stratified_campaign(held_out: float, base_rate: float) -> None:
    random = np.random.default_rng(11)
    stratum = random.choice(6, 600, p=[0.4, 0.25, 0.15, 0.1, 0.07, 0.03])
    rate = base_rate * np.array([0.5, 0.8, 1.2, 1.6, 2.0, 2.4])[stratum]
    ids = [f"c{i}" for i in range(600)]
    true_effect = float((rate - rate * 0.7).mean())
    covered, estimates = 0, []
    for seed in range(500):
        treated = assign_arms(ids, seed=seed, campaign="c", holdout_share=held_out) == "treatment"
        stayed = random.random(600) >= np.where(treated, rate * 0.7, rate)
        counts = [np.bincount(stratum[side], stayed[side], 6) for side in (treated, ~treated)]
        sizes = [np.bincount(stratum[side], minlength=6) for side in (treated, ~treated)]
        found = stratified_difference(counts[0], sizes[0], counts[1], sizes[1])
        covered += found.low <= true_effect <= found.high
        estimates.append(found.estimate)

    assert 0.93 <= covered / 500 <= 0.975
    assert np.mean(estimates) == pytest.approx(true_effect, abs=4 * np.std(estimates) / np.sqrt(500))


# --- means --------------------------------------------------------------------------------------------------------


def _figures(*strata: Any) -> Any:
    """Return n, mean and variance by stratum, of treatment and then of control; NaN where there is no variance."""
    return [
        [figure(values[side]) for values in strata]
        for side in (0, 1)
        for figure in (len, np.mean, lambda x: float(np.var(x, ddof=1)) if len(x) > 1 else float("nan"))
    ]


def test_one_stratum_is_welchs_test() -> None:
    random = np.random.default_rng(2)
    treated, control = random.normal(3, 1, 20), random.normal(2, 4, 9)
    expected = ttest_ind(treated, control, equal_var=False).confidence_interval()

    found = mean_difference(*_figures((treated, control)))

    assert found.estimate == pytest.approx(treated.mean() - control.mean())
    assert _interval(found) == pytest.approx((expected.low, expected.high))


def test_strata_of_means_are_weighted_and_share_welch_satterthwaites_degrees_of_freedom() -> None:
    random = np.random.default_rng(6)
    one, other = ((random.normal(middle, 2, 20), random.normal(1, 1, 15)) for middle in (3, 5))
    third = random.normal(2, 1, 25), random.normal(2, 3, 40)
    strata = (one, other, third)
    weights = [35 / 135, 35 / 135, 65 / 135]
    parts = [
        (weight**2 * np.var(side, ddof=1) / len(side), len(side) - 1)
        for weight, stratum in zip(weights, strata, strict=True)
        for side in stratum
    ]
    total = sum(part for part, _ in parts)
    freedom = total**2 / sum(part**2 / degrees for part, degrees in parts)

    found = mean_difference(*_figures(*strata))

    assert found.merged == ()
    assert found.estimate == pytest.approx(
        sum(w * (t.mean() - c.mean()) for w, (t, c) in zip(weights, strata, strict=True))
    )
    assert found.high - found.estimate == pytest.approx(student.ppf(0.975, freedom) * math.sqrt(total))


def test_strata_too_small_for_a_mean_become_one_with_all_their_money() -> None:
    random = np.random.default_rng(8)
    large = random.normal(2, 1, 60), random.normal(1, 1, 60)
    small = [(random.normal(9, 1, size), random.normal(4, 1, other)) for size, other in ((1, 9), (12, 1), (4, 2))]

    found = mean_difference(*_figures(small[0], large, small[1], small[2]))

    union = tuple(np.concatenate([stratum[side] for stratum in small]) for side in (0, 1))
    assert found.merged == (0, 2, 3)
    assert _parts(found) == pytest.approx(_parts(mean_difference(*_figures(large, union))))


def test_one_customer_an_arm_has_an_estimate_and_no_interval() -> None:
    found = mean_difference([1], [5.0], [float("nan")], [4], [2.0], [1.0])

    assert found.estimate == 3
    assert np.isnan(_interval(found)).all()


def test_equal_amounts_leave_no_doubt() -> None:
    assert _parts(mean_difference([5], [2.0], [0.0], [5], [1.0], [0.0])) == (1.0, 1.0, 1.0)


def test_a_missing_mean_or_a_negative_variance_is_refused() -> None:
    with pytest.raises(ModelError, match="means"):
        mean_difference([5], [float("nan")], [1.0], [5], [1.0], [1.0])
    with pytest.raises(ModelError, match="means"):
        mean_difference([5], [1.0], [-1.0], [5], [1.0], [1.0])


# --- save rates ---------------------------------------------------------------------------------------------------


def test_the_save_rate_and_its_variance_are_those_of_methods_md() -> None:
    found = save_rate(100, 1000, 40, 200)
    ratio = 0.1 / 0.2

    assert found.rate == pytest.approx(0.5)
    assert found.variance == pytest.approx(ratio**2 * (0.9 / (1000 * 0.1) + 0.8 / (200 * 0.2)))
    half = 1.959964 * math.sqrt(found.variance) / ratio
    assert (found.low, found.high) == pytest.approx((1 - ratio * math.exp(half), 1 - ratio * math.exp(-half)))


def test_empty_cells_count_a_half() -> None:
    found = save_rate(0, 10, 3, 10)
    ratio = (0.5 / 10.5) / 0.3

    assert found.rate == pytest.approx(1 - ratio)
    assert found.variance == pytest.approx(ratio**2 * (10 / 10.5 / 0.5 + 0.7 / 3))
    for counts in ((10, 10, 0, 10), (0, 5, 0, 5), (5, 5, 5, 5)):
        assert math.isfinite(save_rate(*counts).variance)


def test_a_campaign_that_drives_customers_away_has_a_save_rate_below_nothing() -> None:
    assert save_rate(30, 100, 20, 100).rate == pytest.approx(-0.5)


def test_an_empty_arm_has_no_save_rate() -> None:
    assert math.isnan(save_rate(0, 0, 3, 10).rate)


def test_the_interval_of_the_save_rate_covers_the_truth() -> None:
    random = np.random.default_rng(4)
    treated, control = random.binomial(900, 0.16, 2_000), random.binomial(300, 0.2, 2_000)
    found = [save_rate(int(x), 900, int(y), 300) for x, y in zip(treated, control, strict=True)]

    assert np.mean([one.low <= 0.2 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)
