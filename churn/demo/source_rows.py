"""The source tables of the simulated company as record batches: only what it knows by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn.demo.activity import SEVERITIES
from churn.demo.blocks import History
from churn.demo.ledger_rows import PLAN_NAMES, STATUSES, Columns
from churn.demo.people import COUNTRIES, DAY_SECONDS, INDUSTRIES, Population
from churn.demo.timeline import NEVER, Timeline

EVENT_TYPES = ("login", "report", "export", "api_call", "invite")
BATCH_ROWS = 50_000
_MIXES = np.array(
    [
        [0.55, 0.25, 0.10, 0.05, 0.05],
        [0.35, 0.20, 0.25, 0.17, 0.03],
        [0.30, 0.15, 0.10, 0.43, 0.02],
    ]
)
_QUANTITY_MEANS = np.array([0.0, 0.5, 12.0, 40.0, 1.0])
_INSTANT = pa.timestamp("us", tz="UTC")


def source_batches(
    timeline: Timeline,
    people: Population,
    history: History,
    rng_of_day: Callable[[int], np.random.Generator],
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the five source tables, table by table.

    Parameters
    ----------
    timeline, people, history
        The simulation; facts dated on or after `timeline.known_days` are left out.
    rng_of_day : callable
        Returns the random generator of a day's usage events.
    """
    ids = pa.array(people.customer_ids(), pa.string())
    known = int(np.searchsorted(people.signup_day, timeline.known_days))
    for first, last in _slices(known):
        yield "customers", _customers(timeline, people.part(first, last), ids.slice(first, last - first))
    rows = history.subscriptions
    for part in _parts(rows, rows["start_day"] < timeline.known_days):
        yield "subscriptions", _subscriptions(timeline, people, ids, part)
    rows = history.payments
    for part in _parts(rows, rows["day"] < timeline.known_days):
        yield "payments", _payments(timeline, people, ids, part)
    for batch in _usage_events(timeline, people, history.counts, ids, rng_of_day):
        yield "usage_events", batch
    rows = history.tickets
    for part in _parts(rows, rows["day"] < timeline.known_days):
        yield "support_tickets", _tickets(timeline, ids, part)


