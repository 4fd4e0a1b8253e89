"""What the simulated company charges: billing periods, plans, prices, failed charges and lapses of cover.

Nothing here depends on whether the customer is still there: rows are told only while they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.demo.people import Population
from churn.demo.timeline import NEVER, Timeline

PLAN_PRICES = np.array([29.0, 79.0, 189.0, 449.0])
ADD_ON_PRICE = 25.0
LAPSE_DAYS = (2, 9)
_ANNUAL_PRICE_SHARE = 0.85
_PRICE_RISE_MONTH = 3
_PRICE_RISES = (0.06, 0.09, 0.05, 0.08)
_UPGRADE_SHARE, _DOWNGRADE_SHARE = 0.011, 0.007


@dataclass(frozen=True)
class Billing:
    """Monthly periods of n customers from their first paid day; matrices have shape (n, periods).

    Attributes
    ----------
    day : ndarray of int32, shape (n, periods + 1)
        Day index on which each period begins; the last column ends the last period.
    charged : ndarray of bool
        A charge is due at the period's beginning: every month, or every 12 months.
    plan : ndarray of int8
    mrr, add_on_mrr : ndarray of float64
        Monthly revenue of the main subscription (discounted) and of a second, parallel one.
    discounted : ndarray of bool
    price_rise : ndarray of bool
        A higher price begins with the period.
    failures : ndarray of int8
        How often the charge fails before it succeeds, 0 to 2.
    lapse_days : ndarray of int32
        Days without cover at the period's beginning, 0 for most.
    refund_share : ndarray of float64
        Share of the charge paid back, 0 for most.
    refund_after_days : ndarray of int32
    """

    day: NDArray[np.int32]
    charged: NDArray[np.bool_]
    plan: NDArray[np.int8]
    mrr: NDArray[np.float64]
    add_on_mrr: NDArray[np.float64]
    discounted: NDArray[np.bool_]
    price_rise: NDArray[np.bool_]
    failures: NDArray[np.int8]
    lapse_days: NDArray[np.int32]
    refund_share: NDArray[np.float64]
    refund_after_days: NDArray[np.int32]

    @property
    def discount_end_day(self) -> NDArray[np.int32]:
        """Day on which the introductory discount ends, `NEVER` without one, shape (n,)."""
        months = self.discounted.sum(axis=1)
        end_day = self.day[np.arange(len(months)), months]
        return np.where(months > 0, end_day, NEVER).astype(np.int32)


def draw_billing(people: Population, timeline: Timeline, rng: np.random.Generator) -> Billing:
    """Draw the billing periods of some customers, to the end of the simulation and beyond."""
    periods = timeline.days // 30 + 2
    day = timeline.monthly_days(people.paid_day, periods + 1)
    number = np.arange(periods)
    charged = ~people.annual[:, None] | (number % 12 == 0)
    plan = _drawn_plans(people, charged, rng)
    price_factor, price_rise = _price_factors(day, charged, timeline)
    discounted = number < people.discount_months[:, None]
    discount_factor = np.where(discounted, 1.0 - people.discount_share[:, None], 1.0)
    period_factor = np.where(people.annual, _ANNUAL_PRICE_SHARE, 1.0) * people.seats
    add_on = _drawn_add_ons(people, periods, rng)
    failures, lapse_days = _drawn_failures(people, charged, add_on, rng)
    return Billing(
        day=day,
        charged=charged,
        plan=plan,
        mrr=np.round(PLAN_PRICES[plan] * price_factor * discount_factor * period_factor[:, None], 2),
        add_on_mrr=np.where(add_on, ADD_ON_PRICE, 0.0),
        discounted=discounted,
        price_rise=price_rise,
        failures=failures,
        lapse_days=lapse_days,
        refund_share=np.where(rng.random(charged.shape) < 0.012, rng.choice([0.5, 1.0], charged.shape), 0.0),
        refund_after_days=rng.integers(1, 11, charged.shape, dtype=np.int32),
    )


def _drawn_plans(people: Population, charged: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int8]:
    """Draw the plan of each period; it changes only where a charge is due."""
    step_factor = np.where(people.annual, 8.0, 1.0)[:, None]
    draw = rng.random(charged.shape)
    up = (draw < _UPGRADE_SHARE * step_factor).astype(np.int8)
    down = (draw > 1.0 - _DOWNGRADE_SHARE * step_factor).astype(np.int8)
    step = np.where(charged, up - down, 0)
    plan: NDArray[np.int8] = np.empty(charged.shape, dtype=np.int8)
    plan[:, 0] = people.plan
    for period in range(1, plan.shape[1]):
        plan[:, period] = np.clip(plan[:, period - 1] + step[:, period], 0, len(PLAN_PRICES) - 1)
    return plan


def _price_factors(
    day: NDArray[np.int32], charged: NDArray[np.bool_], timeline: Timeline
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return each period's price over the first list price, and where a rise begins.

    A rise of the list price reaches customers of at least half a year at their next charge.
    """
    factor: NDArray[np.float64] = np.ones(charged.shape, dtype=np.float64)
    price_rise = np.zeros(charged.shape, dtype=np.bool_)
    rows = np.arange(len(day))
    for year, rise_day in enumerate(timeline.year_days(_PRICE_RISE_MONTH)):
        rise = _PRICE_RISES[year % len(_PRICE_RISES)]
        factor[day[:, 0] >= rise_day] *= 1.0 + rise
        due = charged & (day[:, :-1] >= rise_day)
        reached = (day[:, 0] < rise_day - 180) & due.any(axis=1)
        first = due.argmax(axis=1)
        price_rise[rows[reached], first[reached]] = True
        after = np.arange(due.shape[1]) >= first[:, None]
        factor *= np.where(reached[:, None] & after, 1.0 + rise, 1.0)
    return factor, price_rise


def _drawn_add_ons(people: Population, periods: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which periods have a second, parallel subscription: one customer in 16, for 2 to 10 months."""
    begin = rng.integers(1, 25, len(people))
    months = rng.integers(2, 11, len(people))
    has_add_on = (rng.random(len(people)) < 0.06) & ~people.annual
    number = np.arange(periods)
    running = (number >= begin[:, None]) & (number < (begin + months)[:, None])
    return np.asarray(running & has_add_on[:, None])


def _drawn_failures(
    people: Population, charged: NDArray[np.bool_], add_on: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Draw failed charges and the lapses of cover that some of them cause, never on the first charge."""
    failed = charged & (rng.random(charged.shape) < people.payment_risk[:, None])
    failed[:, 0] = False
    outcome = rng.random(charged.shape)
    parallel = np.any(add_on, axis=1, keepdims=True)
    lapsed = failed & (outcome > 0.82) & ~parallel
    length = rng.integers(LAPSE_DAYS[0], LAPSE_DAYS[1] + 1, charged.shape)
    failures = np.where(failed, np.where((outcome > 0.55) & ~lapsed, 2, 1), 0)
    return failures.astype(np.int8), np.where(lapsed, length, 0).astype(np.int32)
