"""When contracts end: the customer's own probability within the churn horizon, the spliced curve behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from churn.clv.clock import Schedule, schedule
from churn.clv.contractual import ContractualModel
from churn.clv.panel import Contracts
from churn.clv.splice import cohort_risk, deviations, within_horizon
from churn.clv.values import DAYS_PER_MONTH, Economics, Floats

_TINY = 1e-9


@dataclass(frozen=True)
class Survival:
    """When n customers leave, each of shape (n, months + 1): in month 1, 2, ..., or later (the last column).

    Attributes
    ----------
    if_retained, if_churned : ndarray of float64
        Chances given that the customer does not, or does, leave within the churn horizon; rows sum to 1.
    p : ndarray of float64, shape (n,)
        Chance of leaving within the churn horizon.
    """

    if_retained: Floats
    if_churned: Floats
    p: Floats

    @property
    def overall(self) -> Floats:
        """Return the chances of leaving in each month, shape (n, months + 1)."""
        p = self.p[:, None]
        return np.asarray((1 - p) * self.if_retained + p * self.if_churned)

    @property
    def present(self) -> Floats:
        """Return S(k), the chance of still being there at the end of months 1, 2, ..., shape (n, months)."""
        return np.asarray(1.0 - np.cumsum(self.overall[:, :-1], axis=1))


def survival_of(
    model: ContractualModel, contracts: Contracts, churn_probability: Floats, economics: Economics, shift: float = 0.0
) -> Survival:
    """Return when customers leave.

    Parameters
    ----------
    model : ContractualModel
    contracts : Contracts
        n customers.
    churn_probability : ndarray of float64, shape (n,)
        NaN is the cohort's own, and leaves its curve alone behind the horizon too.
    economics : Economics
    shift : float
        Moves the logit of every hazard, the customer's own p included.
    """
    horizon = economics.horizon_days / DAYS_PER_MONTH
    months = max(economics.horizon_months, int(np.ceil(horizon)))
    plan = schedule(contracts, months, model.clock)
    curves = model.cohorts.positions(contracts.plan, contracts.months)
    hazards = np.stack([model.cohorts.hazards(curves, plan.renewals[:, month]) for month in range(months)], axis=1)
    risk = cohort_risk(hazards, plan, horizon)
    delta = deviations(churn_probability, risk, plan, horizon)
    known = ~np.isnan(churn_probability)
    spliced = np.where(known[:, None], model.splice.adjustment(contracts, delta, months), 0.0)
    behind = expit(logit(hazards) + spliced + shift)
    p = _shifted(np.where(known, churn_probability, risk), shift)
    return _leaving(p, plan, np.log1p(-behind), horizon, economics.horizon_months)


def _shifted(p: Floats, shift: float) -> Floats:
    """Move the logit of probabilities; 0 and 1 stay, and so does everything where there is no shift."""
    if shift == 0.0:
        return p
    inner = (p > 0) & (p < 1)
    return np.where(inner, expit(logit(np.where(inner, p, 0.5)) + shift), p)


def _leaving(p: Floats, plan: Schedule, log_stay: Floats, horizon: float, months: int) -> Survival:
    """Put p inside the horizon and the spliced hazards behind it together; `log_stay` is ln(1 - h) of a renewal.

    Inside the horizon ln S falls in proportion to the months' shares: evenly where billing is monthly.
    """
    inside = within_horizon(log_stay.shape[1], horizon)
    weight = plan.share * inside
    weight = np.where(weight.sum(axis=1, keepdims=True) > _TINY, weight, inside)
    elapsed = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    retained = np.exp(np.cumsum((1 - inside) * plan.share * log_stay, axis=1))
    churned = _present_given_churned(p[:, None], np.minimum(elapsed, 1.0))
    return Survival(_months_of(retained[:, :months]), _months_of(churned[:, :months]), p)


def _months_of(present: Floats) -> Floats:
    """Turn the chance of being present at month ends into chances of leaving in months, shape (n, months + 1)."""
    before = np.concatenate([np.ones((len(present), 1)), present], axis=1)
    return np.concatenate([before[:, :-1] - present, present[:, -1:]], axis=1)


def _present_given_churned(p: Floats, elapsed_share: Floats) -> Floats:
    """Return P(still there after this share of the horizon's risk | gone by its end); its limit where p is 0."""
    gone = np.maximum(p, _TINY)
    inner = ((1 - gone) ** elapsed_share - (1 - gone)) / gone
    return np.where(elapsed_share >= 1 - 1e-12, 0.0, np.where(p > _TINY, inner, 1 - elapsed_share))
