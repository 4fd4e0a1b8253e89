"""A feature cut into cells, so that churners and stayers can be counted in each: the stump of the leak checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.matrix import FeatureNames
from churn.risk.data import Bools, Floats, Integers

MISSING, ZERO, OTHERS = 0, 1, 2

# Finer towards the ends: what marks a few customers only would drown in a cell of a twentieth of all.
_EDGES = np.array(
    [0.002, 0.005, 0.01, 0.02, *np.linspace(0.05, 0.95, 19).tolist(), 0.98, 0.99, 0.995, 0.998],
)


@dataclass(frozen=True)
class Feature:
    """One column of a matrix.

    Attributes
    ----------
    name : str
    values : ndarray, shape (n,)
        Numbers (NaN is missing) or codes of levels (-1 is missing).
    levels : tuple of str or None
        The levels of a category; None for a number.
    """

    name: str
    values: NDArray[np.float32] | NDArray[np.int32]
    levels: tuple[str, ...] | None


def features_of(names: FeatureNames, numbers: NDArray[np.float32], codes: NDArray[np.int32]) -> Iterator[Feature]:
    """Yield the columns of a matrix, numbers first."""
    for place, name in enumerate(names.numbers):
        yield Feature(name, numbers[:, place], None)
    for place, (name, levels) in enumerate(zip(names.categories, names.levels, strict=True)):
        yield Feature(name, codes[:, place], levels)


def edges_of(feature: Feature, *, fine: bool = True) -> Floats:
    """Return where a number is cut: quantiles of what is neither missing nor zero, ascending, shape (k,).

    Without `fine`, and for a category, nowhere.
    """
    if feature.levels is not None or not fine:
        return np.empty(0)
    known = feature.values[np.isfinite(feature.values) & (feature.values != 0)]
    if len(known) == 0:
        return np.empty(0)
    return np.unique(np.quantile(known, _EDGES, method="inverted_cdf").astype(np.float64))


def cells_of(feature: Feature, edges: Floats) -> Integers:
    """Return each row's cell, shape (n,): missing, zero, then between the edges; of a category missing, then levels."""
    if feature.levels is not None:
        return feature.values.astype(np.int64) + 1
    values = feature.values.astype(np.float64)
    cells = OTHERS + np.searchsorted(edges, values, side="left")
    cells[values == 0] = ZERO
    cells[np.isnan(values)] = MISSING
    return cells.astype(np.int64)


def cell_count(feature: Feature, edges: Floats) -> int:
    """Return how many cells there are."""
    return OTHERS + len(edges) + 1 if feature.levels is None else len(feature.levels) + 1


def counted(cells: Integers, rows: Bools, count: int) -> Floats:
    """Return the number of chosen rows in each cell, shape (count,)."""
    return np.bincount(cells[rows], minlength=count).astype(np.float64)


def area(churners: Floats, stayers: Floats, score: Floats) -> float:
    """Return AUC-ROC of a score that is constant within cells, from the counts of each cell; NaN for one class.

    References
    ----------
    Hanley & McNeil 1982, Radiology 143; equal scores count half.
    """
    pairs = churners.sum() * stayers.sum()
    if pairs == 0:
        return float("nan")
    _, place = np.unique(score, return_inverse=True)
    positive, negative = np.bincount(place, churners), np.bincount(place, stayers)
    return float(positive @ (np.cumsum(negative) - negative / 2) / pairs)


def lower_bound(share: float, customers: float, z: float = 1.96) -> float:
    """Return the lower end of the 95 % interval of a share that was seen on so many customers; 0 of none.

    For an AUC give the rarer class's customers: its variance is at most A (1 - A) / min(n+, n-).

    References
    ----------
    Wilson 1927, JASA 22; Birnbaum & Klose 1957, Annals of Mathematical Statistics 28.
    """
    if customers <= 0:
        return 0.0
    ratio = z * z / customers
    spread = z * np.sqrt(share * (1 - share) / customers + ratio / (4 * customers))
    return max(0.0, float((share + ratio / 2 - spread) / (1 + ratio)))
