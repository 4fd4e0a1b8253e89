"""Made-up predictions for the tests of the measures: customers whose true probabilities are known."""

from __future__ import annotations

import numpy as np

from churn.risk import TrainSettings
from churn.risk.evaluation import BASE_RATE, MODEL, RECENCY, Predictions

SETTINGS = TrainSettings(horizon_days=30, replicates=200)


def predictions(
    customers: int = 600, months: int = 3, seed: int = 1, level: float = -1.8, *, ties: bool = False
) -> Predictions:
    """Draw outcomes from the model's own probabilities; the recency rule is a noisier ranking."""
    random = np.random.default_rng(seed)
    rows = customers * months
    keys = np.tile(np.arange(customers, dtype=np.int64), months)
    log_odds = random.normal(level, 1, customers)[keys] + random.normal(0, 0.5, rows)
    if ties:
        log_odds = np.round(log_odds)
    p = 1 / (1 + np.exp(-log_odds))
    churned = np.asarray(random.random(rows) < p)
    silent = np.round(np.exp(0.5 * log_odds + random.normal(3, 1, rows))).astype(np.float64)
    return Predictions(
        np.repeat(738_000 + 30 * np.arange(months, dtype=np.int64), customers),
        keys,
        churned,
        {MODEL: log_odds, RECENCY: silent, BASE_RATE: np.zeros(rows)},
        {MODEL: p, RECENCY: np.clip(silent / 400, 0.01, 0.9), BASE_RATE: np.full(rows, churned.mean())},
    )
