"""Which new segment is which old one: by the customers they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from churn.segments.events import Event, SegmentEvent
from churn.segments.grouping import Positions
from churn.segments.model import Segment
from churn.segments.population import Before

LEAST_OVERLAP = 0.3
"""Customers in both, by customers in either, from which two segments can be the same one.

Two groups of one size that share 46 % of each have 0.3; unrelated ones among k of one size about 1 / (2 k - 1), at
most 0.2. So the larger half of a segment that splits evenly, or into three, can still keep the name.
"""

STRANGER_COUNTS = 0.5
"""What a stranger to its old segment counts in the overlap: who has always been there decides who keeps the name."""

MOST = 0.5
"""A share of a segment's customers from which "most" come from, or went to, another."""

WORTH_NAMING = 0.1
"""Share of a segment's customers from which another segment is named as related."""


@dataclass(frozen=True)
class Comparison:
    """The same customers under the old segments and the new.

    Attributes
    ----------
    old : tuple of Segment, length o
    shared : ndarray of int64, shape (o, k)
        Customers in each pair.
    match : tuple of int or None, length k
        Position of the old segment that each new one is, None for a new one.
    strangers : ndarray of float64, shape (k,)
        Share of each new segment that lies further out than nearly all customers of the old segments did.
    """

    old: tuple[Segment, ...]
    shared: NDArray[np.int64]
    match: tuple[int | None, ...]
    strangers: NDArray[np.float64]

    @property
    def recognised(self) -> list[Segment | None]:
        """Return what each new segment was before, length k; None for a new one."""
        return [None if o is None else self.old[o] for o in self.match]


def compare(before: Before, now: Positions, count: int) -> Comparison:
    """Return the comparison with labels (n,) of now, `count` of them, of the same customers.

    "All customers" is never one of several segments, nor the reverse.
    """
    old = before.segments
    shared = np.zeros((len(old), count), dtype=np.int64)
    np.add.at(shared, (before.labels, now), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    counted = np.zeros(shared.shape)
    np.add.at(counted, (before.labels, now), np.where(before.strangers, STRANGER_COUNTS, 1.0))
    overlap = counted / np.maximum(either, 1)
    if (len(old) == 1) != (count == 1):
        overlap[:] = 0
    overlap[overlap < LEAST_OVERLAP] = 0
    match: list[int | None] = [None] * count
    for o, n in zip(*linear_sum_assignment(overlap, maximize=True), strict=True):
        if overlap[o, n] > 0:
            match[int(n)] = int(o)
    sizes = np.maximum(np.bincount(now, minlength=count), 1)
    strange = np.bincount(now, weights=before.strangers, minlength=count) / sizes
    return Comparison(old, shared, tuple(match), strange)


def first_events(new: Sequence[Segment], sizes: Sequence[int], because: str) -> tuple[SegmentEvent, ...]:
    """Return the births of segments that had none before them, or none to be compared with."""
    total = sum(sizes)
    return tuple(
        SegmentEvent(
            "born", segment.segment_id, segment.name, None, (), None, None,
            f"{because}: {_customers(size)} of the {total:,} it was fitted on.",
        )
        for segment, size in zip(new, sizes, strict=True)
    )  # fmt: skip


def retired_unseen(old: Sequence[Segment], because: str) -> tuple[SegmentEvent, ...]:
    """Return the ends of segments that could not be compared."""
    return tuple(
        SegmentEvent("retired", segment.segment_id, segment.name, segment.name, (), None, None, f"{because}.")
        for segment in old
    )


def events_of(comparison: Comparison, new: Sequence[Segment]) -> tuple[SegmentEvent, ...]:
    """Return one event for each new segment, by id, then one for each old one that is gone."""
    arrived = [
        _new_event(comparison, new, n) if match is None else _kept_event(comparison, new, n, match)
        for n, match in enumerate(comparison.match)
    ]
    gone = [_gone_event(comparison, new, o) for o in range(len(comparison.old)) if o not in comparison.match]
    return tuple(sorted(arrived, key=lambda event: event.segment_id) + sorted(gone, key=lambda e: e.segment_id))


def _kept_event(comparison: Comparison, new: Sequence[Segment], n: int, o: int) -> SegmentEvent:
    shared = int(comparison.shared[o, n])
    before, now = int(comparison.shared[o].sum()), int(comparison.shared[:, n].sum())
    segment, old = new[n], comparison.old[o]
    counts = f"{_customers(shared)} in both, of {before:,} before and {now:,} now"
    kept = segment.name == old.name
    reason = f"The same segment: {counts}." if kept else f"Its typical customer has changed from {old.name}: {counts}."
    related = _related(comparison.shared[:, n], comparison.old, o)
    share = shared / (before + now - shared)
    event: Event = "kept" if kept else "renamed"
    return SegmentEvent(event, segment.segment_id, segment.name, old.name, related, shared, share, reason)


def _new_event(comparison: Comparison, new: Sequence[Segment], n: int) -> SegmentEvent:
    column = comparison.shared[:, n]
    size, o = int(column.sum()), int(column.argmax())
    shared, strange = int(column[o]), float(comparison.strangers[n])
    survivor = next((new[i] for i, match in enumerate(comparison.match) if match == o), None)
    segment, source = new[n], comparison.old[o]
    share = shared / max(size, 1)
    names = _related(column, comparison.old, None)
    if strange >= MOST:
        reason = f"{_customers(size)}, {strange:.0%} of them unlike any segment before."
        return SegmentEvent("born", segment.segment_id, segment.name, None, names, shared, share, reason)
    if survivor is not None and share > MOST:
        reason = f"{shared:,} of its {_customers(size)} come from {source.name}, which goes on as {survivor.name}."
        related = _related(column, comparison.old, o)
        return SegmentEvent("split", segment.segment_id, segment.name, source.name, related, shared, share, reason)
    reason = f"{_customers(size)} from several segments: {shared:,} from {source.name}, and others."
    if share > MOST:
        reason = f"{shared:,} of its {_customers(size)} come from {source.name}, which is gone."
    return SegmentEvent("born", segment.segment_id, segment.name, None, names, shared, share, reason)


def _gone_event(comparison: Comparison, new: Sequence[Segment], o: int) -> SegmentEvent:
    row, old = comparison.shared[o], comparison.old[o]
    size, n = int(row.sum()), int(row.argmax())
    if size == 0:
        reason = "No customer is like this any more."
        return SegmentEvent("retired", old.segment_id, old.name, old.name, (), 0, None, reason)
    shared, share = int(row[n]), float(row[n] / size)
    names = _related(row, new, None)
    if share > MOST:
        reason = f"{shared:,} of its {_customers(size)} are in {new[n].name} now."
        return SegmentEvent("merged", old.segment_id, old.name, old.name, names, shared, share, reason)
    reason = f"Its {_customers(size)} are spread over other segments, {shared:,} of them in {new[n].name}."
    return SegmentEvent("retired", old.segment_id, old.name, old.name, names, shared, share, reason)


def _related(counts: NDArray[np.int64], segments: Sequence[Segment], but: int | None) -> tuple[str, ...]:
    """Return the names of the segments with a tenth of the customers or more, the largest first."""
    least = WORTH_NAMING * max(int(counts.sum()), 1)
    found = [i for i in np.argsort(-counts, kind="stable").tolist() if i != but and counts[i] >= least]
    return tuple(segments[i].name for i in found)


def _customers(count: int) -> str:
    return f"{count:,} customer" if count == 1 else f"{count:,} customers"
