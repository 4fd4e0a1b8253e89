"""What a training run says of itself, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from churn.risk.bootstrap import Interval, better_than
from churn.risk.calibration import Calibrator
from churn.risk.data import Floats, TrainSettings
from churn.risk.evaluation import LOGISTIC, MODEL, RECENCY, Predictions
from churn.risk.metrics import log_losses
from churn.risk.recency import RECENCY_FEATURES
from churn.risk.splits import FIT_CHURNERS, Plan, Snapshot, disjoint_windows


def gain_over(predictions: Predictions, other: Floats, settings: TrainSettings) -> Interval:
    """Return how much less the model's log loss is than that of other probabilities of the same rows, in nats."""
    churned = predictions.churned
    return better_than(
        log_losses(churned, predictions.probability[MODEL]),
        log_losses(churned, other),
        predictions.customer_keys,
        seed=settings.seed,
        replicates=settings.replicates,
        weights=predictions.weights,
    )


def plan_notes(plan: Plan, snapshots: Sequence[Snapshot], trees: int, settings: TrainSettings) -> list[str]:
    """Say what was tested on what, which kind of model it is, and how the number of trees was chosen."""
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


def calibrator_notes(calibrator: Calibrator) -> list[str]:
    """Say so where the calibrator is not the usual one."""
    if calibrator.kind == "logistic":
        return []
    return [
        f"Calibration is {calibrator.kind}: on customers left out its log loss is less than logistic calibration's by "
        "more than one standard error."
    ]


def honest_notes(features: Sequence[str], kind: str, predictions: Predictions, settings: TrainSettings) -> list[str]:
    """Say where the model is not shown to be ahead of a simpler one."""
    notes = []
    if not set(RECENCY_FEATURES) & set(features):
        notes.append("No feature tells when a customer was last active: the recency rule ranks nobody.")
    rivals = {RECENCY: "the recency rule"}
    if kind == "lightgbm":
        rivals[LOGISTIC] = "logistic regression"
    for name, words in rivals.items():
        lead = gain_over(predictions, predictions.probability[name], settings)
        if not lead.low > 0:
            notes.append(
                f"Not shown to be ahead of {words}: log loss lower by {lead.mean:.5f} nats "
                f"(95 % interval {lead.low:.5f} to {lead.high:.5f})."
            )
    return notes
