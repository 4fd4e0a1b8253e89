"""Predictions beside the true probabilities: figures without the noise of who happened to leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import rankdata

from churn.risk import Predictions, TrainingSet
from churn.risk.data import Floats

TRUTH = "true_probability"
_CLIP = 1e-12
_KEYS = 1 << 40
_STEPS = 50


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
    mean_absolute_gap : float
        Mean |p - true p|; NaN without probabilities.
    true_slope : float
        Slope of the calibration line expected over all ways in which the same customers might have left.
    true_observed_expected : float
        Sum of true probabilities over the sum of predicted ones.
    """

    auc_expected: float
    rank_correlation: float
    top_decile: float
    mean_absolute_gap: float
    true_slope: float
    true_observed_expected: float


def rows_of(data: TrainingSet, predictions: Predictions) -> NDArray[np.int64]:
    """Return where the predicted rows stand in the training set, shape (n,).

    Raises
    ------
    KeyError
        A predicted row is not in the training set.
    """
    known = data.as_of * _KEYS + data.customer_keys
    wanted = predictions.as_of * _KEYS + predictions.customer_keys
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    if not np.array_equal(known[place], wanted):
        raise KeyError("a predicted row is not among the customer-months")
    return np.asarray(place, dtype=np.int64)


def with_predictor(predictions: Predictions, name: str, probability: Floats) -> Predictions:
    """Return the same rows with one more predictor, that ranks by its probability, shape (n,)."""
    score = logit(np.clip(probability, _CLIP, 1 - _CLIP))
    return replace(
        predictions,
        score={**predictions.score, name: score},
        probability={**predictions.probability, name: probability},
    )


def agreement(score: Floats, probability: Floats, true_probability: Floats) -> Agreement:
    """Compare a predictor with the truth, row by row; all shapes (n,)."""
    ranks, true_ranks = rankdata(score), rankdata(true_probability)
    constant = np.ptp(score) == 0
    return Agreement(
        auc_expected=expected_auc(score, true_probability),
        rank_correlation=float("nan") if constant else float(np.corrcoef(ranks, true_ranks)[0, 1]),
        top_decile=top_decile(score, true_probability),
        mean_absolute_gap=float(np.abs(probability - true_probability).mean()),
        true_slope=expected_slope(probability, true_probability),
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


def top_decile(score: Floats, true_probability: Floats) -> float:
    """Return the mean true probability of the riskiest tenth, ties at its end counted in proportion."""
    size = -(-len(score) // 10)
    boundary = np.partition(score, len(score) - size)[len(score) - size]
    above, tied = score > boundary, score == boundary
    total = true_probability[above].sum() + (size - above.sum()) * true_probability[tied].mean()
    return float(total / size)


def expected_slope(probability: Floats, true_probability: Floats) -> float:
    """Return the slope of the logistic regression of the truth on logit(probability); NaN for a constant.

    The maximum of the likelihood expected under the true probabilities, by Newton's method.
    """
    x = logit(np.clip(probability, _CLIP, 1 - _CLIP))
    if np.ptp(x) == 0:
        return float("nan")
    design = np.column_stack([np.ones_like(x), x])
    line = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        p = expit(design @ line)
        step = np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (true_probability - p))
        line += step
        if np.abs(step).max() < 1e-10:
            break
    return float(line[1])
