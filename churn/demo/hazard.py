"""Why customers of the simulated company leave: each one's own hazard of every day.

The hazard follows things that the source tables show (use, charges, discounts, prices, tickets, tenure) and
things that they don't (frailty, competitors' offers). It does not depend on whether the customer has left, so
the chance of leaving within days a to b - 1 is exactly 1 - prod(1 - hazard). A construction of this project.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.demo.activity import Tickets
from churn.demo.billing import Billing
from churn.demo.people import Population
from churn.demo.timeline import NEVER, days_in_window, mark_days

RENEWAL_DAYS = 7
_DAILY_BASE = 0.00047
_RENEWAL_FACTOR = 32.0
_HAZARD_MAX = 0.25
_PLAN_EFFECTS = np.array([0.2, 0.0, -0.2, -0.45])


def daily_hazards(
    people: Population,
    billing: Billing,
    counts: NDArray[np.uint8],
    tickets: Tickets,
    shocks: NDArray[np.float32],
    first_day: int,
) -> NDArray[np.float16]:
    """Return each customer's chance of leaving on each day, given that they are there.

    Parameters
    ----------
    people, billing, tickets
        The customers, shape (n,), and what happens to them.
    counts : ndarray of uint8, shape (n, days)
        Events per day, from day index `first_day` on.
    shocks : ndarray of float32, shape (industries, days)
        Hidden: log effect of competitors' offers.
    first_day : int

    Returns
    -------
    ndarray of float16, shape (n, days)
        Zero until the day after the first paid one, and while cover has lapsed.
    """
    days = counts.shape[1]
    log_hazard = _usage_and_trouble(billing, counts, _paid_ages(people, first_day, days), first_day)
    log_hazard += 1.4 * (days_in_window(_bad_ticket_marks(len(people), tickets, first_day, days), 60) > 0)
    age = _paid_ages(people, first_day, days)
    log_hazard += 0.9 * np.exp(-np.maximum(age, 0) / np.float32(75.0))
    log_hazard += shocks[people.industry] * people.exposed[:, None]
    fixed = np.log(people.frailty * _DAILY_BASE) + _PLAN_EFFECTS[people.plan]
    log_hazard += fixed.astype(np.float32)[:, None]
    hazard = np.exp(log_hazard)
    hazard *= _exposure(people, billing, first_day, days)
    hazard[age <= 0] = 0.0
    return np.minimum(hazard, _HAZARD_MAX).astype(np.float16)


def _paid_ages(people: Population, first_day: int, days: int) -> NDArray[np.float32]:
    """Return the days since the first paid one, negative before, shape (n, days)."""
    return ((first_day + np.arange(days)) - people.paid_day[:, None]).astype(np.float32)


def _usage_and_trouble(
    billing: Billing, counts: NDArray[np.uint8], age: NDArray[np.float32], first_day: int
) -> NDArray[np.float32]:
    """Return the log effect of use and of money trouble: a decline matters most just after trouble."""
    days = counts.shape[1]
    used = counts > 0
    recent = days_in_window(used, 28).astype(np.float32)
    earlier = (days_in_window(used, 84) - recent) / np.float32(2.0)
    decline = np.clip((earlier - recent) / (earlier + np.float32(2.0)), 0.0, 1.0)
    decline[age < 56] = 0.0
    steep = decline > 0.45
    failed_day = np.where(billing.failures > 0, billing.day[:, :-1], NEVER)
    failed = days_in_window(mark_days(failed_day, first_day, days), 28) > 0
    discount_ended = days_in_window(mark_days(billing.discount_end_day[:, None], first_day, days), 45) > 0
    rise_day = np.where(billing.price_rise, billing.day[:, :-1], NEVER)
    dearer = days_in_window(mark_days(rise_day, first_day, days), 45) > 0
    silent = days_in_window(used, 18) == 0
    effect = 0.9 * decline + 0.9 * steep + 0.95 * silent
    effect += 0.85 * failed + 0.75 * discount_ended + 0.45 * dearer
    effect += 1.6 * (steep & (failed | discount_ended)) + 0.9 * (failed & discount_ended)
    return np.asarray(effect, dtype=np.float32)


def _bad_ticket_marks(count: int, tickets: Tickets, first_day: int, days: int) -> NDArray[np.uint8]:
    """Return 1 on the days on which a customer's ticket went badly, shape (count, days)."""
    marks = np.zeros((count, days), dtype=np.uint8)
    bad_day = tickets.bad_day
    inside = (bad_day >= first_day) & (bad_day < first_day + days)
    marks[tickets.row[inside], bad_day[inside] - first_day] = 1
    return marks


def _exposure(people: Population, billing: Billing, first_day: int, days: int) -> NDArray[np.float32]:
    """Return the factor of the days: annual customers leave only by their renewal, nobody in a lapse."""
    renewal_day = np.where(billing.charged & people.annual[:, None], billing.day[:, :-1], NEVER)
    renewal_day[:, 0] = NEVER
    # Marked a week ahead, since days_in_window looks back: the window is the 7 days up to the renewal itself.
    opens = mark_days((renewal_day - RENEWAL_DAYS).astype(np.int32), first_day, days)
    renewing = days_in_window(opens, RENEWAL_DAYS) > 0
    factor = np.where(people.annual[:, None], renewing * np.float32(_RENEWAL_FACTOR), np.float32(1.0))
    row, period = np.nonzero(billing.lapse_days)
    for length in np.unique(billing.lapse_days[row, period]):
        of_length = billing.lapse_days[row, period] == length
        gap_row, gap_day = row[of_length], billing.day[row[of_length], period[of_length]]
        for offset in range(1, int(length) + 1):
            column = gap_day + offset - first_day
            inside = (column >= 0) & (column < days)
            factor[gap_row[inside], column[inside]] = 0.0
    return np.asarray(factor, dtype=np.float32)


def draw_shocks(industries: int, days: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the log effect of competitors' offers per industry and day: now and then, for six weeks."""
    begins = rng.random((industries, days)) < 1 / 240
    running = days_in_window(begins, 42) > 0
    return np.where(running, np.float32(0.7), np.float32(0.0))
