"""Fit the three models of CLV by inactivity together, and say what a reader of the run should know."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from churn.clv.bg_nbd import BgNbdFit, fit_bg_nbd
from churn.clv.gamma_gamma import LOWEST_Q, GammaGammaFit, fit_gamma_gamma
from churn.clv.inactivity_model import InactivityModel
from churn.clv.pareto_nbd import ParetoNbdParams, fit_pareto_nbd
from churn.errors import ModelError

SEEN_DROPOUT = 0.01
"""Share of customers who must have dropped out for `p_alive` to say anything where a parameter is at its bound."""


def fit_inactivity(
    frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike, monetary_value: ArrayLike
) -> InactivityModel:
    """Fit the models to customers with at least one purchase, arrays of shape (n,).

    Parameters
    ----------
    frequency, recency_days, t_days : array_like, shape (n,)
        As `fit_bg_nbd`.
    monetary_value : array_like, shape (n,)
        As `fit_gamma_gamma`: the average of the repeat purchases, without the first.

    Raises
    ------
    ModelError
        As `fit_bg_nbd` and `fit_gamma_gamma`. Where Pareto/NBD alone fails, or does not see anybody drop out,
        `p_alive` stays unknown and a note says why.
    """
    purchases = fit_bg_nbd(frequency, recency_days, t_days)
    spend = fit_gamma_gamma(frequency, monetary_value)
    dropout, failed = _dropout(frequency, recency_days, t_days)
    notes = (*_purchase_notes(purchases), *_spend_notes(spend), *failed)
    return InactivityModel(purchases.params, spend.params, dropout, _factor(purchases, spend), notes)


def _dropout(
    frequency: ArrayLike, recency_days: ArrayLike, t_days: ArrayLike
) -> tuple[ParetoNbdParams | None, tuple[str, ...]]:
    try:
        fit = fit_pareto_nbd(frequency, recency_days, t_days)
    except ModelError as error:
        return None, (f"p_alive is unknown: {error}",)
    untold = [name for name in fit.at_bounds if name in ("s", "beta_days")]
    if not untold or _dropped_share(fit.params, t_days) >= SEEN_DROPOUT:
        return fit.params, ()
    return None, (
        f"p_alive is unknown: the purchases do not tell {' and '.join(untold)} of Pareto/NBD, as hardly anybody is "
        "seen to drop out (most often because the history is short); it would be about 1 for everyone.",
    )


def _dropped_share(params: ParetoNbdParams, t_days: ArrayLike) -> float:
    """Return the share of customers who, by Pareto/NBD, drop out within the average time since a first purchase."""
    age = float(np.mean(np.asarray(t_days, dtype=np.float64)))
    return float(-np.expm1(-params.s * np.log1p(age / params.beta_days)))


def _purchase_notes(fit: BgNbdFit) -> tuple[str, ...]:
    if not fit.at_bounds:
        return ()
    return (
        f"The purchases do not tell {' and '.join(fit.at_bounds)} of BG/NBD (hardly anyone, or everyone alike, drops "
        "out); the intervals of totals leave them out.",
    )


def _spend_notes(fit: GammaGammaFit) -> tuple[str, ...]:
    if "q" not in fit.at_bounds or fit.params.q > 2 * LOWEST_Q:
        return ()
    return (
        "A few customers spend so much that the average of a new one can't be estimated: it is held at 2.4 times the "
        "median customer's. Look for amounts in the wrong unit among the payments.",
    )


def _factor(purchases: BgNbdFit, spend: GammaGammaFit) -> tuple[tuple[float, ...], ...]:
    """Return the two factors as blocks, shape (7, m)."""
    bought, spent = np.array(purchases.factor), np.array(spend.factor)
    blocks = np.zeros((7, bought.shape[1] + spent.shape[1]))
    blocks[:4, : bought.shape[1]] = bought
    blocks[4:, bought.shape[1] :] = spent
    return tuple(tuple(float(value) for value in row) for row in blocks)
