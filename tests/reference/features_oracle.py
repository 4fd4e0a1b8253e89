"""Features and labels one customer and one day at a time: slow and obvious, to compare `sql/` with.

Dates are whole days from as_of, which is 0; `None` stands for open or missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class Company:
    """What is staged: one row a period, a payment version, a ticket version, a day of usage."""

    as_of: pd.Timestamp
    customers: Sequence[Row]
    periods: Sequence[Row]
    payments: Sequence[Row]
    tickets: Sequence[Row]
    usage: Sequence[Row]

    def of(self, name: str, key: int) -> list[Row]:
        """Rows of one customer."""
        return [row for row in getattr(self, name) if row["customer_key"] == key]


def in_force(rows: Sequence[Row], at: int = 0) -> list[Row]:
    """Versions in force at a day: known before it, and not replaced before it."""
    return [row for row in rows if row["valid_from"] < at and row["valid_to"] >= at]


def is_active(period: Row, at: int) -> bool:
    """Whether a period covers a day."""
    return period["started"] < at and (period["ended"] is None or period["ended"] >= at)


def trend(current: float, before: float) -> float | None:
    """(current - before) / (current + before)."""
    return None if current + before == 0 else (current - before) / (current + before)


def mean(values: Sequence[float]) -> float | None:
    """Mean, or None of nothing."""
    return sum(values) / len(values) if values else None


def window(values: Sequence[Row], name: str, days: int, until: int = 0) -> list[Row]:
    """Rows dated in [until - days, until)."""
    return [row for row in values if until - days <= row[name] < until]


def since(days: Sequence[int]) -> int | None:
    """Days since the latest."""
    return -max(days) if days else None


def paid_periods(company: Company, key: int) -> list[Row]:
    """Paid periods that began before as_of, with an end that has not come yet taken away."""
    rows = [row for row in company.of("periods", key) if row["mrr"] > 0 and row["started"] < 0]
    rows.sort(key=lambda row: (row["started"], row["subscription_id"]))
    return [{**row, "ended": None if row["ended"] is None or row["ended"] >= 0 else row["ended"]} for row in rows]


def main_period(periods: Sequence[Row]) -> Row | None:
    """The dearest active period."""
    active = [row for row in periods if is_active(row, 0)]
    return min(active, key=lambda row: (-row["mrr"], row["started"], row["subscription_id"])) if active else None


def subscribed(periods: Sequence[Row], period: Row) -> int:
    """The first paid day of a period's subscription."""
    return min(row["started"] for row in periods if row["subscription_id"] == period["subscription_id"])


def plan_changes(periods: Sequence[Row]) -> list[int]:
    """Days on which a period began on another plan than the one before it."""
    found = []
    for place, row in enumerate(periods):
        own = [other for other in periods[:place] if other["subscription_id"] == row["subscription_id"]]
        before = own or periods[:place]
        if before and before[-1]["plan"] != row["plan"]:
            found.append(row["started"])
    return found


def tenure(company: Company, key: int) -> Row:
    signed_up = [row["signed_up"] for row in in_force(company.of("customers", key)) if row["signed_up"] < 0]
    periods = paid_periods(company, key)
    if not signed_up and not periods:
        return {}
    first = {"tenure_days": -min(signed_up) if signed_up else None}
    names = ("paid_tenure_days", "subscription_age_days", "active_subscriptions", "plan_changes_365d")
    if not periods:
        return first | dict.fromkeys((*names, "days_since_plan_change", "past_gaps", "plan"))
    days = [any(is_active(row, at) for row in periods) for at in range(periods[0]["started"] + 1, 1)]
    changes = plan_changes(periods)
    active = [row for row in periods if is_active(row, 0)]
    main = main_period(periods)
    return first | {
        "paid_tenure_days": sum(days),
        "subscription_age_days": max((-subscribed(periods, row) for row in active), default=None),
        "active_subscriptions": len(active),
        "plan_changes_365d": sum(at >= -365 for at in changes),
        "days_since_plan_change": since(changes),
        "past_gaps": sum(now and not before for before, now in pairwise(days)),
        "plan": main and main["plan"],
    }


