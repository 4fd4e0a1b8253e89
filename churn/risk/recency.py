"""The recency rule: whoever has been silent longest is most at risk. Needs no training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from churn.matrix import Batch, FeatureNames
from churn.risk.data import Floats
from churn.risk.model import ScoredBatch

RECENCY_FEATURES = ("days_since_last_usage", "days_since_last_purchase", "days_since_last_payment")
LONGEST_DAYS = 3650.0


def days_since_activity(names: FeatureNames, numbers: NDArray[np.float32]) -> Floats:
    """Return days since the last sign of life of any kind, shape (n,).

    The least of `RECENCY_FEATURES` as far as they are there; a customer without any, and one silent for ten
    years, gets 3,650 days, so that a customer's value never depends on the others in the batch.
    """
    present = [names.numbers.index(name) for name in RECENCY_FEATURES if name in names.numbers]
    days = np.full(len(numbers), LONGEST_DAYS)
    for column in present:
        days = np.fmin(days, numbers[:, column].astype(np.float64))
    return days


def recency_batches(names: FeatureNames, batches: Iterable[Batch]) -> Iterator[ScoredBatch]:
    """Rank customers for nights without a champion.

    Yields
    ------
    ScoredBatch
        `risk_score` is days since the last activity (higher = riskier); `churn_probability` is NaN: a rule
        that was never calibrated gives none.
    """
    for batch in batches:
        days = days_since_activity(names, batch.numbers)
        yield ScoredBatch(batch.customer_keys, days, np.full(len(batch), np.nan))
