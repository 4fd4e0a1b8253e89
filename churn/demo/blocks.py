"""The simulation itself, some thousand customers at a time, and what is kept of it in compact arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.demo.activity import Tickets, draw_tickets, draw_usage
from churn.demo.billing import Billing, draw_billing
from churn.demo.hazard import daily_hazards, draw_shocks
from churn.demo.ledger_rows import Columns, payment_columns, subscription_columns
from churn.demo.lives import SPELLS, Lives, draw_lives
from churn.demo.people import INDUSTRIES, Population
from churn.demo.timeline import Timeline

BLOCK_CUSTOMERS = 1024


@dataclass(frozen=True)
class World:
    """What all customers share.

    Attributes
    ----------
    timeline : Timeline
    busy : ndarray of float32, shape (days,)
        How busy each day is.
    shocks : ndarray of float32, shape (industries, days)
        Hidden: log effect of competitors' offers.
    """

    timeline: Timeline
    busy: NDArray[np.float32]
    shocks: NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """The simulated customers [first_customer, first_customer + n) from day index `first_day` on."""

    first_customer: int
    first_day: int
    counts: NDArray[np.uint8]
    hazard: NDArray[np.float16]
    lives: Lives
    lapses: NDArray[np.int32]
    subscriptions: Columns
    payments: Columns
    tickets: Columns


@dataclass(frozen=True)
class History:
    """What happens to all customers to the end of the simulation; only part of it is ever told.

    Attributes
    ----------
    counts : ndarray of uint8, shape (days, customers)
        Usage events.
    hazard : ndarray of float16, shape (customers, days)
        Chance of leaving on a day, given that the customer is there.
    lives : Lives
    lapses : ndarray of int32, shape (lapses, 3)
        Customer, first day and day of return of each lapse of cover.
    subscriptions, payments, tickets : dict of str to ndarray
        Rows, ordered by customer and day.
    """

    counts: NDArray[np.uint8]
    hazard: NDArray[np.float16]
    lives: Lives
    lapses: NDArray[np.int32]
    subscriptions: Columns
    payments: Columns
    tickets: Columns


def make_world(timeline: Timeline, rng: np.random.Generator) -> World:
    """Draw what all customers share."""
    return World(timeline, timeline.activity(), draw_shocks(len(INDUSTRIES), timeline.days, rng))


def simulate_block(people: Population, first_customer: int, world: World, rng: np.random.Generator) -> Block:
    """Simulate some customers, ordered by sign-up, from the first sign-up among them on."""
    first_day, days = int(people.signup_day[0]), world.timeline.days
    billing = draw_billing(people, world.timeline, rng)
    counts = draw_usage(people, world.busy[first_day:], first_day, rng)
    tickets = draw_tickets(people, first_day, days - first_day, rng)
    hazard = daily_hazards(people, billing, counts, tickets, world.shocks[:, first_day:], first_day)
    lives = draw_lives(people, billing, hazard, first_day, rng)
    there = _there(people, lives, first_day, days - first_day)
    return Block(
        first_customer=first_customer,
        first_day=first_day,
        counts=counts * there,
        hazard=hazard,
        lives=lives,
        lapses=_lapses(billing) + np.array([first_customer, 0, 0], dtype=np.int32),
        subscriptions=_numbered(subscription_columns(people, billing, lives, days), first_customer),
        payments=_numbered(payment_columns(people, billing, lives), first_customer),
        tickets=_numbered(_ticket_columns(tickets, there, first_day), first_customer),
    )


def _there(people: Population, lives: Lives, first_day: int, days: int) -> NDArray[np.bool_]:
    """Return on which days the customers use the product: trial or free start, and paid spells."""
    day = first_day + np.arange(days)
    there = (day >= people.signup_day[:, None]) & (day < people.paid_day[:, None])
    for spell in range(SPELLS):
        there |= (day >= lives.start_day[:, spell][:, None]) & (day < lives.end_day[:, spell][:, None])
    return there


def _lapses(billing: Billing) -> NDArray[np.int32]:
    """Return the lapses of cover: row, first day, day of return; shape (lapses, 3)."""
    row, period = np.nonzero(billing.lapse_days)
    day = billing.day[row, period]
    return np.stack((row, day, day + billing.lapse_days[row, period]), axis=1).astype(np.int32)


def _ticket_columns(tickets: Tickets, there: NDArray[np.bool_], first_day: int) -> Columns:
    """Return the tickets of customers who were there to open them."""
    opened = there[tickets.row, tickets.opened_day - first_day]
    return {
        "customer": tickets.row[opened],
        "day": tickets.opened_day[opened],
        "second": tickets.opened_second[opened],
        "open_seconds": tickets.open_seconds[opened],
        "severity": tickets.severity[opened],
        "satisfaction": tickets.satisfaction[opened],
    }


def _numbered(columns: Columns, first_customer: int) -> Columns:
    """Add row ids that a customer's later rows don't change, and count customers over all blocks."""
    customer = columns["customer"].astype(np.int64) + first_customer
    begins = np.flatnonzero(np.diff(customer, prepend=-1))
    lengths = np.diff(np.append(begins, len(customer)))
    rank = np.arange(len(customer)) - np.repeat(begins, lengths)
    return {**columns, "customer": customer.astype(np.int32), "id": (customer + 1) * 1000 + rank}


def add_up(blocks: Iterator[Block], customers: int, days: int) -> History:
    """Gather the blocks; each is let go before the next one is simulated."""
    counts = np.zeros((days, customers), dtype=np.uint8)
    hazard = np.zeros((customers, days), dtype=np.float16)
    kept: list[Block] = []
    nothing, no_hazard = counts[:0], hazard[:0]
    for block in blocks:
        last_customer = block.first_customer + len(block.counts)
        counts[block.first_day :, block.first_customer : last_customer] = block.counts.T
        hazard[block.first_customer : last_customer, block.first_day :] = block.hazard
        kept.append(
            Block(**{**vars(block), "counts": nothing, "hazard": no_hazard})  # the large ones are copied by now
        )
    return History(
        counts=counts,
        hazard=hazard,
        lives=Lives(*(np.concatenate(parts) for parts in zip(*(_life(b.lives) for b in kept), strict=True))),
        lapses=np.concatenate([block.lapses for block in kept]),
        subscriptions=_joined([block.subscriptions for block in kept]),
        payments=_joined([block.payments for block in kept]),
        tickets=_joined([block.tickets for block in kept]),
    )


def _life(lives: Lives) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Return the fields of `Lives` in their order."""
    return lives.start_day, lives.end_day, lives.free_tail


def _joined(parts: list[Columns]) -> Columns:
    """Put the rows of all blocks below one another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
