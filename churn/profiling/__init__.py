"""`churn profile`: a source as it is, before any model."""

from __future__ import annotations

from churn.profiling.profile import Profile, page_of, profile

__all__ = ["Profile", "page_of", "profile"]
