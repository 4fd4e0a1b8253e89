"""The business's figures by month, and its cohorts."""

from __future__ import annotations

from churn.kpis.store import store_kpis

__all__ = ["store_kpis"]
