"""Groups become segments: put in order, recognised, numbered and named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from churn.segments.events import Candidate, FittedSegments, SegmentEvent
from churn.segments.grouping import Grouping
from churn.segments.matching import Comparison, compare, events_of, first_events, retired_unseen
from churn.segments.model import Segment, Segmenter, Spread
from churn.segments.naming import name_segments
from churn.segments.population import Before, Population, distances
from churn.segments.profiles import Profiles

FAMILIAR = 0.99
"""Share of a segment's customers within its radius: who lies beyond it later is a stranger.

A segment that goes on keeps its radius: taken anew at each refit it would grow with newcomers that arrive little by
little, and nobody would ever be a stranger.
"""

ALL, ALL_DESCRIPTION = "All customers", "All customers: nothing sets them clearly apart."


def named(
    population: Population,
    grouping: Grouping,
    candidates: tuple[Candidate, ...],
    before: Before | None,
    previous: Segmenter | None,
) -> FittedSegments:
    """Return the groups as segments: the ids of those recognised, fresh ones for the others.

    Parameters
    ----------
    population : Population
    grouping : Grouping
        Each with customers.
    candidates : tuple of Candidate
    before : Before or None
        None where nothing can be compared.
    previous : Segmenter or None
        The segments before, also where their customers can't be compared.
    """
    grouping = grouping.take(np.asarray(_profiles(population, grouping).order()))
    profiles = _profiles(population, grouping)
    labels, count = profiles.members, len(grouping.centroids)
    comparison = None if before is None else compare(before, labels, count)
    recognised = [None] * count if comparison is None else comparison.recognised
    ids, next_id = _ids(recognised, 1 if previous is None else previous.next_id)
    segments = name_segments(profiles, ids, recognised, () if previous is None else previous.segments)
    order = sorted(range(count), key=lambda i: ids[i])
    sizes = np.bincount(labels, minlength=count)
    away = distances(population.scaled, grouping.centroids, labels)
    known = _known_radii(before, comparison)
    radii = [known.get(i, float(np.quantile(away[labels == i], FAMILIAR))) for i in order]
    mixture = grouping.method == "gaussian_mixture"
    segmenter = Segmenter(
        population.features,
        tuple(tuple(grouping.centroids[i].tolist()) for i in order),
        tuple(segments[i] for i in order),
        tuple(Spread(float(grouping.weights[i]), tuple(grouping.variances[i].tolist())) for i in order if mixture),
        tuple(round(float(sizes[i] / len(labels)), 12) for i in order),
        tuple(round(radius, 12) for radius in radii),
        next_id,
    )
    return FittedSegments(segmenter, candidates, _events(comparison, segments, sizes.tolist(), previous))


def single_segment(population: Population, before: Before | None, previous: Segmenter | None) -> FittedSegments:
    """Return a segmentation that puts everybody together and needs no features."""
    customers = len(population.columns)
    labels = np.zeros(customers, dtype=np.intp)
    comparison = None if before is None else compare(before, labels, 1)
    recognised = [None] if comparison is None else comparison.recognised
    ids, next_id = _ids(recognised, 1 if previous is None else previous.next_id)
    segment = Segment(ids[0], ALL, ALL_DESCRIPTION)
    segmenter = Segmenter((), ((),), (segment,), shares=(1.0,), radii=(0.0,), next_id=next_id)
    return FittedSegments(segmenter, (), _events(comparison, [segment], [customers], previous))


def _profiles(population: Population, grouping: Grouping) -> Profiles:
    weights = np.array([feature.weight for feature in population.features])
    columns = population.of([feature.name for feature in population.features])
    labels = grouping.labels(population.scaled)
    return Profiles(population.features, columns, population.scaled / weights, labels, grouping.centroids / weights)


def _known_radii(before: Before | None, comparison: Comparison | None) -> dict[int, float]:
    """Return the radii before of the groups that go on, by their position now, where the scaling is the same."""
    if before is None or comparison is None or not before.radii:
        return {}
    return {n: before.radii[o] for n, o in enumerate(comparison.match) if o is not None}


def _ids(recognised: Sequence[Segment | None], next_id: int) -> tuple[list[int], int]:
    """Return the ids of recognised segments and fresh ones for the others, and the next id to give."""
    ids: list[int] = []
    for segment in recognised:
        ids.append(next_id if segment is None else segment.segment_id)
        next_id += segment is None
    return ids, next_id


def _events(
    comparison: Comparison | None, segments: Sequence[Segment], sizes: Sequence[int], previous: Segmenter | None
) -> tuple[SegmentEvent, ...]:
    if comparison is not None:
        return events_of(comparison, segments)
    if previous is None:
        return first_events(segments, sizes, "One of the first segments")
    because = "The features that told the segments before are gone, so nobody can be compared"
    return first_events(segments, sizes, because) + retired_unseen(previous.segments, because)
