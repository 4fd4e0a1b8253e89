"""Campaigns: who is in them and on which side, what was sent, what came of it, what the next list learns."""

from __future__ import annotations

from churn.campaigns.members import admit
from churn.campaigns.outcomes import measure_outcomes, withdraw_outcomes
from churn.campaigns.results import store_results

__all__ = ["admit", "measure_outcomes", "store_results", "withdraw_outcomes"]
