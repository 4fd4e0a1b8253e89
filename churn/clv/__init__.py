"""Customer lifetime value: contractual (retention curve) and by inactivity (BG/NBD with gamma-gamma)."""

from __future__ import annotations

from churn.clv.artifact import (
    ClvModel,
    model_from_text,
    model_to_text,
    text_sha256,
)
from churn.clv.bdw import BdwFit, BdwParams, fit_bdw
from churn.clv.bg_nbd import (
    BgNbdFit,
    BgNbdParams,
    expected_purchases,
    fit_bg_nbd,
    probability_no_purchase,
)
from churn.clv.contractual import ContractualModel, fit_contractual
from churn.clv.contractual_value import contractual_clv
from churn.clv.gamma_gamma import GammaGammaFit, GammaGammaParams, expected_average_value, fit_gamma_gamma
from churn.clv.inactivity import InactivityClv, inactivity_clv
from churn.clv.inactivity_fit import fit_inactivity
from churn.clv.inactivity_model import InactivityModel
from churn.clv.panel import Contracts, LifeTable, Panel
from churn.clv.pareto_nbd import (
    ParetoNbdFit,
    ParetoNbdParams,
    fit_pareto_nbd,
    p_alive,
    pareto_expected_purchases,
    pareto_probability_no_purchase,
)
from churn.clv.values import DAYS_PER_MONTH, ClvValues, Economics

__all__ = [
    "DAYS_PER_MONTH",
    "BdwFit",
    "BdwParams",
    "BgNbdFit",
    "BgNbdParams",
    "ClvModel",
    "ClvValues",
    "Contracts",
    "ContractualModel",
    "Economics",
    "GammaGammaFit",
    "GammaGammaParams",
    "InactivityClv",
    "InactivityModel",
    "LifeTable",
    "Panel",
    "ParetoNbdFit",
    "ParetoNbdParams",
    "contractual_clv",
    "expected_average_value",
    "expected_purchases",
    "fit_bdw",
    "fit_bg_nbd",
    "fit_contractual",
    "fit_gamma_gamma",
    "fit_inactivity",
    "fit_pareto_nbd",
    "inactivity_clv",
    "model_from_text",
    "model_to_text",
    "p_alive",
    "pareto_expected_purchases",
    "pareto_probability_no_purchase",
    "probability_no_purchase",
    "text_sha256",
]
