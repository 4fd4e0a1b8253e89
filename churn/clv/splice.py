"""How a customer's own risk lives on behind the churn horizon (methods.md A; a construction of this project).

delta = logit p - logit H, H the cohort's chance of leaving within the churn horizon. j months ahead, behind the
horizon, logit h = logit h_cohort + a_j + gamma_j * delta. a_j and gamma_j are linear in ln j, fitted by one logistic
regression with the cohort's logit as offset, on survivors of snapshots whose probability was out of sample; a ridge
draws them to 0 (the cohort's own curve) where few have left. The last j that was seen is held. What a customer pays,
as ln mrr less its mean among contracts of the same kind, has a coefficient too: without it the money of large
customers, whose risk is persistently another, would be off behind the horizon even where the count of customers is
right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from churn.clv.clock import Clock, Schedule, schedule
from churn.clv.cohorts import ANY_PLAN, Cohorts
from churn.clv.panel import Bools, Contracts, Panel, Stays
from churn.clv.values import DAYS_PER_MONTH, Floats

PRIOR_SD = 0.5
_MOST_DELTA = 6.0
_LEAST_P = 1e-6
_STEPS = 50
_LEAST_ROWS = 200


@dataclass(frozen=True)
class Splice:
    """The regression's coefficients.

    Attributes
    ----------
    level : tuple of 2 float
        a_j = level[0] + level[1] * ln(j / first).
    persistence : tuple of 2 float
        gamma_j, likewise.
    first, last : int
        Months ahead between which they were fitted; beyond, the nearest value is held.
    size : float
        Coefficient of the size.
    long_level : float
        Added to the logit hazard of renewals of longer contracts behind the horizon.
    means : tuple of (plan, mean ln mrr)
        Of monthly contracts by plan; plan "" stands for all.
    """

    level: tuple[float, float] = (0.0, 0.0)
    persistence: tuple[float, float] = (0.0, 0.0)
    first: int = 2
    last: int = 2
    size: float = 0.0
    long_level: float = 0.0
    means: tuple[tuple[str, float], ...] = ()

    def adjustment(self, contracts: Contracts, delta: Floats, months: int) -> Floats:
        """Return what is added to the logit hazards of months 1, 2, ... ahead, shape (n, months)."""
        level, persistence = self.at(np.arange(1.0, months + 1))
        is_long = contracts.months[:, None] > 1
        own = level + self.size * sizes_of(contracts, self.means)[:, None]
        return np.where(is_long, self.long_level, own) + persistence * delta[:, None]

    def at(self, months_ahead: Floats) -> tuple[Floats, Floats]:
        """Return a_j and gamma_j."""
        place = np.log(np.clip(months_ahead, self.first, self.last) / self.first)
        return self.level[0] + self.level[1] * place, self.persistence[0] + self.persistence[1] * place


def within_horizon(months: int, horizon_months: float) -> Floats:
    """Return the share of each month ahead that lies within the churn horizon, shape (months,)."""
    return np.clip(horizon_months - np.arange(months), 0.0, 1.0)


def cohort_risk(hazards: Floats, plan: Schedule, horizon_months: float) -> Floats:
    """Return the cohort's chance of leaving within the churn horizon, shape (n,); `hazards` of shape (n, months)."""
    inside = within_horizon(hazards.shape[1], horizon_months)
    return np.asarray(-np.expm1(np.sum(inside * plan.share * np.log1p(-hazards), axis=1)), dtype=np.float64)


def deviations(churn_probability: Floats, risk: Floats, plan: Schedule, horizon_months: float) -> Floats:
    """Return delta, shape (n,): 0 where p is NaN, or where a longer contract hardly comes up within the horizon."""
    inside = within_horizon(plan.share.shape[1], horizon_months)
    defined = ~np.isnan(churn_probability) & (~plan.is_long | ((inside * plan.share).sum(axis=1) >= 0.5))
    p = np.clip(np.where(defined, churn_probability, 0.5), _LEAST_P, 1 - _LEAST_P)
    own = np.clip(logit(p) - logit(np.clip(risk, _LEAST_P, 1 - _LEAST_P)), -_MOST_DELTA, _MOST_DELTA)
    return np.where(defined, own, 0.0)


def sizes_of(contracts: Contracts, means: tuple[tuple[str, float], ...]) -> Floats:
    """Return ln mrr less its mean among monthly contracts of the plan, within +-2, shape (n,); 0 where unknown."""
    mrr = np.nan_to_num(contracts.mrr, nan=0.0)
    plans, known = np.asarray(contracts.plan, dtype=str), dict(means)
    if ANY_PLAN not in known:
        return np.zeros(len(contracts))
    names, place = np.unique(plans, return_inverse=True)
    middle = np.array([known.get(str(name), known[ANY_PLAN]) for name in names])[place]
    return np.where(mrr > 0, np.clip(np.log(np.where(mrr > 0, mrr, 1.0)) - middle, -2.0, 2.0), 0.0)


