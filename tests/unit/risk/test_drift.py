"""Drift: the population stability index by hand, bins that notice what moves, and what chance alone does."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.risk.data import TrainingSet
from churn.risk.drift import Drift, chance_psi, measure_drift, psi
from churn.risk.reference import SCORE, Reference, make_reference

NAMES = FeatureNames(("logins", "age"), ("plan",), (("basic", "pro"),))
AS_OF = 739_000


def training(
    logins: np.ndarray, age: np.ndarray | None = None, plan: np.ndarray | None = None, weights: np.ndarray | None = None
) -> TrainingSet:
    n = len(logins)
    numbers = np.column_stack([logins, np.arange(n) if age is None else age]).astype(np.float32)
    codes = (np.zeros(n) if plan is None else plan).astype(np.int32).reshape(-1, 1)
    keys = np.arange(n, dtype=np.int64)
    as_of = np.full(n, AS_OF, dtype=np.int64)
    return TrainingSet(NAMES, numbers, codes, keys, as_of, np.zeros(n, dtype=np.bool_), weights)


def night(data: TrainingSet, probability: np.ndarray, names: FeatureNames = NAMES, parts: int = 1):
    for keys in np.array_split(np.arange(len(data)), parts):
        yield Batch(data.customer_keys[keys], data.numbers[keys], data.codes[keys]), probability[keys]


def drifts_of(reference: Reference, data: TrainingSet, probability: np.ndarray, **options) -> dict[str, Drift]:
    names = options.get("names", NAMES)
    return {drift.feature: drift for drift in measure_drift(reference, names, night(data, probability, **options))}


def uniform(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=n)


# ---------------------------------------------------------------- the index


def test_the_index_is_what_a_hand_computes():
    by_hand = (0.3 - 0.5) * math.log(0.3 / 0.5) + (0.7 - 0.5) * math.log(0.7 / 0.5)
    assert psi([0.5, 0.5], [0.3, 0.7], 10_000) == pytest.approx(by_hand, abs=1e-12)
    assert by_hand == pytest.approx(0.16946, abs=1e-5)


def test_the_index_is_zero_where_nothing_moved_and_the_same_both_ways():
    assert psi([0.2, 0.8], [0.2, 0.8], 100) == 0
    assert psi([0.2, 0.8], [0.4, 0.6], 100) == pytest.approx(psi([0.4, 0.6], [0.2, 0.8], 100))


def test_an_empty_bin_counts_as_half_a_row_and_never_as_less_than_a_ten_thousandth():
    assert psi([0.5, 0.5], [0, 1], 100) == pytest.approx((0.5 - 0.005) * math.log(100) + 0.5 * math.log(2))
    many = psi([0.5, 0.5], [0, 1], 10**9)
    assert many == pytest.approx((0.5 - 1e-4) * math.log(5_000) + 0.5 * math.log(2))


def test_what_chance_does_stays_below_its_limit_in_999_of_1000_nights():
    random = np.random.default_rng(3)
    shares, rows, customers = np.full(10, 0.1), 400, 800
    trained = random.multinomial(customers, shares, 4_000) / customers
    tonight = random.multinomial(rows, shares, 4_000) / rows
    found = [psi(was, now, rows) for was, now in zip(trained, tonight, strict=True)]
    limit = chance_psi(10, rows, customers)
    assert np.mean(np.array(found) > limit) < 0.004
    assert np.quantile(found, 0.999) > 0.7 * limit
    assert limit == pytest.approx(stats.chi2.ppf(0.999, 9) * (1 / 400 + 1 / 800))


# ---------------------------------------------------------------- the reference


def test_the_bins_are_the_deciles_and_the_missing():
    values = np.arange(1, 101, dtype=float)
    values[90:] = np.nan
    spread = make_reference(training(values), uniform(100)).numbers[0]
    assert list(spread.edges) == list(range(9, 90, 9))
    assert spread.shares == pytest.approx([0.09] * 10 + [0.1])


def test_rows_count_by_their_weight():
    data = training(np.array([1.0, 2.0, 3.0]), plan=np.array([0, 1, 1]), weights=np.array([2.0, 0.0, 8.0]))
    reference = make_reference(data, np.array([0.1, 0.2, 0.3]))
    shares = reference.numbers[0].shares
    assert shares[reference.numbers[0].places(np.array([1.0]))[0]] == pytest.approx(0.2)
    assert shares[reference.numbers[0].places(np.array([3.0]))[0]] == pytest.approx(0.8)
    assert reference.categories[0].shares == pytest.approx([0.2, 0.8, 0])


def test_a_reference_survives_its_json():
    data = training(uniform(500), np.full(500, np.nan), plan=np.arange(500) % 3 - 1)
    reference = make_reference(data, uniform(500, 1))
    text = json.dumps(reference.to_json(), allow_nan=False)
    assert Reference.from_json(json.loads(text)) == reference


@pytest.mark.parametrize(("part", "kept"), [("numbers", {"edges": [1.0]}), ("categories", {"levels": ["basic"]})])
def test_a_reference_whose_parts_disagree_is_refused(part: str, kept: dict):
    content = make_reference(training(uniform(50)), uniform(50)).to_json()
    content[part][0] |= kept
    with pytest.raises(ValueError, match="shares for"):
        Reference.from_json(content)


# ---------------------------------------------------------------- a night


def test_the_training_rows_themselves_have_not_moved():
    data, probability = training(uniform(1_000), plan=np.arange(1_000) % 3 - 1), uniform(1_000, 1)
    found = measure_drift(make_reference(data, probability), NAMES, night(data, probability, parts=7))
    assert [drift.feature for drift in found] == ["logins", "age", "plan", SCORE]
    assert [drift.psi for drift in found] == pytest.approx([0] * 4, abs=1e-12)
    assert found[2].missing_share == found[2].missing_share_trained == pytest.approx(0.334)


def test_batches_change_nothing():
    reference = make_reference(training(uniform(900)), uniform(900, 1))
    data, probability = training(uniform(300, 2) ** 2), uniform(300, 3)
    assert drifts_of(reference, data, probability) == drifts_of(reference, data, probability, parts=9)


@pytest.mark.parametrize("usual", [0.0, 5.0])
@pytest.mark.parametrize("tonight", [-1.0, 2.0, 9.0, np.nan])
def test_a_value_that_was_almost_always_the_same_is_missed_when_it_goes(usual: float, tonight: float):
    reference = make_reference(training(np.full(1_000, usual)), uniform(1_000))
    drift = drifts_of(reference, training(np.full(800, tonight)), uniform(800, 1))["logins"]
    assert drift.psi > 5
    assert drift.missing_share == float(np.isnan(tonight))


def test_a_feed_that_stops_moves_the_feature_and_the_score():
    busy, calm = np.random.default_rng(1).poisson(20, 1_000), np.zeros(1_000)
    reference = make_reference(training(busy), 1 / (1 + np.exp(busy / 10)))
    found = drifts_of(reference, training(calm), np.full(1_000, 0.5))
    assert found["logins"].psi > 2
    assert found[SCORE].psi > 2
    assert found["age"].psi < 0.1


def test_an_unseen_category_counts_as_missing_and_is_told():
    reference = make_reference(training(uniform(1_000)), uniform(1_000))
    names = FeatureNames(NAMES.numbers, NAMES.categories, (("basic", "gold"),))
    tonight = training(uniform(1_000), plan=(np.arange(1_000) % 10 == 0).astype(int))
    drift = drifts_of(reference, tonight, uniform(1_000), names=names)["plan"]
    assert drift.unseen_share == pytest.approx(0.1)
    assert drift.missing_share == 0
    assert drift.psi == pytest.approx(psi([1, 0, 0], [0.9, 0, 0.1], 1_000))


def test_a_feature_without_any_value_in_training_has_nothing_to_move_from():
    reference = make_reference(training(np.full(500, np.nan), plan=np.full(500, -1)), uniform(500))
    found = drifts_of(reference, training(uniform(500)), uniform(500))
    assert math.isnan(found["logins"].psi)
    assert math.isnan(found["plan"].psi)
    assert found["logins"].missing_share_trained == 1


def test_levels_are_matched_by_name_whatever_their_order_tonight():
    data = training(uniform(400), plan=np.arange(400) % 2)
    reference = make_reference(data, uniform(400))
    names = FeatureNames(NAMES.numbers, NAMES.categories, (("alpha", "basic", "pro"),))
    tonight = training(uniform(400), plan=np.arange(400) % 2 + 1)
    assert drifts_of(reference, tonight, uniform(400), names=names)["plan"].psi == pytest.approx(0)


def test_a_night_without_a_feature_is_refused_by_name():
    reference = make_reference(training(uniform(50)), uniform(50))
    with pytest.raises(ModelError, match="logins"):
        measure_drift(reference, FeatureNames(("age",), ("plan",), ((),)), [])
    with pytest.raises(ModelError, match="plan"):
        measure_drift(reference, FeatureNames(("age", "logins")), [])


def test_a_night_of_nobody_has_not_moved():
    reference = make_reference(training(uniform(50)), uniform(50))
    assert measure_drift(reference, NAMES, []) == []
