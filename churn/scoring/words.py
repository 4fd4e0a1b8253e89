"""Why a customer is on the list and what for, in one plain sentence with the customer's own numbers."""

from __future__ import annotations

import math

from churn.risk.facts import days_long
from churn.risk.recency import LONGEST_DAYS


def why_listed(
    churn_probability: float,
    value_at_risk: float,
    risk_score: float,
    offer: str,
    save_rate: float,
    cost: float,
    net_value: float,
    is_holdout: bool,
    *,
    currency: str,
) -> str:
    """Return why a customer is on the list.

    Parameters
    ----------
    churn_probability, value_at_risk : float
        NaN where unknown. Without a probability there is no model, and `risk_score` is days without activity.
    risk_score : float
    offer : str
    save_rate, cost, net_value : float
        Of that offer; money in `currency`.
    is_holdout : bool
        Left alone to measure against: what the offer would do is told, and that it must not be made.
    currency : str
    """
    cheapest = f"{offer}, at {cost:,.2f} {currency}, is the cheapest offer that may be made"
    if math.isnan(churn_probability):
        silence = "none on record" if risk_score >= LONGEST_DAYS else f"none for {days_long(risk_score)}"
        because = f"Ranked by silence until a model is trained (activity: {silence}); {cheapest}"
    elif math.isnan(net_value):
        because = f"{_percent(churn_probability)} risk of leaving, while nobody's value is known; {cheapest}"
    else:
        expected = "would be expected" if is_holdout else "is expected"
        because = (
            f"{_percent(churn_probability)} risk of leaving puts {_money(value_at_risk)} {currency} at stake; {offer} "
            f"{expected} to keep {_percent(save_rate)} of those about to leave and to earn {net_value:,.2f} "
            f"{currency} after its cost of {cost:,.2f} {currency}"
        )
    return f"{because}; held out to measure what the campaign does: leave alone." if is_holdout else f"{because}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def _money(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
