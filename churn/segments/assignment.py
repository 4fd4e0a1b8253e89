"""Which group a customer belongs to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.segments.scaling import Floats


def closest(
    scaled: Floats, centroids: Floats, variances: Floats | None = None, weights: Floats | None = None
) -> NDArray[np.intp]:
    """Return the position of the nearest or likeliest group of each row, shape (n,); a tie goes to the first.

    Parameters
    ----------
    scaled : ndarray of float64, shape (n, f)
    centroids : ndarray of float64, shape (k, f)
    variances : ndarray of float64, shape (k, f), optional
        With `weights`: a Gaussian mixture, where the largest weight times density decides. Without: the nearest.
    weights : ndarray of float64, shape (k,), optional
        Above 0.
    """
    best, found = np.full(len(scaled), np.inf), np.zeros(len(scaled), dtype=np.intp)
    for i, centroid in enumerate(centroids):
        # No matrix product: its rounding depends on the BLAS and its threads.
        distance = (scaled - centroid) ** 2
        if variances is not None and weights is not None:
            constant = np.log(variances[i]).sum() - 2 * np.log(weights[i])
            total = (distance / variances[i]).sum(axis=1) + constant
        else:
            total = distance.sum(axis=1)
        closer = total < best
        best[closer], found[closer] = total[closer], i
    return found
