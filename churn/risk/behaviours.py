"""From columns to behaviours: what a customer does, pays or asks, whichever columns happen to measure it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from churn.risk.data import Floats

SUBSCRIPTION_COLUMN = "billing_months"

_ENTRY = re.compile(r"^usage_(?P<name>.+?)_(?:trend_)?\d+d$")
_ATTRIBUTE = re.compile(r"^attribute_(?P<name>.+)$")
_SEASON = re.compile(r"^season_")
_WINDOW = re.compile(r"_(?:(?:trend|avg|last|change)_)?\d+d$")


@dataclass(frozen=True)
class Behaviour:
    """One thing about a customer that makes leaving likelier or less likely.

    Attributes
    ----------
    driver : str
        Its name in `bi.churn_drivers`.
    kind : str
        Which phrases may speak of it: the name itself, or `entry`, `attribute`, `season`, `other`.
    about : str
        One plain sentence on what it takes in.
    name : str
        Of an entry or an attribute: its name within feature names.
    """

    driver: str
    kind: str
    about: str
    name: str = ""

    @property
    def subject(self) -> str:
        """What the phrases call it: "api calls" for the entry "api_calls"."""
        return plain(self.name)


OVERALL_USE = Behaviour(
    "overall use", "overall use", "How much is used on how many days, whether it falls, and days without any use."
)
FAILED_PAYMENTS = Behaviour("failed payments", "failed payments", "Payments that failed, and how lately.")
REFUNDS = Behaviour("refunds", "refunds", "Money that was refunded.")
PURCHASES = Behaviour("purchases", "purchases", "How often and how lately they buy.")
SPENDING = Behaviour("spending", "spending", "How much they spend, and whether it falls.")
PRICE = Behaviour(
    "price", "price", "What the subscription costs a month, how that has changed, and discounts that have ended."
)
RENEWAL = Behaviour(
    "renewal", "renewal", "How long they are bound, how near the next renewal is, and the payments that go with it."
)
TENURE = Behaviour("time as a customer", "time as a customer", "How long they have been a customer.")
PLAN = Behaviour("plan", "plan", "Which plan they are on, and changes of plan.")
EARLIER_BREAKS = Behaviour("earlier breaks", "earlier breaks", "Whether they have left and come back before.")
SUPPORT = Behaviour("support tickets", "support tickets", "How many tickets, how severe, and how long they took.")
SATISFACTION = Behaviour("satisfaction", "satisfaction", "How they rated the support that they got.")
SEASON = Behaviour("time of year", "season", "The time of the year: the same for everybody on a night.")

_CYCLE = (
    "payments_paid_28d payments_paid_90d amount_paid_28d amount_paid_90d amount_trend_28d amount_trend_90d "
    "days_since_last_payment"
)
_COLUMNS = {
    OVERALL_USE: "events_7d events_28d events_90d events_trend_7d events_trend_28d events_trend_90d quantity_28d "
    "active_days_7d active_days_28d active_days_90d active_days_trend_28d event_types_28d days_since_last_usage "
    "longest_gap_days_90d",
    FAILED_PAYMENTS: "payments_failed_7d payments_failed_28d payments_failed_90d failed_share_90d "
    "days_since_last_failed_payment",
    REFUNDS: "amount_refunded_90d",
    PURCHASES: "frequency recency_days days_since_last_purchase days_since_last_payment purchases_28d purchases_90d "
    "purchase_interval_days payments_paid_28d payments_paid_90d",
    SPENDING: "monetary_value spend_90d spend_365d spend_trend_90d amount_paid_28d amount_paid_90d amount_trend_28d "
    "amount_trend_90d",
    PRICE: "mrr mrr_change_28d mrr_change_90d mrr_share_of_peak days_since_discount_end",
    RENEWAL: "billing_months days_to_renewal",
    TENURE: "tenure_days paid_tenure_days subscription_age_days t_days",
    PLAN: "plan plan_changes_365d days_since_plan_change active_subscriptions",
    EARLIER_BREAKS: "past_gaps",
    SUPPORT: "tickets_28d tickets_90d tickets_open severe_tickets_90d days_since_last_ticket close_days_avg_90d",
    SATISFACTION: "satisfaction_avg_90d satisfaction_last",
}
_FIXED = {column: behaviour for behaviour, columns in _COLUMNS.items() for column in columns.split()}
# Whoever pays by subscription pays when the bill is due: these then tell where in the billing cycle a customer stands.
_BILLED = {
    column: RENEWAL
    for column in f"{_CYCLE} {_COLUMNS[PURCHASES]} {_COLUMNS[SPENDING]}".split()
    if column not in ("frequency", "recency_days", "monetary_value")
} | {"frequency": TENURE, "recency_days": TENURE, "monetary_value": PRICE}


def behaviour_of(column: str, *, billed: bool) -> Behaviour:
    """Return the behaviour that a column measures; one that nobody has heard of is a behaviour of its own.

    Parameters
    ----------
    column : str
        Feature name of `docs/features.md`, a season column, or anything.
    billed : bool
        Customers pay by subscription, so payments follow the bill and not the mood.
    """
    if billed and column in _BILLED:
        return _BILLED[column]
    if column in _FIXED:
        return _FIXED[column]
    if match := _ENTRY.match(column):
        subject = plain(match["name"])
        about = f"How much of this they use, and whether it falls: {subject}."
        return Behaviour(f"use: {subject}", "entry", about, match["name"])
    if match := _ATTRIBUTE.match(column):
        subject = plain(match["name"])
        return Behaviour(
            f"attribute: {subject}", "attribute", f"What is known of the customer: {subject}.", match["name"]
        )
    if _SEASON.match(column):
        return SEASON
    subject = plain(_WINDOW.sub("", column))
    return Behaviour(f"other: {subject}", "other", f"A feature of its own: {subject}.")


def plain(name: str) -> str:
    """Return a name as words: "api_calls" is "api calls"; never empty."""
    return re.sub(r"[\W_]+", " ", name).strip() or "unnamed"


@dataclass(frozen=True)
class Grouping:
    """The behaviours behind some columns.

    Attributes
    ----------
    columns : tuple of str, length k
    billed : bool
        As for `behaviour_of`.
    """

    columns: tuple[str, ...]
    billed: bool

    @cached_property
    def of_column(self) -> tuple[Behaviour, ...]:
        """The behaviour of each column."""
        return tuple(behaviour_of(column, billed=self.billed) for column in self.columns)

    @cached_property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """The behaviours, no two with the same driver, in the order in which the columns first name them."""
        return tuple({each.driver: each for each in reversed(self.of_column)}[d] for d in self._drivers)

    @cached_property
    def _drivers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.driver for each in self.of_column))

    def sums(self, values: Floats) -> Floats:
        """Add up the columns' contributions, shape (n, k), to those of the behaviours, shape (n, len(behaviours))."""
        member = np.zeros((len(self.columns), len(self.behaviours)))
        member[np.arange(len(self.columns)), [self._drivers.index(each.driver) for each in self.of_column]] = 1.0
        grouped: Floats = values @ member
        return grouped


def grouping(columns: Sequence[str], tonight: Sequence[str]) -> Grouping:
    """Group a model's columns, for a night that has the columns `tonight`."""
    return Grouping(tuple(columns), SUBSCRIPTION_COLUMN in tonight)
