"""The walk forward: fit on what was known, predict the month after, calibrate on what had matured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from churn.risk.boosting import Matrix, booster_matrix, choose_trees, fit_booster
from churn.risk.calibration import Calibrator, fit_calibrator
from churn.risk.data import (
    Bools,
    Floats,
    Integers,
    TrainingSet,
    TrainSettings,
    customer_share,
    sampled_customers,
)
from churn.risk.evaluation import BASE_RATE, LOGISTIC, MODEL, RECENCY, Predictions
from churn.risk.logistic import LogisticModel
from churn.risk.logistic_fit import fit_logistic_model
from churn.risk.recency import days_since_activity
from churn.risk.splits import Fold, Plan, pool_of

FitPredict = Callable[[Fold], Floats]
Raws = Mapping[str, Floats]


@dataclass(frozen=True)
class Walk:
    """A training set with its plan, and the LightGBM input made once.

    Attributes
    ----------
    data : TrainingSet
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

    @property
    def categories(self) -> int:
        """Return the number of categorical features."""
        return len(self.data.names.categories)

    def logistic_on(self, fit_end: int) -> LogisticModel:
        """Fit the logistic regression on the rows [0, fit_end), sampled by customer above the cap."""
        keep = sampled_customers(self.data.customer_keys[:fit_end], self.settings.logistic_max_rows, self.settings.seed)
        return fit_logistic_model(
            self.data.numbers[:fit_end][keep],
            self.data.codes[:fit_end][keep],
            tuple(len(levels) for levels in self.data.names.levels),
            self.data.churned[:fit_end][keep],
            self.settings.seed,
        )

    def booster_on(self, fit_end: int, trees: int) -> str:
        """Fit LightGBM on the rows [0, fit_end) and return its text."""
        return fit_booster(self.matrix[:fit_end], self.data.churned[:fit_end], self.categories, trees, self.settings)

    def spent_on_stopping(self) -> Bools:
        """Say which rows chose the number of trees and so may not calibrate, shape (n,)."""
        stop = self.plan.stop
        spent = np.zeros(len(self.data), dtype=np.bool_)
        if stop is not None:
            spent[stop.start : stop.end] = True
            if self.plan.stop_shared:
                spent &= customer_share(self.data.customer_keys, self.settings.seed + 1) < 0.5
        return spent


def best_trees(walk: Walk) -> int:
    """Return the number of trees by early stopping on the plan's snapshot, or the default without one."""
    stop, settings = walk.plan.stop, walk.settings
    if stop is None:
        return settings.default_trees
    watched = walk.spent_on_stopping()
    fit = walk.matrix[: stop.fit_end], walk.data.churned[: stop.fit_end]
    later = walk.matrix[watched], walk.data.churned[watched]
    return choose_trees(fit, later, walk.categories, settings)


def raw_predictions(walk: Walk, model: FitPredict) -> Raws:
    """Predict every walk-forward month with every predictor that has a raw score.

    `settings.threads` months are fitted at once: fits hold no lock of Python's and share nothing that they change.

    Returns
    -------
    mapping of predictor to ndarray of float64, shape (n,)
        NaN outside the walk-forward months.
    """
    data = walk.data
    raws = {name: np.full(len(data), np.nan) for name in (MODEL, LOGISTIC)}

    def predict(fold: Fold) -> None:
        rows = slice(fold.start, fold.end)
        raws[LOGISTIC][rows] = walk.logistic_on(fold.fit_end).log_odds(data.numbers[rows], data.codes[rows])
        raws[MODEL][rows] = raws[LOGISTIC][rows] if walk.plan.kind == "logistic" else model(fold)

    with ThreadPoolExecutor(walk.settings.threads, thread_name_prefix="fit") as pool:
        list(pool.map(predict, reversed(walk.plan.walk)))
    return raws | {RECENCY: np.log1p(days_since_activity(data.names, data.numbers))}


def pooled_rows(walk: Walk, fold: Fold | None) -> Integers:
    """List the rows that may calibrate predictions of `fold` (None: of the future), shape (m,)."""
    months = walk.plan.walk if fold is None else pool_of(fold, walk.plan.walk, walk.settings)
    rows = np.zeros(len(walk.data), dtype=np.bool_)
    for month in months:
        rows[month.start : month.end] = True
    return np.flatnonzero(rows & ~walk.spent_on_stopping())


def calibrator_for(walk: Walk, raw: Floats, fold: Fold | None) -> Calibrator:
    """Fit the calibrator of a month (None: the final one) on the months that had matured by then.

    A logistic regression in the short plan has no such months: its own probabilities stand.
    """
    if walk.plan.kind == "logistic":
        return Calibrator()
    rows = pooled_rows(walk, fold)
    return fit_calibrator(raw[rows], walk.data.churned[rows])


def out_of_time_predictions(walk: Walk, raws: Raws) -> Predictions:
    """Calibrate every test month on time before it, and give the baselines the same information."""
    tests, data = walk.plan.tests, walk.data
    score: dict[str, list[Floats]] = {name: [] for name in (*raws, BASE_RATE)}
    probability: dict[str, list[Floats]] = {name: [] for name in (*raws, BASE_RATE)}
    for fold in tests:
        for name, (month_score, month_probability) in _calibrated_month(walk, raws, fold).items():
            score[name].append(month_score)
            probability[name].append(month_probability)
    rows = np.concatenate([np.arange(fold.start, fold.end) for fold in tests])
    return Predictions(
        data.as_of[rows],
        data.customer_keys[rows],
        data.churned[rows],
        {name: np.concatenate(parts) for name, parts in score.items()},
        {name: np.concatenate(parts) for name, parts in probability.items()},
    )


def _calibrated_month(walk: Walk, raws: Raws, fold: Fold) -> dict[str, tuple[Floats, Floats]]:
    """Return (score, probability) of each predictor for one month.

    The base rate and the recency rule take their level from the rows that set the model's: the calibrator's,
    or in the short plan those it was fitted on. Otherwise a shift of the level alone would look like skill.
    """
    month = slice(fold.start, fold.end)
    level_rows = np.arange(fold.fit_end) if walk.plan.kind == "logistic" else pooled_rows(walk, fold)
    churned = walk.data.churned[level_rows]
    found: dict[str, tuple[Floats, Floats]] = {}
    for name in (MODEL, LOGISTIC):
        calibrator = calibrator_for(walk, raws[name], fold)
        found[name] = calibrator.log_odds(raws[name][month]), calibrator.probability(raws[name][month])
    silence = raws[RECENCY]
    found[RECENCY] = silence[month], fit_calibrator(silence[level_rows], churned).probability(silence[month])
    constant = np.zeros(fold.end - fold.start)
    base = Calibrator(float(logit(churned.mean())), 0.0)
    found[BASE_RATE] = constant, base.probability(constant)
    return found
