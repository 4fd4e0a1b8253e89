"""Retention by renewals: shifted beta geometric and its beta-discrete-Weibull extension.

S(t) = B(alpha, beta + t ** c) / B(alpha, beta) after t renewals: each contract has its own probability of leaving,
beta-distributed over contracts, and c says how it moves with time. c = 1 is the shifted beta geometric (Fader &
Hardie 2007, Journal of Interactive Marketing 21(1)); any other c the beta discrete Weibull (Fader, Hardie, Liu, Davin
& Steenburgh 2018, Journal of Interactive Marketing 43).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, psi

from churn.clv.optimise import Maximum, Objective, maximise
from churn.clv.values import Floats, as_floats, check_same_length
from churn.errors import ModelError

BOUNDS = ((1e-3, 1e4), (1e-3, 1e5), (0.2, 4.0))
LIKELIHOOD_RATIO_95 = 3.841
_STARTS = ((1.0, 10.0, 1.0), (0.5, 2.0, 1.0), (3.0, 60.0, 1.0))
_LEAST_SURVIVAL = -1e-15


@dataclass(frozen=True)
class BdwParams:
    """Parameters of S(t), all positive; c = 1 is the shifted beta geometric."""

    alpha: float
    beta: float
    c: float = 1.0

    def log_survival(self, renewals: Floats) -> Floats:
        """Return ln S after so many renewals (>= 0), of the same shape."""
        return np.asarray(betaln(self.alpha, self.beta + renewals**self.c) - betaln(self.alpha, self.beta))

    def hazards(self, renewals: Floats) -> Floats:
        """Return the chance of leaving at the next renewal after `renewals` completed ones, in (0, 1)."""
        step = self.log_survival(renewals + 1.0) - self.log_survival(renewals)
        return np.asarray(-np.expm1(np.minimum(step, _LEAST_SURVIVAL)), dtype=np.float64)


@dataclass(frozen=True)
class BdwFit:
    """A maximum-likelihood fit.

    Attributes
    ----------
    params : BdwParams
        The beta discrete Weibull where the likelihood ratio says (at 95 %) that it is better, else the shifted beta
        geometric.
    log_likelihood : float
        Of `params`.
    geometric : BdwParams
        The shifted beta geometric (c = 1).
    geometric_log_likelihood : float
    """

    params: BdwParams
    log_likelihood: float
    geometric: BdwParams
    geometric_log_likelihood: float


def fit_bdw(renewals: ArrayLike, at_risk: ArrayLike, churned: ArrayLike) -> BdwFit:
    """Fit a grouped life table by maximum likelihood.

    The likelihood is the sum of churned * ln h + (at_risk - churned) * ln(1 - h) over renewals. A contract counts only
    at the renewals at which it was seen, so delayed entry and right censoring are in it.

    Parameters
    ----------
    renewals : array_like of whole numbers >= 0, shape (m,)
        Completed renewals.
    at_risk, churned : array_like, shape (m,)
        Contracts that came up for the next renewal, and those of them that ended.

    Raises
    ------
    ModelError
        Impossible rows, nobody at risk, or no convergence.
    """
    n, risk, left = checked_life(renewals, at_risk, churned)
    objective = _objective(n, risk, left)
    weight = float(risk.sum())
    starts = [tuple(start[:2]) for start in _STARTS]

    def plain(parameters: Floats) -> tuple[float, Floats]:
        value, gradient = objective(np.r_[parameters, 1.0])
        return value, gradient[:2]

    one = maximise(plain, starts, BOUNDS[:2], weight=weight, model="shifted beta geometric")
    geometric = _params(one)
    chosen = _with_duration(objective, geometric, weight)
    if chosen is None or 2 * (chosen.log_likelihood - one.log_likelihood) <= LIKELIHOOD_RATIO_95:
        chosen = one
    return BdwFit(_params(chosen), chosen.log_likelihood, geometric, one.log_likelihood)


def _with_duration(objective: Objective, geometric: BdwParams, weight: float) -> Maximum | None:
    """Fit the beta discrete Weibull; None where it has no maximum, and so none that is shown to be better."""
    starts = [(geometric.alpha, geometric.beta, c) for c in (1.0, 0.7, 1.4)]
    try:
        return maximise(objective, starts, BOUNDS, weight=weight, model="beta discrete Weibull")
    except ModelError:
        return None


def checked_life(renewals: ArrayLike, at_risk: ArrayLike, churned: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return a life table's columns as float64.

    Raises
    ------
    ModelError
        Nobody at risk, negative or fractional renewals, or more churned than at risk.
    """
    n, risk, left = as_floats(renewals, "renewals"), as_floats(at_risk, "at_risk"), as_floats(churned, "churned")
    check_same_length(renewals=n, at_risk=risk, churned=left)
    valid = np.isfinite(n + risk + left) & (n >= 0) & (n % 1 == 0) & (left >= 0) & (left <= risk)
    if not valid.all() or not risk.sum() > 0:
        raise ModelError(
            f"A retention curve needs contracts at risk by whole renewals; {int((~valid).sum())} of {len(n)} rows "
            f"are impossible and {risk.sum():g} renewals were at risk.",
            "Load enough history for at least one month of one subscription.",
        )
    return n, risk, left


def _params(maximum: Maximum) -> BdwParams:
    return BdwParams(*(float(value) for value in maximum.parameters))


def _objective(n: Floats, risk: Floats, left: Floats) -> Objective:
    """Return the log-likelihood and its gradient by (alpha, beta, c)."""
    stayed = risk - left

    def survival(alpha: float, beta: float, c: float, t: Floats) -> tuple[Floats, Floats]:
        """Return ln S(t) and its derivatives, shape (3, m)."""
        power = t**c
        y = beta + power
        both = psi(alpha + beta)
        by_y = psi(y) - psi(alpha + y)
        by_c = by_y * power * np.log(np.maximum(t, 1e-300))
        slopes = np.stack([both - psi(alpha + y), by_y - psi(beta) + both, np.where(t > 0, by_c, 0.0)])
        return betaln(alpha, y) - betaln(alpha, beta), slopes

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        alpha, beta, c = (float(value) for value in parameters)
        after, after_slopes = survival(alpha, beta, c, n + 1)
        before, before_slopes = survival(alpha, beta, c, n)
        step = np.minimum(after - before, _LEAST_SURVIVAL)
        log_hazard = np.log(-np.expm1(step))
        value = left @ log_hazard + stayed @ step
        by_step = stayed - left * np.exp(step - log_hazard)
        return float(value), (after_slopes - before_slopes) @ by_step

    return value_and_gradient
