"""Subscription and payment rows that the simulated company would have written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.demo.billing import Billing
from churn.demo.lives import SPELLS, Lives
from churn.demo.people import PLANS, Population
from churn.demo.timeline import NEVER

FREE, TRIAL, ADD_ON = range(len(PLANS), len(PLANS) + 3)
PLAN_NAMES = (*PLANS, "free", "trial", "add_on")
STATUSES = ("paid", "failed", "refunded")
PAID, FAILED, REFUNDED = 0, 1, 2
_RETRY_DAYS = 3
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class PaidPeriods:
    """The billing periods within paid spells; every array has shape (periods,), by customer and time.

    Attributes
    ----------
    row, period, spell : ndarray of int64
        Positions of the customer, of the billing period and of the spell.
    start_day, end_day : ndarray of int32
        Cover of the period, lapse taken off, up to the churn date.
    """

    row: NDArray[np.int64]
    period: NDArray[np.int64]
    spell: NDArray[np.int64]
    start_day: NDArray[np.int32]
    end_day: NDArray[np.int32]


def paid_periods(billing: Billing, lives: Lives) -> PaidPeriods:
    """Return the billing periods in which the customers were there and paid."""
    begin = billing.day[:, :-1] + billing.lapse_days
    spell: NDArray[np.int64] = np.full(begin.shape, -1, dtype=np.int64)
    for life in range(SPELLS):
        inside = billing.day[:, :-1] >= lives.start_day[:, life][:, None]
        spell[inside & (begin < lives.end_day[:, life][:, None])] = life
    row, period = np.nonzero(spell >= 0)
    number = spell[row, period]
    end = np.minimum(billing.day[row, period + 1], lives.end_day[row, number])
    return PaidPeriods(row, period, number, begin[row, period].astype(np.int32), end.astype(np.int32))


def subscription_columns(people: Population, billing: Billing, lives: Lives, days: int) -> Columns:
    """Return the subscription rows: customer, kind, mrr, start_day, end_day, billing_months, discount_day.

    Days are day indices, `NEVER` for an open row and for a row without a discount.
    """
    paid = paid_periods(billing, lives)
    parts = [
        _main_rows(billing, paid, days),
        _add_on_rows(billing, lives),
        _lead_rows(people, lives),
        _free_tail_rows(lives),
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["billing_months"] = np.where(people.annual[columns["customer"]] & (columns["kind"] < FREE), 12, 1).astype(
        np.int16
    )
    order = np.lexsort((columns["kind"], columns["start_day"], columns["customer"]))
    return {name: values[order] for name, values in columns.items()}


def _main_rows(billing: Billing, paid: PaidPeriods, days: int) -> Columns:
    """Merge the paid periods into rows: a new one wherever plan, price, discount, spell or cover breaks."""
    plan, mrr = billing.plan[paid.row, paid.period], billing.mrr[paid.row, paid.period]
    discounted = billing.discounted[paid.row, paid.period]
    begins = np.ones(len(paid.row), dtype=np.bool_)
    same = (np.diff(paid.row) == 0) & (np.diff(paid.spell) == 0) & (paid.start_day[1:] == paid.end_day[:-1])
    same &= (np.diff(plan) == 0) & (np.diff(mrr) == 0) & (discounted[1:] == discounted[:-1])
    begins[1:] = ~same
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(begins)) - 1
    discount_end = billing.discount_end_day[paid.row[first]]
    return _rows(
        customer=paid.row[first],
        kind=plan[first],
        mrr=mrr[first],
        start_day=paid.start_day[first],
        end_day=np.where(paid.end_day[last] >= days, NEVER, paid.end_day[last]),
        discount_day=np.where(discounted[first], discount_end, NEVER),
    )


def _add_on_rows(billing: Billing, lives: Lives) -> Columns:
    """Return the second, parallel subscriptions of the first spell."""
    running = billing.add_on_mrr > 0
    row = np.flatnonzero(running.any(axis=1))
    first = running[row].argmax(axis=1)
    start = billing.day[row, first]
    end = np.minimum(billing.day[row, first + running[row].sum(axis=1)], lives.end_day[row, 0])
    kept = (start < lives.end_day[row, 0]) & (lives.start_day[row, 0] < NEVER)
    mrr = billing.add_on_mrr[row, first]
    return _rows(row[kept], np.full(int(kept.sum()), ADD_ON), mrr[kept], start[kept], end[kept])


def _lead_rows(people: Population, lives: Lives) -> Columns:
    """Return trials and free use before the first paid day; free use that never converts stays open."""
    row = np.flatnonzero(people.lead_days > 0)
    free = people.lead_is_free[row]
    stays = free & (lives.start_day[row, 0] == NEVER)
    end = np.where(stays, NEVER, people.paid_day[row])
    return _rows(row, np.where(free, FREE, TRIAL), np.zeros(len(row)), people.signup_day[row], end)


def _free_tail_rows(lives: Lives) -> Columns:
    """Return the free use of customers who gave up paying but not the product."""
    row, spell = np.nonzero(lives.free_tail)
    end = lives.next_start_day()[row, spell]
    return _rows(row, np.full(len(row), FREE), np.zeros(len(row)), lives.end_day[row, spell], end)


def _rows(
    customer: NDArray[np.int64],
    kind: NDArray[np.generic],
    mrr: NDArray[np.float64],
    start_day: NDArray[np.int32],
    end_day: NDArray[np.generic],
    discount_day: NDArray[np.generic] | None = None,
) -> Columns:
    """Return subscription columns with their types settled."""
    no_discount = np.full(len(customer), NEVER)
    return {
        "customer": customer.astype(np.int32),
        "kind": kind.astype(np.int8),
        "mrr": mrr,
        "start_day": start_day.astype(np.int32),
        "end_day": end_day.astype(np.int32),
        "discount_day": (no_discount if discount_day is None else discount_day).astype(np.int32),
    }


def payment_columns(people: Population, billing: Billing, lives: Lives) -> Columns:
    """Return the payment rows: customer, day, amount, status, ordered by customer, day and status."""
    paid = paid_periods(billing, lives)
    due = billing.charged[paid.row, paid.period]
    row, period = paid.row[due], paid.period[due]
    end = lives.end_day[row, paid.spell[due]]
    amount = np.round(
        (billing.mrr[row, period] + billing.add_on_mrr[row, period]) * np.where(people.annual[row], 12, 1), 2
    )
    day, failures = billing.day[row, period], billing.failures[row, period]
    lapse = billing.lapse_days[row, period]
    settled = day + np.where(lapse > 0, lapse, failures * _RETRY_DAYS)
    refund = np.round(-amount * billing.refund_share[row, period], 2)
    refund_day = settled + billing.refund_after_days[row, period]
    retried = (failures > 1) & (day + _RETRY_DAYS < end)
    cases = [
        (settled < end, settled, amount, PAID),
        (failures > 0, day, amount, FAILED),
        (retried, day + _RETRY_DAYS, amount, FAILED),
        ((refund < 0) & (settled < end), refund_day, refund, REFUNDED),
    ]
    columns: Columns = {
        "customer": np.concatenate([row[mask] for mask, *_ in cases]).astype(np.int32),
        "day": np.concatenate([days[mask] for mask, days, *_ in cases]).astype(np.int32),
        "amount": np.concatenate([amounts[mask] for mask, _, amounts, _ in cases]),
        "status": np.concatenate([np.full(int(mask.sum()), s, dtype=np.int8) for mask, *_, s in cases]),
    }
    order = np.lexsort((columns["status"], columns["day"], columns["customer"]))
    return {name: values[order] for name, values in columns.items()}
