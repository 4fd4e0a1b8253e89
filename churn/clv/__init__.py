"""Customer lifetime value: contractual (retention curve) and by inactivity (BG/NBD with gamma-gamma)."""

from __future__ import annotations

from churn.clv.artifact import (
    ClvModel,
    ContractualModel,
    InactivityModel,
    model_from_text,
    model_to_text,
    text_sha256,
)
from churn.clv.bg_nbd import (
    BgNbdFit,
    BgNbdParams,
    expected_purchases,
    fit_bg_nbd,
    probability_no_purchase,
)
from churn.clv.contractual import RetentionCurve, contractual_clv, fit_retention_curve
from churn.clv.gamma_gamma import GammaGammaFit, GammaGammaParams, expected_average_value, fit_gamma_gamma
from churn.clv.inactivity import InactivityClv, fit_inactivity, inactivity_clv
from churn.clv.values import DAYS_PER_MONTH, ClvValues

__all__ = [
    "DAYS_PER_MONTH",
    "BgNbdFit",
    "BgNbdParams",
    "ClvModel",
    "ClvValues",
    "ContractualModel",
    "GammaGammaFit",
    "GammaGammaParams",
    "InactivityClv",
    "InactivityModel",
    "RetentionCurve",
    "contractual_clv",
    "expected_average_value",
    "expected_purchases",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_inactivity",
    "fit_retention_curve",
    "inactivity_clv",
    "model_from_text",
    "model_to_text",
    "probability_no_purchase",
    "text_sha256",
]
