"""Contracts for tests: short ways to say what is known of them."""

from __future__ import annotations

import numpy as np

from churn.clv import Contracts
from churn.clv.values import DAYS_PER_MONTH


def contracts(n: int = 1, **known) -> Contracts:
    """n contracts: monthly at 100 after a year, unless said otherwise; tenure and renewal in months."""
    tenure, renewal = known.pop("tenure_months", 12.5), known.pop("renewal_months", np.nan)
    columns = {
        "mrr": 100.0,
        "paid_tenure_days": np.asarray(tenure, float) * DAYS_PER_MONTH,
        "billing_months": 1.0,
        "days_to_renewal": np.asarray(renewal, float) * DAYS_PER_MONTH,
        "days_to_discount_end": np.nan,
        **known,
    }
    plan = columns.pop("plan", "basic")
    names = np.array([plan] * n if isinstance(plan, str) else plan, dtype=object)
    return Contracts(
        **{name: np.broadcast_to(np.asarray(v, float), n).copy() for name, v in columns.items()}, plan=names
    )