def revenue(company: Company, key: int) -> Row:
    periods = paid_periods(company, key)
    if not periods:
        return {}

    def level(at: int) -> float | None:
        active = [row["mrr"] for row in periods if is_active(row, at)]
        return sum(active) if active else None

    now, main = level(0) or 0, main_period(periods)
    peak = max(level(at) or 0 for at in range(periods[0]["started"], 1))
    ended = [row["discount"] for row in periods if is_active(row, 0) and row["discount"] is not None]
    before = {days: level(-days) for days in (28, 90)}
    return {
        "mrr": now,
        "mrr_change_28d": None if before[28] is None else now - before[28],
        "mrr_change_90d": None if before[90] is None else now - before[90],
        "mrr_share_of_peak": now / peak,
        "billing_months": main and main["billing_months"],
        "days_to_renewal": main and renewal(company.as_of, subscribed(periods, main), main["billing_months"]),
        "days_since_discount_end": since([at for at in ended if at < 0]),
    }


def renewal(as_of: pd.Timestamp, started: int, months: int) -> int:
    """Days to the first whole number of billing periods after the start that has not passed."""
    start = as_of + pd.Timedelta(days=started)
    dates = (start + pd.DateOffset(months=months * number) for number in range(1, 1000))
    return next((at - as_of).days for at in dates if at >= as_of)


def payments(company: Company, key: int) -> Row:
    rows = [row for row in in_force(company.of("payments", key)) if row["paid"] < 0]
    if not rows:
        return {}
    paid = [row for row in rows if row["status"] == "paid" and row["amount"] > 0]
    failed = [row for row in rows if row["status"] == "failed"]
    refunded = [row for row in rows if row["status"] == "refunded" or (row["status"] == "paid" and row["amount"] < 0)]

    def amount(days: int, until: int = 0) -> float:
        return sum(row["amount"] for row in window(paid, "paid", days, until))

    def number(values: Sequence[Row], days: int) -> int:
        return len(window(values, "paid", days))

    tried = number(paid, 90) + number(failed, 90)
    return {
        "payments_paid_28d": number(paid, 28),
        "payments_paid_90d": number(paid, 90),
        "payments_failed_7d": number(failed, 7),
        "payments_failed_28d": number(failed, 28),
        "payments_failed_90d": number(failed, 90),
        "failed_share_90d": number(failed, 90) / tried if tried else None,
        "amount_paid_28d": amount(28),
        "amount_paid_90d": amount(90),
        "amount_trend_28d": trend(amount(28), amount(28, -28)),
        "amount_trend_90d": trend(amount(90), amount(90, -90)),
        "amount_refunded_90d": sum(abs(row["amount"]) for row in window(refunded, "paid", 90)),
        "days_since_last_payment": since([row["paid"] for row in paid]),
        "days_since_last_failed_payment": since([row["paid"] for row in failed]),
    }


def usage(company: Company, key: int) -> Row:
    rows = window(company.of("usage", key), "used", 180)
    if not rows:
        return {}

    def events(days: int, until: int = 0) -> int:
        return sum(row["events"] for row in window(rows, "used", days, until))

    def active(days: int, until: int = 0) -> int:
        return len({row["used"] for row in window(rows, "used", days, until)})

    last = window(rows, "used", 28)
    return {
        **{f"events_{days}d": events(days) for days in (7, 28, 90)},
        **{f"events_trend_{days}d": trend(events(days), events(days, -days)) for days in (7, 28, 90)},
        "quantity_28d": sum(row["quantity"] for row in last),
        **{f"active_days_{days}d": active(days) for days in (7, 28, 90)},
        "active_days_trend_28d": trend(active(28), active(28, -28)),
        "event_types_28d": len({row["event_type"] for row in last}),
        "days_since_last_usage": since([row["used"] for row in rows]),
        "longest_gap_days_90d": longest_gap({row["used"] for row in window(rows, "used", 90)}),
    }


def longest_gap(used: set[int]) -> int | None:
    """Most days in a row without an event, from the first active day on."""
    if not used:
        return None
    longest = run = 0
    for at in range(min(used), 0):
        run = 0 if at in used else run + 1
        longest = max(longest, run)
    return longest


