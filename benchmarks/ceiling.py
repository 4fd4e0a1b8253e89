"""The ceiling: the best that anyone could do with the same features, learned from the true probabilities themselves.

LightGBM's `cross_entropy` is fitted to the true probability of every customer-month of companies whose seeds nothing
else uses; so it sees no noise of who happened to leave, and far more than one company's history. What it still misses
of the truth, the features don't tell (methods.md, "Judging probabilities").
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from benchmarks.companies import Matrix, Recipe
from benchmarks.place import say
from churn.matrix import FeatureNames
from churn.risk import customer_share
from churn.risk.boosting import booster_matrix
from churn.risk.data import Bools, Floats
from churn.risk.scoring import match_columns

SEEDS = (101, 102, 103)
ROWS = 500_000
_SPLIT_SEED = 1
_MOST_TREES, _PATIENCE = 1000, 30
_PARAMETERS: dict[str, Any] = {
    "objective": "cross_entropy",
    "metric": "cross_entropy",
    "learning_rate": 0.06,
    "num_leaves": 63,
    "min_child_samples": 200,
    "feature_fraction": 0.6,
    "lambda_l2": 5.0,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Ceiling:
    """The fitted model, with what it was made of.

    Attributes
    ----------
    text : str
        LightGBM's model text.
    seeds : tuple of int
        Of the companies.
    rows, watched_rows : int
        Customer-months that it was fitted on, and those of other customers that chose the number of trees.
    trees : int
    names : FeatureNames
        Its columns, with the levels that the category codes count.
    """

    text: str
    seeds: tuple[int, ...]
    rows: int
    watched_rows: int
    trees: int
    names: FeatureNames

    def probabilities(self, matrix: Matrix) -> Floats:
        """Return the ceiling's probability of every row, shape (n,), in (0, 1); an unknown level is missing."""
        booster = lightgbm.Booster(model_str=self.text)
        return np.asarray(booster.predict(_input(matrix, self.names), num_threads=0), dtype=np.float64)

    @property
    def words(self) -> str:
        """Say how it was made."""
        shown = ("learning_rate", "num_leaves", "min_child_samples", "feature_fraction", "lambda_l2", "seed")
        parameters = ", ".join(f"{name} {_PARAMETERS[name]:g}" for name in shown)
        return (
            f"LightGBM `cross_entropy` on the true probabilities of {self.rows:,} customer-months of the companies "
            f"with seeds {', '.join(map(str, self.seeds))}; {self.trees} trees, chosen on {self.watched_rows:,} "
            f"customer-months of their other customers; {parameters}."
        )


def ceiling_of(recipes: Sequence[Recipe], matrices: Sequence[Matrix], rows: int, cache: Path) -> Ceiling:
    """Return the ceiling: the kept one, or a new one.

    Parameters
    ----------
    recipes, matrices
        The companies, none of which is tested on.
    rows : int
        Customer-months to fit on, whole customers; the others choose the number of trees.
    cache : Path
        Folder that keeps it.
    """
    basis = json.dumps(
        [[recipe.digest() for recipe in recipes], rows, _PARAMETERS, _MOST_TREES, _PATIENCE, lightgbm.__version__]
    )
    digest = hashlib.sha256(basis.encode()).hexdigest()[:16]
    text, facts = cache / f"ceiling-{digest}.txt", cache / f"ceiling-{digest}.json"
    if not facts.is_file():
        made = _fitted(recipes, matrices, rows)
        for outdated in cache.glob("ceiling-*"):
            outdated.unlink()
        text.write_text(made.text, encoding="utf-8")
        known = {"rows": made.rows, "watched_rows": made.watched_rows, "trees": made.trees}
        facts.write_text(json.dumps(known), encoding="utf-8")
    seeds = tuple(recipe.seed for recipe in recipes)
    return Ceiling(
        text.read_text(encoding="utf-8"),
        seeds,
        names=_common_names(matrices),
        **json.loads(facts.read_text(encoding="utf-8")),
    )


def _fitted(recipes: Sequence[Recipe], matrices: Sequence[Matrix], rows: int) -> Ceiling:
    started = time.monotonic()
    share = np.concatenate(
        [customer_share(m.data.customer_keys, _SPLIT_SEED + r.seed) for m, r in zip(matrices, recipes, strict=True)]
    )
    # With fewer rows than asked for, a fifth of the customers still chooses the number of trees.
    fitted: Bools = share < np.quantile(share, min(rows / len(share), 0.8))
    names = _common_names(matrices)
    x = np.concatenate([_input(matrix, names) for matrix in matrices])
    y = np.concatenate([matrix.truth for matrix in matrices])
    categories = list(range(len(names.numbers), len(names.numbers) + len(names.categories)))
    training = lightgbm.Dataset(x[fitted], y[fitted], categorical_feature=categories)
    watched = training.create_valid(x[~fitted], y[~fitted])
    booster = lightgbm.train(
        _PARAMETERS,
        training,
        num_boost_round=_MOST_TREES,
        valid_sets=[watched],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )
    trees = int(booster.best_iteration)
    say(f"ceiling: {int(fitted.sum()):,} customer-months, {trees} trees in {time.monotonic() - started:.0f} s")
    return Ceiling(
        booster.model_to_string(num_iteration=trees),
        tuple(recipe.seed for recipe in recipes),
        int(fitted.sum()),
        int((~fitted).sum()),
        trees,
        names,
    )


def _common_names(matrices: Sequence[Matrix]) -> FeatureNames:
    """Return the columns of the companies, with the levels of all."""
    names = [matrix.data.names for matrix in matrices]
    levels = (tuple(sorted(set().union(*known))) for known in zip(*(each.levels for each in names), strict=True))
    return replace(names[0], levels=tuple(levels))


def _input(matrix: Matrix, names: FeatureNames) -> NDArray[np.float32]:
    columns = match_columns(names, matrix.data.names)
    return booster_matrix(*columns.select(matrix.data.numbers, matrix.data.codes))
