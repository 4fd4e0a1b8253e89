"""Why a customer is on the list and what for, in one plain sentence, and which offers suit nobody."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from churn.config import Offer
from churn.retention import eligible
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


def unsuited_notes(
    offers: Sequence[Offer], attributes: Mapping[str, NDArray[np.object_]], drivers: NDArray[np.object_]
) -> list[str]:
    """Return a note for each offer that may be made to nobody, or names a segment or plan that nobody has.

    Parameters
    ----------
    offers : sequence of Offer
    attributes : mapping of str to ndarray of object, shape (n,)
        By condition, `driver` apart.
    drivers : ndarray of object, shape (n, 3)
        Of the customers whose reasons are known.
    """
    suits = np.any(eligible(offers, attributes, drivers), axis=0)
    held = {name: set(values.tolist()) for name, values in attributes.items()} | {"driver": set(drivers.ravel())}
    notes = []
    for offer, is_of_use in zip(offers, list(suits), strict=True):
        missing = [
            f"{condition} '{value}'"
            for condition, allowed in offer.when.items()
            for value in allowed
            if value not in held[condition] and not (is_of_use and condition not in ("segment", "plan"))
        ]
        told = f"no customer has {' or '.join(missing)}" if missing else "no customer meets all of its conditions"
        if not is_of_use:
            notes.append(f"Offer {offer.name} suits nobody tonight: {told}.")
        elif missing:
            notes.append(f"Offer {offer.name}: {told} tonight.")
    return notes


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def _money(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
