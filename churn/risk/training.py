"""Training: choose what history allows, walk forward, judge, refuse or refit on everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.errors import ModelError
from churn.risk import metrics
from churn.risk.boosting import Booster
from churn.risk.bootstrap import Interval, better_than
from churn.risk.data import Floats, TrainingSet, TrainSettings, sampled_customers
from churn.risk.evaluation import (
    BASE_RATE,
    LOGISTIC,
    MODEL,
    RECENCY,
    Evaluation,
    Predictions,
    evaluate,
    level_only,
)
from churn.risk.model import RiskModel
from churn.risk.recency import RECENCY_FEATURES
from churn.risk.splits import (
    FIT_CHURNERS,
    Fold,
    Plan,
    Snapshot,
    boosting_plan,
    disjoint_windows,
    enough_on,
    logistic_plan,
    snapshots_of,
)
from churn.risk.walk import Walk, best_trees, calibrator_for, out_of_time_predictions, raw_predictions
from churn.windows import matures_on


@dataclass(frozen=True)
class TrainingResult:
    """A model that may be promoted, with what it is worth.

    Attributes
    ----------
    model : RiskModel
        Refitted on all matured snapshots.
    evaluations : tuple of Evaluation
        Out of time, one per predictor.
    notes : tuple of str
        What was done and what the figures can't tell, in plain sentences.
    gain : Interval
        Log loss of the base rate minus the model's, in nats, on the test months.
    predictions : Predictions
        The test row by row, for comparison with a champion on the same rows.
    """

    model: RiskModel
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...]
    gain: Interval
    predictions: Predictions


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
    data, notes = _usable(data, settings, until)
    kept_share = len(np.unique(data.customer_keys)) / max(offered, 1)
    snapshots = snapshots_of(data)
    _refuse_too_little(data, snapshots, settings)
    plan = _plan(snapshots, settings)
    walk = Walk.of(data, plan, settings)
    trees = best_trees(walk) if plan.kind == "lightgbm" else 0
    raws = raw_predictions(walk, lambda fold: _predicted(walk, fold, trees))
    predictions = out_of_time_predictions(walk, raws)
    gain = _gain(predictions, predictions.probability[BASE_RATE], settings)
    _refuse_no_signal(predictions, gain, settings)
    evaluations = evaluate(predictions, max(1, round(settings.list_size * kept_share)), settings)
    notes += [*_plan_notes(plan, snapshots, trees, settings), *_honest_notes(walk, predictions)]
    return TrainingResult(
        _refitted(walk, snapshots, raws[MODEL], trees), tuple(evaluations), tuple(notes), gain, predictions
    )


def _usable(data: TrainingSet, settings: TrainSettings, until: date | None) -> tuple[TrainingSet, list[str]]:
    """Leave out immature snapshots, then sample customers down to the cap."""
    notes: list[str] = []
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


def _refuse_too_little(data: TrainingSet, snapshots: list[Snapshot], settings: TrainSettings) -> None:
    if not snapshots:
        raise ModelError(
            "No snapshot has matured: a label is known "
            f"{settings.horizon_days + settings.grace_days} days after its month end.",
            "Train again when one has; until then nights rank by the recency rule.",
        )
    churners = int(data.churned.sum())
    seen = (
        f"{churners:,} of {len(data):,} customer-months churned in {len(snapshots)} matured snapshots "
        f"({snapshots[0].as_of} to {snapshots[-1].as_of})"
    )
    if churners == len(data):
        raise ModelError(
            f"There is one class only: {seen}.",
            "Check the churn definition: nobody is ever counted as staying.",
        )
    if churners < settings.min_churners:
        months = -(-settings.min_churners * len(snapshots) // churners) if churners else 0
        at_this_rate = f", about {months} snapshots at this rate" if months else ""
        raise ModelError(
            f"There are too few churners to learn from: {seen}.",
            f"At least {settings.min_churners} are needed{at_this_rate}; a longer horizon finds more.",
        )


def _plan(snapshots: list[Snapshot], settings: TrainSettings) -> Plan:
    plan = boosting_plan(snapshots, settings) or logistic_plan(snapshots, settings)
    if plan is not None:
        return plan
    purge = settings.horizon_days + settings.grace_days
    enough = enough_on(snapshots[0].as_of, 2, settings)
    churners = ", ".join(f"{snapshot.as_of}: {snapshot.churners}" for snapshot in snapshots[-12:])
    raise ModelError(
        "History is too short to test a model on time it has not seen. Matured snapshots: "
        f"{len(snapshots)}; disjoint label windows of {purge} days: {disjoint_windows(snapshots, settings)}; "
        f"churners by snapshot: {churners}.",
        f"Two windows with {FIT_CHURNERS} churners in the first are enough, on {enough} at the earliest.",
    )


def _predicted(walk: Walk, fold: Fold, trees: int) -> Floats:
    booster = Booster(walk.booster_on(fold.fit_end, trees))
    return booster.log_odds(walk.matrix[fold.start : fold.end], threads=1)


def _gain(predictions: Predictions, other: Floats, settings: TrainSettings) -> Interval:
    """Return how much less the model's log loss is than that of other probabilities of the same rows."""
    churned = predictions.churned
    return better_than(
        metrics.log_losses(churned, predictions.probability[MODEL]),
        metrics.log_losses(churned, other),
        predictions.customer_keys,
        seed=settings.seed,
        replicates=settings.replicates,
    )


