"""What a night has to say on the five business questions, as far as chance does not explain it."""

from __future__ import annotations

from churn.insights.store import store_insights

__all__ = ["store_insights"]
