"""Fitting a given number of groups: k-means, or a Gaussian mixture with diagonal covariance."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.segments.assignment import closest
from churn.segments.events import Method
from churn.segments.scaling import Floats

Positions = NDArray[np.intp]

VARIANCE_FLOOR = 0.01
"""Least variance of a mixture's component, in weighted scaled units: it must not close in on a single value."""

MIXTURE_ITERATIONS = 60


@dataclass(frozen=True)
class Grouping:
    """Groups of rows, without names.

    Attributes
    ----------
    method : {"kmeans", "gaussian_mixture"}
    centroids : ndarray of float64, shape (k, f)
    variances : ndarray of float64, shape (k, f)
        Of the rows of each group, at least `VARIANCE_FLOOR`. They and the weights decide in a mixture only.
    weights : ndarray of float64, shape (k,)
        Shares of the rows, above 0.
    """

    method: Method
    centroids: Floats
    variances: Floats
    weights: Floats

    def labels(self, rows: Floats) -> Positions:
        """Return the group of each row of (n, f), shape (n,); a tie goes to the first."""
        if self.method == "kmeans":
            return closest(rows, self.centroids)
        return closest(rows, self.centroids, self.variances, self.weights)

    def inertia(self, rows: Floats) -> float:
        """Return the sum of squared distances of rows (n, f) from the centroids of their groups."""
        return float(((rows - self.centroids[self.labels(rows)]) ** 2).sum())

    def take(self, order: Positions) -> Grouping:
        """Return some of the groups, in the given order."""
        return Grouping(self.method, self.centroids[order], self.variances[order], self.weights[order])

    def settled(self, rows: Floats) -> Grouping:
        """Return the groups that have customers, rounded so that what is stored is what assigns."""
        while True:
            held = np.unique(self.labels(rows))
            if len(held) == len(self.centroids):
                break
            self = self.take(held)
        rounded = (values.round(12) for values in (self.centroids, self.variances, self.weights))
        return Grouping(self.method, *rounded)


def grouped(method: Method, rows: Floats, labels: Positions) -> Grouping:
    """Return the groups that labels (n,) make of rows (n, f): those that have rows."""
    present = np.unique(labels)
    members = [rows[labels == label] for label in present]
    return Grouping(
        method,
        np.stack([part.mean(axis=0) for part in members]),
        np.stack([part.var(axis=0) + VARIANCE_FLOOR for part in members]),
        np.array([len(part) for part in members]) / len(rows),
    )


def fit_kmeans(rows: Floats, count: int, *, seed: int, starts: int) -> Grouping:
    """Return the best of several k-means fits to rows (n, f), each from a start of its own."""
    from sklearn.cluster import KMeans

    with _without_warnings():
        model = KMeans(n_clusters=count, n_init=starts, random_state=seed).fit(rows)
    return grouped("kmeans", rows, model.labels_)


def refit(rows: Floats, start: Grouping) -> Grouping:
    """Return groups of rows (n, f) fitted from where others lie, by the method of the others."""
    from sklearn.cluster import KMeans
    from sklearn.mixture import GaussianMixture

    count = len(start.centroids)
    with _without_warnings():
        if start.method == "kmeans":
            kmeans = KMeans(n_clusters=count, init=start.centroids, n_init=1, random_state=0).fit(rows)
            return grouped("kmeans", rows, kmeans.labels_)
        mixture = GaussianMixture(
            n_components=count,
            covariance_type="diag",
            reg_covar=VARIANCE_FLOOR,
            max_iter=MIXTURE_ITERATIONS,
            weights_init=start.weights / start.weights.sum(),
            means_init=start.centroids,
            precisions_init=1 / start.variances,
            random_state=0,
        ).fit(rows)
    weights = np.maximum(mixture.weights_, np.finfo(np.float64).tiny)
    return Grouping("gaussian_mixture", mixture.means_, mixture.covariances_, weights)


@contextmanager
def one_thread() -> Iterator[None]:
    """Fit on one thread, so that the rounding is the same on any number of cores."""
    # A limit holds for the libraries loaded by then only.
    import sklearn.cluster
    import sklearn.metrics
    import sklearn.mixture  # noqa: F401
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        yield


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep quiet about fewer distinct rows than groups, or a mixture not settled: both are judged afterwards."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
