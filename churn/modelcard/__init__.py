"""The model card: what a churn model is, what it learned from, how good it is and where its limits lie."""

from __future__ import annotations

from churn.modelcard.card import render_card
from churn.modelcard.clv import backtest_table, parameter_table
from churn.modelcard.facts import ModelFacts, read_facts
from churn.modelcard.figures import figure_table
from churn.modelcard.listing import list_models

__all__ = [
    "ModelFacts",
    "backtest_table",
    "figure_table",
    "list_models",
    "parameter_table",
    "read_facts",
    "render_card",
]
