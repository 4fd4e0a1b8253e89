"""Segments: groups of customers that behave alike, under names that marketing can use."""

from __future__ import annotations

from churn.segments.clustering import fit_segments
from churn.segments.model import Segment, Segmenter, assign_batches

__all__ = ["Segment", "Segmenter", "assign_batches", "fit_segments"]
