"""How large the calibration error of a perfect model may be, against simulated perfect models."""

from __future__ import annotations

import numpy as np
import pytest

from churn.risk import metrics, perfect


def test_a_perfect_model_reaches_the_perfect_percentile_of_ece_as_often_as_it_says():
    p = np.random.default_rng(1).beta(1.5, 6, 800)
    limit = perfect.perfect_ece(p)
    above = [metrics.ece(np.random.default_rng(seed).random(800) < p, p) > limit for seed in range(400)]
    assert np.mean(above) == pytest.approx(0.05, abs=0.03)


def test_the_normal_short_cut_to_the_perfect_ece_agrees_with_drawing_outcomes(monkeypatch):
    p = np.random.default_rng(2).beta(1.5, 6, 20_000)
    weights = np.random.default_rng(3).choice([1.0, 5.0], len(p))
    short = perfect.perfect_ece(p, weights)
    monkeypatch.setattr(perfect, "_MANY", np.inf)
    assert short == pytest.approx(perfect.perfect_ece(p, weights), rel=0.06)


def monthly(seed: int, horizon: int, customers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (churned, true probability, customer) of three month-ends; who left is in no later one."""
    random = np.random.default_rng(seed)
    hazard = random.lognormal(np.log(0.001), 0.7, customers)
    leaves = random.exponential(1 / hazard)
    parts = []
    for day in (0, 30, 60):
        here = leaves >= day
        parts.append((leaves[here] < day + horizon, -np.expm1(-hazard[here] * horizon), np.flatnonzero(here)))
    churned, p, customer = map(np.concatenate, zip(*parts, strict=True))
    return churned, p, customer


@pytest.mark.parametrize("horizon", [30, 90])
def test_a_perfect_model_exceeds_the_perfect_percentile_as_rarely_where_label_windows_overlap(horizon):
    above, as_if_independent = [], []
    for seed in range(300):
        churned, p, customer = monthly(seed, horizon, customers=900 if seed % 2 else 300)
        found = metrics.ece(churned, p)
        above.append(found > perfect.perfect_ece(p, churned=churned, customers=customer))
        if seed < 40:
            as_if_independent.append(found > perfect.perfect_ece(p))
    assert 0.02 <= np.mean(above) <= 0.07
    assert (np.mean(as_if_independent) > 0.3) == (horizon == 90)


def test_a_customer_repeated_whole_leaves_the_perfect_percentile_as_it_is_for_one():
    p = np.random.default_rng(4).beta(1.5, 6, 600)
    churned = np.random.default_rng(5).random(600) < p
    once = perfect.perfect_ece(p, churned=churned, customers=np.arange(600))
    repeated = np.tile(p, 4), np.tile(churned, 4), np.tile(np.arange(600), 4)
    four = perfect.perfect_ece(repeated[0], churned=repeated[1], customers=repeated[2])
    assert four == pytest.approx(once, rel=0.1)
    assert perfect.perfect_ece(repeated[0]) < 0.6 * four
