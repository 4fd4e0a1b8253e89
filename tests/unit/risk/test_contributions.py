"""Contributions are Shapley values of the raw score: an oracle, sums, determinism."""

from __future__ import annotations

import dataclasses
import itertools
import math
from datetime import date
from typing import Any

import numpy as np
import pytest

from churn.errors import ModelError
from churn.matrix import FeatureNames
from churn.risk import contributions as room
from churn.risk.boosting import booster_matrix, lightgbm
from churn.risk.calibration import Calibrator
from churn.risk.contributions import contributions, require_sums
from churn.risk.data import TrainSettings
from churn.risk.logistic import LogisticModel, design_matrix
from churn.risk.model import RiskModel
from churn.risk.scoring import raw_scorer
from churn.risk.season import Season

NAMES = FeatureNames(("events_28d", "mrr", "tenure_days"), ("plan",), (("basic", "pro", "team"),))
FIT = {"objective": "binary", "num_leaves": 6, "min_data_in_leaf": 5, "learning_rate": 0.2, "num_threads": 1}


def rows(count: int, seed: int = 1) -> tuple[Any, Any]:
    """Made-up customers, some of them with missing values."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(count, 3)).astype(np.float32)
    numbers[rng.random((count, 3)) < 0.1] = np.nan
    return numbers, rng.integers(-1, 3, size=(count, 1)).astype(np.int32)


def model_of(**parts: Any) -> RiskModel:
    return RiskModel(
        names=NAMES,
        calibrator=Calibrator(intercept=0.0, slope=1.0),
        first_as_of=date(2025, 1, 31),
        last_as_of=date(2025, 6, 30),
        labels_end=date(2025, 8, 13),
        base_rate=0.1,
        settings=TrainSettings(horizon_days=30),
        **parts,
    )


def fitted(matrix: Any, churned: Any) -> str:
    library = lightgbm()
    columns = [matrix.shape[1] - 1]
    rows = library.Dataset(matrix, churned.astype(float), categorical_feature=columns, params={"verbosity": -1})
    return str(library.train(FIT | {"verbosity": -1}, rows, num_boost_round=4).model_to_string())


@pytest.fixture(scope="module")
def trees() -> RiskModel:
    numbers, codes = rows(600)
    risk = np.nan_to_num(numbers[:, 0]) * (codes[:, 0] == 1) - np.nan_to_num(numbers[:, 1]) + (codes[:, 0] == 2)
    churned = risk + np.random.default_rng(2).normal(size=600) > 0.5
    return model_of(
        kind="lightgbm", booster_text=fitted(booster_matrix(numbers, codes), churned), logistic=None, trees=4
    )


@pytest.fixture(scope="module")
def logistic() -> RiskModel:
    fitted = LogisticModel(
        (0.1, 0.0, -0.2), (1.0, 2.0, 0.5), (3,), -2.0, (1.0, -0.5, 0.0, 0.3, 0.0, -0.1, 0.2, 0.4, -0.6)
    )
    return model_of(kind="logistic", booster_text="", logistic=fitted, trees=0)


# ---------------------------------------------------------------- the oracle


def goes_left(node: dict[str, Any], value: float) -> bool:
    """LightGBM's own rule at a node."""
    if node["decision_type"] == "==":
        return not math.isnan(value) and str(int(value)) in node["threshold"].split("||")
    if math.isnan(value):
        if node["missing_type"] == "NaN":
            return bool(node["default_left"])
        value = 0.0
    return value <= node["threshold"]


