"""Reasons in plain words: why the model thinks that this customer may leave, in the customer's own numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from churn.risk import wording_money, wording_use
from churn.risk.behaviours import Behaviour, Grouping
from churn.risk.data import Floats
from churn.risk.facts import Facts, days_long
from churn.risk.phrases import Phrase
from churn.risk.recency import LONGEST_DAYS

MOST_REASONS = 3
MOST_OF_A_THEME = 2
MATERIAL = math.log(1.1)
"""A behaviour that changes the odds of leaving by less than a tenth is no reason, and affects nobody."""

INACTIVE_FROM_DAYS = 7

SILENCE = "days without activity"
"""What drives the ranking of a night without a model."""

Voice = Callable[[Facts, Behaviour], list[Phrase]]

_VOICES: Mapping[str, Voice] = {
    "overall use": wording_use.use_phrases,
    "entry": wording_use.entry_phrases,
    "support tickets": wording_use.support_phrases,
    "satisfaction": wording_use.satisfaction_phrases,
    "attribute": wording_use.attribute_phrases,
    "failed payments": wording_money.failed_payment_phrases,
    "refunds": wording_money.refund_phrases,
    "purchases": wording_money.purchase_phrases,
    "spending": wording_money.spending_phrases,
    "price": wording_money.price_phrases,
    "renewal": wording_money.renewal_phrases,
    "time as a customer": wording_money.tenure_phrases,
    "plan": wording_money.plan_phrases,
    "earlier breaks": wording_money.break_phrases,
}
_THEMES = {"overall use": "use", "entry": "use", "purchases": "buying", "spending": "buying"}


class Reason(NamedTuple):
    """Why a customer may leave, in words, and the behaviour that the words are about.

    Attributes
    ----------
    text : str
    driver : str
        Its name in `bi.churn_drivers`; `SILENCE` on a night without a model.
    """

    text: str
    driver: str


def reasons_of(facts: Facts, grouping: Grouping, values: Floats, grouped: Floats) -> list[Reason]:
    """Return why a customer may leave, at most three reasons: what happened first, then how the customer is placed.

    A behaviour is a reason if it raises the odds of leaving by a tenth or more (`MATERIAL`) and something adverse can
    be said of it in the customer's own numbers: rising use is no reason to leave, whatever a model makes of it. The
    time of the year, the same for everybody, and features that nobody has words for are no reasons either. Within
    either kind the weightiest comes first.

    Parameters
    ----------
    facts : Facts
    grouping : Grouping
        Of the model's columns.
    values : ndarray of float64, shape (k,)
        The columns' contributions to the customer's raw score.
    grouped : ndarray of float64, shape (len(grouping.behaviours),)
        The same by behaviour.
    """
    by_column = dict(zip(grouping.columns, values.tolist(), strict=True))
    # Rounded, so that the last bits of a sum, which depend on the machine, never decide.
    weights = np.round(grouped, 9)
    found = [
        (phrase, behaviour)
        for behaviour in (grouping.behaviours[i] for i in np.argsort(-weights, kind="stable") if weights[i] >= MATERIAL)
        if (phrase := _best(facts, behaviour, by_column))
    ]
    said: dict[str, Reason] = {}
    themes: Counter[str] = Counter()
    for phrase, behaviour in sorted(found, key=lambda each: each[0].standing):
        theme = _THEMES.get(behaviour.kind, behaviour.driver)
        if phrase.text not in said and themes[theme] < MOST_OF_A_THEME and len(said) < MOST_REASONS:
            said[phrase.text] = Reason(phrase.text, behaviour.driver)
            themes[theme] += 1
    return list(said.values())


def _best(facts: Facts, behaviour: Behaviour, by_column: Mapping[str, float]) -> Phrase | None:
    """Return the phrase whose columns add the most risk; of equals the first."""
    voice = _VOICES.get(behaviour.kind)
    found = voice(facts, behaviour) if voice else []
    weights = [round(sum(by_column.get(column, 0.0) for column in each.columns), 9) for each in found]
    return found[weights.index(max(weights))] if found else None


def recency_reasons(days: float) -> list[Reason]:
    """Return the reason of a night without a model: how long nothing has been heard of the customer."""
    if days >= LONGEST_DAYS:
        return [Reason("no activity on record", SILENCE)]
    return [Reason(f"no activity for {days_long(days)}", SILENCE)] if days >= INACTIVE_FROM_DAYS else []
