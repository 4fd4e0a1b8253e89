"""What a fit tells beside the segments: the candidates it chose from, and what became of the segments before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from churn.segments.model import Segmenter

Method = Literal["kmeans", "gaussian_mixture"]
Event = Literal["born", "kept", "renamed", "split", "merged", "retired"]


@dataclass(frozen=True)
class Candidate:
    """One way of grouping the customers, and how good it is.

    Attributes
    ----------
    method : {"kmeans", "gaussian_mixture"}
    count : int
        Number of segments.
    silhouette : float
        Mean silhouette in [-1, 1] on a sample: how much closer customers are to their own segment than to the next.
    stability : float
        Mean adjusted Rand index, at most 1, between this grouping and refits on random halves of the customers;
        0 is chance.
    smallest_share : float
        Share of customers in the smallest segment.
    chosen : bool
    """

    method: Method
    count: int
    silhouette: float
    stability: float
    smallest_share: float
    chosen: bool


@dataclass(frozen=True)
class SegmentEvent:
    """What a fit did to one segment.

    Attributes
    ----------
    event : {"born", "kept", "renamed", "split", "merged", "retired"}
        `split`: new, and most of its customers come from one segment, which goes on. `merged`: gone, and most of
        its customers are in one segment now. `born` and `retired`: any other new or gone segment.
    segment_id : int
    segment : str
        Its name now; of a gone segment, the last.
    previous_segment : str or None
        The name it had before (kept, renamed, merged, retired) or that of the segment it split from.
    related : tuple of str
        Names of the other segments that its customers came from or went to, the largest share first.
    shared_customers : int or None
        Customers in both: the segment before and after, or this one and the one it split from or went into. Of the
        customers compared, which may be a sample. None where nothing could be compared.
    shared_share : float or None
        `shared_customers` by the customers in either of the two (kept, renamed), or in this one.
    reason : str
        In plain words, with the counts.
    """

    event: Event
    segment_id: int
    segment: str
    previous_segment: str | None
    related: tuple[str, ...]
    shared_customers: int | None
    shared_share: float | None
    reason: str


@dataclass(frozen=True)
class FittedSegments:
    """The result of a fit.

    Attributes
    ----------
    segmenter : Segmenter
    candidates : tuple of Candidate
        By method, then count; empty where too little sets customers apart to choose.
    events : tuple of SegmentEvent
        One for each segment of now, and one for each that is gone.
    """

    segmenter: Segmenter
    candidates: tuple[Candidate, ...]
    events: tuple[SegmentEvent, ...]
