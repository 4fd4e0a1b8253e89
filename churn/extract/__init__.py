"""From the company's Postgres to staging (DESIGN §5)."""

from __future__ import annotations

from churn.extract.doctor import Finding, describe_source
from churn.extract.recording import record_quarantine
from churn.extract.report import EntityCounts, ExtractionReport, QuarantineCount, QuarantineError
from churn.extract.run import EntityPreview, extract, preview, read_past

__all__ = [
    "EntityCounts",
    "EntityPreview",
    "ExtractionReport",
    "Finding",
    "QuarantineCount",
    "QuarantineError",
    "describe_source",
    "extract",
    "preview",
    "read_past",
    "record_quarantine",
]
