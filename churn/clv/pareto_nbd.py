"""Pareto/NBD: the chance that a customer is still alive, also one who bought once.

Schmittlein, Morrison & Colombo (1987), Management Science 33(1); the likelihood as in Fader & Hardie (2005), "A note
on deriving the Pareto/NBD model", brucehardie.com. Purchases follow a Poisson process with rate lambda ~ Gamma(r,
alpha) until the customer drops out, at any moment, with rate mu ~ Gamma(s, beta).

A customer has dropped out at some u between the last purchase and now, so that (eq. 13 there, mu integrated)

    L = G(r + x) / G(r) alpha^r beta^s [ (alpha + T)^-(r + x) (beta + T)^-s + D(recency, T) ],
    D(from, to) = s * integral of (alpha + u)^-(r + x) (beta + u)^-(s + 1) over u in (from, to).

The closed form of D is a difference of two Gauss hypergeometric functions that cancel; the integral is taken by
quadrature instead (`churn.clv.dropout`), which stays exact for any x and gives the gradient with the same nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import exprel, gammaln, psi

from churn.clv.dropout import Rates, dropout_integral
from churn.clv.optimise import Objective, maximise
from churn.clv.purchases import GroupedPurchases, check_purchases, group_purchases
from churn.clv.values import Floats

PARAMETERS = ("r", "alpha_days", "s", "beta_days")
BOUNDS = ((1e-4, 1e4), (1e-5, 1e5), (1e-4, 1e4), (1e-5, 1e5))
SAMPLE = 3_000
"""Distinct histories on which the starts are tried, before the best is taken to the maximum of all."""


@dataclass(frozen=True)
class ParetoNbdParams:
    """Parameters of Pareto/NBD, all positive.

    Attributes
    ----------
    r, alpha_days : float
        Shape and rate (in days) of the gamma distribution of purchase rates.
    s, beta_days : float
        Shape and rate (in days) of the gamma distribution of dropout rates.
    """

    r: float
    alpha_days: float
    s: float
    beta_days: float

    @property
    def rates(self) -> Rates:
        """The parameters as the quadrature takes them."""
        return Rates(self.r, self.alpha_days, self.s, self.beta_days)


@dataclass(frozen=True)
class ParetoNbdFit:
    """A maximum-likelihood fit.

    Attributes
    ----------
    params : ParetoNbdParams
    log_likelihood : float
        With time in days. In a unit of u days it is larger by (total repeats) * ln u.
    customers, repeat_buyers : int
    at_bounds : tuple of str
        Parameters that the data do not identify (for instance `beta_days` when nobody seems to drop out).
    """

    params: ParetoNbdParams
    log_likelihood: float
    customers: int
    repeat_buyers: int
    at_bounds: tuple[str, ...]


def fit_pareto_nbd(
    frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, weight: ArrayLike | None = None
) -> ParetoNbdFit:
    """Fit Pareto/NBD by maximum likelihood on grouped sufficient statistics, with gradients.

    Parameters
    ----------
    frequency, recency_days, t_days, weight : array_like, shape (n,)
        As `fit_bg_nbd`.

    Raises
    ------
    ModelError
        Invalid or mixed-up inputs, fewer than 10 repeat buyers, or no convergence.
    """
    grouped = group_purchases(frequency, recency_days, t_days, weight)
    repeat_buyers = grouped.repeat_buyers("Pareto/NBD")
    customers, repeats, scale = grouped.customers, grouped.repeats, grouped.mean_age
    scaled = grouped.rescaled(scale)
    few = scaled.thinned(SAMPLE)
    maximum = maximise(
        _objective(scaled), _starts(repeats / customers), BOUNDS,
        weight=customers, model="Pareto/NBD", sample=(_objective(few), few.customers),
    )  # fmt: skip
    r, alpha, s, beta = (float(value) for value in maximum.parameters)
    return ParetoNbdFit(
        params=ParetoNbdParams(r, alpha * scale, s, beta * scale),
        log_likelihood=maximum.log_likelihood - repeats * float(np.log(scale)),
        customers=int(customers),
        repeat_buyers=repeat_buyers,
        at_bounds=tuple(PARAMETERS[i] for i in maximum.at_bounds),
    )


def _starts(rate: float) -> list[tuple[float, float, float, float]]:
    """Return starting values around the observed repeats per mean age, from skewed to even customers."""
    spread = ((0.5, 0.6, 0.5), (1.0, 0.3, 2.0), (4.0, 1.5, 1.0))
    return [(r, r / rate, s, beta) for r, s, beta in spread]


def pareto_log_likelihood(
    params: ParetoNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike
) -> float:
    """Return the log-likelihood of customers, time in days."""
    grouped = group_purchases(frequency, recency_days, t_days, None)
    value, _ = _objective(grouped)(np.array([params.r, params.alpha_days, params.s, params.beta_days]))
    return value


def _objective(data: GroupedPurchases) -> Objective:
    """Return the log-likelihood and gradient; gamma functions are evaluated once per distinct frequency."""
    levels, level_of = np.unique(data.frequency, return_inverse=True)
    level_weight = np.bincount(level_of, weights=data.weight)
    x, weight, total = data.frequency, data.weight, data.customers

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, s, beta = parameters
        log_t, log_age = np.log(alpha + data.t), np.log(beta + data.t)
        log_alive = -(r + x) * log_t - s * log_age
        dropped = dropout_integral(Rates(r, alpha, s, beta), x, data.recency, data.t)
        log_either = np.logaddexp(log_alive, dropped.log_value)
        value = level_weight @ gammaln(r + levels) + weight @ log_either
        value += total * (r * np.log(alpha) + s * np.log(beta) - gammaln(r))
        alive = np.exp(log_alive - log_either) * weight
        gradient = dropped.gradient @ (np.exp(dropped.log_value - log_either) * weight)
        gradient += np.array(
            [
                level_weight @ psi(r + levels) + total * (np.log(alpha) - psi(r)) - alive @ log_t,
                total * r / alpha - alive @ ((r + x) / (alpha + data.t)),
                total * np.log(beta) - alive @ log_age,
                total * s / beta - s * (alive @ (1 / (beta + data.t))),
            ]
        )
        return float(value), gradient

    return value_and_gradient


def p_alive(params: ParetoNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike) -> Floats:
    """Return the probability that a customer has not dropped out by T, shape (n,), in [0, 1].

    It falls with the time since the last purchase for everyone, one-time buyers included (BG/NBD calls all of
    those alive).
    """
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    dropped = dropout_integral(params.rates, x, recency, t).log_value
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(dropped - _log_alive(params, x, t))), dtype=np.float64)


def _log_alive(params: ParetoNbdParams, x: Floats, t: Floats) -> Floats:
    """Return the log of the likelihood of having lived until t, without the factor that all share, shape (n,)."""
    return -(params.r + x) * np.log(params.alpha_days + t) - params.s * np.log(params.beta_days + t)


def pareto_expected_purchases(
    params: ParetoNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, horizon_days: float
) -> Floats:
    """Return the expected purchases in the next `horizon_days`, shape (n,) (eq. 41 of the note)."""
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    log_reach = np.log1p(horizon_days / (params.beta_days + t))
    lived = (params.beta_days + t) * log_reach * exprel((1.0 - params.s) * log_reach)
    alive = p_alive(params, x, recency, t)
    return np.asarray(alive * (params.r + x) / (params.alpha_days + t) * lived, dtype=np.float64)


def pareto_probability_no_purchase(
    params: ParetoNbdParams, frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, horizon_days: float
) -> Floats:
    """Return P(no purchase in the next `horizon_days`), shape (n,), in [0, 1].

    Who does not buy has dropped out, will before buying, or stays alive and silent. Given alive at T, lambda ~
    Gamma(r + x, alpha + T) and mu ~ Gamma(s, beta + T), so the last two are the likelihood of a silent `horizon_days`
    after T over that of being alive at T.
    """
    x, recency, t = check_purchases(frequency, recency_days, t_days)
    end = t + horizon_days
    leaves = dropout_integral(params.rates, x, t, end).log_value
    log_silent = np.logaddexp(_log_alive(params, x, end), leaves) - _log_alive(params, x, t)
    silent = np.exp(np.minimum(log_silent, 0.0))
    return np.asarray(1.0 - p_alive(params, x, recency, t) * (1.0 - silent), dtype=np.float64)