def usage_catalogue(company: Company, key: int, event_type: str) -> Row:
    rows = [row for row in window(company.of("usage", key), "used", 90) if row["event_type"] == event_type]
    if not rows:
        return {}
    measures: dict[str, Callable[[list[Row]], float]] = {
        "count": lambda part: sum(row["events"] for row in part),
        "sum": lambda part: sum(row["quantity"] for row in part),
        "active_days": len,
    }
    found: Row = {}
    for name, measure in measures.items():
        found |= {f"{name}_{days}d": measure(window(rows, "used", days)) for days in (7, 28, 90)}
        now, before = (measure(window(rows, "used", 28, until)) for until in (0, -28))
        found[f"{name}_trend_28d"] = trend(now, before) if min(now, before) >= 0 else None
    return found


def tickets(company: Company, key: int) -> Row:
    rows = [row for row in in_force(company.of("tickets", key)) if row["opened"] < 0]
    if not rows:
        return {}
    closed = [row for row in rows if row["closed"] is not None and row["closed"] < 0]
    rated = [row for row in closed if row["satisfaction"] is not None]
    recent = window(closed, "closed", 90)
    rated.sort(key=lambda row: row["ticket_id"])
    rated.sort(key=lambda row: row["closed"], reverse=True)
    return {
        "tickets_28d": len(window(rows, "opened", 28)),
        "tickets_90d": len(window(rows, "opened", 90)),
        "tickets_open": len(rows) - len(closed),
        "severe_tickets_90d": sum(row["is_severe"] for row in window(rows, "opened", 90)),
        "satisfaction_avg_90d": mean([row["satisfaction"] for row in window(rated, "closed", 90)]),
        "satisfaction_last": rated[0]["satisfaction"] if rated else None,
        "days_since_last_ticket": since([row["opened"] for row in rows]),
        "close_days_avg_90d": mean([row["closed"] - row["opened"] for row in recent]),
    }


def purchases(rows: Sequence[Row]) -> list[Row]:
    """Positive paid payments."""
    return [row for row in rows if row["status"] == "paid" and row["amount"] > 0]


def rfm(company: Company, key: int) -> Row:
    rows = [row for row in purchases(in_force(company.of("payments", key))) if row["paid"] < 0]
    if not rows:
        return {}
    days = sorted({row["paid"] for row in rows})
    repeats = [row["amount"] for row in rows if row["paid"] > days[0]]

    def spend(length: int, until: int = 0) -> float:
        return sum(row["amount"] for row in window(rows, "paid", length, until))

    frequency = len(days) - 1
    return {
        "frequency": frequency,
        "recency_days": days[-1] - days[0],
        "t_days": -days[0],
        "monetary_value": sum(repeats) / frequency if frequency else None,
        "days_since_last_purchase": -days[-1],
        "purchases_28d": sum(at >= -28 for at in days),
        "purchases_90d": sum(at >= -90 for at in days),
        "spend_90d": spend(90),
        "spend_365d": spend(365),
        "spend_trend_90d": trend(spend(90), spend(90, -90)),
        "purchase_interval_days": (days[-1] - days[0]) / frequency if frequency else None,
    }


def contractual_label(company: Company, key: int, horizon: int, grace: int) -> bool | None:
    """Whether coverage stops on a day of the horizon and is away for more than the days of grace."""
    periods = [row for row in company.of("periods", key) if row["mrr"] > 0]

    def covered(at: int) -> bool:
        return any(is_active(row, at) for row in periods)

    if not covered(0):
        return None
    return any(
        covered(at) and not any(covered(later) for later in range(at + 1, at + grace + 2)) for at in range(horizon)
    )


def inactivity_label(company: Company, key: int, horizon: int, inactivity: int) -> bool | None:
    """Whether a recent buyer buys nothing in the horizon, as known at its end."""
    rows = company.of("payments", key)
    if not window(purchases(in_force(rows)), "paid", inactivity):
        return None
    return not window(purchases(in_force(rows, horizon)), "paid", horizon, horizon)
