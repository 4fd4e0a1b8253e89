"""What leads to churn: each behaviour's weight among all customers and in each segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from churn.risk.behaviours import Behaviour
from churn.risk.data import Bools, Floats
from churn.risk.wording import MATERIAL

ALL_CUSTOMERS = 0
CLEARLY = 2.0

Direction = Literal["raises", "lowers", "mixed"]


@dataclass(frozen=True)
class Driver:
    """What one behaviour does to the risk of some customers.

    Attributes
    ----------
    segment_id : int
        `ALL_CUSTOMERS` or a segment.
    driver : str
        The behaviour's name.
    direction : {"raises", "lowers", "mixed"}
        `raises`: for at least twice as many of these customers the behaviour makes leaving likelier (odds up by a tenth
        or more) as it makes it less likely (odds down by a tenth or more); `lowers`: the reverse; `mixed`: neither.
    importance : float
        Mean size of the behaviour's contribution to the log-odds, whichever way it goes.
    customers_affected : int
        Customers whose odds of leaving it raises by a tenth or more, as estimated from the explained ones.
    description : str
        In plain words.
    """

    segment_id: int
    driver: str
    direction: Direction
    importance: float
    customers_affected: int
    description: str


def churn_drivers(
    behaviours: tuple[Behaviour, ...], grouped: Floats, weights: Floats, segment_ids: NDArray[np.int64]
) -> list[Driver]:
    """Weigh the behaviours, for all customers and for each segment; the most important first.

    Parameters
    ----------
    behaviours : tuple of Behaviour, length b
    grouped : ndarray of float64, shape (n, b)
        The explained customers' contributions by behaviour.
    weights : ndarray of float64, shape (n,)
        How many customers of the night each explained one stands for.
    segment_ids : ndarray of int64, shape (n,)
        Positive.

    Returns
    -------
    list of Driver
        A behaviour that moves nobody's score is left out.
    """
    if len(grouped) == 0:
        return []
    found = list(_of(ALL_CUSTOMERS, behaviours, grouped, weights))
    for segment_id in np.unique(segment_ids).tolist():
        members: Bools = segment_ids == segment_id
        found += _of(segment_id, behaviours, grouped[members], weights[members])
    return found


def _of(segment_id: int, behaviours: tuple[Behaviour, ...], grouped: Floats, weights: Floats) -> Iterator[Driver]:
    # Rounded, so that the order of two that are equal does not hang on the last bits of a sum.
    importance = np.round(weights @ np.abs(grouped) / weights.sum(), 9)
    raised, lowered = weights @ (grouped >= MATERIAL), weights @ (grouped <= -MATERIAL)
    for place in np.argsort(-importance, kind="stable").tolist():
        if importance[place] > 0:
            up, down = round(float(raised[place])), round(float(lowered[place]))
            yield Driver(
                segment_id,
                behaviours[place].driver,
                _direction(up, down),
                float(importance[place]),
                up,
                f"{behaviours[place].about} {_effect(up, down, round(float(weights.sum())))}",
            )


def _direction(raised: int, lowered: int) -> Direction:
    if raised >= CLEARLY * lowered and raised > 0:
        return "raises"
    return "lowers" if lowered >= CLEARLY * raised and lowered > 0 else "mixed"


def _effect(raised: int, lowered: int, customers: int) -> str:
    if raised == lowered == 0:
        return f"Of {customers:,} customers it makes leaving clearly likelier or less likely for none."
    return f"Of {customers:,} customers it makes leaving likelier for {raised:,} and less likely for {lowered:,}."
