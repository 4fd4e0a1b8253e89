"""What customers of the simulated company do: daily use and support tickets, had they stayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.demo.people import Population
from churn.demo.timeline import NEVER

SEVERITIES = ("low", "normal", "high", "urgent")
_SEVERITY_SHARES = (0.3, 0.45, 0.17, 0.08)
_SATISFACTION_SHARES = np.array(
    [
        [0.03, 0.06, 0.16, 0.35, 0.40],
        [0.06, 0.09, 0.20, 0.35, 0.30],
        [0.16, 0.17, 0.22, 0.27, 0.18],
        [0.28, 0.22, 0.20, 0.18, 0.12],
    ]
)
_TYPICAL_LOG_RATE = -1.2
_WEEK_PULL, _WEEK_NOISE = 0.06, 0.16


@dataclass(frozen=True)
class Tickets:
    """Support tickets; every array has shape (tickets,), ordered by customer and day.

    Attributes
    ----------
    row : ndarray of int32
        Position of the customer in its block.
    opened_day, opened_second : ndarray of int32
    open_seconds : ndarray of int64
        Time from opening to closing.
    severity : ndarray of int8
        Index into `SEVERITIES`.
    satisfaction : ndarray of int8
        1 to 5, given at closing; 0 = none given.
    """

    row: NDArray[np.int32]
    opened_day: NDArray[np.int32]
    opened_second: NDArray[np.int32]
    open_seconds: NDArray[np.int64]
    severity: NDArray[np.int8]
    satisfaction: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of tickets."""
        return len(self.row)

    @property
    def bad_day(self) -> NDArray[np.int32]:
        """Day since which the ticket is known to have gone badly, `NEVER` if it did not, shape (tickets,)."""
        closed_day = (self.opened_day + (self.opened_second + self.open_seconds) // 86_400).astype(np.int32)
        unhappy = np.where((self.satisfaction > 0) & (self.satisfaction <= 2), closed_day, NEVER)
        urgent = np.where(self.severity == len(SEVERITIES) - 1, self.opened_day, NEVER)
        return np.minimum(unhappy, urgent).astype(np.int32)


def draw_usage(
    people: Population, busy: NDArray[np.float32], first_day: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw the number of events per customer and day.

    Parameters
    ----------
    people : Population
    busy : ndarray of float32, shape (days,)
        How busy each day of the block is; the block begins on day index `first_day`.
    first_day : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (n, days)
        Zero up to the day of sign-up.
    """
    days = len(busy)
    rate = np.repeat(_weekly_rates(people, days // 7 + 1, rng), 7, axis=1)[:, :days]
    rate *= busy
    rate *= (first_day + np.arange(days)) > people.signup_day[:, None]
    used = rng.random(rate.shape, dtype=np.float32) < -np.expm1(-rate)
    row, column = np.nonzero(used)
    counts = np.zeros(used.shape, dtype=np.uint8)
    counts[row, column] = np.minimum(1 + rng.poisson(people.depth[row]), 60)
    return counts


def _weekly_rates(people: Population, weeks: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the rate of days with use per customer and week: a slow wander, broken by spells of decline."""
    noise = rng.normal(0, _WEEK_NOISE, (weeks, len(people)))
    onset = rng.random((weeks, len(people))) < 1 / 34
    depth = rng.uniform(0.5, 2.6, (weeks, len(people)))
    length = rng.integers(5, 22, (weeks, len(people)))
    wander = np.zeros(len(people))
    target = np.zeros(len(people))
    decline = np.zeros(len(people))
    left = np.zeros(len(people), dtype=np.int64)
    log_rate = np.empty((weeks, len(people)))
    for week in range(weeks):
        begins = onset[week] & (left == 0)
        left = np.where(begins, length[week], np.maximum(left - 1, 0))
        target = np.where(begins, depth[week], np.where(left == 0, 0.0, target))
        decline += np.clip(target - decline, -0.4, 0.7)
        wander += noise[week] - _WEEK_PULL * wander
        log_rate[week] = _TYPICAL_LOG_RATE + people.engagement + wander - decline
    return np.exp(log_rate.T).astype(np.float32)


def draw_tickets(people: Population, first_day: int, days: int, rng: np.random.Generator) -> Tickets:
    """Draw the support tickets of some customers over the days [first_day, first_day + days)."""
    rate = 0.0035 * rng.gamma(1.5, 1 / 1.5, len(people)) * np.exp(0.15 * people.engagement)
    age = first_day + np.arange(days) - people.signup_day[:, None]
    chance = rate[:, None] * np.where(age < 60, 2.0, 1.0) * (age > 0)
    row, column = np.nonzero(rng.random(chance.shape, dtype=np.float32) < chance)
    count = len(row)
    severity = rng.choice(len(SEVERITIES), count, p=_SEVERITY_SHARES)
    cumulative = np.cumsum(_SATISFACTION_SHARES, axis=1)[severity]
    grade = 1 + np.minimum((rng.random(count)[:, None] > cumulative).sum(axis=1), 4)
    answered = rng.random(count) < 0.55
    open_days = rng.gamma(1.2, 1.8, count)
    return Tickets(
        row=row.astype(np.int32),
        opened_day=(first_day + column).astype(np.int32),
        opened_second=rng.integers(7 * 3600, 22 * 3600, count, dtype=np.int32),
        open_seconds=(600 + open_days * 86_400).astype(np.int64),
        severity=severity.astype(np.int8),
        satisfaction=np.where(answered, grade, 0).astype(np.int8),
    )
