"""The walk forward: fit on what was known, predict the month after."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from churn.risk.boosting import Binned, Booster, Fitted, Matrix, booster_matrix
from churn.risk.data import (
    Bools,
    Floats,
    TrainingSet,
    TrainSettings,
    customer_share,
    sampled_customers,
)
from churn.risk.evaluation import LOGISTIC, MODEL, RECENCY
from churn.risk.logistic import LogisticModel
from churn.risk.logistic_fit import fit_logistic_model
from churn.risk.recency import days_since_activity
from churn.risk.splits import Fold, Plan, fit_ends

Raws = Mapping[str, Floats]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Walk:
    """A training set with its plan, and the LightGBM input made once.

    Attributes
    ----------
    data : TrainingSet
        With the season's columns where they are features.
    plan : Plan
    matrix : ndarray of float32, shape (n, K + C)
    settings : TrainSettings
    """

    data: TrainingSet
    plan: Plan
    matrix: Matrix
    settings: TrainSettings

    @classmethod
    def of(cls, data: TrainingSet, plan: Plan, settings: TrainSettings) -> Walk:
        """Build LightGBM's input, only where LightGBM is used."""
        boosted = plan.kind == "lightgbm"
        matrix = booster_matrix(data.numbers, data.codes) if boosted else np.empty((0, 0), np.float32)
        return cls(data, plan, matrix, settings)

    def logistic_on(self, fit_end: int) -> LogisticModel:
        """Fit the logistic regression on the rows [0, fit_end), sampled by customer above the cap."""
        data = self.data
        keep = sampled_customers(data.customer_keys[:fit_end], self.settings.logistic_max_rows, self.settings.seed)
        return fit_logistic_model(
            data.numbers[:fit_end][keep],
            data.codes[:fit_end][keep],
            tuple(len(levels) for levels in data.names.levels),
            data.churned[:fit_end][keep],
            self.settings.seed,
            None if data.weights is None else data.weights[:fit_end][keep],
        )

    def binned(self, edges_end: int) -> Binned:
        """Put all rows in bins whose edges come from the rows [0, edges_end)."""
        data = self.data
        return Binned(self.matrix, data.churned, data.weights, len(data.names.categories), edges_end, self.settings)

    def spent_on_stopping(self) -> Bools:
        """Say which rows chose the number of trees and so may not calibrate, shape (n,)."""
        stop = self.plan.stop
        spent = np.zeros(len(self.data), dtype=np.bool_)
        if stop is not None:
            spent[stop.start : stop.end] = True
            if self.plan.stop_shared:
                spent &= customer_share(self.data.customer_keys, self.settings.seed + 1) < 0.5
        return spent


@dataclass(frozen=True)
class Fits:
    """Every fit of a training run, by the end of the rows [0, fit_end) that it learned from.

    Attributes
    ----------
    trees : int
        Number of trees of every booster; 0 for a logistic model.
    boosters : mapping of int to Fitted
        Of the walk-forward months and, on all rows, of the final model; empty for a logistic model.
    logistics : mapping of int to LogisticModel
        Of the walk-forward months and, for a logistic model, of the final one.
    """

    trees: int
    boosters: Mapping[int, Fitted]
    logistics: Mapping[int, LogisticModel]


def fit_all(walk: Walk) -> Fits:
    """Choose the number of trees, then fit every walk-forward month and the final model.

    `settings.threads` fits run at once, each on one core: fits hold no lock of Python's and share nothing that they
    change, so the number of threads changes no result.
    """
    ends = sorted(set(fit_ends(walk.plan).values()), reverse=True)
    with ThreadPoolExecutor(walk.settings.threads, thread_name_prefix="fit") as pool:
        if walk.plan.kind == "logistic":
            return Fits(0, {}, _results({end: pool.submit(walk.logistic_on, end) for end in (len(walk.data), *ends)}))
        stopping = pool.submit(_stopped, walk)
        logistics = {end: pool.submit(walk.logistic_on, end) for end in ends}
        rows = len(walk.data)
        binned, trees, known = stopping.result()
        boosters = {rows: pool.submit(binned.fit, rows, trees)}
        boosters |= {end: pool.submit(binned.fit, end, trees) for end in ends if end not in known}
        return Fits(trees, known | _results(boosters), _results(logistics))


def _results(futures: Mapping[int, Future[Result]]) -> dict[int, Result]:
    return {end: future.result() for end, future in futures.items()}


def _stopped(walk: Walk) -> tuple[Binned, int, dict[int, Fitted]]:
    """Return the bins of every fit, the number of trees, and the fit that chose it.

    Edges of bins come from what was known when the first test month began: its predictions know nothing later.
    """
    plan = walk.plan
    binned = walk.binned(plan.tests[0].fit_end)
    if plan.stop is None:
        return binned, walk.settings.default_trees, {}
    trees, text = binned.choose_trees(plan.stop.fit_end, walk.spent_on_stopping()[: binned.rows])
    return binned, trees, {plan.stop.fit_end: Fitted(text, None)}


def raw_predictions(walk: Walk, fits: Fits) -> Raws:
    """Predict every walk-forward month with every predictor that has a raw score.

    Returns
    -------
    mapping of predictor to ndarray of float64, shape (n,)
        NaN outside the walk-forward months.
    """
    data, ends = walk.data, fit_ends(walk.plan)
    raws = {name: np.full(len(data), np.nan) for name in (MODEL, LOGISTIC)}

    def predict(fold: Fold) -> None:
        rows, end = slice(fold.start, fold.end), ends[fold.as_of]
        raws[LOGISTIC][rows] = fits.logistics[end].log_odds(data.numbers[rows], data.codes[rows])
        raws[MODEL][rows] = raws[LOGISTIC][rows]
        if walk.plan.kind == "lightgbm":
            raws[MODEL][rows] = Booster(fits.boosters[end].text).log_odds(walk.matrix[rows], threads=1)

    with ThreadPoolExecutor(walk.settings.threads, thread_name_prefix="predict") as pool:
        list(pool.map(predict, walk.plan.walk))
    return raws | {RECENCY: np.log1p(days_since_activity(data.names, data.numbers))}
