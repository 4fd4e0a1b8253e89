"""The customers that a fit is made on, and how the segments before see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.matrix import FeatureNames
from churn.segments.catalogue import ROLES
from churn.segments.grouping import Positions
from churn.segments.model import Segment, Segmenter
from churn.segments.scaling import Floats, ScaledFeature, fit_scaling, keep_scaling
from churn.segments.search import sample


@dataclass(frozen=True)
class Population:
    """The customers a fit is made on, in an order that does not depend on how they came.

    Attributes
    ----------
    names : tuple of str
        The features among `catalogue.ROLES` that the set has.
    columns : ndarray of float64, shape (n, len(names))
        NaN where missing.
    features : tuple of ScaledFeature, length f
        Those that vary.
    scaled : ndarray of float64, shape (n, f)
        Weighted and scaled.
    """

    names: tuple[str, ...]
    columns: Floats
    features: tuple[ScaledFeature, ...]
    scaled: Floats

    def of(self, names: Sequence[str]) -> Floats:
        """Return the columns of some features, shape (n, len(names))."""
        return self.columns[:, [self.names.index(name) for name in names]]


@dataclass(frozen=True)
class Before:
    """How the segments before see the same customers.

    Attributes
    ----------
    segments : tuple of Segment
        By id.
    labels : ndarray of intp, shape (n,)
        Positions in `segments`.
    strangers : ndarray of bool, shape (n,)
        Customers further from their centroid than nearly all were; none where the artifact does not tell.
    """

    segments: tuple[Segment, ...]
    labels: Positions
    strangers: NDArray[np.bool_]


def draw_population(
    names: FeatureNames, numbers: NDArray[np.float32], previous: Segmenter | None, rng: np.random.Generator, most: int
) -> Population:
    """Sort, sample and scale the customers."""
    wanted = [role.name for role in ROLES if role.name in names.numbers]
    columns = numbers[:, names.number_columns(wanted, needed_by="The segmentation")].astype(np.float64)
    columns = np.where(np.isfinite(columns), columns, np.nan) + 0.0
    if wanted:
        columns = columns[np.lexsort(columns.T[::-1])]
    columns = columns[sample(rng, len(columns), most)]
    features = fit_scaling(wanted, columns)
    if previous is not None:
        features = keep_scaling(features, previous.features)
    kept = [wanted.index(feature.name) for feature in features]
    return Population(tuple(wanted), columns, features, Segmenter(features, (), ()).scaled(columns[:, kept]))


def seen_before(population: Population, previous: Segmenter | None) -> Before | None:
    """Return how the segments before see the customers, None without them or where a feature of theirs is gone."""
    if previous is None or not set(previous.feature_names) <= set(population.names):
        return None
    scaled = previous.scaled(population.of(previous.feature_names))
    order = sorted(range(len(previous.segments)), key=lambda i: previous.segments[i].segment_id)
    found = previous.positions(scaled)
    strangers = np.zeros(len(scaled), dtype=np.bool_)
    if previous.radii:
        strangers = distances(scaled, np.asarray(previous.centroids), found) > np.asarray(previous.radii)[found]
    labels = np.argsort(order)[found]
    return Before(tuple(previous.segments[i] for i in order), labels, strangers)


def distances(scaled: Floats, centroids: Floats, labels: Positions) -> Floats:
    """Return each customer's distance from the centroid of its segment, shape (n,)."""
    return np.asarray(np.sqrt(((scaled - centroids[labels]) ** 2).sum(axis=1)))
