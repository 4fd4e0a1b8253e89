"""The fixed features, one line each, in the words of `docs/features.md`; `sql/features/` computes them."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A fixed feature; an empty unit makes it a category."""

    name: str
    unit: str
    description: str
    empty_is_zero: bool = False
    entity: str = ""


_SUBSCRIPTIONS = "subscriptions"

_TENURE = (
    Row("tenure_days", "days", "Days since sign-up."),
    Row(
        "paid_tenure_days",
        "days",
        "Days covered by a paid subscription so far; overlaps count once, gaps not at all.",
        True,
        _SUBSCRIPTIONS,
    ),
    Row(
        "subscription_age_days",
        "days",
        "Days since the oldest active subscription began to be paid for; missing if none is active.",
        entity=_SUBSCRIPTIONS,
    ),
    Row("active_subscriptions", "subscriptions", "Paid subscriptions active at as_of.", True, _SUBSCRIPTIONS),
    Row(
        "plan_changes_365d",
        "changes",
        "Paid periods begun in the last 365 days on another plan than the one before: the subscription's own, or for "
        "a new subscription the customer's latest.",
        True,
        _SUBSCRIPTIONS,
    ),
    Row(
        "days_since_plan_change",
        "days",
        "Days since the last such change; missing if there was none.",
        entity=_SUBSCRIPTIONS,
    ),
    Row(
        "past_gaps",
        "gaps",
        "Breaks of at least a day in paid coverage that the customer came back from.",
        True,
        _SUBSCRIPTIONS,
    ),
    Row("plan", "", "Plan of the dearest active subscription.", entity=_SUBSCRIPTIONS),
)

_REVENUE = (
    Row("mrr", "money", "Monthly recurring revenue at as_of, over all active paid subscriptions.", True),
    Row("mrr_change_28d", "money", "mrr less that of 28 days ago; missing if nothing was paid for then."),
    Row("mrr_change_90d", "money", "mrr less that of 90 days ago; missing if nothing was paid for then."),
    Row("mrr_share_of_peak", "share", "mrr as a share of the highest that the customer has ever had."),
    Row("billing_months", "months", "Months between renewals of the dearest active subscription."),
    Row(
        "days_to_renewal",
        "days",
        "Days from as_of to the next renewal of the dearest active subscription; 0 is a renewal on as_of.",
    ),
    Row(
        "days_since_discount_end",
        "days",
        "Days since the last discount on an active subscription ended; missing without one or while it runs.",
    ),
)

_PAYMENTS = (
    Row("payments_paid_28d", "payments", "Positive paid payments in the last 28 days.", True),
    Row("payments_paid_90d", "payments", "Positive paid payments in the last 90 days.", True),
    Row("payments_failed_7d", "payments", "Failed payments in the last 7 days.", True),
    Row("payments_failed_28d", "payments", "Failed payments in the last 28 days.", True),
    Row("payments_failed_90d", "payments", "Failed payments in the last 90 days.", True),
    Row("failed_share_90d", "share", "Failed among paid and failed payments of the last 90 days."),
    Row("amount_paid_28d", "money", "Amount of the positive paid payments of the last 28 days.", True),
    Row("amount_paid_90d", "money", "Amount of the positive paid payments of the last 90 days.", True),
    Row("amount_trend_28d", "trend", "Amount paid: the last 28 days against the 28 before."),
    Row("amount_trend_90d", "trend", "Amount paid: the last 90 days against the 90 before."),
    Row(
        "amount_refunded_90d",
        "money",
        "Amount refunded of payments dated in the last 90 days, as a positive.",
        True,
    ),
    Row("days_since_last_payment", "days", "Days since the last positive paid payment."),
    Row("days_since_last_failed_payment", "days", "Days since the last failed payment."),
)

_USAGE = (
    Row("events_7d", "events", "Events in the last 7 days.", True),
    Row("events_28d", "events", "Events in the last 28 days.", True),
    Row("events_90d", "events", "Events in the last 90 days.", True),
    Row("events_trend_7d", "trend", "Events: the last 7 days against the 7 before."),
    Row("events_trend_28d", "trend", "Events: the last 28 days against the 28 before."),
    Row("events_trend_90d", "trend", "Events: the last 90 days against the 90 before."),
    Row("quantity_28d", "quantity", "Quantity of all events in the last 28 days.", True),
    Row("active_days_7d", "days", "Days with an event in the last 7 days.", True),
    Row("active_days_28d", "days", "Days with an event in the last 28 days.", True),
    Row("active_days_90d", "days", "Days with an event in the last 90 days.", True),
    Row("active_days_trend_28d", "trend", "Active days: the last 28 days against the 28 before."),
    Row("event_types_28d", "types", "Different types of event in the last 28 days.", True),
    Row("days_since_last_usage", "days", "Days since the last event; missing if there was none in 180 days."),
    Row(
        "longest_gap_days_90d",
        "days",
        "Longest run of days without an event within the last 90: between two active days, or from the last one up "
        "to as_of; missing without an active day.",
    ),
)

_TICKETS = (
    Row("tickets_28d", "tickets", "Tickets opened in the last 28 days.", True),
    Row("tickets_90d", "tickets", "Tickets opened in the last 90 days.", True),
    Row("tickets_open", "tickets", "Tickets not closed before as_of.", True),
    Row("severe_tickets_90d", "tickets", "Severe tickets opened in the last 90 days.", True),
    Row("satisfaction_avg_90d", "rating", "Mean rating of tickets closed in the last 90 days."),
    Row("satisfaction_last", "rating", "Rating of the rated ticket that was closed last."),
    Row("days_since_last_ticket", "days", "Days since the last ticket was opened."),
    Row(
        "close_days_avg_90d",
        "days",
        "Mean days from opening to closing, of tickets closed in the last 90 days.",
    ),
)

_RFM = (
    Row("frequency", "days", "Repeat purchase days: days with a positive paid payment, less the first.", True),
    Row("recency_days", "days", "Days from the first purchase to the last."),
    Row("t_days", "days", "Days from the first purchase to as_of: the customer's age, BG/NBD's T."),
    Row("monetary_value", "money", "Mean amount of the repeat purchase days; missing if there are none."),
    Row("days_since_last_purchase", "days", "Days since the last purchase day."),
    Row("purchases_28d", "days", "Purchase days in the last 28 days.", True),
    Row("purchases_90d", "days", "Purchase days in the last 90 days.", True),
    Row("spend_90d", "money", "Amount of purchases in the last 90 days.", True),
    Row("spend_365d", "money", "Amount of purchases in the last 365 days.", True),
    Row("spend_trend_90d", "trend", "Amount of purchases: the last 90 days against the 90 before."),
    Row("purchase_interval_days", "days", "Mean days between purchase days; missing if there are no repeats."),
)

FIXED: dict[str, tuple[Row, ...]] = {
    "tenure": _TENURE,
    "revenue": _REVENUE,
    "payments": _PAYMENTS,
    "usage": _USAGE,
    "tickets": _TICKETS,
    "rfm": _RFM,
}
