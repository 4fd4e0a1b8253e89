"""CLV where churn is inactivity: BG/NBD for purchases, gamma-gamma for value, the calibrated p to weigh them.

Within BG/NBD, with D(T) the discounted purchases of a customer alive at T, q the chance that such a customer
stays silent for the churn horizon h, and D_h the discounted purchases after h of one alive and silent until
then:

    V^S = value * (D - q D_h) / (1 - q)                         bought at least once within h
    V^L = value * P(alive at T + h | silent until then) * D_h   did not, but may return

V^S is (CLV - p V^L) / (1 - p) with the chance of being alive cancelled by hand, so that it stays exact for
customers who are almost surely gone. The calibrated churn probability then weighs the two (methods.md B).
Purchases of month k count as paid at its end, as in the contractual CLV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from churn.clv.artifact import InactivityModel
from churn.clv.bg_nbd import (
    BgNbdParams,
    alive_share,
    fit_bg_nbd,
    probability_no_purchase,
    purchases_given_alive,
    silence_given_alive,
)
from churn.clv.gamma_gamma import expected_average_value, fit_gamma_gamma
from churn.clv.purchases import check_purchases
from churn.clv.values import (
    DAYS_PER_MONTH,
    ClvValues,
    Economics,
    Floats,
    as_floats,
    check_probabilities,
    check_same_length,
)


@dataclass(frozen=True)
class InactivityClv:
    """CLV by inactivity.

    Attributes
    ----------
    values : ClvValues
    expected_purchases : ndarray of float64, shape (n,)
        Within the churn horizon, consistent with the churn probability that was passed in.
    """

    values: ClvValues
    expected_purchases: Floats


def fit_inactivity(
    frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, monetary_value: ArrayLike
) -> InactivityModel:
    """Fit both models to customers with at least one purchase, arrays of shape (n,).

    Raises
    ------
    ModelError
        As `fit_bg_nbd` and `fit_gamma_gamma`.
    """
    purchases = fit_bg_nbd(frequency, recency_days, t_days)
    return InactivityModel(purchases.params, fit_gamma_gamma(frequency, monetary_value).params)


def inactivity_clv(
    churn_probability: ArrayLike,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    t_days: ArrayLike,
    monetary_value: ArrayLike,
    model: InactivityModel,
    *,
    horizon_days: int,
    horizon_months: int,
    annual_discount_rate: float,
    gross_margin: float,
) -> InactivityClv:
    """Return CLV over the next `horizon_months` and the purchases expected within `horizon_days`.

    Parameters
    ----------
    churn_probability : array_like, shape (n,)
        Calibrated P(no purchase within `horizon_days`); NaN (no champion model) means BG/NBD's own.
    frequency, recency_days, t_days, monetary_value : array_like, shape (n,)
        As `fit_inactivity`; customers without any purchase do not belong here.
    model : InactivityModel
    horizon_days, horizon_months, annual_discount_rate, gross_margin
        As `Economics`.

    Raises
    ------
    ModelError
        Impossible histories, probabilities outside [0, 1] or lengths that differ.
    ConfigError
        Terms without meaning.
    """
    economics = Economics(horizon_days, horizon_months, annual_discount_rate, gross_margin)
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    p = as_floats(churn_probability, "churn_probability")
    check_same_length(churn_probability=p, frequency=x)
    check_probabilities(p)
    params, h = model.purchases, float(horizon_days)
    value = economics.gross_margin * expected_average_value(model.spend, x, monetary_value)
    p = np.where(np.isnan(p), probability_no_purchase(params, x, recency, t, h), p)

    log_silent = silence_given_alive(params, x, t, h)
    silent, not_silent = np.exp(log_silent), -np.expm1(log_silent)
    later = _discounted_purchases(params, x, t + h, economics, delay_days=h)
    retained = value * (_discounted_purchases(params, x, t, economics) - silent * later) / not_silent
    churned = value * alive_share(params, x, recency, t + h) * later
    within = purchases_given_alive(params, x, t, np.array([h]), np.array([1.0])) / not_silent
    return InactivityClv(ClvValues((1 - p) * retained + p * churned, retained, churned), (1 - p) * within)


def _discounted_purchases(
    params: BgNbdParams, x: Floats, t: Floats, economics: Economics, *, delay_days: float = 0.0
) -> Floats:
    """Return discounted purchases up to the CLV horizon of customers alive at t, `delay_days` after as_of."""
    factors = economics.discount_factors()
    ends = np.maximum(np.arange(1, len(factors) + 1) * DAYS_PER_MONTH - delay_days, 0.0)
    return purchases_given_alive(params, x, t, ends, factors - np.r_[factors[1:], 0.0])
