"""What is at stake with each customer, how likely, and in what order to call them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn.errors import ModelError

HIGH_FROM_PERCENTILE = 90.0
"""`high`: the tenth of customers with the highest risk."""

MEDIUM_FROM_PERCENTILE = 70.0
"""`medium`: the two tenths below them; the rest is `low`."""


def value_at_risk(
    churn_probability: ArrayLike, clv_if_retained: ArrayLike, value_if_churned: ArrayLike
) -> NDArray[np.float64]:
    """Return p * (V^S - V^L), the money expected to be lost to churn, shape (n,) (methods.md B).

    NaN where any of them is unknown. Not p * CLV: CLV already contains the chance of leaving.
    """
    p, retained, churned = (
        np.asarray(values, dtype=np.float64) for values in (churn_probability, clv_if_retained, value_if_churned)
    )
    return np.asarray(p * (retained - churned), dtype=np.float64)


def risk_band(risk_percentile: ArrayLike) -> NDArray[np.str_]:
    """Return `high`, `medium` or `low`, shape (n,), for percentiles of risk in [0, 100].

    A percentile is the share of scored customers with a lower risk, times 100: 90 and above is the top
    decile.

    Raises
    ------
    ModelError
        A percentile is missing or outside [0, 100].
    """
    percentile = np.asarray(risk_percentile, dtype=np.float64)
    if not ((percentile >= 0) & (percentile <= 100)).all():
        raise ModelError("A risk percentile is missing or outside [0, 100].", "Rank all customers before banding them.")
    bands = np.where(percentile >= MEDIUM_FROM_PERCENTILE, "medium", "low")
    return np.where(percentile >= HIGH_FROM_PERCENTILE, "high", bands).astype("U6")


def rank_customers(
    value_at_risk: ArrayLike, risk_score: ArrayLike, customer_ids: Sequence[str], list_size: int
) -> NDArray[np.intp]:
    """Return the positions of the customers to contact, the most urgent first, shape (min(n, list_size),).

    Order: value at risk, highest first and unknown last; then risk score, likewise; then customer_id by code
    point. The order of the input does not matter.

    Parameters
    ----------
    value_at_risk, risk_score : array_like, shape (n,)
        NaN = unknown.
    customer_ids : sequence of str, length n
        Unique.
    list_size : int
        Longest list wanted, >= 0.

    Raises
    ------
    ModelError
        Lengths differ.
    """
    stake, score = np.asarray(value_at_risk, dtype=np.float64), np.asarray(risk_score, dtype=np.float64)
    if not stake.shape == score.shape == (len(customer_ids),):
        raise ModelError(f"Ranking got {stake.shape} values, {score.shape} scores and {len(customer_ids)} customers.")
    size = min(max(list_size, 0), len(stake))
    if size == 0:
        return np.empty(0, dtype=np.intp)
    keys = np.stack([np.where(np.isnan(score), np.inf, -score), np.where(np.isnan(stake), np.inf, -stake)])
    order = np.lexsort(keys)
    # Only those who tie with the last place, or stand before it, need their names compared.
    last = keys[:, order[size - 1]]
    candidates = order[(keys[1, order] < last[1]) | ((keys[1, order] == last[1]) & (keys[0, order] <= last[0]))]
    ranked = sorted(candidates.tolist(), key=lambda i: (keys[1, i], keys[0, i], customer_ids[i]))
    return np.array(ranked[:size], dtype=np.intp)
