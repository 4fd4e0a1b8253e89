"""The business's figures one customer and one day at a time, written from methods.md: slow and obvious.

A day here is an `as_of`: the state of a day is what is known in its morning. A period that starts on day s and ends on
day e is active on the days after s up to and with e.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import pandas as pd

Row = Mapping[str, Any]
ONE_DAY = timedelta(days=1)
COUNTS = (
    "customers_start", "new", "reactivated", "churned", "customers_end", "horizon_customers", "horizon_churned",
)  # fmt: skip
AMOUNTS = (
    "mrr_start", "mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churned", "mrr_reactivated", "mrr_end", "revenue",
)  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """What the business means by leaving."""

    as_of: date
    horizon: int = 30
    grace: int = 14
    inactivity: int = 90


@dataclass(frozen=True)
class Month:
    """One month, up to `as_of` where it is not over."""

    first: date
    following: date
    rules: Rules

    @property
    def last(self) -> date:
        """The morning after its last day, or as_of."""
        return min(self.following, self.rules.as_of)

    @property
    def is_provisional(self) -> bool:
        return self.following + timedelta(days=self.rules.grace) > self.rules.as_of

    @property
    def is_horizon_known(self) -> bool:
        return self.first + timedelta(days=self.rules.horizon + self.rules.grace) <= self.rules.as_of


def months_between(first: date, rules: Rules) -> list[Month]:
    """Every month from that of `first` to that of the day before as_of."""
    starts = pd.date_range(pd.Timestamp(first).replace(day=1), rules.as_of - ONE_DAY, freq="MS")
    return [Month(start.date(), (start + pd.offsets.MonthBegin(1)).date(), rules) for start in starts]


def days(after: date, until: date) -> list[date]:
    """The days after one, up to and with another."""
    return [after + timedelta(days=n) for n in range(1, (until - after).days + 1)]


# ---------------------------------------------------------------- contracts


class Contract:
    """What one customer pays, day by day."""

    def __init__(self, periods: Sequence[Row], rules: Rules) -> None:
        self.periods = [row for row in periods if row["mrr"] > 0 and row["started_date"] < rules.as_of]
        self.rules = rules
        self.paid: dict[date, Decimal] = {}
        for day in days(min((row["started_date"] for row in self.periods), default=rules.as_of), rules.as_of):
            paid = [row["mrr"] for row in self.on(day)]
            if paid:
                self.paid[day] = sum(paid, Decimal(0))
        self.bridged = dict(self.paid)
        covered = sorted(self.paid)
        for before, after in pairwise(covered):
            gap = [day for day in days(before, after) if day != after]
            if len(gap) <= rules.grace:
                self.bridged |= dict.fromkeys(gap, self.paid[before])

    def on(self, day: date) -> list[Row]:
        """Paid periods that are active on a day."""
        return [
            row
            for row in self.periods
            if row["started_date"] < day and (row["ended_date"] is None or row["ended_date"] >= day)
        ]

    def leaves(self, day: date, until: date) -> bool:
        """Whether somebody who is there on a day is not there on some day after it."""
        return any(later not in self.bridged for later in days(day, until))

    def plan(self, day: date) -> str:
        """The dearest plan of a day; inside a bridged gap that of the day before it."""
        while not self.on(day):
            day -= ONE_DAY
        best = min(self.on(day), key=lambda row: (-row["mrr"], row["started_date"], row["subscription_id"]))
        return best["plan"] or "(none)"

    def month(self, month: Month, segments: Mapping[Any, str], key: int) -> dict[str, Any]:
        start, end = self.bridged.get(month.first), self.bridged.get(month.last)
        inside = [day for day in days(month.first, month.last) if day in self.bridged]
        arrived = start is None and bool(inside)
        first_ever = arrived and min(self.bridged) in inside
        churned = start is not None and self.leaves(month.first, month.last)
        came = end is not None and (start is None or churned)
        stayed = start is not None and not churned
        moved = (end or Decimal(0)) - (start or Decimal(0))
        scored = month.is_horizon_known and month.first in self.paid
        horizon_end = month.first + timedelta(days=self.rules.horizon)
        here = month.first if start is not None else inside[0] if inside else None
        return {
            "customers_start": int(start is not None),
            "new": int(came and first_ever),
            "reactivated": int(came and not first_ever),
            "churned": int(churned),
            "customers_end": int(end is not None),
            "horizon_customers": int(scored),
            "horizon_churned": int(scored and self.leaves(month.first, horizon_end)),
            "mrr_start": start or Decimal(0),
            "mrr_new": end if came and first_ever else Decimal(0),
            "mrr_reactivated": end if came and not first_ever else Decimal(0),
            "mrr_churned": start if churned else Decimal(0),
            "mrr_expansion": max(moved, Decimal(0)) if stayed else Decimal(0),
            "mrr_contraction": max(-moved, Decimal(0)) if stayed else Decimal(0),
            "mrr_end": end or Decimal(0),
            "plan": "(none)" if here is None else self.plan(here),
            "segment": segment_of(segments, month, key, start is not None, arrived, first_ever),
        }


def segment_of(
    segments: Mapping[Any, str], month: Month, key: int, is_start: bool, arrived: bool, first_ever: bool
) -> str:
    """The segment at the month's start; of who came, that of the morning after it, or else how they came."""
    if is_start:
        return segments.get((month.first, key), "(unknown)")
    return "(unknown)" if not arrived else segments.get((month.last, key), "(new)" if first_ever else "(returned)")


