"""A fit from customers' features to named segments, the first or with the segments before to hold on to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from churn.errors import ModelError
from churn.matrix import FeatureNames
from churn.segments.events import Candidate, FittedSegments
from churn.segments.grouping import Grouping, grouped, one_thread, refit
from churn.segments.identity import named, single_segment
from churn.segments.model import Segmenter
from churn.segments.population import Before, Population, draw_population, seen_before
from churn.segments.refitting import held, refitted
from churn.segments.scaling import Floats
from churn.segments.search import Jury, best_of, chosen, cold_candidates, sample, warm_candidate

FEWEST, MOST = 3, 10
CUSTOMERS_PER_SEGMENT = 10
"""With fewer customers than this per segment there is nothing to learn: fewer segments, or a single one.

Segments in force stay down to half as many, so that a company of about that size does not go to and fro.
"""

SEARCH_ROWS = 10_000
LEAST_START_SHARE = 0.005
"""A segment that has dwindled to a smaller share of customers is not started from again."""


def fit_segments(
    names: FeatureNames,
    numbers: NDArray[np.float32],
    *,
    seed: int,
    fewest: int = FEWEST,
    most: int = MOST,
    previous: Segmenter | None = None,
    max_rows: int = 50_000,
    only_names: bool = False,
) -> FittedSegments:
    """Group customers by behaviour and value, and name the groups.

    The features are those of `catalogue.ROLES` that the set has and that vary. Everything runs on one thread and
    on the customers in an order of their own, so that the same customers and seed give the same artifact on any
    number of cores and in whatever order they come. Fewer than ten customers per segment, fewer distinct ones than
    segments, or no varying feature give a single segment "All customers".

    Parameters
    ----------
    names : FeatureNames
    numbers : ndarray of float32, shape (n, len(names.numbers))
        NaN and infinity count as missing.
    seed : int
        Fixes the samples and the starts.
    fewest, most : int
        Numbers of segments to look for.
    previous : Segmenter, optional
        The segments before: their number, ids and names stay unless there is reason to change them.
    max_rows : int
        Larger populations are sampled down to so many customers.
    only_names : bool
        Whether `previous` gives ids and names to what resembles it, and nothing else: the segments are those of a
        first fit. For a night before the fit of `previous`, which must learn nothing from later data.

    Raises
    ------
    ModelError
        There are no customers.
    """
    if len(numbers) == 0:
        raise ModelError("Segments need at least one customer, got none.", "Check the features of this night.")
    rng = np.random.default_rng(seed)
    held_on_to = None if only_names else previous
    population = draw_population(names, numbers, held_on_to, rng, max_rows)
    before = seen_before(population, previous)
    if before is not None and only_names:
        before = replace(before, centroids=None, radii=())
    distinct = len(np.unique(population.scaled.round(9), axis=0)) if population.features else 1
    most = min(most, _room(len(population.scaled), held_on_to), distinct)
    if most < fewest:
        return single_segment(population, before, previous)
    with one_thread():
        grouping, candidates = _grouping(population, range(fewest, most + 1), before, held_on_to, seed, rng)
    return named(population, grouping, candidates, before, previous)


def _room(customers: int, previous: Segmenter | None) -> int:
    """Return how many segments there are customers for."""
    present = 0 if previous is None or len(previous.segments) == 1 else len(previous.segments)
    return max(customers // CUSTOMERS_PER_SEGMENT, min(present, 2 * customers // CUSTOMERS_PER_SEGMENT))


def _grouping(
    population: Population,
    counts: range,
    before: Before | None,
    previous: Segmenter | None,
    seed: int,
    rng: np.random.Generator,
) -> tuple[Grouping, tuple[Candidate, ...]]:
    """Return the groups to take, fitted on everybody, and the candidates they were chosen from."""
    scaled = population.scaled
    searched = sample(rng, len(scaled), SEARCH_ROWS)
    jury = Jury.of(scaled[searched], rng)
    judged = cold_candidates(jury, counts, seed)
    start = _start(scaled, before, previous)
    if start is None or before is None:
        choice = best_of(judged)
        return refit(scaled, choice.grouping).settled(scaled), chosen(judged, choice)
    stay = warm_candidate(jury, start)
    judged, choice = refitted(jury, stay, before.strangers[searched], judged, counts)
    fitted = held(scaled, start, refit(scaled, start)) if choice is stay else refit(scaled, choice.grouping)
    return fitted.settled(scaled), chosen(judged, choice)


def _start(scaled: Floats, before: Before | None, previous: Segmenter | None) -> Grouping | None:
    """Return where the segments before lie now, without those that dwindled; None where there is one at most.

    That is halfway between where they lay and the means of their customers, as far as both are on one scale: half of
    a month's chance is not followed, and a lasting move is one month late.
    """
    if before is None or previous is None:
        return None
    start = grouped("gaussian_mixture" if previous.spreads else "kmeans", scaled, before.labels)
    if before.centroids is not None and start.method == "kmeans":
        start = replace(start, centroids=(start.centroids + before.centroids[np.unique(before.labels)]) / 2)
    start = start.take(np.flatnonzero(start.weights >= LEAST_START_SHARE))
    return start if len(start.centroids) > 1 else None
