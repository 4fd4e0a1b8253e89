"""How long training takes beside LightGBM's own `train` on the same matrix in memory; prints JSON.

`train_model` does far more than one fit: it fits every walk-forward month with model and logistic regression, chooses
the number of trees, calibrates, judges the gain and refits on everything. The target says how much more that may cost.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import lightgbm
import numpy as np
from scipy.special import expit

from benchmarks.measured import peak_bytes
from churn.config import Settings
from churn.matrix import FeatureNames
from churn.risk import TrainingSet, TrainSettings
from churn.risk.boosting import booster_matrix
from churn.risk.training import train_model
from churn.training import train_settings
from churn.windows import add_months

ROWS, FEATURES, MONTHS = 500_000, 50, 14
_CATEGORIES, _LEVELS = 3, 6
_FIRST = date(2024, 7, 1)
_BASE_LOG_ODDS, _MISSING_SHARE = -3.9, 0.05
_PARAMETERS = ("learning_rate", "num_leaves", "min_child_samples", "feature_fraction", "lambda_l2", "seed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both and print seconds, trees and rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args(arguments)
    print(json.dumps(measured(options.rows)))


def measured(rows: int) -> dict[str, Any]:
    """Return the seconds of `train_model` and of LightGBM's own `train` with as many trees, on about `rows` rows."""
    data, settings = customer_months(rows), train_settings(Settings())
    started = time.perf_counter()
    result = train_model(data, settings)
    ours = time.perf_counter() - started
    return {
        "rows": len(data),
        "features": FEATURES,
        "months": MONTHS,
        "trees": result.model.trees,
        "seconds": ours,
        "lightgbm_seconds": _lightgbm_seconds(data, settings, result.model.trees),
        "peak_bytes": peak_bytes(),
    }


def customer_months(rows: int) -> TrainingSet:
    """Draw labelled customer-months in which some features tell of churn and most tell nothing.

    A customer's features are a lasting part and a monthly one; one value in twenty is missing.
    """
    random = np.random.default_rng(1)
    customers, width = rows // MONTHS, FEATURES - _CATEGORIES
    lasting = random.normal(size=(customers, width)).astype(np.float32)
    days = [add_months(_FIRST, month).toordinal() for month in range(MONTHS)]
    numbers = np.concatenate([lasting + random.normal(size=lasting.shape).astype(np.float32) for _ in days])
    codes = np.tile(random.integers(0, _LEVELS, (customers, _CATEGORIES)), (MONTHS, 1)).astype(np.int32)
    risk = 0.5 * numbers[:, 0] - 0.4 * numbers[:, 1] + 0.6 * (numbers[:, 2] > 1) * (numbers[:, 3] > 0)
    risk += 0.3 * np.sin(2 * numbers[:, 4]) + 0.1 * codes[:, 0]
    churned = random.random(len(risk)) < expit(_BASE_LOG_ODDS + risk)
    numbers[random.random(numbers.shape, dtype=np.float32) < _MISSING_SHARE] = np.nan
    names = FeatureNames(
        tuple(f"number_{column}" for column in range(width)),
        tuple(f"category_{column}" for column in range(_CATEGORIES)),
        tuple(tuple(f"level_{level}" for level in range(_LEVELS)) for _ in range(_CATEGORIES)),
    )
    keys = np.tile(np.arange(customers, dtype=np.int64), MONTHS)
    return TrainingSet(names, numbers, codes, keys, np.repeat(np.array(days, np.int64), customers), churned)


def _lightgbm_seconds(data: TrainingSet, settings: TrainSettings, trees: int) -> dict[str, float]:
    """Time `lightgbm.train` on the matrix, by number of threads: all the machine's, and one.

    Threads that share their cores with other work wait for one another, so on a busy machine one can be the faster.
    """
    matrix, target = booster_matrix(data.numbers, data.codes), data.churned.astype(np.float32)
    parameters = {name: getattr(settings, name) for name in _PARAMETERS} | {"objective": "binary", "verbosity": -1}
    categories = list(range(FEATURES - _CATEGORIES, FEATURES))
    seconds = {}
    for threads in (os.cpu_count() or 1, 1):
        started = time.perf_counter()
        training = lightgbm.Dataset(matrix, target, categorical_feature=categories)
        lightgbm.train(parameters | {"num_threads": threads}, training, trees)
        seconds[str(threads)] = time.perf_counter() - started
    return seconds


if __name__ == "__main__":
    main()
