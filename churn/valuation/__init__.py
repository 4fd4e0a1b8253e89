"""What customers are worth: the CLV model in force, its backtest, and the values it gives to batches of customers."""

from __future__ import annotations

from churn.valuation.backtest import SegmentsAt, no_segments
from churn.valuation.batches import Valued, contracts_of, stakes, value_batch
from churn.valuation.facts import NO_FACTS, Facts, read_facts
from churn.valuation.in_force import ClvInForce
from churn.valuation.refits import FittedClv, adopt_clv, clv_model_in_force, fit_clv

__all__ = [
    "NO_FACTS",
    "ClvInForce",
    "Facts",
    "FittedClv",
    "SegmentsAt",
    "Valued",
    "adopt_clv",
    "clv_model_in_force",
    "contracts_of",
    "fit_clv",
    "no_segments",
    "read_facts",
    "stakes",
    "value_batch",
]
