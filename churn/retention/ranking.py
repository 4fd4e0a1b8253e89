"""What is at stake with each customer, and how their risk stands among the others'."""

from __future__ import annotations

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
