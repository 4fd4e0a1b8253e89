"""Training: choose what history allows, walk forward, judge, refuse or refit on everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.matrix import FeatureNames
from churn.risk.bootstrap import Interval
from churn.risk.calibrated import FINAL, calibrate, out_of_time_predictions, walk_predictions
from churn.risk.calibration import Calibrator, weighted_rate
from churn.risk.data import TrainingSet, TrainSettings, sampled_customers
from churn.risk.evaluation import BASE_RATE, MODEL, Predictions
from churn.risk.model import RiskModel
from churn.risk.notes import calibrator_notes, gain_over, honest_notes, plan_notes
from churn.risk.refusals import refuse_no_signal, refuse_too_little, too_short
from churn.risk.season import Season
from churn.risk.season_fit import find_season, repeats, with_season
from churn.risk.splits import Plan, Snapshot, boosting_plan, logistic_plan, snapshots_of
from churn.risk.walk import Fits, Walk, fit_all, raw_predictions
from churn.windows import matures_on


@dataclass(frozen=True)
class TrainingResult:
    """A model that may be promoted, with what it is worth.

    Attributes
    ----------
    model : RiskModel
        Refitted on all matured snapshots.
    predictions : Predictions
        The test row by row, every predictor, calibrated on earlier, matured months only.
    walk : Predictions
        All walk-forward months, the model alone: raw scores, and probabilities by the final calibrator.
    notes : tuple of str
        What was done and what the figures can't tell, in plain sentences.
    gain : Interval
        Log loss of the base rate minus the model's, in nats, on the test months.
    kept_share : float
        Share of the customers that training kept; below 1 where it sampled them.
    """

    model: RiskModel
    predictions: Predictions
    walk: Predictions
    notes: tuple[str, ...]
    gain: Interval
    kept_share: float


def train_model(data: TrainingSet, settings: TrainSettings, *, until: date | None = None) -> TrainingResult:
    """Train on matured snapshots and judge walk-forward.

    Parameters
    ----------
    data : TrainingSet
        Labels must have matured; snapshots that had not by `until` are left out.
    settings : TrainSettings
    until : date, optional
        The run's business date. None takes every label as matured.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ModelError
        With the counts and what would be enough: nothing matured, one class, too few churners, too short a
        history to test out of time, or no signal (methods.md, "Judging probabilities").
    """
    # On cores that others use too, threads of one matrix product wait for each other: ten times as long, measured.
    with threadpool_limits(limits=1, user_api="blas"):
        return _trained(data, settings, until)


def _trained(data: TrainingSet, settings: TrainSettings, until: date | None) -> TrainingResult:
    offered = len(np.unique(data.customer_keys))
    data, notes = usable_rows(data, settings, until)
    kept_share = len(np.unique(data.customer_keys)) / max(offered, 1)
    snapshots = snapshots_of(data)
    refuse_too_little(data, snapshots, settings)
    plan = _plan(snapshots, settings)
    seasonal = plan.kind == "lightgbm" and repeats(snapshots, plan)
    walk = Walk.of(with_season(data, settings) if seasonal else data, plan, settings)
    fits = fit_all(walk)
    raws = raw_predictions(walk, fits)
    calibrators = calibrate(walk, raws)
    found = find_season(walk, snapshots, fits, raws, calibrators)
    predictions = out_of_time_predictions(walk, raws, calibrators, found.shifts)
    gain = gain_over(predictions, predictions.probability[BASE_RATE], settings)
    refuse_no_signal(predictions, gain, settings)
    model = _refitted(walk, data.names, snapshots, fits, calibrators[MODEL, FINAL], found.season)
    notes += [*plan_notes(plan, snapshots, fits.trees, settings), found.note, *calibrator_notes(model.calibrator)]
    notes += honest_notes(data.names.numbers, plan.kind, predictions, settings)
    walked = walk_predictions(walk, raws[MODEL], model.calibrator, model.season)
    return TrainingResult(model, predictions, walked, tuple(notes), gain, kept_share)


def usable_rows(data: TrainingSet, settings: TrainSettings, until: date | None) -> tuple[TrainingSet, list[str]]:
    """Leave out rows of weight 0 and immature snapshots, then sample customers down to the cap; say so in notes."""
    notes: list[str] = []
    if data.weights is not None and not data.weights.all():
        notes.append(f"Left out {int((data.weights == 0).sum()):,} customer-months whose weight is 0.")
        data = data.take(data.weights > 0)
    if until is not None:
        wait = matures_on(until, settings.horizon_days, settings.grace_days) - until
        matured = data.as_of <= (until - wait).toordinal()
        if not matured.all():
            left_out = len(np.unique(data.as_of[~matured]))
            notes.append(f"Left out {left_out} snapshots whose labels had not matured by {until}.")
            data = data.take(matured)
    kept = sampled_customers(data.customer_keys, settings.max_rows, settings.seed)
    if not kept.all():
        notes.append(
            f"Sampled customers uniformly: {int(kept.sum()):,} of {len(data):,} customer-months kept "
            f"(cap {settings.max_rows:,})."
        )
        data = data.take(kept)
    return data, notes


def _plan(snapshots: list[Snapshot], settings: TrainSettings) -> Plan:
    plan = boosting_plan(snapshots, settings) or logistic_plan(snapshots, settings)
    if plan is None:
        raise too_short(snapshots, settings)
    return plan


def _refitted(
    walk: Walk,
    names: FeatureNames,
    snapshots: list[Snapshot],
    fits: Fits,
    calibrator: Calibrator,
    season: Season,
) -> RiskModel:
    """Put together the model that was refitted on all matured snapshots."""
    data, settings, last = walk.data, walk.settings, snapshots[-1].as_of
    boosted = walk.plan.kind == "lightgbm"
    return RiskModel(
        kind=walk.plan.kind,
        names=names,
        booster_text=fits.boosters[len(data)].text if boosted else "",
        logistic=None if boosted else fits.logistics[len(data)],
        calibrator=calibrator,
        first_as_of=snapshots[0].as_of,
        last_as_of=last,
        labels_end=matures_on(last, settings.horizon_days, settings.grace_days),
        base_rate=weighted_rate(data.churned, data.weight),
        trees=fits.trees,
        settings=settings,
        season=season,
    )
