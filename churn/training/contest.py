"""Champion and challenger: whether the new model takes over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import registry
from churn.errors import ModelError
from churn.matrix import Batch
from churn.risk import Evaluation, Predictions, RiskModel, TrainingSet, better_than, score_batches
from churn.risk.evaluation import MODEL, RECENCY
from churn.risk.metrics import log_losses
from churn.risk.scoring import refuse_redefined
from churn.training.data import rows_tested

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """Whether a new model takes over, and why in words."""

    promoted: bool
    reason: str


@dataclass(frozen=True)
class Contender:
    """A new model with what it is judged by.

    Attributes
    ----------
    model : RiskModel
    evaluations : sequence of Evaluation
        Of every predictor on the test rows.
    predictions : Predictions
        The test row by row.
    data : TrainingSet
        Holds the test rows.
    definitions : mapping of str to str
        How each feature is computed now.
    """

    model: RiskModel
    evaluations: tuple[Evaluation, ...]
    predictions: Predictions
    data: TrainingSet
    definitions: Mapping[str, str]

    @property
    def figures(self) -> dict[str, Evaluation]:
        """The evaluations by predictor."""
        return {evaluation.predictor: evaluation for evaluation in self.evaluations}


def contest(connection: Connection, contender: Contender, confidence: float) -> Verdict:
    """Say whether the new model takes over, and why.

    On the test months that began after the champion's last label was known, both are compared on the same rows: the
    new model takes over where its log loss is lower in at least a share `confidence` of the resamples of customers.
    Where there are no such months (the champion learned from all of them), the newer model takes over if it is ahead
    of the recency rule.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    contender : Contender
    confidence : float
        `train.promotion_confidence`, in [0.5, 1).
    """
    figures = contender.figures
    if figures[MODEL].log_loss >= figures[RECENCY].log_loss:
        return Verdict(False, "Stored, not promoted: its log loss out of time is not below the recency rule's.")
    stored = registry.champion(connection, registry.CHURN)
    if stored is None:
        return Verdict(True, "Promoted: the first model, ahead of the base rate and the recency rule out of time.")
    try:
        champion = RiskModel.from_text(stored.artifact, stored.sha256)
        refuse_unusable(champion, contender)
    except ModelError as error:
        return Verdict(True, f"Promoted: {stored.model_version} can't go on. {error.message}")
    fair = contender.predictions.as_of >= champion.labels_end.toordinal()
    if not fair.any():
        return Verdict(
            True,
            f"Promoted: {stored.model_version} has learned from every test month, so that they can't be compared "
            "fairly; this one is newer and ahead of the recency rule.",
        )
    return _compared(contender, champion, stored.model_version, fair, confidence)


def refuse_unusable(champion: RiskModel, contender: Contender) -> None:
    """Refuse a champion that no night can be scored by, or that predicts something else.

    Raises
    ------
    ModelError
        Its horizon is another, or features that it needs are missing or computed differently now.
    """
    horizon, wanted = champion.settings.horizon_days, contender.model.settings.horizon_days
    if horizon != wanted:
        raise ModelError(f"It predicts {horizon} days ahead; churn.horizon_days is {wanted}.")
    names = contender.data.names
    lacking = sorted({*champion.names.numbers, *champion.names.categories} - {*names.numbers, *names.categories})
    if lacking:
        raise ModelError(f"It needs features that are not computed any more: {', '.join(lacking)}.")
    refuse_redefined(champion, contender.definitions)


def _compared(
    contender: Contender, champion: RiskModel, version: str, fair: NDArray[np.bool_], confidence: float
) -> Verdict:
    predictions = contender.predictions
    churned = predictions.churned[fair]
    gain = better_than(
        log_losses(churned, predictions.probability[MODEL][fair]),
        log_losses(churned, _champion_probability(champion, contender, fair)),
        predictions.customer_keys[fair],
        seed=contender.model.settings.seed,
        weights=predictions.weight[fair],
    )
    verdict = (
        f"log loss {gain.mean:+.5f} [{gain.low:+.5f}, {gain.high:+.5f}] better than {version}'s on the "
        f"{int(fair.sum()):,} rows that neither had seen, ahead in {gain.positive_share:.1%} of the resamples "
        f"({confidence:.1%} needed)"
    )
    if gain.positive_share >= confidence:
        return Verdict(True, f"Promoted: {verdict}.")
    return Verdict(False, f"Stored, not promoted: {verdict}.")


def _champion_probability(champion: RiskModel, contender: Contender, fair: NDArray[np.bool_]) -> Floats:
    """Score the fair test rows by the champion, in the order of the predictions."""
    data, predictions = contender.data, contender.predictions
    rows, scored = rows_tested(data, predictions), np.full(len(predictions.as_of), np.nan)
    for day in np.unique(predictions.as_of[fair]):
        tested = predictions.as_of == day
        month = rows[tested]
        batch = Batch(data.customer_keys[month], data.numbers[month], data.codes[month])
        (found,) = score_batches(champion, data.names, [batch], as_of=date.fromordinal(int(day)))
        scored[tested] = found.churn_probability
    return scored[fair]
