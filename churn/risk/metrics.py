"""How good a score or a probability is: ranking, the top of the list, and calibration.

Every function takes `churned` (bool, shape (n,)), a `score` (any number, higher = riskier) or a `probability` in
[0, 1], shape (n,), and `weights` (shape (n,), not negative): how many customers each row stands for, one where None.
It returns a float; NaN where the figure is not defined (one class only). Ties never depend on the order of rows.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logit, xlogy

from churn.risk.calibration import CLIP, fit_logistic
from churn.risk.data import Bools, Floats, Integers

ECE_BINS = 15
_DECILES = np.arange(11) / 10
_TINY = 1e-300


def weight_of(churned: Bools, weights: Floats | None) -> Floats:
    """Return the weights, shape (n,): ones where there are none."""
    return np.ones(len(churned)) if weights is None else weights


def ranked(churned: Bools, score: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the weight of the rows and of the churners at or above each distinct score, from the highest down.

    Returns
    -------
    listed, found : ndarray of float64, shape (number of distinct scores + 1,)
        Both start with 0. A straight line between two neighbours is what drawing among equal scores would find.
    """
    weight = weight_of(churned, weights)
    _, place = np.unique(-score, return_inverse=True)
    return running(tally(place, weight)), running(tally(place, weight * churned))


def tally(place: Integers, weight: Floats, size: int = 0) -> Floats:
    """Return the sums of `weight` (shape (n,)) by `place` (shape (n,), 0 = first), at least `size` of them."""
    sums: Floats = np.bincount(place, weight, minlength=size).astype(np.float64, copy=False)
    return sums


def running(values: Floats) -> Floats:
    """Return the cumulative sums of `values`, shape (n,), with a 0 before them, shape (n + 1,)."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    return sums


def auc_roc(churned: Bools, score: Floats, weights: Floats | None = None) -> float:
    """Return the chance that a random churner scores above a random stayer, ties counted half.

    References
    ----------
    Hanley & McNeil 1982, Radiology 143: the area is the Mann-Whitney statistic.
    """
    return auc_of(*ranked(churned, score, weights))


def auc_of(listed: Floats, found: Floats) -> float:
    """Return `auc_roc` of what `ranked` gave."""
    stayed = listed - found
    pairs = found[-1] * stayed[-1]
    return float(np.diff(stayed) @ (found[1:] + found[:-1]) / 2 / pairs) if pairs > 0 else float("nan")


def pr_auc(churned: Bools, score: Floats, weights: Floats | None = None) -> float:
    """Return average precision, the step-wise area under precision over recall.

    References
    ----------
    Sum over thresholds of (R_k - R_{k-1}) P_k, tied scores entering together (as scikit-learn defines it).
    """
    return pr_auc_of(*ranked(churned, score, weights))


def pr_auc_of(listed: Floats, found: Floats) -> float:
    """Return `pr_auc` of what `ranked` gave."""
    if found[-1] <= 0:
        return float("nan")
    return float(np.diff(found) @ (found[1:] / np.maximum(listed[1:], _TINY)) / found[-1])


def recall_at_threshold(churned: Bools, probability: Floats, threshold: float, weights: Floats | None = None) -> float:
    """Return the share of churners whose probability is at least `threshold`."""
    weight = weight_of(churned, weights)
    return ratio(float(weight @ (churned & (probability >= threshold))), float(weight @ churned))


def precision_at_threshold(
    churned: Bools, probability: Floats, threshold: float, weights: Floats | None = None
) -> float:
    """Return the share of churners among those whose probability is at least `threshold`."""
    weight, listed = weight_of(churned, weights), probability >= threshold
    return ratio(float(weight @ (churned & listed)), float(weight @ listed))


def listed_shares(
    score: Floats, list_size: float, as_of: Integers | None = None, weights: Floats | None = None
) -> Floats:
    """Return the chance of each row to be on a list of the `list_size` highest scores, shape (n,).

    Parameters
    ----------
    list_size : float
        In customers, as the weights count them.
    as_of : ndarray of int64, shape (n,), optional
        Each month has its own list; None makes one list of all rows. Rows tied at a list's end share its remaining
        places equally, so that the order of rows never matters.
    """
    weight = np.ones(len(score)) if weights is None else weights
    shares = np.zeros(len(score))
    months = np.zeros(len(score), np.int64) if as_of is None else as_of
    for month in np.unique(months):
        rows = np.flatnonzero(months == month)
        _, place = np.unique(-score[rows], return_inverse=True)
        mass = tally(place, weight[rows])
        shares[rows] = fill(mass, list_size)[place]
    return shares


def fill(mass: Floats, list_size: float) -> Floats:
    """Return which share of each group of `mass` (shape (..., k), riskiest first) a list of `list_size` still takes."""
    before = np.cumsum(mass, axis=-1) - mass
    return np.clip((list_size - before) / np.maximum(mass, _TINY), 0.0, 1.0)


def recall_at_list(
    churned: Bools,
    score: Floats,
    list_size: float,
    weights: Floats | None = None,
    as_of: Integers | None = None,
) -> float:
    """Return the share of all churners on the list (`listed_shares`)."""
    weight = weight_of(churned, weights)
    on_list = weight * listed_shares(score, list_size, as_of, weights)
    return ratio(float(on_list @ churned), float(weight @ churned))


def precision_at_list(
    churned: Bools,
    score: Floats,
    list_size: float,
    weights: Floats | None = None,
    as_of: Integers | None = None,
) -> float:
    """Return the share of churners on the list (`listed_shares`)."""
    on_list = weight_of(churned, weights) * listed_shares(score, list_size, as_of, weights)
    return ratio(float(on_list @ churned), float(on_list.sum()))


def lift_top_decile(churned: Bools, score: Floats, weights: Floats | None = None) -> float:
    """Return the churn rate of the riskiest tenth over the churn rate of all; the row at its edge counts in part."""
    return float(lift_by_decile(churned, score, weights)[0])


def lift_by_decile(churned: Bools, score: Floats, weights: Floats | None = None) -> Floats:
    """Return the churn rate of each tenth, riskiest first, over the churn rate of all, shape (10,)."""
    return lifts_of(*ranked(churned, score, weights))


def lifts_of(listed: Floats, found: Floats) -> Floats:
    """Return `lift_by_decile` of what `ranked` gave."""
    if found[-1] <= 0:
        return np.full(10, np.nan)
    inside = np.interp(listed[-1] * _DECILES, listed, found)
    inside[-1] = found[-1]
    lifts: Floats = (inside[1:] - inside[:-1]) * (10 / found[-1])
    return lifts


def brier(churned: Bools, probability: Floats, weights: Floats | None = None) -> float:
    """Return the mean squared error of the probabilities (Brier 1950, Monthly Weather Review 78)."""
    return float(np.average((probability - churned) ** 2, weights=weights))


def log_losses(churned: Bools, probability: Floats) -> Floats:
    """Return each row's negative log likelihood in nats, shape (n,), clipped as the calibrator clips."""
    p = np.clip(probability, CLIP, 1 - CLIP)
    losses: Floats = -(xlogy(churned, p) + xlogy(~churned, 1 - p))
    return losses