def _slices(count: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of batches of `BATCH_ROWS`; one empty batch for an empty table."""
    for first in range(0, max(count, 1), BATCH_ROWS):
        yield first, min(first + BATCH_ROWS, count)


def _parts(rows: Columns, told: NDArray[np.bool_]) -> Iterator[Columns]:
    """Yield the told rows in batches."""
    position = np.flatnonzero(told)
    for first, last in _slices(len(position)):
        yield {name: values[position[first:last]] for name, values in rows.items()}


def _instants(timeline: Timeline, day: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.datetime64]:
    """Return instants in UTC from day indices and seconds, unit microsecond."""
    seconds = day.astype(np.int64) * DAY_SECONDS + second.astype(np.int64)
    return np.asarray(timeline.origin.astype("datetime64[us]") + seconds.astype("timedelta64[s]"))


def _known_instants(timeline: Timeline, instants: NDArray[np.datetime64]) -> pa.Array:
    """Return instants as Arrow, null where they lie beyond what is told."""
    end = (timeline.origin + timeline.known_days).astype("datetime64[us]")
    return pa.array(instants, _INSTANT, mask=instants >= end)


def _names(names: tuple[str, ...], codes: NDArray[np.generic]) -> pa.Array:
    """Return names by code."""
    return pa.array(names, pa.string()).take(pa.array(codes.astype(np.int32)))


def _customers(timeline: Timeline, people: Population, ids: pa.Array) -> pa.RecordBatch:
    signed_up_at = pa.array(_instants(timeline, people.signup_day, people.signup_second), _INSTANT)
    return pa.record_batch(
        {
            "customer_id": ids,
            "signed_up_at": signed_up_at,
            "country": _names(COUNTRIES, people.country),
            "industry": _names(INDUSTRIES, people.industry),
            "employees": pa.array(people.employees),
            "contactable": pa.array(people.contactable),
            "updated_at": signed_up_at,
        }
    )


def _subscriptions(timeline: Timeline, people: Population, ids: pa.Array, rows: Columns) -> pa.RecordBatch:
    second = people.signup_second[rows["customer"]]
    started_at = _instants(timeline, rows["start_day"], second)
    ended_at = _instants(timeline, rows["end_day"], second)
    ended_known = rows["end_day"] < timeline.known_days
    discount_until = timeline.origin + rows["discount_day"].astype(np.int64)
    return pa.record_batch(
        {
            "subscription_id": pa.array(rows["id"]),
            "customer_id": ids.take(pa.array(rows["customer"])),
            "plan": _names(PLAN_NAMES, rows["kind"]),
            "mrr": pa.array(rows["mrr"]),
            "started_at": pa.array(started_at, _INSTANT),
            "ended_at": _known_instants(timeline, ended_at),
            "billing_months": pa.array(rows["billing_months"]),
            "discount_until": pa.array(discount_until, pa.date32(), mask=rows["discount_day"] == NEVER),
            "updated_at": pa.array(np.where(ended_known, ended_at, started_at), _INSTANT),
        }
    )


def _payments(timeline: Timeline, people: Population, ids: pa.Array, rows: Columns) -> pa.RecordBatch:
    paid_at = pa.array(_instants(timeline, rows["day"], people.signup_second[rows["customer"]] + 60), _INSTANT)
    return pa.record_batch(
        {
            "payment_id": pa.array(rows["id"]),
            "customer_id": ids.take(pa.array(rows["customer"])),
            "paid_at": paid_at,
            "amount": pa.array(rows["amount"]),
            "status": _names(STATUSES, rows["status"]),
            "updated_at": paid_at,
        }
    )


def _tickets(timeline: Timeline, ids: pa.Array, rows: Columns) -> pa.RecordBatch:
    opened_at = _instants(timeline, rows["day"], rows["second"])
    closed_at = opened_at + rows["open_seconds"].astype("timedelta64[s]")
    closed = closed_at < (timeline.origin + timeline.known_days).astype("datetime64[us]")
    return pa.record_batch(
        {
            "ticket_id": pa.array(rows["id"]),
            "customer_id": ids.take(pa.array(rows["customer"])),
            "opened_at": pa.array(opened_at, _INSTANT),
            "closed_at": _known_instants(timeline, closed_at),
            "severity": _names(SEVERITIES, rows["severity"]),
            "satisfaction": pa.array(rows["satisfaction"], mask=~closed | (rows["satisfaction"] == 0)),
            "updated_at": pa.array(np.where(closed, closed_at, opened_at), _INSTANT),
        }
    )


def _usage_events(
    timeline: Timeline,
    people: Population,
    counts: NDArray[np.uint8],
    ids: pa.Array,
    rng_of_day: Callable[[int], np.random.Generator],
) -> Iterator[pa.RecordBatch]:
    """Yield the usage events in the order of time, whole days at a time; ids count on."""
    cumulative_mix = np.cumsum(_MIXES, axis=1)[:, :-1]
    pending: list[pa.RecordBatch] = []
    next_id = 1
    for day in range(timeline.known_days):
        customer = np.repeat(np.arange(len(people)), counts[day])
        rng = rng_of_day(day)
        second = np.sort(rng.integers(0, DAY_SECONDS, len(customer)))
        customer = rng.permutation(customer)
        kind = (rng.random(len(customer))[:, None] > cumulative_mix[people.mix[customer]]).sum(axis=1)
        batch = {
            "event_id": pa.array(np.arange(next_id, next_id + len(customer))),
            "customer_id": ids.take(pa.array(customer)),
            "occurred_at": pa.array(_instants(timeline, np.full(len(customer), day), second), _INSTANT),
            "event_type": _names(EVENT_TYPES, kind),
            "quantity": pa.array(1.0 + rng.poisson(_QUANTITY_MEANS[kind])),
        }
        next_id += len(customer)
        pending.append(pa.record_batch(batch))
        if sum(map(len, pending)) >= BATCH_ROWS or day == timeline.known_days - 1:
            yield pa.concat_batches(pending)
            pending = []
