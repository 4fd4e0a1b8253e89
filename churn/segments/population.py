"""The customers that a fit is made on, and how the segments before see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    centroids : ndarray of float64, shape (o, f), optional
        In the order of `segments`; None where the features or their scaling are no longer the same.
    radii : tuple of float, length o or 0
        In the order of `segments`; empty where the centroids are None or the artifact does not tell.
    """

    segments: tuple[Segment, ...]
    labels: Positions
    strangers: NDArray[np.bool_]
    centroids: Floats | None = None
    radii: tuple[float, ...] = ()


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
    """Return how the segments before see the customers, None without them or where none of their features is left.

    A feature that is gone tells nobody apart: the others decide. It brings nobody nearer to being a stranger either.
    """
    if previous is None:
        return None
    seeing = _with_features(previous, population.names)
    if previous.features and not seeing.features:
        return None
    scaled = seeing.scaled(population.of(seeing.feature_names))
    order = sorted(range(len(seeing.segments)), key=lambda i: seeing.segments[i].segment_id)
    found, centroids = seeing.positions(scaled), np.asarray(seeing.centroids, dtype=np.float64)
    strangers = np.zeros(len(scaled), dtype=np.bool_)
    if seeing.radii:
        strangers = distances(scaled, centroids, found) > np.asarray(seeing.radii)[found]
    before = Before(tuple(seeing.segments[i] for i in order), np.argsort(order)[found], strangers)
    if previous.features != population.features:
        return before
    return replace(before, centroids=centroids[order], radii=tuple(seeing.radii[i] for i in order if seeing.radii))


def _with_features(segmenter: Segmenter, names: Sequence[str]) -> Segmenter:
    """Return the segmentation as seen with only those of its features that are among `names`."""
    kept = [j for j, feature in enumerate(segmenter.features) if feature.name in names]
    return replace(
        segmenter,
        features=tuple(segmenter.features[j] for j in kept),
        centroids=tuple(tuple(centroid[j] for j in kept) for centroid in segmenter.centroids),
        spreads=tuple(replace(s, variances=tuple(s.variances[j] for j in kept)) for s in segmenter.spreads),
    )


def distances(scaled: Floats, centroids: Floats, labels: Positions) -> Floats:
    """Return each customer's distance from the centroid of its segment, shape (n,)."""
    return np.asarray(np.sqrt(((scaled - centroids[labels]) ** 2).sum(axis=1)))
