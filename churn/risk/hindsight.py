"""Attributes that know who has left: what a column without history says today of those who are gone.

Customer attributes have no dates. What one says today of somebody who left last spring was not known last spring, and
where it practically says that they left, it is a copy of the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churn.risk.cells import area, lower_bound
from churn.risk.data import Floats
from churn.risk.leakage import AUC_LIMIT, PURE_ODDS, PURE_SHARE, Leak

MOST_HERE = 0.02

_PRIOR = 5.0


@dataclass(frozen=True)
class CurrentValues:
    """How many customers have each value of an attribute now; each array has shape (2, values), a row for each half.

    Attributes
    ----------
    name : str
    values : tuple of str
        What stands for the values in a message; the first is for customers without one.
    left : ndarray of float64
        Customers who have churned and not come back.
    here : ndarray of float64
        Customers who are active now.
    """

    name: str
    values: tuple[str, ...]
    left: Floats
    here: Floats


def hindsight(attribute: CurrentValues) -> Leak | None:
    """Say whether an attribute knows who has left.

    It does if its values, with the rates of one half of the customers, separate the other half too well; or if those
    who are here have practically one value only, and many of those who left have another: what nobody here has yet.

    Returns
    -------
    Leak or None
        None also where there are too few customers to say.
    """
    left, here = attribute.left.sum(axis=0), attribute.here.sum(axis=0)
    if left.sum() == 0 or here.sum() == 0:
        return None
    auc, low = _tried_on_the_other_half(attribute)
    if low >= AUC_LIMIT:
        return Leak(
            attribute.name,
            f"as it is mapped now, tells who has left from who is here with AUC {auc:.3f} (at least {low:.3f}; the "
            f"limit is {AUC_LIMIT:.2f})",
        )
    usual = int(np.argmax(here))
    others_left, others_here = left.sum() - left[usual], here.sum() - here[usual]
    left_low = lower_bound(others_left / left.sum(), left.sum())
    here_high = 1 - lower_bound(here[usual] / here.sum(), here.sum())
    odds = left_low / max(1 - left_low, 1e-12) * (1 - here_high) / here_high
    if left_low < PURE_SHARE or here_high > MOST_HERE or odds < PURE_ODDS:
        return None
    return Leak(
        attribute.name,
        f"is {attribute.values[usual]} for all but {others_here:,.0f} of the {here.sum():,.0f} customers who are here, "
        f"but something else for {others_left:,.0f} of the {left.sum():,.0f} who have left",
    )


def _tried_on_the_other_half(attribute: CurrentValues) -> tuple[float, float]:
    """Return the AUC of the rates by value, learned on one half and tried on the other, and its lower bound."""
    left, here = attribute.left[0], attribute.here[0]
    if min(left.sum(), here.sum(), attribute.left[1].sum(), attribute.here[1].sum()) == 0:
        return float("nan"), 0.0
    base = left.sum() / (left.sum() + here.sum())
    rate = (left + _PRIOR * base) / (left + here + _PRIOR)
    auc = area(attribute.left[1], attribute.here[1], rate)
    return auc, lower_bound(auc, min(attribute.left[1].sum(), attribute.here[1].sum()))
