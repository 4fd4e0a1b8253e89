"""Champion and challenger."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import registry
from churn.matrix import Batch
from churn.risk import RiskModel, TrainingSet, better_than, score_batches
from churn.risk.evaluation import MODEL, RECENCY
from churn.risk.metrics import log_losses
from churn.risk.training import TrainingResult


def contest(connection: Connection, result: TrainingResult, data: TrainingSet) -> tuple[bool, str]:
    """Say whether the new model takes over, and why.

    On the test months that began after the champion's last label was known, both are compared on the same rows.
    Where there are none (the champion learned from all of them), the newer model takes over if it is ahead of the
    recency rule.
    """
    figures = {evaluation.predictor: evaluation for evaluation in result.evaluations}
    if figures[MODEL].log_loss >= figures[RECENCY].log_loss:
        return False, "Stored, not promoted: its log loss out of time is not below the recency rule's."
    stored = registry.champion(connection, registry.CHURN)
    if stored is None:
        return True, "Promoted: the first model, ahead of the base rate and the recency rule out of time."
    champion = RiskModel.from_text(stored.artifact, stored.sha256)
    fair = result.predictions.as_of >= champion.labels_end.toordinal()
    if not fair.any() or not set(champion.names.numbers) <= set(data.names.numbers):
        return True, (
            f"Promoted: {stored.model_version} has learned from every test month, so that they can't be compared "
            "fairly; this one is trained on newer data and ahead of the recency rule."
        )
    gain = better_than(
        log_losses(result.predictions.churned[fair], result.predictions.probability[MODEL][fair]),
        log_losses(result.predictions.churned[fair], _champion_probability(champion, data, result)[fair]),
        result.predictions.customer_keys[fair],
    )
    verdict = f"log loss {gain.mean:+.5f} [{gain.low:+.5f}, {gain.high:+.5f}] better than {stored.model_version}"
    if gain.mean > 0:
        return True, f"Promoted: {verdict} on the {int(fair.sum()):,} rows that neither had seen."
    return False, f"Stored, not promoted: {verdict} on the {int(fair.sum()):,} rows that neither had seen."


def _champion_probability(champion: RiskModel, data: TrainingSet, result: TrainingResult) -> NDArray[np.float64]:
    """Score the test rows by the champion, in the order of the result's predictions."""
    tested = np.isin(data.as_of, np.unique(result.predictions.as_of))
    rows = data.take(tested)

    def batches() -> Iterator[Batch]:
        yield Batch(rows.customer_keys, rows.numbers, rows.codes)

    scored = np.concatenate([part.churn_probability for part in score_batches(champion, data.names, batches())])
    known = pd.MultiIndex.from_arrays([rows.as_of, rows.customer_keys])
    wanted = pd.MultiIndex.from_arrays([result.predictions.as_of, result.predictions.customer_keys])
    return np.asarray(scored[known.get_indexer(wanted)], dtype=np.float64)