# ---------------------------------------------------------------- purchases


class Buyer:
    """What one customer bought, as it was known at the time."""

    def __init__(self, payments: Sequence[Row], rules: Rules) -> None:
        self.rows = [row for row in payments if row["status"] == "paid" and row["amount"] > 0]
        self.rules = rules

    def bought(self, since: date, until: date, known: date) -> bool:
        """Whether there is a purchase on the days from one to before another, as known at a date."""
        return any(since <= row["paid_date"] < until for row in self.rows if is_known(row, known))

    def eligible(self, day: date) -> bool:
        return self.bought(day - timedelta(days=self.rules.inactivity), day, day)

    def is_first(self, month: Month, months: Sequence[Month]) -> bool:
        """Whether a purchase is known for the first time as this month ends."""
        ends = [other.last for other in months if self.bought(date.min, other.last, other.last)]
        return bool(ends) and ends[0] == month.last

    def month(self, month: Month, segments: Mapping[Any, str], key: int, months: Sequence[Month]) -> dict[str, Any]:
        start, end = self.eligible(month.first), self.eligible(month.last)
        bought = self.bought(month.first, month.last, month.last)
        came = not start and (bought or end)
        first = came and self.is_first(month, months)
        horizon_end = month.first + timedelta(days=self.rules.horizon)
        scored = month.is_horizon_known and start
        return {
            "customers_start": int(start),
            "new": int(came and first),
            "reactivated": int(came and not first),
            "churned": int(start and not bought),
            "customers_end": int(end),
            "horizon_customers": int(scored),
            "horizon_churned": int(scored and not self.bought(month.first, horizon_end, horizon_end)),
            "segment": segment_of(segments, month, key, start, came, first),
        }


def is_known(row: Row, at: date) -> bool:
    """Whether this version of a row is the one that is known at a date."""
    return row["valid_from"] < datetime(at.year, at.month, at.day) <= row["valid_to"]


def is_revenue(row: Row, rules: Rules) -> bool:
    """Whether a payment or refund of before as_of counts, as known then."""
    is_money = row["status"] == "paid" or (row["status"] == "refunded" and row["amount"] < 0)
    return is_money and row["paid_date"] < rules.as_of and is_known(row, rules.as_of)


def revenue_of(payments: Iterable[Row], month: Month) -> Decimal | None:
    """What was paid less refunded in a month, as known at as_of; None where there is neither."""
    amounts = [
        row["amount"]
        for row in payments
        if is_revenue(row, month.rules) and month.first <= row["paid_date"] < month.last
    ]
    return sum(amounts, Decimal(0)) if amounts else None


def revenue_months(payments: Iterable[Row], rules: Rules) -> list[date]:
    """The months in which some customer's payments and refunds did not cancel out."""
    sums: dict[tuple[int, date], Decimal] = defaultdict(Decimal)
    for row in payments:
        if is_revenue(row, rules):
            sums[row["customer_key"], row["paid_date"].replace(day=1)] += row["amount"]
    return [month for (_, month), amount in sums.items() if amount]


# ---------------------------------------------------------------- the tables


