"""Campaigns: who is in them and on which side, what was sent, what came of it, what the next list learns."""

from __future__ import annotations

from churn.campaigns.members import Membership, Terms, admit, campaign_terms, memberships, refuse_replacing_sent
from churn.campaigns.naming import Request, Withdrawal, withdraw
from churn.campaigns.outcomes import data_through, measure_outcomes, withdraw_outcomes
from churn.campaigns.rates import RateTable, save_rates
from churn.campaigns.recording import Recording, record, refusal_text, table_chunks
from churn.campaigns.results import store_results
from churn.campaigns.sheets import open_sheet

__all__ = [
    "Membership",
    "RateTable",
    "Recording",
    "Request",
    "Terms",
    "Withdrawal",
    "admit",
    "campaign_terms",
    "data_through",
    "measure_outcomes",
    "memberships",
    "open_sheet",
    "record",
    "refusal_text",
    "refuse_replacing_sent",
    "save_rates",
    "store_results",
    "table_chunks",
    "withdraw",
    "withdraw_outcomes",
]