def log_loss(churned: Bools, probability: Floats, weights: Floats | None = None) -> float:
    """Return the mean negative log likelihood in nats."""
    return float(np.average(log_losses(churned, probability), weights=weights))


def equal_mass_bins(probability: Floats, bins: int, weights: Floats | None = None) -> Integers:
    """Return each row's bin, shape (n,), 0 = lowest: as equal in weight as ties allow; equal probabilities share one.

    There may be fewer than `bins`; none is empty.
    """
    values, place = np.unique(probability, return_inverse=True)
    reached = np.cumsum(np.bincount(place, weights))
    targets = reached[-1] * np.arange(1, bins) / bins
    last_inside = np.unique(np.searchsorted(reached, targets - 1e-9 * reached[-1], side="left"))
    of_value = np.searchsorted(last_inside, np.arange(len(values)), side="left")
    _, of_value = np.unique(of_value, return_inverse=True)
    found: Integers = of_value[place].astype(np.int64)
    return found


def ece(churned: Bools, probability: Floats, weights: Floats | None = None, *, bins: int = ECE_BINS) -> float:
    """Return the expected calibration error over equal-mass bins.

    The mean over customers of |mean predicted - observed rate| of their bin. Alone it proves nothing: a constant
    base rate passes, and a perfect model does not reach 0; see `perfect.perfect_ece`.

    References
    ----------
    Naeini, Cooper & Hauskrecht 2015, AAAI; equal-mass bins as in Nixon et al. 2019.
    """
    weight, place = weight_of(churned, weights), equal_mass_bins(probability, bins, weights)
    gaps = np.bincount(place, weight * (probability - churned))
    return ratio(float(np.abs(gaps).sum()), float(weight.sum()))


def calibration_line(churned: Bools, probability: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Return (slope, intercept) of a logistic regression of the outcome on logit(probability).

    Slope 1 and intercept 0 are perfect; a slope under 1 means too extreme. Both NaN where all
    probabilities are the same or only one class occurred.

    References
    ----------
    Cox 1958, Biometrika 45; Van Calster et al. 2019, BMC Medicine 17.
    """
    counted = weight_of(churned, weights) > 0
    p, y = np.clip(probability, CLIP, 1 - CLIP)[counted], churned[counted]
    if len(p) == 0 or np.ptp(p) == 0 or y.all() or not y.any():
        return float("nan"), float("nan")
    intercept, slope = fit_logistic(logit(p), y, None if weights is None else weights[counted])
    return slope, intercept


def observed_expected(churned: Bools, probability: Floats, weights: Floats | None = None) -> float:
    """Return churners observed over churners expected; above 1 the probabilities are too low."""
    weight = weight_of(churned, weights)
    return ratio(float(weight @ churned), float(weight @ probability))


def ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN where there is no whole."""
    return part / whole if whole > 0 else float("nan")
