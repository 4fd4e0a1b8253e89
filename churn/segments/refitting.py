"""Fitting again: from where the segments lie, with their number unchanged unless something new has come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from churn.segments.grouping import Grouping, refit
from churn.segments.scaling import Floats
from churn.segments.search import STABLE_FROM, Judged, Jury, best_of, sample

CHANGE_MARGIN = 0.05
"""Another number of segments, or method, must gain so much silhouette: about what a month's chance never gives."""

NEWBORN_SHARE = 0.02
"""Least share of customers in a segment born of strangers: chance makes 1 % of strangers, scattered."""

NEWBORN_SILHOUETTE = 0.25
"""Least mean silhouette of its customers: Kaufman & Rousseeuw (1990) call less no substantial structure."""

NEWBORN_GAIN = 0.02
"""Or the silhouette that a segment must add to the whole where strangers crowd, but others are in it too."""

STRANGE = 0.5
"""Share of strangers from which a segment is unlike any before."""

WANDERING = 0.02
"""Part of the squared distances that a free fit must save before segments follow it beyond their customers' means."""

STRANGER_ROWS = 2_000


def refitted(
    jury: Jury, stay: Judged, strangers: NDArray[np.bool_], cold: Sequence[Judged], counts: range
) -> tuple[list[Judged], Judged]:
    """Return all candidates of a refit and the one to take.

    Parameters
    ----------
    jury : Jury
    stay : Judged
        The present segments, fitted from where they lie.
    strangers : ndarray of bool, shape (n,)
        The jury's rows that lie further out than nearly all customers of their segment did.
    cold : sequence of Judged
        Candidates fitted from scratch; one of the same method and count as a warm one gives way to it.
    counts : range
        The numbers of segments allowed.
    """
    warm = [stay]
    if len(stay.grouping.centroids) + 1 in counts:
        born = _newborn(jury, stay.grouping, strangers)
        if born is not None:
            warm.append(born)
    taken = {(each.candidate.method, each.candidate.count) for each in warm}
    every = [*warm, *(each for each in cold if (each.candidate.method, each.candidate.count) not in taken)]
    if stay.candidate.count not in counts:
        return every, best_of([each for each in every if each is not stay])
    best, kept = best_of(every), warm[-1]
    return every, best if _clearly_better(best, kept) else kept


def held(rows: Floats, start: Grouping, moved: Grouping) -> Grouping:
    """Return the groups where their customers lie now, or those fitted freely where that is worth it.

    Without clear gaps between customers a free fit wanders far for next to nothing, and takes customers along.
    """
    if start.method != "kmeans" or len(start.centroids) != len(moved.centroids):
        return moved
    return start if start.inertia(rows) <= (1 + WANDERING) * moved.inertia(rows) else moved


def _clearly_better(other: Judged, kept: Judged) -> bool:
    """Return whether a candidate is worth new words."""
    gain = other.candidate.silhouette - kept.candidate.silhouette
    return gain >= CHANGE_MARGIN and other.candidate.stability >= min(STABLE_FROM, kept.candidate.stability)


def _newborn(jury: Jury, stay: Grouping, strangers: NDArray[np.bool_]) -> Judged | None:
    """Return the present segments and one more where strangers crowd, or None where they don't."""
    seed = _crowd(jury.rows, strangers)
    if seed is None:
        return None
    start = Grouping(
        stay.method,
        np.vstack([stay.centroids, seed]),
        np.vstack([stay.variances, stay.variances.mean(axis=0)]),
        np.append(stay.weights, NEWBORN_SHARE),
    )
    fitted = refit(jury.rows, start)
    if len(fitted.centroids) != len(start.centroids):
        return None
    labels, before = fitted.labels(jury.rows), stay.labels(jury.rows)
    member = labels == int(((fitted.centroids - seed) ** 2).sum(axis=1).argmin())
    own = jury.silhouettes(labels)
    if member.mean() < NEWBORN_SHARE or not _worth_a_name(
        float(strangers[member].mean()),
        float(own[member[jury.judged]].mean()) if member[jury.judged].any() else 0.0,
        float(own.mean() - jury.silhouettes(before).mean()),
    ):
        return None
    return jury.judge(fitted, lambda rows: refit(rows, fitted), len(fitted.centroids))


def _worth_a_name(strange_share: float, silhouette: float, gain: float) -> bool:
    """Return whether a group that strangers crowd in is new, or makes the whole clearer."""
    return (strange_share >= STRANGE and silhouette >= NEWBORN_SILHOUETTE) or gain >= NEWBORN_GAIN


def _crowd(rows: Floats, strangers: NDArray[np.bool_]) -> Floats | None:
    """Return the middle, shape (1, f), of the closest crowd of strangers, or None where they are too few."""
    outside = rows[strangers]
    crowd = int(np.ceil(NEWBORN_SHARE * len(rows)))
    if len(outside) < max(crowd, 2):
        return None
    seen = outside[sample(np.random.default_rng(0), len(outside), STRANGER_ROWS)]
    near = max(2, int(crowd * len(seen) / len(outside)))
    distances = cdist(seen, seen)
    reach = np.partition(distances, near - 1, axis=1)[:, near - 1]
    middle = int(reach.argmin())
    return np.asarray(seen[distances[middle] <= reach[middle]].mean(axis=0, keepdims=True))
