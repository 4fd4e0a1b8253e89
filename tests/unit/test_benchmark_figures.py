"""What the benchmarks reckon: lists and campaigns, figures against the truth, verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from benchmarks.campaign_gain import Coverage, Gain, campaign_criteria, coverage_of, gain_of, mean_gain
from benchmarks.campaign_worlds import ScoredCompany, contacted, worth
from benchmarks.companies import Matrix, Recipe
from benchmarks.leaks import PLANTS, Caught, leak_criteria
from benchmarks.permuted import with_permuted_labels
from benchmarks.realised import Realised, realised_criteria
from benchmarks.truth import agreement, expected_auc, expected_slope, rows_of
from churn.demo.company import CompanySettings, simulate_company
from churn.matrix import FeatureNames
from churn.risk import Predictions, TrainingSet
from churn.risk.expectation import REALISED_FIGURES
from churn.risk.metrics import calibration_line
from churn.windows import add_months

# --- lists and campaigns ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known_company() -> ScoredCompany:
    """A company whose model knows the true probabilities, but not what contacting does."""
    as_of = date(2025, 11, 1)
    company = simulate_company(CompanySettings(as_of=as_of, seed=31, customers=1_500, history_days=400))
    truth = company.true_probabilities(as_of, 30, 14).set_index("customer_id")["churn_probability"]
    keys = 1 + np.flatnonzero(np.isin(company.people.customer_ids(), truth.index))
    p, mrr = truth.to_numpy(), np.random.default_rng(1).lognormal(5, 1, len(truth))
    worths = worth(company, mrr, keys, 30)
    bands = np.where(p > np.quantile(p, 0.7), "high", "low")
    return ScoredCompany(31, tuple(truth.index), p, p * worths, bands, mrr, p, contacted(company, p, keys), worths)


def test_knowing_what_staying_is_worth_earns_more_than_knowing_who_leaves(known_company: ScoredCompany) -> None:
    gain = gain_of(known_company, 100)

    assert gain.listed == 100
    assert gain.by_probability < gain.by_value <= gain.best


def test_what_a_list_earns_is_what_its_customers_would_not_lose_less_what_contacting_costs() -> None:
    p, saved = np.array([0.5, 0.4, 0.1]), np.array([0.5, 0.2, 0.05])
    worths = np.array([100.0, 1000.0, 4000.0])
    company = ScoredCompany(1, ("a", "b", "c"), p, p * worths, np.array(["x"] * 3), worths, p, saved, worths)

    gain = gain_of(company, 2)

    # By value: b and c (400 at stake each); by probability: a and b. Contacting costs 1 (retention.contact_cost).
    assert gain.by_value == pytest.approx(200 + 200 - 2)
    assert gain.by_probability == pytest.approx(0 + 200 - 2)
    assert gain.best == pytest.approx(200 + 200 - 2)


@pytest.mark.parametrize("holdout_share", [0.1, 0.5])
def test_the_interval_of_a_campaign_holds_the_truth_as_often_as_it_says(
    known_company: ScoredCompany, holdout_share: float
) -> None:
    found = coverage_of(known_company, 400, holdout_share, draws=200)

    assert 0.90 <= found.covered <= 0.985
    assert abs(found.bias) < 4
    assert found.effect == pytest.approx(0.01, abs=0.02)


def test_the_gain_is_judged_by_its_lower_bound_over_companies() -> None:
    gains = [Gain(seed, 100, 10, by_value, 10.0, 50.0) for seed, by_value in enumerate([30.0, 20.0, 25.0, 5.0])]
    held = [Coverage(1, 10, 200, 0.1, 0.01, 1.0, share, 0.9, 0.0) for share in (0.94, 0.99)]
    mean, low, high = mean_gain(gains)

    assert mean == pytest.approx(10)
    assert (low, high) == pytest.approx((10 - 3.182 * 10.801 / 2, 10 + 3.182 * 10.801 / 2), abs=0.01)
    assert [holds for _, holds in campaign_criteria(gains, held[:1])] == [False, True]
    assert [holds for _, holds in campaign_criteria(gains[:3], held)] == [True, True]
    assert [holds for _, holds in campaign_criteria(gains[:3], held[1:])] == [True, False]


# --- figures against the truth ------------------------------------------------------------------------------------


def test_the_expected_auc_is_that_over_every_pair_of_rows() -> None:
    random = np.random.default_rng(3)
    p = random.uniform(0.01, 0.6, 40)
    score = np.round(p + random.normal(0, 0.2, 40), 1)
    ordered = pairs = 0.0
    for i in range(40):
        for j in range(40):
            if i != j:
                weight = p[i] * (1 - p[j])
                pairs += weight
                ordered += weight * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)

    assert expected_auc(score, p) == pytest.approx(ordered / pairs, rel=1e-12)
    assert expected_auc(np.zeros(40), p) == pytest.approx(0.5, rel=1e-12)


def test_the_truth_agrees_with_itself_and_a_reversed_one_does_not() -> None:
    p = np.random.default_rng(4).uniform(0.001, 0.5, 1000)
    itself, other = agreement(p, p, p), agreement(p[::-1], p[::-1], p)

    assert itself.top_decile == pytest.approx(np.sort(p)[-100:].mean())
    assert itself.true_observed_expected == itself.true_slope == pytest.approx(1)
    assert itself.mean_absolute_gap == 0
    assert itself.rank_correlation == pytest.approx(1)
    assert other.top_decile < 0.7 * itself.top_decile
    assert other.mean_absolute_gap > 0.1


def test_the_expected_slope_is_that_of_many_draws() -> None:
    random = np.random.default_rng(5)
    truth = random.uniform(0.05, 0.6, 500)
    told = expit(2 * logit(truth) + 0.3)
    drawn = random.random((400, 500)) < truth

    assert expected_slope(told, truth) == pytest.approx(0.5, abs=1e-6)
    many = calibration_line(drawn.ravel(), np.tile(told, 400))[0]
    assert many == pytest.approx(0.5, abs=0.02)


def _customer_months(months: int, customers: int, rate: float = 0.1) -> TrainingSet:
    random = np.random.default_rng(6)
    days = [add_months(date(2024, 1, 1), month).toordinal() for month in range(months)]
    rows = months * customers
    return TrainingSet(
        FeatureNames(("usage", "silence")),
        random.normal(size=(rows, 2)).astype(np.float32),
        np.empty((rows, 0), np.int32),
        np.tile(np.arange(customers), months),
        np.repeat(days, customers),
        random.random(rows) < rate,
    )


def test_predicted_rows_are_found_by_customer_and_month() -> None:
    data = _customer_months(3, 4)
    rows = np.array([1, 3, 6, 11])
    told = {"model": np.zeros(4)}
    predictions = Predictions(data.as_of[rows], data.customer_keys[rows], data.churned[rows], told, told)

    assert rows_of(data, predictions).tolist() == rows.tolist()
    with pytest.raises(KeyError):
        rows_of(data, replace(predictions, customer_keys=predictions.customer_keys + 1))


def test_permuting_keeps_every_months_churners_and_nobody_in_particular() -> None:
    data = _customer_months(5, 300)
    mixed = with_permuted_labels(data, seed=1)

    for day in np.unique(data.as_of):
        assert mixed.churned[data.as_of == day].sum() == data.churned[data.as_of == day].sum()
    assert abs(np.corrcoef(mixed.churned, data.churned)[0, 1]) < 0.1
    assert np.array_equal(mixed.numbers, data.numbers)


def test_a_recipe_has_a_file_of_its_own_and_the_last_months_are_the_last(tmp_path: Path) -> None:
    recipe = Recipe(7, 500)
    assert recipe.digest() == Recipe(7, 500).digest()
    assert recipe.file_in(tmp_path) != replace(recipe, future_days=30).file_in(tmp_path)
    data = _customer_months(6, 10)
    matrix = Matrix(data, np.zeros(len(data)))

    found = matrix.months(date.min, date(2024, 5, 1), 2).data

    assert np.unique(found.as_of).tolist() == [date(2024, 4, 1).toordinal(), date(2024, 5, 1).toordinal()]


def _realised(seed: int, value: float) -> list[Realised]:
    """Return a year of one company whose figures are all alike; the year's interval is 0.6 to 1.4."""
    days = [add_months(date(2025, 10, 1), month) for month in range(12)]
    return [Realised(seed, day, figure, value, 1.0, 0.8, 1.2, 0.6, 1.4) for day in days for figure in REALISED_FIGURES]


def test_a_year_outside_its_intervals_does_not_hold() -> None:
    inside = [figure for seed in range(5) for figure in _realised(seed, 1.0)]
    assert [holds for _, holds in realised_criteria(inside)] == [True, True]

    narrow = [figure for seed in range(5) for figure in _realised(seed, 1.3)]
    assert [holds for _, holds in realised_criteria(narrow)] == [False, True]

    wrong = inside + _realised(5, 2.0) + _realised(6, 0.1)
    assert not realised_criteria(wrong)[1][1]


def test_a_leak_that_goes_unnamed_and_a_false_accusation_do_not_hold() -> None:
    good = [Caught(planted, True, ()) for planted in PLANTS]
    assert all(holds for _, holds in leak_criteria(good, {"seed 1": []}))

    missed = [replace(good[0], is_named=False), *good[1:]]
    assert [holds for _, holds in leak_criteria(missed, {"seed 1": ["mrr"]})] == [False, True, True, True, False]
