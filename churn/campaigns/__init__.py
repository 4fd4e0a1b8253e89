"""Campaigns: who is in them and on which side, what was sent, what came of it, what the next list learns."""

from __future__ import annotations

from churn.campaigns.members import Membership, Terms, admit, campaign_terms, memberships
from churn.campaigns.outcomes import data_through, measure_outcomes, withdraw_outcomes
from churn.campaigns.rates import RateTable, save_rates
from churn.campaigns.recording import Recording, Request, record, refusal_text, table_chunks
from churn.campaigns.results import store_results
from churn.campaigns.sheets import open_sheet

__all__ = [
    "Membership",
    "RateTable",
    "Recording",
    "Request",
    "Terms",
    "admit",
    "campaign_terms",
    "data_through",
    "measure_outcomes",
    "memberships",
    "open_sheet",
    "record",
    "refusal_text",
    "save_rates",
    "store_results",
    "table_chunks",
    "withdraw_outcomes",
]
