"""Customers who left and pay again: how many, how much, how soon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churn.clv.panel import Bools, Contracts, Panel, Stays
from churn.clv.values import Floats

PRIOR_CHURNERS = 20.0
"""Shares of those who pay again are shrunk to 0 by so many churners who never come back."""

MAX_MONTHS = 12


@dataclass(frozen=True)
class Returns:
    """What is paid again after the first month end without payment.

    Attributes
    ----------
    monthly, long : tuple of float
        Share of churners who pay again 1, 2, ... month ends after the first one missed, by kind of billing; the last
        is held. Empty is none.
    monthly_amount, long_amount : float
        Their mrr over the one they left with.
    """

    monthly: tuple[float, ...] = ()
    long: tuple[float, ...] = ()
    monthly_amount: float = 1.0
    long_amount: float = 1.0

    def shares(self, contracts: Contracts, months: int) -> Floats:
        """Return the share that pays again 0, 1, ... month ends after the first missed one, shape (n, months)."""
        rows = [_held(shares, months) for shares in (self.monthly, self.long)]
        return np.asarray(np.stack(rows)[(contracts.months > 1).astype(np.int64)], dtype=np.float64)

    def amounts(self, contracts: Contracts) -> Floats:
        """Return what those pay over what they paid, shape (n,)."""
        return np.where(contracts.months > 1, self.long_amount, self.monthly_amount)


def _held(shares: tuple[float, ...], months: int) -> Floats:
    held = [0.0, *shares, *[shares[-1] if shares else 0.0] * months]
    return np.asarray(held[:months], dtype=np.float64)


def fit_returns(panel: Panel, stays: Stays) -> Returns:
    """Measure returns after the departures that were seen."""
    is_long = panel.contracts.months > 1
    monthly, monthly_amount = _after(panel, stays, ~is_long)
    long, long_amount = _after(panel, stays, is_long)
    return Returns(monthly, long, monthly_amount, long_amount)


def _after(panel: Panel, stays: Stays, wanted: Bools) -> tuple[tuple[float, ...], float]:
    """Return the shares by month end after the first missed one, and the mean relative mrr of who is back."""
    mrr = panel.contracts.mrr
    gone = np.flatnonzero(wanted & stays.left & (stays.stay_end == stays.day) & (mrr > 0))
    shares: list[float] = []
    paid = back_weight = 0.0
    for lag in range(1, MAX_MONTHS + 1):
        seen = gone[stays.day[gone] + 1 + lag <= stays.last]
        weight = panel.weights[seen]
        if weight.sum() < PRIOR_CHURNERS:
            break
        later = stays.ahead(1 + lag)[seen]
        back = later >= 0
        shares.append(float(weight[back].sum() / (weight.sum() + PRIOR_CHURNERS)))
        paid += float(weight[back] @ np.minimum(mrr[later[back]] / mrr[seen[back]], 20.0))
        back_weight += float(weight[back].sum())
    return tuple(shares), (paid + PRIOR_CHURNERS) / (back_weight + PRIOR_CHURNERS)
