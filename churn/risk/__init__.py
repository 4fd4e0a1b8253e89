"""Churn risk: train, judge and score. Pure: arrays in, arrays out, no database and no clock.

Training is in `churn.risk.training` and not imported here: a night's scoring never loads scikit-learn.
"""

from __future__ import annotations

from churn.risk.bootstrap import Interval, better_than
from churn.risk.data import TrainingSet, TrainSettings, customer_share, sampled_customers
from churn.risk.evaluation import Evaluation, Predictions
from churn.risk.model import RiskModel, ScoredBatch, text_sha256
from churn.risk.recency import recency_batches
from churn.risk.scoring import refuse_redefined, score_batches

__all__ = [
    "Evaluation",
    "Interval",
    "Predictions",
    "RiskModel",
    "ScoredBatch",
    "TrainSettings",
    "TrainingSet",
    "better_than",
    "customer_share",
    "recency_batches",
    "refuse_redefined",
    "sampled_customers",
    "score_batches",
    "text_sha256",
]
