"""How good a score or a probability is: ranking, the top of the list, and calibration.

Every function takes `churned` (bool, shape (n,)) and a `score` (any number, higher = riskier) or a
`probability` in [0, 1], both shape (n,), and returns a float; NaN where the figure is not defined (one class
only). Ties never depend on the order of rows.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logit, xlogy

from churn.risk.calibration import CLIP, fit_logistic
from churn.risk.data import Bools, Floats

_ECE_BINS = 15


def auc_roc(churned: Bools, score: Floats, weights: Floats | None = None) -> float:
    """Return the chance that a random churner scores above a random stayer, ties counted half.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,), optional
        How often each row counts (bootstrap replicates).

    References
    ----------
    Hanley & McNeil 1982, Radiology 143: the area is the Mann-Whitney statistic.
    """
    _, place = np.unique(score, return_inverse=True)
    return auc_of_places(churned, place, weights)


def auc_of_places(churned: Bools, place: np.ndarray, weights: Floats | None = None) -> float:
    """Return `auc_roc` from each row's rank among the distinct scores (0 = lowest), computed beforehand."""
    weight = np.ones(len(churned)) if weights is None else weights
    positive = np.bincount(place, weight * churned)
    negative = np.bincount(place, weight * ~churned)
    pairs = positive.sum() * negative.sum()
    if pairs == 0:
        return float("nan")
    below = np.cumsum(negative) - negative / 2
    return float(positive @ below / pairs)


def pr_auc(churned: Bools, score: Floats) -> float:
    """Return average precision, the step-wise area under precision over recall.

    References
    ----------
    Sum over thresholds of (R_k - R_{k-1}) P_k, tied scores entering together (as scikit-learn defines it).
    """
    if not churned.any():
        return float("nan")
    values, place = np.unique(-score, return_inverse=True)
    hits = np.bincount(place, churned, minlength=len(values))
    found = np.cumsum(hits)
    listed = np.cumsum(np.bincount(place, minlength=len(values)))
    return float(np.sum(hits * found / listed) / churned.sum())


def recall_at_threshold(churned: Bools, probability: Floats, threshold: float) -> float:
    """Return the share of churners whose probability is at least `threshold`."""
    return _ratio(float(np.sum(churned & (probability >= threshold))), float(churned.sum()))


def precision_at_threshold(churned: Bools, probability: Floats, threshold: float) -> float:
    """Return the share of churners among those whose probability is at least `threshold`."""
    listed = probability >= threshold
    return _ratio(float(np.sum(churned & listed)), float(listed.sum()))


def recall_at_list(churned: Bools, score: Floats, list_size: int) -> float:
    """Return the share of all churners among the `list_size` highest scores, ties at its end drawn by lot."""
    return _ratio(expected_hits(churned, score, list_size), float(churned.sum()))


def precision_at_list(churned: Bools, score: Floats, list_size: int) -> float:
    """Return the share of churners among the `list_size` highest scores, ties at its end drawn by lot."""
    return _ratio(expected_hits(churned, score, list_size), float(min(list_size, len(churned))))


def lift_top_decile(churned: Bools, score: Floats) -> float:
    """Return the churn rate of the riskiest tenth (rounded up) over the churn rate of all."""
    if not churned.any():
        return float("nan")
    return precision_at_list(churned, score, -(-len(churned) // 10)) / float(churned.mean())


def expected_hits(churned: Bools, score: Floats, list_size: int) -> float:
    """Return the expected number of churners among the `list_size` highest scores.

    Customers tied at the boundary share its remaining places equally, so the order of rows never matters.
    """
    size = min(list_size, len(score))
    if size <= 0:
        return 0.0
    boundary = np.partition(score, len(score) - size)[len(score) - size]
    above, tied = score > boundary, score == boundary
    places = size - int(above.sum())
    return float(churned[above].sum() + places * churned[tied].mean())


def brier(churned: Bools, probability: Floats) -> float:
    """Return the mean squared error of the probabilities (Brier 1950, Monthly Weather Review 78)."""
    return float(np.mean((probability - churned) ** 2))


def log_losses(churned: Bools, probability: Floats) -> Floats:
    """Return each row's negative log likelihood in nats, shape (n,), clipped as the calibrator clips."""
    p = np.clip(probability, CLIP, 1 - CLIP)
    losses: Floats = -(xlogy(churned, p) + xlogy(~churned, 1 - p))
    return losses


def log_loss(churned: Bools, probability: Floats) -> float:
    """Return the mean negative log likelihood in nats."""
    return float(log_losses(churned, probability).mean())


def ece(churned: Bools, probability: Floats, bins: int = _ECE_BINS) -> float:
    """Return the expected calibration error over equal-mass bins.

    The mean over customers of |mean predicted - observed rate| of their bin; equal probabilities share a bin.
    Alone it proves nothing: a constant base rate passes.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, AAAI; equal-mass bins as in Nixon et al. 2019.
    """
    edges = np.quantile(probability, np.arange(1, bins) / bins, method="inverted_cdf")
    place = np.searchsorted(np.unique(edges), probability, side="left")
    gaps = np.bincount(place, probability) - np.bincount(place, churned)
    return float(np.abs(gaps).sum() / len(churned))


def calibration_line(churned: Bools, probability: Floats) -> tuple[float, float]:
    """Return (slope, intercept) of a logistic regression of the outcome on logit(probability).

    Slope 1 and intercept 0 are perfect; a slope under 1 means too extreme. Both NaN where all
    probabilities are the same or only one class occurred.

    References
    ----------
    Cox 1958, Biometrika 45; Van Calster et al. 2019, BMC Medicine 17.
    """
    p = np.clip(probability, CLIP, 1 - CLIP)
    if np.ptp(p) == 0 or churned.all() or not churned.any():
        return float("nan"), float("nan")
    intercept, slope = fit_logistic(logit(p), churned)
    return slope, intercept


def observed_expected(churned: Bools, probability: Floats) -> float:
    """Return churners observed over churners expected; above 1 the probabilities are too low."""
    return _ratio(float(churned.sum()), float(probability.sum()))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
