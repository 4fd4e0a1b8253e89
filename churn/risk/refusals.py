"""When there is nothing to learn from, or nothing was learned: the counts, and what would be enough."""

from __future__ import annotations

from collections.abc import Sequence

from churn.errors import ModelError
from churn.risk.bootstrap import Interval
from churn.risk.data import TrainingSet, TrainSettings
from churn.risk.evaluation import Predictions, level_only
from churn.risk.notes import gain_over
from churn.risk.splits import FIT_CHURNERS, Snapshot, disjoint_windows, enough_on


def refuse_too_little(data: TrainingSet, snapshots: Sequence[Snapshot], settings: TrainSettings) -> None:
    """Refuse what no model can learn from.

    Raises
    ------
    ModelError
        Nothing has matured, there is one class only, or too few churners.
    """
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


def too_short(snapshots: Sequence[Snapshot], settings: TrainSettings) -> ModelError:
    """Return the refusal of a history in which no later month can be tested."""
    purge = settings.horizon_days + settings.grace_days
    enough = enough_on(snapshots[0].as_of, 2, settings)
    churners = ", ".join(f"{snapshot.as_of}: {snapshot.churners}" for snapshot in snapshots[-12:])
    return ModelError(
        "History is too short to test a model on time it has not seen. Matured snapshots: "
        f"{len(snapshots)}; disjoint label windows of {purge} days: {disjoint_windows(snapshots, settings)}; "
        f"churners by snapshot: {churners}.",
        f"Two windows with {FIT_CHURNERS} churners in the first are enough, on {enough} at the earliest.",
    )


def refuse_no_signal(predictions: Predictions, over_base_rate: Interval, settings: TrainSettings) -> None:
    """Refuse a model that is not better than the base rate, or is so only by guessing its level.

    The second is a construction of this project: where churn drifts, a calibrated model follows the level without
    knowing anybody, so it must also beat its own monthly mean.

    Raises
    ------
    ModelError
        The lower 95 % bound of either gain is not above 0.
    """
    over_level = gain_over(predictions, level_only(predictions), settings)
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
