"""The walk forward, calibrated: every month on months that had matured before it, and the baselines alike."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np

from churn.risk.calibration import Calibrator, clipped_expit, constant_calibrator, fit_calibrator
from churn.risk.calibration_fit import Pool, choose_calibrator
from churn.risk.data import Floats, Integers
from churn.risk.evaluation import BASE_RATE, LOGISTIC, MODEL, RECENCY, Predictions
from churn.risk.season import Season
from churn.risk.splits import Fold, pool_of
from churn.risk.walk import Raws, Walk

FINAL = None
Calibrators = Mapping[tuple[str, date | None], Calibrator]


def calibrate(walk: Walk, raws: Raws) -> Calibrators:
    """Fit every calibrator of model and logistic regression.

    Returns
    -------
    mapping of (predictor, as_of) to Calibrator
        The model's for every month that has matured months before it and, under `FINAL`, for the future; the logistic
        regression's for the test months. The same rule chooses the kind of all. A logistic regression in the short
        plan has no such months: its own probabilities stand.
    """
    tests = walk.plan.tests
    if walk.plan.kind == "logistic":
        months: list[date | None] = [fold.as_of for fold in tests]
        return {(name, as_of): Calibrator() for name in (MODEL, LOGISTIC) for as_of in [*months, FINAL]}
    wanted: list[tuple[str, Fold | None]] = [(MODEL, FINAL)]
    wanted += [(name, fold) for fold in reversed(tests) for name in (MODEL, LOGISTIC)]
    wanted += [(MODEL, fold) for fold in walk.plan.walk if fold not in tests and _matured(walk, fold)]
    with ThreadPoolExecutor(walk.settings.threads, thread_name_prefix="calibrate") as pool:
        fitted = pool.map(lambda each: _calibrator(walk, raws[each[0]], each[1]), wanted)
        return {
            (name, None if fold is None else fold.as_of): found
            for (name, fold), found in zip(wanted, fitted, strict=True)
        }


def _matured(walk: Walk, fold: Fold) -> list[Fold]:
    return pool_of(fold, walk.plan.walk, walk.settings)


def _calibrator(walk: Walk, raw: Floats, fold: Fold | None) -> Calibrator:
    rows = pooled_rows(walk, fold)
    data = walk.data
    pool = Pool(raw[rows], data.churned[rows], data.weight[rows], data.customer_keys[rows])
    return choose_calibrator(pool, walk.settings.seed)


def pooled_rows(walk: Walk, fold: Fold | None) -> Integers:
    """List the rows that may calibrate predictions of `fold` (None: of the future), shape (m,)."""
    rows = np.zeros(len(walk.data), dtype=np.bool_)
    for month in walk.plan.walk if fold is None else _matured(walk, fold):
        rows[month.start : month.end] = True
    return np.flatnonzero(rows & ~walk.spent_on_stopping())


def out_of_time_predictions(
    walk: Walk, raws: Raws, calibrators: Calibrators, shifts: Mapping[date, float]
) -> Predictions:
    """Calibrate every test month on time before it, and give the baselines the same information.

    Parameters
    ----------
    shifts : mapping of date to float
        What the season adds to the log-odds of a test month, known when it began; nothing where it is not there.
    """
    tests, data = walk.plan.tests, walk.data
    score: dict[str, list[Floats]] = {name: [] for name in (*raws, BASE_RATE)}
    probability: dict[str, list[Floats]] = {name: [] for name in (*raws, BASE_RATE)}
    for fold in tests:
        shift = shifts.get(fold.as_of, 0.0)
        for name, (month_score, log_odds) in _calibrated_month(walk, raws, calibrators, fold).items():
            score[name].append(month_score + shift if name in (MODEL, LOGISTIC) else month_score)
            probability[name].append(clipped_expit(log_odds + shift))
    rows = np.concatenate([np.arange(fold.start, fold.end) for fold in tests])
    return Predictions(
        data.as_of[rows],
        data.customer_keys[rows],
        data.churned[rows],
        {name: np.concatenate(parts) for name, parts in score.items()},
        {name: np.concatenate(parts) for name, parts in probability.items()},
        None if data.weights is None else data.weights[rows],
    )


def _calibrated_month(walk: Walk, raws: Raws, calibrators: Calibrators, fold: Fold) -> dict[str, tuple[Floats, Floats]]:
    """Return (score, calibrated log-odds) of each predictor for one month.

    The base rate and the recency rule take their level from the rows that set the model's: the calibrator's,
    or in the short plan those it was fitted on. Otherwise a shift of the level alone would look like skill.
    """
    month = slice(fold.start, fold.end)
    level_rows = np.arange(fold.fit_end) if walk.plan.kind == "logistic" else pooled_rows(walk, fold)
    churned, weight = walk.data.churned[level_rows], walk.data.weight[level_rows]
    found: dict[str, tuple[Floats, Floats]] = {}
    for name in (MODEL, LOGISTIC):
        log_odds = calibrators[name, fold.as_of].log_odds(raws[name][month])
        found[name] = log_odds, log_odds
    silence = raws[RECENCY]
    found[RECENCY] = silence[month], fit_calibrator(silence[level_rows], churned, weight).log_odds(silence[month])
    constant = np.zeros(fold.end - fold.start)
    found[BASE_RATE] = constant, constant_calibrator(churned, weight).log_odds(constant)
    return found


def walk_predictions(walk: Walk, raw: Floats, calibrator: Calibrator, season: Season) -> Predictions:
    """Return the model on every walk-forward month: raw scores, and probabilities by the final calibrator."""
    data = walk.data
    rows = np.concatenate([np.arange(fold.start, fold.end) for fold in walk.plan.walk])
    shift = np.concatenate([np.full(fold.end - fold.start, season.shift(fold.as_of)) for fold in walk.plan.walk])
    return Predictions(
        data.as_of[rows],
        data.customer_keys[rows],
        data.churned[rows],
        {MODEL: raw[rows]},
        {MODEL: clipped_expit(calibrator.log_odds(raw[rows]) + shift)},
        None if data.weights is None else data.weights[rows],
    )