def mean_sizes(contracts: Contracts) -> tuple[tuple[str, float], ...]:
    """Return the mean ln mrr of monthly contracts, of each plan with enough of them and of all."""
    monthly = np.isfinite(contracts.mrr) & (contracts.mrr > 0) & (contracts.months <= 1)
    plans, sizes = np.asarray(contracts.plan, dtype=str)[monthly], np.log(contracts.mrr[monthly])
    if not len(sizes):
        return ()
    counted = [(str(plan), sizes[plans == plan]) for plan in np.unique(plans) if plan]
    named = [(plan, float(own.mean())) for plan, own in counted if len(own) >= _LEAST_ROWS]
    return ((ANY_PLAN, float(sizes.mean())), *named)


def fit_splice(panel: Panel, stays: Stays, cohorts: Cohorts, clock: Clock, horizon_days: int) -> Splice:
    """Fit the splice on the months after the snapshots that have an out-of-sample probability."""
    horizon = horizon_days / DAYS_PER_MONTH
    first = int(np.ceil(horizon - 0.25)) + 1
    means = mean_sizes(panel.contracts)
    sizes = sizes_of(panel.contracts, means)
    long_level = _fit_long(panel, stays, cohorts, clock)
    rows = np.flatnonzero(~np.isnan(panel.churn_probability) & (panel.contracts.months <= 1))
    reach = int(stays.known_until - stays.day[rows].min()) if len(rows) else 0
    known = Splice(first=first, last=first, long_level=long_level, means=means)
    if reach < first:
        return known
    contracts = panel.contracts.take(rows)
    plan = schedule(contracts, reach, clock)
    curves = cohorts.positions(contracts.plan, contracts.months)
    hazards = np.stack([cohorts.hazards(curves, plan.renewals[:, month]) for month in range(reach)], axis=1)
    delta = deviations(panel.churn_probability[rows], cohort_risk(hazards, plan, horizon), plan, horizon)
    ahead = np.arange(first, reach + 1)
    position = stays.day[rows][:, None] + ahead - 1
    ends = stays.stay_end[rows][:, None]
    row, column = np.nonzero((ends >= position) & (position < stays.known_until))
    place = np.log(ahead / first)[column]
    design = np.stack([np.ones(len(row)), place, delta[row], place * delta[row], sizes[rows][row]], axis=1)
    left = (stays.stay_end[rows][row] == position[row, column]) & stays.left[rows][row]
    a0, a1, g0, g1, size = _ridge_logistic(
        design, logit(hazards[row, ahead[column] - 1]), left, panel.weights[rows][row]
    )
    return replace(known, level=(a0, a1), persistence=(g0, g1), last=max(first, reach - 1), size=size)


def _fit_long(panel: Panel, stays: Stays, cohorts: Cohorts, clock: Clock) -> float:
    """Return how far longer contracts are off their curve in the months that carry their renewals."""
    rows = np.flatnonzero((panel.contracts.months > 1) & (stays.day < stays.known_until))
    if not len(rows):
        return 0.0
    contracts = panel.contracts.take(rows)
    plan = schedule(contracts, 1, clock)
    hazards = cohorts.hazards(cohorts.positions(contracts.plan, contracts.months), plan.renewals[:, 0])
    risk = -np.expm1(plan.share[:, 0] * np.log1p(-hazards))
    due = risk > _LEAST_P
    left = stays.left[rows] & (stays.stay_end[rows] == stays.day[rows])
    return _ridge_logistic(np.ones((due.sum(), 1)), logit(risk[due]), left[due], panel.weights[rows][due])[0]


def _ridge_logistic(design: Floats, offset: Floats, left: Bools, weight: Floats) -> tuple[float, ...]:
    """Return the coefficients of a logistic regression with an offset and a normal prior around 0, by Newton."""
    coefficients = np.zeros(design.shape[1])
    prior = np.eye(design.shape[1]) / PRIOR_SD**2
    for _ in range(_STEPS):
        p = expit(offset + design @ coefficients)
        gradient = design.T @ (weight * (left - p)) - prior @ coefficients
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + prior
        step = np.linalg.solve(curvature, gradient)
        coefficients = coefficients + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    return tuple(float(value) for value in coefficients)