def expected(node: dict[str, Any], row: Any, known: frozenset[int]) -> float:
    """The tree's value where only some columns are known: at the others, the mean over the training rows."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return expected(left if goes_left(node, float(row[node["split_feature"]])) else right, row, known)
    sizes = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    return sum(
        size / sum(sizes) * expected(child, row, known) for size, child in zip(sizes, (left, right), strict=True)
    )


def shapley(trees: list[dict[str, Any]], row: Any) -> list[float]:
    """Shapley values by their definition: the mean over all orders in which the columns become known."""
    width = len(row)

    def worth(known: frozenset[int]) -> float:
        return sum(expected(tree["tree_structure"], row, known) for tree in trees)

    worths = {
        frozenset(known): worth(frozenset(known))
        for size in range(width + 1)
        for known in itertools.combinations(range(width), size)
    }
    values = []
    for column in range(width):
        total = 0.0
        for known, value in worths.items():
            if column not in known:
                chance = math.factorial(len(known)) * math.factorial(width - len(known) - 1) / math.factorial(width)
                total += chance * (worths[known | {column}] - value)
        values.append(total)
    return values


def test_trees_are_explained_by_shapley_values(trees):
    numbers, codes = rows(40, seed=3)
    found = contributions(trees, numbers, codes)
    dumped = lightgbm().Booster(model_str=trees.booster_text).dump_model()["tree_info"]
    assert {node["tree_structure"]["decision_type"] for node in dumped} >= {"<="}
    assert "==" in str(dumped)
    matrix = booster_matrix(numbers, codes).astype(np.float64)
    np.testing.assert_allclose(found.values, [shapley(dumped, row) for row in matrix], atol=1e-9)
    assert found.columns == ("events_28d", "mrr", "tenure_days", "plan")


def test_a_linear_model_is_explained_by_the_distance_from_the_mean(logistic):
    numbers, codes = rows(50, seed=4)
    weights = np.random.default_rng(5).uniform(1, 9, size=50)
    found = contributions(logistic, numbers, codes, weights=weights)
    fitted = logistic.logistic
    design = design_matrix(numbers, codes, fitted.medians, fitted.spreads, fitted.level_counts)
    moved = (design - np.average(design, axis=0, weights=weights)) * np.array(fitted.coefficients)
    np.testing.assert_allclose(found.values[:, 0], moved[:, 0] + moved[:, 3], atol=1e-12)
    np.testing.assert_allclose(found.values[:, 2], moved[:, 2] + moved[:, 5], atol=1e-12)
    np.testing.assert_allclose(found.values[:, 3], moved[:, 6:].sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(np.average(found.values, axis=0, weights=weights), 0, atol=1e-12)


# ---------------------------------------------------------------- sums, chunks, threads


@pytest.mark.parametrize("kind", ["trees", "logistic"])
def test_contributions_add_up_to_the_raw_score(kind, request):
    model = request.getfixturevalue(kind)
    numbers, codes = rows(300, seed=6)
    found = contributions(model, numbers, codes)
    np.testing.assert_allclose(
        found.base + found.values.sum(axis=1), raw_scorer(model)(numbers, codes), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("kind", ["trees", "logistic"])
def test_chunks_and_threads_change_nothing(kind, request, monkeypatch):
    model = request.getfixturevalue(kind)
    numbers, codes = rows(300, seed=6)
    whole = contributions(model, numbers, codes, threads=1)
    monkeypatch.setattr(room, "CHUNK_ROWS", 37)
    parts = contributions(model, numbers, codes, threads=2)
    np.testing.assert_allclose(whole.values, parts.values, rtol=0, atol=1e-12)
    assert whole.base == pytest.approx(parts.base, abs=1e-12)
    np.testing.assert_array_equal(contributions(model, numbers, codes, threads=1).values, parts.values)


def test_an_explanation_of_another_score_is_refused():
    with pytest.raises(ModelError, match=r"reasons of 1 customers don't add up .*first: 2, score 2\.1"):
        require_sums(np.array([1.0, 2.0]), np.array([1.0, 2.1]))
    with pytest.raises(ModelError):
        require_sums(np.array([np.nan]), np.array([1.0]))
    require_sums(np.array([1.0 + 1e-7]), np.array([1.0]))


def test_a_model_that_scores_otherwise_than_it_explains_is_refused(trees, monkeypatch):
    numbers, codes = rows(20, seed=7)
    monkeypatch.setattr(room, "raw_scorer", lambda model, threads: lambda n, c: raw_scorer(model, threads)(n, c) + 0.01)
    with pytest.raises(ModelError, match="20 customers don't add up"):
        contributions(trees, numbers, codes)


def test_nobody_is_explained_as_nobody(trees):
    numbers, codes = rows(1)
    assert contributions(trees, numbers[:0], codes[:0]).values.shape == (0, 4)


def test_season_columns_are_explained_behind_the_numbers():
    random = np.random.default_rng(8)
    numbers, codes = rows(500, seed=8)
    year = random.choice(np.array([[0.0, 1.0], [1.0, 0.0]], dtype=np.float32), 500)
    churned = (year[:, 0] + random.normal(size=500)) > 0.8
    numbers = np.hstack([numbers, year])
    text = fitted(booster_matrix(numbers, codes), churned)
    model = dataclasses.replace(
        model_of(kind="lightgbm", booster_text=text, logistic=None, trees=4), season=Season("features")
    )
    found = contributions(model, numbers, codes)
    assert found.columns == ("events_28d", "mrr", "tenure_days", "season_sin", "season_cos", "plan")
    assert np.abs(found.values[:, 3:5]).sum(axis=1).min() > np.abs(found.values[:, 5]).mean()
