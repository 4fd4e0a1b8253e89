"""Champion and challenger: whether the new model takes over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError
from churn.matrix import Batch
from churn.registry import StoredModel
from churn.risk import Evaluation, Predictions, RiskModel, TrainingSet, better_than, score_batches
from churn.risk.evaluation import MODEL, RECENCY
from churn.risk.metrics import log_losses
from churn.risk.scoring import raw_scorer, refuse_other_churn, refuse_redefined
from churn.training.data import rows_tested
from churn.training.recipe import same_recipe, walk_recipe

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
    churn : mapping
        What is to be predicted, as `churn_predicted` gives it.
    until : date, optional
        As the model was trained.
    """

    model: RiskModel
    evaluations: tuple[Evaluation, ...]
    predictions: Predictions
    data: TrainingSet
    definitions: Mapping[str, str]
    churn: Mapping[str, Any]
    until: date | None = None

    @property
    def figures(self) -> dict[str, Evaluation]:
        """The evaluations by predictor."""
        return {evaluation.predictor: evaluation for evaluation in self.evaluations}


def contest(stored: StoredModel | None, contender: Contender, confidence: float) -> Verdict:
    """Say whether the new model takes over, and why.

    On the test months that began after the champion's last label was known, both are compared on the same rows. Where
    there are none, a model that knows no later labels is stored only, one of the champion's own recipe takes over as
    its refresh, and one of another recipe is compared with the champion's recipe, walked forward over the same data.
    Compared, the new model takes over where its log loss is lower in at least a share `confidence` of the resamples
    of customers.

    Parameters
    ----------
    stored : StoredModel or None
        The champion.
    contender : Contender
    confidence : float
        `train.promotion_confidence`, in [0.5, 1).
    """
    figures = contender.figures
    if figures[MODEL].log_loss >= figures[RECENCY].log_loss:
        return Verdict(False, "Stored, not promoted: its log loss out of time is not below the recency rule's.")
    if stored is None:
        return Verdict(True, "Promoted: the first model, ahead of the base rate and the recency rule out of time.")
    try:
        champion = RiskModel.from_text(stored.artifact, stored.sha256)
        refuse_other_churn(champion, stored.details.get("churn", {}), contender.churn)
        if contender.model.labels_end < champion.labels_end:
            return Verdict(False, _not_newer(stored.model_version, contender.model, champion))
        refuse_unusable(champion, contender)
        return _compared(contender, champion, stored.model_version, confidence)
    except ModelError as error:
        return Verdict(True, f"Promoted: {stored.model_version} can't go on. {error.message}")


def refuse_unusable(champion: RiskModel, contender: Contender) -> None:
    """Refuse a champion that no night can be scored by.

    Raises
    ------
    ModelError
        Features that it needs are missing or computed differently now, or LightGBM can't read it.
    """
    names = contender.data.names
    lacking = sorted({*champion.names.numbers, *champion.names.categories} - {*names.numbers, *names.categories})
    if lacking:
        raise ModelError(f"It needs features that are not computed any more: {', '.join(lacking)}.")
    refuse_redefined(champion, contender.definitions)
    raw_scorer(champion)


def _compared(contender: Contender, champion: RiskModel, version: str, confidence: float) -> Verdict:
    """Compare with the champion itself where there are months that neither had seen, else with its recipe."""
    predictions, model = contender.predictions, contender.model
    fair = predictions.as_of >= champion.labels_end.toordinal()
    if fair.any():
        theirs = _champion_probability(champion, contender, fair)
        return _verdict(contender, fair, theirs, f"{version}'s", "that neither had seen", confidence)
    if same_recipe(model, champion):
        if model.labels_end == champion.labels_end:
            return Verdict(False, _not_newer(version, model, champion))
        return Verdict(
            True,
            f"Promoted: a refresh of {version}, by the same features and parameters, with labels up to "
            f"{model.labels_end} instead of {champion.labels_end}.",
        )
    walked = walk_recipe(champion, contender.data, model.settings, contender.until)
    shared, theirs = _shared(predictions, walked)
    return _verdict(
        contender, shared, theirs, f"that of {version}'s recipe", "predicted out of time by both", confidence
    )


def _not_newer(version: str, model: RiskModel, champion: RiskModel) -> str:
    return (
        f"Stored, not promoted: {version} knows labels up to {champion.labels_end}, this one up to {model.labels_end}. "
        "`churn models promote` puts it in use all the same."
    )


def _verdict(
    contender: Contender, rows: NDArray[np.bool_], theirs: Floats, against: str, which: str, confidence: float
) -> Verdict:
    """Judge the new model on some of its test rows against other probabilities of theirs, shape (rows.sum(),)."""
    predictions = contender.predictions
    churned = predictions.churned[rows]
    gain = better_than(
        log_losses(churned, predictions.probability[MODEL][rows]),
        log_losses(churned, theirs),
        predictions.customer_keys[rows],
        seed=contender.model.settings.seed,
        weights=predictions.weight[rows],
    )
    verdict = (
        f"log loss {gain.mean:+.5f} [{gain.low:+.5f}, {gain.high:+.5f}] better than {against} on the "
        f"{int(rows.sum()):,} rows {which}, ahead in {gain.positive_share:.1%} of the resamples "
        f"({confidence:.1%} needed)"
    )
    if gain.positive_share >= confidence:
        return Verdict(True, f"Promoted: {verdict}.")
    return Verdict(False, f"Stored, not promoted: {verdict}.")


def _shared(predictions: Predictions, walked: Predictions) -> tuple[NDArray[np.bool_], Floats]:
    """Return which of the predicted rows were walked too, shape (n,), and the walked probability of those."""
    places = {row: at for at, row in enumerate(_rows(walked))}
    found = np.array([places.get(row, -1) for row in _rows(predictions)], np.int64)
    return found >= 0, walked.probability[MODEL][found[found >= 0]]


def _rows(predictions: Predictions) -> list[tuple[int, int]]:
    return list(zip(predictions.as_of.tolist(), predictions.customer_keys.tolist(), strict=True))


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