@dataclass(frozen=True)
class Known:
    """The staged rows, and the segments that customers were in on the first days of months, and tonight."""

    rules: Rules
    customers: Sequence[Row]
    periods: Sequence[Row]
    payments: Sequence[Row]
    segments: Mapping[Any, str]
    is_contractual: bool = True


def by_customer(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["customer_key"]].append(row)
    return found


def customer_months(known: Known) -> pd.DataFrame:
    """One row per customer and month, whether they were there or not."""
    payments, periods = by_customer(known.payments), by_customer(known.periods)
    if known.is_contractual:
        customers: dict[int, Any] = {key: Contract(rows, known.rules) for key, rows in periods.items()}
        firsts = [row["started_date"] for customer in customers.values() for row in customer.periods]
    else:
        customers = {key: Buyer(rows, known.rules) for key, rows in payments.items()}
        firsts = [
            row["paid_date"]
            for customer in customers.values()
            for row in customer.rows
            if row["paid_date"] < known.rules.as_of and row["valid_from"].date() < known.rules.as_of
        ]
    firsts += revenue_months(known.payments, known.rules)
    if not firsts:
        return pd.DataFrame()
    months = months_between(min(firsts), known.rules)
    nobody: Any = Contract([], known.rules)
    more = () if known.is_contractual else (months,)
    return pd.DataFrame(
        {
            "customer_key": key,
            "month": month.first,
            "revenue": revenue_of(payments.get(key, []), month),
            **customers.get(key, nobody).month(month, known.segments, key, *more),
        }
        for key in sorted({*customers, *payments})
        for month in months
    )


def kpi_months(known: Known) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The figures by (month, dimension, value); without payments or mrr these are None."""
    frame = customer_months(known)
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    if frame.empty:
        return found
    frame["all"] = "all"
    is_there = frame["customers_start"].eq(1) | frame["customers_end"].eq(1) | frame["revenue"].notna()
    present = frame[is_there | frame["segment"].ne("(unknown)")]
    months = {month.first: month for month in months_between(frame["month"].min(), known.rules)}
    for dimension in ("all", "segment", *(("plan",) if known.is_contractual else ())):
        rows = frame if dimension == "all" else present
        for group, part in rows.groupby(["month", dimension]):
            first, value = cast("tuple[date, str]", group)
            figures = figures_of(part, months[first], known)
            found[first, dimension, value] = {**figures, "is_provisional": months[first].is_provisional}
    return found


def figures_of(rows: pd.DataFrame, month: Month, known: Known) -> dict[str, Any]:
    """Counts and sums of some customers of a month."""
    figures: dict[str, Any] = {column: int(rows[column].sum()) for column in COUNTS}
    for column in AMOUNTS:
        figures[column] = sum((v for v in rows.get(column, []) if pd.notna(v)), Decimal(0))
    if not known.is_contractual:
        figures |= {column: None for column in AMOUNTS if column.startswith("mrr")}
    if not known.payments:
        figures["revenue"] = None
    if not month.is_horizon_known:
        figures |= {"horizon_customers": None, "horizon_churned": None}
    return figures


def cohort_months(known: Known) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Cohorts by (signup month, months since)."""
    frame = customer_months(known)
    signed_up: dict[str, Row] = {}
    for row in sorted(known.customers, key=lambda row: row["valid_from"]):
        if row["valid_from"].date() < known.rules.as_of:
            signed_up[row["customer_id"]] = row
    cohorts: dict[date, set[int]] = defaultdict(set)
    for row in signed_up.values():
        if row["signed_up_date"] < known.rules.as_of:
            cohorts[row["signed_up_date"].replace(day=1)].add(row["customer_key"])
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    if frame.empty:
        return found
    for month in months_between(min([frame["month"].min(), *cohorts]), known.rules):
        for signup, keys in cohorts.items():
            if month.following > known.rules.as_of or signup > month.first:
                continue
            rows = frame[frame["month"].eq(month.first) & frame["customer_key"].isin(keys)]
            paid = "revenue" if known.payments else "mrr_end" if known.is_contractual else None
            since = 12 * (month.first.year - signup.year) + month.first.month - signup.month
            found[signup, since] = {
                "customers": len(keys),
                "retained": int(rows["customers_end"].sum()) if len(rows) else 0,
                "revenue": paid and sum((v for v in rows[paid] if pd.notna(v)), Decimal(0)),
                "is_provisional": month.is_provisional,
            }
    return found
