"""Predictions beside the true probabilities: figures without the noise of who happened to leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import rankdata

from churn.risk import Predictions

TRUTH = "true_probability"
_CLIP = 1e-12

Floats = NDArray[np.float64]
TrueProbabilities = Callable[[date], pd.DataFrame]


@dataclass(frozen=True)
class Agreement:
    """How a predictor's ranking and probabilities agree with the true probabilities.

    Attributes
    ----------
    auc_expected : float
        AUC expected over all ways in which the same customers might have left or stayed.
    rank_correlation : float
        Spearman's, with the true probability.
    top_decile : float
        Mean true probability of the riskiest tenth by this predictor.
    top_decile_share : float
        The same, over that of the riskiest tenth by the true probability; 1 is perfect.
    mean_absolute_gap : float
        Mean |p - true p|; NaN without probabilities.
    true_observed_expected : float
        Sum of true probabilities over the sum of predicted ones.
    """

    auc_expected: float
    rank_correlation: float
    top_decile: float
    top_decile_share: float
    mean_absolute_gap: float
    true_observed_expected: float


def with_truth(predictions: Predictions, truth: TrueProbabilities, ids: Mapping[int, str]) -> Predictions:
    """Return the same rows with the true probability as one more predictor.

    Parameters
    ----------
    predictions : Predictions
    truth : callable
        Gives the true probabilities of a date: columns `customer_id` and `churn_probability`.
    ids : mapping of customer_key to customer_id

    Raises
    ------
    KeyError
        A row's customer is not active in the simulation: the two disagree about who is a customer.
    """
    p = np.empty(len(predictions.churned))
    for day in np.unique(predictions.as_of):
        rows = np.flatnonzero(predictions.as_of == day)
        known = truth(date.fromordinal(int(day))).set_index("customer_id")["churn_probability"]
        p[rows] = known.loc[[ids[int(key)] for key in predictions.customer_keys[rows]]].to_numpy()
    score = logit(np.clip(p, _CLIP, 1 - _CLIP))
    return replace(
        predictions, score={**predictions.score, TRUTH: score}, probability={**predictions.probability, TRUTH: p}
    )


def agreement(score: Floats, probability: Floats, true_probability: Floats) -> Agreement:
    """Compare a predictor with the truth, row by row; all shapes (n,)."""
    best = _top_decile(true_probability, true_probability)
    found = _top_decile(score, true_probability)
    ranks, true_ranks = rankdata(score), rankdata(true_probability)
    constant = np.ptp(score) == 0
    return Agreement(
        auc_expected=expected_auc(score, true_probability),
        rank_correlation=float("nan") if constant else float(np.corrcoef(ranks, true_ranks)[0, 1]),
        top_decile=found,
        top_decile_share=found / best,
        mean_absolute_gap=float(np.abs(probability - true_probability).mean()),
        true_observed_expected=float(true_probability.sum() / probability.sum()),
    )


def expected_auc(score: Floats, true_probability: Floats) -> float:
    """Return the chance that a churner outranks a stayer, when each row churns with its true probability.

    The ratio of the expected numbers of ordered pairs and of pairs, of different rows; ties count half.
    """
    _, place = np.unique(score, return_inverse=True)
    churners, stayers = np.bincount(place, true_probability), np.bincount(place, 1 - true_probability)
    below = np.cumsum(stayers) - stayers / 2
    itself = float(true_probability @ (1 - true_probability))
    pairs = churners.sum() * stayers.sum() - itself
    return float((churners @ below - itself / 2) / pairs)


def _top_decile(score: Floats, true_probability: Floats) -> float:
    """Return the mean true probability of the riskiest tenth, ties at its end counted in proportion."""
    size = -(-len(score) // 10)
    boundary = np.partition(score, len(score) - size)[len(score) - size]
    above, tied = score > boundary, score == boundary
    total = true_probability[above].sum() + (size - above.sum()) * true_probability[tied].mean()
    return float(total / size)
