"""CLV where churn is the end of a contract: a cohort's retention curve behind each customer's probability.

Timing: month k ends k * 30.4375 days after as_of; a customer who is still there then pays that month's mrr
then, worth mrr * margin / (1 + d) ** (k / 12) today. Up to the churn horizon h (in months) survival is
geometric, S(t) = (1 - p) ** (t / h); afterwards the customer follows the cohort's curve from tenure n + h on.
The splice by formula A of methods.md, which lets the individual's risk outlast the horizon, refines the
second part later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from churn.clv.values import (
    DAYS_PER_MONTH,
    ClvValues,
    Economics,
    Floats,
    as_floats,
    check_probabilities,
    check_same_length,
)
from churn.errors import ModelError

PRIOR_CUSTOMER_MONTHS = 50.0
"""Weight of the overall hazard in each tenure month's: that many customer-months."""

MIN_AT_RISK = 100.0
"""The curve ends at the last tenure month with so many customers at risk; what lies beyond is one tail."""


@dataclass(frozen=True)
class RetentionCurve:
    """Hazard of leaving by tenure.

    Attributes
    ----------
    hazards : tuple of float
        Probability of leaving within tenure month 0, 1, ..., each in (0, 1). The last is held for ever.
    overall_hazard : float
        The same over all tenures; used where a customer's tenure is unknown.
    """

    hazards: tuple[float, ...]
    overall_hazard: float

    def log_survival(self, tenure_months: Floats, start_months: float, stop_months: float) -> Floats:
        """Return ln S(tenure + stop) - ln S(tenure + start), shape (n,), <= 0; even within a month."""
        steps = np.log1p(-np.asarray(self.hazards))
        knots = np.r_[0.0, np.cumsum(steps)]

        def at(months: Floats) -> Floats:
            beyond = np.maximum(months - len(steps), 0.0) * steps[-1]
            return np.asarray(np.interp(months, np.arange(len(knots)), knots) + beyond, dtype=np.float64)

        known = ~np.isnan(tenure_months)
        tenure = np.where(known, np.maximum(tenure_months, 0.0), 0.0)
        unknown = (stop_months - start_months) * np.log1p(-self.overall_hazard)
        return np.where(known, at(tenure + stop_months) - at(tenure + start_months), unknown)


def fit_retention_curve(tenure_months: ArrayLike, at_risk: ArrayLike, churned: ArrayLike) -> RetentionCurve:
    """Fit a life table: one hazard per month of tenure, safe where few customers are.

    Each month's hazard is (churned + 50 h) / (at risk + 50), h the overall hazard (with half a churner added,
    so that it lies in (0, 1)). Months are not smoothed into one another: yearly contracts end in spikes. The
    curve ends at the last month with at least 100 at risk; later months are pooled into a tail, shrunk alike,
    and held.

    Parameters
    ----------
    tenure_months : array_like of whole numbers >= 0, shape (m,)
        Completed months of tenure; rows with the same month add up.
    at_risk : array_like, shape (m,)
        Customer-months that began at that tenure and were observed for a whole month.
    churned : array_like, shape (m,)
        Those of them that ended in churn.

    Raises
    ------
    ModelError
        Nobody at risk, negative or fractional months, or more churned than at risk.
    """
    months = as_floats(tenure_months, "tenure_months")
    risk, left = as_floats(at_risk, "at_risk"), as_floats(churned, "churned")
    check_same_length(tenure_months=months, at_risk=risk, churned=left)
    valid = np.isfinite(months + risk + left) & (months >= 0) & (months % 1 == 0)
    valid &= (left >= 0) & (left <= risk)
    if not valid.all() or not risk.sum() > 0:
        raise ModelError(
            f"A retention curve needs customers at risk in whole months of tenure; {int((~valid).sum())} of "
            f"{len(months)} rows are impossible and {risk.sum():g} customer-months were at risk.",
            "Load enough history for at least one month of one subscription.",
        )
    by_risk = np.bincount(months.astype(np.int64), weights=risk)
    by_left = np.bincount(months.astype(np.int64), weights=left)
    overall = float((by_left.sum() + 0.5) / (by_risk.sum() + 1.0))
    thick = np.flatnonzero(by_risk >= MIN_AT_RISK)
    end = int(thick[-1]) + 1 if len(thick) else 0
    by_risk = np.r_[by_risk[:end], by_risk[end:].sum()]
    by_left = np.r_[by_left[:end], by_left[end:].sum()]
    hazards = (by_left + PRIOR_CUSTOMER_MONTHS * overall) / (by_risk + PRIOR_CUSTOMER_MONTHS)
    return RetentionCurve(tuple(float(hazard) for hazard in hazards), overall)


def contractual_clv(
    churn_probability: ArrayLike,
    mrr: ArrayLike,
    paid_tenure_days: ArrayLike,
    curve: RetentionCurve,
    *,
    horizon_days: int,
    horizon_months: int,
    annual_discount_rate: float,
    gross_margin: float,
) -> ClvValues:
    """Return the discounted margin of the next `horizon_months` at today's mrr.

    V^S sums the months given survival of the churn horizon, V^L those that a customer who churns within it
    still pays before leaving (0 unless the horizon exceeds a month); neither divides by 1 - p.

    Parameters
    ----------
    churn_probability : array_like, shape (n,)
        Calibrated, over `horizon_days`; NaN (no champion model) means the curve's own.
    mrr : array_like, shape (n,)
        Monthly recurring revenue; NaN gives NaN.
    paid_tenure_days : array_like, shape (n,)
        Paid tenure at as_of; NaN means the overall hazard.
    curve : RetentionCurve
    horizon_days, horizon_months, annual_discount_rate, gross_margin
        As `Economics`.

    Raises
    ------
    ModelError
        Probabilities outside [0, 1] or lengths that differ.
    ConfigError
        Terms without meaning.
    """
    economics = Economics(horizon_days, horizon_months, annual_discount_rate, gross_margin)
    p = as_floats(churn_probability, "churn_probability")
    money, tenure = as_floats(mrr, "mrr"), as_floats(paid_tenure_days, "paid_tenure_days") / DAYS_PER_MONTH
    check_same_length(churn_probability=p, mrr=money, paid_tenure_days=tenure)
    check_probabilities(p)
    h = horizon_days / DAYS_PER_MONTH
    p = np.where(np.isnan(p), -np.expm1(curve.log_survival(tenure, 0.0, h)), p)
    retained, churned = np.zeros(len(p)), np.zeros(len(p))
    for month, factor in enumerate(economics.discount_factors(), start=1):
        if month <= h:
            retained += factor
            churned += factor * _present_given_churned(p, month / h)
        else:
            retained += factor * np.exp(curve.log_survival(tenure, h, float(month)))
    margin = money * economics.gross_margin
    retained, churned = margin * retained, margin * churned
    return ClvValues((1 - p) * retained + p * churned, retained, churned)


def _present_given_churned(p: Floats, elapsed_share: float) -> Floats:
    """Return P(still there after this share of the horizon | gone by its end); its limit where p is 0."""
    gone = np.maximum(p, 1e-9)
    return np.where(p > 1e-9, ((1 - gone) ** elapsed_share - (1 - gone)) / gone, 1 - elapsed_share)