def _refuse_no_signal(predictions: Predictions, over_base_rate: Interval, settings: TrainSettings) -> None:
    """Refuse a model that is not better than the base rate, or is so only by guessing its level.

    The second is a construction of this project: where churn drifts, a calibrated model follows the level without
    knowing anybody, so it must also beat its own monthly mean.
    """
    over_level = _gain(predictions, level_only(predictions), settings)
    gain = min(over_base_rate, over_level, key=lambda interval: interval.low)
    if gain.low > 0:
        return
    churners, rows = int(predictions.churned.sum()), len(predictions.churned)
    if gain.mean > 0:
        needed = round(churners * ((gain.mean - gain.low) / gain.mean) ** 2)
        hint = f"If that is real, about {needed:,} churners in the test would show it: wait for more months."
    else:
        hint = "Map more of what customers do (usage, payments, tickets), then train again."
    raise ModelError(
        f"No signal: on {rows:,} later customer-months with {churners:,} churners the model's log loss is "
        f"{gain.mean:.5f} nats below the base rate's (95 % interval {gain.low:.5f} to {gain.high:.5f}), "
        "which may be nothing.",
        hint,
    )


def _plan_notes(plan: Plan, snapshots: list[Snapshot], trees: int, settings: TrainSettings) -> list[str]:
    purge = settings.horizon_days + settings.grace_days
    tested = ", ".join(str(fold.as_of) for fold in plan.tests)
    notes = [f"Tested walk-forward on {tested}, each fitted on snapshots at least {purge} days earlier."]
    if len(plan.tests) < settings.test_months:
        notes.append(f"Only {len(plan.tests)} of {settings.test_months} test months: history is short.")
    if plan.kind == "logistic":
        windows = disjoint_windows(snapshots, settings)
        return [
            *notes,
            f"History holds {windows} disjoint label windows of {purge} days (churners: "
            f"{sum(snapshot.churners for snapshot in snapshots):,}), too little for LightGBM (3 windows, "
            f"{FIT_CHURNERS} churners in the first): the model is a logistic regression with its own "
            "probabilities, not calibrated on later time.",
        ]
    if plan.stop is None:
        return [*notes, f"No snapshot could be spared to choose the number of trees: {trees} by default."]
    shared = " (half of its customers; the other half calibrates)" if plan.stop_shared else ""
    return [*notes, f"{trees} trees, chosen by early stopping on {plan.stop.as_of}{shared}."]


def _honest_notes(walk: Walk, predictions: Predictions) -> list[str]:
    notes = []
    if not set(RECENCY_FEATURES) & set(walk.data.names.numbers):
        notes.append("No feature tells when a customer was last active: the recency rule ranks nobody.")
    rivals = {RECENCY: "the recency rule"}
    if walk.plan.kind == "lightgbm":
        rivals[LOGISTIC] = "logistic regression"
    for name, words in rivals.items():
        lead = _gain(predictions, predictions.probability[name], walk.settings)
        if not lead.low > 0:
            notes.append(
                f"Not shown to be ahead of {words}: log loss lower by {lead.mean:.5f} nats "
                f"(95 % interval {lead.low:.5f} to {lead.high:.5f})."
            )
    return notes


def _refitted(walk: Walk, snapshots: list[Snapshot], raw: Floats, trees: int) -> RiskModel:
    """Refit on all matured snapshots, with a calibrator of all walk-forward predictions."""
    data, settings, last = walk.data, walk.settings, snapshots[-1].as_of
    boosted = walk.plan.kind == "lightgbm"
    return RiskModel(
        kind=walk.plan.kind,
        names=data.names,
        booster_text=walk.booster_on(len(data), trees) if boosted else "",
        logistic=None if boosted else walk.logistic_on(len(data)),
        calibrator=calibrator_for(walk, raw, None),
        first_as_of=snapshots[0].as_of,
        last_as_of=last,
        labels_end=matures_on(last, settings.horizon_days, settings.grace_days),
        base_rate=float(data.churned.mean()),
        trees=trees,
        settings=settings,
    )
