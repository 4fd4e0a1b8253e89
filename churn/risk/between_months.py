"""How much months differ beyond sampling, learned from months whose label windows may overlap."""

from __future__ import annotations

import numpy as np

from churn.risk.data import Bools, Floats, Integers, TrainSettings


def overlap(days: Integers, horizon_days: int) -> Floats:
    """Return the share of their label windows that each two months have in common, shape (k, k)."""
    apart = np.abs(days[:, None] - days[None, :])
    shares: Floats = np.maximum(0.0, 1 - apart / horizon_days)
    return shares


def between_months(months: Floats, sampling: float, shared: Floats) -> tuple[float, float]:
    """Return the variance between months beyond sampling, and the degrees of freedom of their total variance.

    The method of moments (DerSimonian & Laird 1986, Controlled Clinical Trials 7): variance of the months' figures
    less their mean sampling variance, never negative. Months correlate as far as their label windows overlap, which
    is a construction of this project; their variance has the degrees of freedom of Satterthwaite 1946 (Biometrics
    Bulletin 2).

    Parameters
    ----------
    months : ndarray of float64, shape (k,)
        A figure of each month, k at least 2.
    sampling : float
        Mean sampling variance of one of them.
    shared : ndarray of float64, shape (k, k)
        Their correlations (`overlap`).
    """
    centred = shared - shared.mean(axis=0)
    freedom = float(np.trace(centred))
    total = float(np.sum((months - months.mean()) ** 2)) / freedom
    return max(0.0, total - sampling), freedom**2 / float(np.sum(centred * centred.T))


def error_of_ranking(tested: Bools) -> Floats:
    """Return how a later night's error depends on each walk-forward month, shape (k,), for a figure of ranking."""
    weights: Floats = -1.0 * tested / max(int(tested.sum()), 1)
    return weights


def error_of_calibration(days: Integers, tested: Bools, settings: TrainSettings) -> Floats:
    """Return how a later night's error depends on each walk-forward month, shape (k,), for a calibrated figure.

    A month that came out high raises the expectation where it was tested, and lowers what the final calibrator
    leaves: the night errs by its own month, less the months that the calibrator learned from, less what the test
    months were off by from theirs. Every calibrator is taken as the mean of its matured months.
    """
    wait, tests = settings.horizon_days + settings.grace_days, max(int(tested.sum()), 1)
    weights = np.full(len(days), -1 / len(days))
    for at in np.flatnonzero(tested):
        before = days + wait <= days[at]
        weights[at] -= 1 / tests
        if before.any():
            weights += before / before.sum() / tests
    return weights
