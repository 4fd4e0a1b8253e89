"""When customers of the simulated company are there: spells of cover that the hazard ends, and returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.demo.billing import Billing
from churn.demo.people import Population
from churn.demo.timeline import NEVER

SPELLS = 3
RETURN_DAYS = (25, 170)
_RETURN_SHARE = 0.15
_FREE_TAIL_SHARE = 0.1


@dataclass(frozen=True)
class Lives:
    """Paid spells of n customers, in order of time; `NEVER` where a spell does not begin or end.

    Attributes
    ----------
    start_day : ndarray of int32, shape (n, SPELLS)
        Day index of the first paid day of a spell; the customer can leave from the next day on.
    end_day : ndarray of int32, shape (n, SPELLS)
        Churn date: the day on which cover ends.
    free_tail : ndarray of bool, shape (n, SPELLS)
        The customer moves to the free plan when the spell ends.
    """

    start_day: NDArray[np.int32]
    end_day: NDArray[np.int32]
    free_tail: NDArray[np.bool_]

    def next_start_day(self) -> NDArray[np.int32]:
        """Return the start of the spell after each spell, shape (n, SPELLS)."""
        last = np.full((len(self.start_day), 1), NEVER, dtype=np.int32)
        return np.hstack((self.start_day[:, 1:], last))

    def active(self, day: int) -> NDArray[np.bool_]:
        """Return who is in a paid spell at the beginning of a day: started before it, not ended before it."""
        return np.asarray(((self.start_day < day) & (day <= self.end_day)).any(axis=1))


def draw_lives(
    people: Population,
    billing: Billing,
    hazard: NDArray[np.float16],
    first_day: int,
    rng: np.random.Generator,
) -> Lives:
    """Draw when each customer leaves and returns, from the hazards of shape (n, days) and `first_day` on.

    A customer returns on one of their own billing days, 25 to about 200 days later; annual ones never do.
    """
    count = len(people)
    survived = -np.log1p(-hazard.astype(np.float64))
    np.cumsum(survived, axis=1, out=survived)
    start = np.full((count, SPELLS), NEVER, dtype=np.int32)
    end = np.full((count, SPELLS), NEVER, dtype=np.int32)
    start[:, 0] = np.where(people.converts, people.paid_day, NEVER)
    endurance = rng.exponential(size=(count, SPELLS))
    returns = (rng.random((count, SPELLS)) < _RETURN_SHARE) & ~people.annual[:, None]
    away_days = rng.integers(RETURN_DAYS[0], RETURN_DAYS[1] + 1, (count, SPELLS))
    for spell in range(SPELLS):
        end[:, spell] = _end_days(survived, start[:, spell], endurance[:, spell], first_day)
        if spell + 1 < SPELLS:
            gone = returns[:, spell] & (end[:, spell] < NEVER)
            due = billing.day[:, :-1] >= (end[:, spell] + away_days[:, spell])[:, None]
            back = billing.day[np.arange(count), due.argmax(axis=1)]
            start[:, spell + 1] = np.where(gone & due.any(axis=1), back, NEVER)
    return Lives(start, end, (rng.random((count, SPELLS)) < _FREE_TAIL_SHARE) & (end < NEVER))


def _end_days(
    survived: NDArray[np.float64],
    start_day: NDArray[np.int32],
    endurance: NDArray[np.float64],
    first_day: int,
) -> NDArray[np.int32]:
    """Return the first day after `start_day` when the cumulative hazard exceeds the endurance, shape (n,)."""
    days = survived.shape[1]
    column = np.clip(start_day - first_day, 0, days - 1)
    limit = survived[np.arange(len(survived)), column] + endurance
    exceeded = survived > limit[:, None]
    ended = exceeded[:, -1] & (start_day - first_day < days)
    return np.where(ended, first_day + exceeded.argmax(axis=1), NEVER).astype(np.int32)
