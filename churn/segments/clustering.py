"""How many groups there are and where they lie: k-means on scaled features, the number by silhouette."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.errors import ModelError
from churn.matrix import FeatureNames
from churn.segments.catalogue import ROLES
from churn.segments.model import Segment, Segmenter
from churn.segments.naming import describe
from churn.segments.scaling import Floats, fit_scaling

FEWEST, MOST = 3, 8
CUSTOMERS_PER_SEGMENT = 10
"""With fewer customers than this per segment there is nothing to learn: fewer segments, or a single one."""

SMALLEST_SHARE = 0.01
"""A number of segments that leaves one with a smaller share of customers is taken only if all do."""

SILHOUETTE_MARGIN = 0.02
"""The fewest segments within this of the best silhouette are taken: fewer words to learn, and a steadier choice."""

SEARCH_ROWS, SILHOUETTE_ROWS, STARTS = 10_000, 3_000, 5


def fit_segments(names: FeatureNames, numbers: NDArray[np.float32], *, seed: int, max_rows: int = 50_000) -> Segmenter:
    """Group customers by behaviour and value, and name the groups.

    The features are those of `catalogue.ROLES` that the set has and that vary. K-means runs on one thread, so
    that the same rows and seed give the same artifact on any number of cores; the number of segments, 3 to 8,
    has the highest silhouette on a subsample. Fewer than 30 customers, fewer than 3 distinct ones, or no
    varying feature give a single segment "All customers".

    Parameters
    ----------
    names : FeatureNames
    numbers : ndarray of float32, shape (n, len(names.numbers))
        NaN and infinity count as missing.
    seed : int
        Fixes the sample and the starts.
    max_rows : int
        Larger populations are sampled down to so many customers.

    Raises
    ------
    ModelError
        There are no customers.
    """
    if len(numbers) == 0:
        raise ModelError("Segments need at least one customer, got none.", "Check the features of this night.")
    rng = np.random.default_rng(seed)
    wanted = [role.name for role in ROLES if role.name in names.numbers]
    sample = numbers[_sample(rng, len(numbers), max_rows)]
    columns = sample[:, names.number_columns(wanted, needed_by="The segmentation")].astype(np.float64)
    features = fit_scaling(wanted, columns)
    kept = [wanted.index(feature.name) for feature in features]
    scaled = Segmenter(features, (), ()).scaled(columns[:, kept])
    most = min(MOST, len(scaled) // CUSTOMERS_PER_SEGMENT, _distinct_rows(scaled) if features else 1)
    if most < FEWEST:
        return _single_segment()
    with threadpool_limits(limits=1):
        count = _segment_count(scaled, most, seed, rng)
        centroids = _centroids(scaled, count, seed)
    order, segments = describe(features, columns[:, kept], scaled, centroids)
    rounded = tuple(tuple(round(float(value), 12) for value in centroids[i]) for i in order)
    return Segmenter(features, rounded, segments)


def _single_segment() -> Segmenter:
    """Return a segmentation that puts everybody together and needs no features."""
    return Segmenter((), ((),), (Segment(1, "All customers", "All customers: nothing sets them clearly apart."),))


def _sample(rng: np.random.Generator, available: int, wanted: int) -> NDArray[np.intp]:
    """Return `wanted` positions out of `available` in ascending order, or all of them."""
    if available <= wanted:
        return np.arange(available)
    return np.sort(rng.choice(available, wanted, replace=False))


def _distinct_rows(scaled: Floats) -> int:
    """Return the number of customers that differ."""
    return len(np.unique(scaled.round(9), axis=0))


def _centroids(scaled: Floats, count: int, seed: int) -> Floats:
    """Return k-means centroids, shape (count, f)."""
    model = KMeans(n_clusters=count, n_init=STARTS, random_state=seed).fit(scaled)
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def _segment_count(scaled: Floats, most: int, seed: int, rng: np.random.Generator) -> int:
    """Return the fewest segments with nearly the best silhouette, preferring numbers without tiny ones."""
    rows = scaled[_sample(rng, len(scaled), SEARCH_ROWS)]
    judged = _sample(rng, len(rows), SILHOUETTE_ROWS)
    silhouettes: dict[tuple[bool, int], float] = {}
    for count in range(FEWEST, most + 1):
        labels = KMeans(n_clusters=count, n_init=STARTS, random_state=seed).fit(rows).labels_
        even = bool(np.bincount(labels, minlength=count).min() >= SMALLEST_SHARE * len(rows))
        if len(np.unique(labels[judged])) >= 2:
            silhouettes[even, count] = float(silhouette_score(rows[judged], labels[judged]))
    eligible = {count: value for (even, count), value in silhouettes.items() if even}
    eligible = eligible or {count: value for (_, count), value in silhouettes.items()}
    if not eligible:
        return FEWEST
    good_enough = max(eligible.values()) - SILHOUETTE_MARGIN
    return min(count for count, value in eligible.items() if value >= good_enough)
