"""Segments: groups of customers that behave alike, under names that marketing can use for a year.

Importing this package imports no scikit-learn: a night that only assigns starts fast.
"""

from __future__ import annotations

from churn.segments.events import Candidate, FittedSegments, SegmentEvent
from churn.segments.fitting import fit_segments
from churn.segments.meaning import Meaning
from churn.segments.model import Segment, Segmenter, assign_batches, population_drift

__all__ = [
    "Candidate",
    "FittedSegments",
    "Meaning",
    "Segment",
    "SegmentEvent",
    "Segmenter",
    "assign_batches",
    "fit_segments",
    "population_drift",
]
