"""How many groups there are, and by which method: silhouette and stability under resampling decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from churn.segments.events import Candidate
from churn.segments.grouping import Grouping, Positions, fit_kmeans, refit
from churn.segments.scaling import Floats

SMALLEST_SHARE = 0.01
"""A grouping that leaves a segment with a smaller share of customers is taken only if all do."""

SILHOUETTE_MARGIN = 0.02
"""The fewest segments within this of the best silhouette are taken: fewer words to learn, and a steadier choice."""

STABLE_FROM, STABILITY_MARGIN = 0.8, 0.05
"""Stable is an adjusted Rand index from here on or, where no grouping reaches it, within the margin of the best."""

MIXTURE_MARGIN = 0.02
"""A mixture is taken where both its silhouette and its stability are better than those of k-means by so much."""

MIXTURE_ROWS_PER_SEGMENT = 50
"""A mixture estimates two figures a feature for each segment: fewer customers than this do not carry them."""

STARTS, RESAMPLES, RESAMPLE_STARTS = 5, 4, 3
SILHOUETTE_ROWS, RESAMPLE_ROWS = 3_000, 3_000


@dataclass(frozen=True)
class Judged:
    """A grouping and its figures; `groups` is how many of its groups have customers."""

    candidate: Candidate
    grouping: Grouping
    groups: int


@dataclass(frozen=True)
class Jury:
    """The rows that groupings are judged on.

    Attributes
    ----------
    rows : ndarray of float64, shape (n, f)
    judged : ndarray of intp, shape (m,)
        Positions of the rows that the silhouette is taken on.
    distances : ndarray of float64, shape (m, m)
        Between those.
    resamples : tuple of ndarray of intp
        Positions of random halves.
    """

    rows: Floats
    judged: Positions
    distances: Floats
    resamples: tuple[Positions, ...]

    @classmethod
    def of(cls, rows: Floats, rng: np.random.Generator) -> Jury:
        """Draw the samples."""
        judged = sample(rng, len(rows), SILHOUETTE_ROWS)
        half = min(-(-len(rows) // 2), RESAMPLE_ROWS)
        resamples = tuple(sample(rng, len(rows), half) for _ in range(RESAMPLES))
        return cls(rows, judged, cdist(rows[judged], rows[judged]), resamples)

    def judge(self, grouping: Grouping, again: Callable[[Floats], Grouping], count: int) -> Judged:
        """Return a grouping into `count` groups with its figures; `again` fits the same to other rows."""
        from sklearn.metrics import adjusted_rand_score

        labels = grouping.labels(self.rows)
        silhouette = float(self.silhouettes(labels).mean())
        refits = (again(self.rows[half]).labels(self.rows) for half in self.resamples)
        stability = float(np.mean([adjusted_rand_score(labels, other) for other in refits]))
        smallest = float(np.bincount(labels, minlength=count).min() / len(labels))
        figures = {"silhouette": silhouette, "stability": stability, "smallest_share": smallest}
        rounded = {name: round(figure, 6) for name, figure in figures.items()}
        return Judged(Candidate(grouping.method, count, **rounded, chosen=False), grouping, len(np.unique(labels)))

    def silhouettes(self, labels: Positions) -> Floats:
        """Return the silhouette of each judged row, shape (m,), in [-1, 1]; 0 in a group of one, or without others.

        References
        ----------
        Rousseeuw 1987, Journal of Computational and Applied Mathematics 20.
        """
        groups, own = np.unique(labels[self.judged], return_inverse=True)
        sizes = np.bincount(own)
        if len(groups) < 2:
            return np.zeros(len(own))
        totals = self.distances @ np.eye(len(groups))[own]
        everyone = np.arange(len(own))
        within = totals[everyone, own] / np.maximum(sizes[own] - 1, 1)
        means = totals / sizes
        means[everyone, own] = np.inf
        beyond = means.min(axis=1)
        largest = np.maximum(np.maximum(within, beyond), np.finfo(np.float64).tiny)
        return np.asarray(np.where(sizes[own] > 1, (beyond - within) / largest, 0.0))


def sample(rng: np.random.Generator, available: int, wanted: int) -> Positions:
    """Return `wanted` positions out of `available` in ascending order, or all of them."""
    if available <= wanted:
        return np.arange(available)
    return np.sort(rng.choice(available, wanted, replace=False))


def cold_candidates(jury: Jury, counts: Iterable[int], seed: int) -> list[Judged]:
    """Return k-means for each count, and mixtures where there are customers enough, fitted from scratch."""
    return [each for count in counts for each in _cold_pair(jury, count, seed)]


def _cold_pair(jury: Jury, count: int, seed: int) -> list[Judged]:
    """Return k-means first, then the mixture if there are customers enough."""
    start = fit_kmeans(jury.rows, count, seed=seed, starts=STARTS)
    # The halves' k-means serves the mixture too, which starts from it.
    halves = [fit_kmeans(jury.rows[half], count, seed=seed, starts=RESAMPLE_STARTS) for half in jury.resamples]
    result = [jury.judge(start, _replay(halves), count)]
    if len(jury.rows) >= count * MIXTURE_ROWS_PER_SEGMENT:
        fitted = refit(jury.rows, replace(start, method="gaussian_mixture"))
        mixtures = [
            refit(jury.rows[half], replace(group, method="gaussian_mixture"))
            for half, group in zip(jury.resamples, halves, strict=True)
        ]
        result.append(jury.judge(fitted, _replay(mixtures), count))
    return result


def warm_candidate(jury: Jury, start: Grouping) -> Judged:
    """Return the grouping fitted from where others lie."""
    fitted = refit(jury.rows, start)
    return jury.judge(fitted, lambda rows: refit(rows, fitted), len(fitted.centroids))


def _replay(fitted: list[Grouping]) -> Callable[[Floats], Grouping]:
    """Return what hands out groupings fitted already, in the order of the resamples."""
    waiting = iter(fitted)
    return lambda rows: next(waiting)


def best_of(judged: list[Judged]) -> Judged:
    """Return the candidate to take where nothing has to hold still.

    Of k-means the fewest segments within 0.02 of the best silhouette among the stable ones; the mixture that the
    same rule finds takes its place only where it is better by 0.02 on both figures. Candidates with a group that has
    nobody, as happens with few distinct customers, are passed over.
    """
    full = [each for each in judged if each.groups == each.candidate.count]
    kmeans = [each for each in full if each.candidate.method == "kmeans"] or judged[:1]
    mixtures = [each for each in full if each.candidate.method == "gaussian_mixture"]
    found = _best_count(kmeans)
    if not mixtures:
        return found
    other = _best_count(mixtures)
    gains = (
        other.candidate.silhouette - found.candidate.silhouette,
        other.candidate.stability - found.candidate.stability,
    )
    return other if min(gains) >= MIXTURE_MARGIN else found


def _best_count(judged: list[Judged]) -> Judged:
    """Return the fewest segments that are nearly as clear as the clearest of the stable ones.

    A number that another one beats on clearness and, by the margin, on stability is passed over.
    """
    even = [each for each in judged if each.candidate.smallest_share >= SMALLEST_SHARE] or judged
    steadiest = max(each.candidate.stability for each in even)
    wanted = min(STABLE_FROM, steadiest - STABILITY_MARGIN)
    stable = [each for each in even if each.candidate.stability >= wanted]
    good_enough = max(each.candidate.silhouette for each in stable) - SILHOUETTE_MARGIN
    clear = [each for each in stable if each.candidate.silhouette >= good_enough]
    unbeaten = [each for each in clear if not any(_beats(other.candidate, each.candidate) for other in clear)]
    return min(unbeaten, key=lambda each: each.candidate.count)


def _beats(one: Candidate, other: Candidate) -> bool:
    return one.silhouette >= other.silhouette and one.stability >= other.stability + STABILITY_MARGIN


def chosen(judged: list[Judged], choice: Judged) -> tuple[Candidate, ...]:
    """Return the candidates by method, then count, the choice marked."""
    marked = [replace(each.candidate, chosen=each is choice) for each in judged]
    return tuple(sorted(marked, key=lambda each: (each.method != "kmeans", each.count)))
