"""Phrases on what customers pay and how they are bound: payments, price, renewal, plan, time as a customer."""

from __future__ import annotations

from churn.risk.behaviours import Behaviour
from churn.risk.facts import Facts, billing_period, counted, days_long, figure, in_days, span
from churn.risk.phrases import Phrase, fallen, few, phrase

FAILED_LATELY_DAYS = 180
DISCOUNT_ENDED_DAYS = 120
DOWNGRADED_DAYS = 180
LEAST_CHANGE = 0.05
NEW_CUSTOMER_DAYS = 90
LATE_BY = 1.5
LONG_SILENCE_DAYS = 30


def failed_payment_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of payments that failed; the shortest window that tells the whole of them comes first."""
    for column, when in (
        ("payments_failed_7d", "in the last 7 days"),
        ("payments_failed_28d", "in the last 28 days"),
        ("payments_failed_90d", "in the last three months"),
    ):
        value, whole = facts.number(column), facts.number("payments_failed_28d") or 0.0
        if value is not None and value >= 1 and value >= whole:
            return [phrase(f"{counted(value, 'payment')} failed {when}", column)]
    days = facts.number("days_since_last_failed_payment")
    if days is None or days > FAILED_LATELY_DAYS:
        return []
    return [phrase(f"a payment failed {days_long(days)} ago")]


def refund_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of refunds."""
    amount = facts.number("amount_refunded_90d")
    if amount is None or amount < 0.005:
        return []
    return [phrase(f"{facts.money(amount)} refunded in the last three months")]


# --- without subscriptions: purchases ------------------------------------------------------------------------------


def purchase_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of fewer or no purchases."""
    days, repeats = facts.number("days_since_last_purchase"), facts.number("frequency")
    if days is None:
        days = facts.number("days_since_last_payment")
    found = []
    if days is not None and repeats == 0:
        found.append(phrase(f"bought only once, {days_long(days)} ago", "frequency", "recency_days"))
    elif days is not None and (late := _late(facts, days)):
        found.append(late)
    if pair := few(facts, "purchases_90d"):
        now, typical = pair
        text = f"only {counted(now, 'purchase')} in the last three months (typical: {figure(typical)})"
        found.append(phrase(text, "purchases_90d", "purchases_28d", "payments_paid_90d", "payments_paid_28d"))
    usual = facts.typical("frequency")
    if repeats and usual is not None and repeats < usual:
        only = "only " if repeats + 1 <= (usual + 1) / 2 else ""
        text = f"{only}{counted(repeats + 1, 'purchase')} so far (typical: {figure(usual + 1)})"
        found.append(phrase(text, "frequency", "recency_days"))
    return found


def _late(facts: Facts, days: float) -> Phrase | None:
    columns = ("days_since_last_purchase", "days_since_last_payment", "purchase_interval_days", "purchases_28d")
    interval = facts.number("purchase_interval_days")
    if interval is not None and interval >= 1 and days >= LATE_BY * interval and days - interval >= 7:
        return phrase(f"no purchase for {days_long(days)}, usually every {days_long(interval)}", *columns)
    if days < max(LONG_SILENCE_DAYS, facts.typical("days_since_last_purchase") or 0.0):
        return None
    return phrase(f"no purchase for {days_long(days)}", *columns)


def spending_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of less or little spending."""
    found = [
        fallen(
            facts,
            (f"{what}_{days}d", f"{what}_trend_{days}d"),
            days,
            lambda now, before: f"spending fell from {facts.money(before)} to {facts.money(now)}",
        )
        for what, days in (("spend", 90), ("amount_paid", 90), ("amount_paid", 28))
    ]
    found += [_spent_nothing(facts), _little(facts, "spend_90d", "in the last three months"), _small_baskets(facts)]
    return [each for each in found if each]


def _spent_nothing(facts: Facts) -> Phrase | None:
    now, year = facts.number("spend_90d"), facts.number("spend_365d")
    if now != 0 or not year:
        return None
    text = f"nothing spent in the last three months, after {facts.money(year)} in the nine months before"
    return phrase(text, "spend_90d", "spend_365d", "spend_trend_90d", "amount_paid_90d")


def _little(facts: Facts, column: str, when: str) -> Phrase | None:
    if not (pair := few(facts, column)):
        return None
    now, typical = pair
    text = f"spent only {facts.money(now)} {when} (typical: {facts.money(typical)})"
    return phrase(text, column, "spend_365d", "amount_paid_90d")


def _small_baskets(facts: Facts) -> Phrase | None:
    if not (pair := few(facts, "monetary_value")):
        return None
    now, typical = pair
    return phrase(f"spends only {facts.money(now)} a time (typical: {facts.money(typical)})", "monetary_value")


# --- subscriptions ------------------------------------------------------------------------------------------------


def price_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of paying less than before, more than before for the same, or little."""
    now = facts.number("mrr")
    if not now:
        return []
    found = [_changed(facts, now, 28, "four weeks ago"), _changed(facts, now, 90, "three months ago")]
    share, ended = facts.number("mrr_share_of_peak"), facts.number("days_since_discount_end")
    if ended and ended <= DISCOUNT_ENDED_DAYS:
        found.append(phrase(f"a discount ended {days_long(ended)} ago", "days_since_discount_end"))
    if share and share <= 1 - LEAST_CHANGE:
        text = f"pays {facts.money(now)} a month, {facts.money(now / share)} at the peak"
        found.append(phrase(text, "mrr_share_of_peak"))
    if pair := few(facts, "mrr"):
        text = f"pays only {facts.money(now)} a month (typical: {facts.money(pair[1])})"
        found.append(phrase(text, "mrr", "monetary_value", standing=True))
    return [each for each in found if each]


def _changed(facts: Facts, now: float, days: int, when: str) -> Phrase | None:
    """Say that the price fell, or that it rose without the customer's having asked for more."""
    change = facts.signed(f"mrr_change_{days}d")
    if change is None or abs(change) < LEAST_CHANGE * now or now - change <= 0:
        return None
    columns = (f"mrr_change_{days}d", "mrr_share_of_peak")
    before = facts.money(now - change)
    if change < 0:
        return phrase(f"pays {facts.money(now)} a month, down from {before} {when}", *columns)
    ended = facts.number("days_since_discount_end")
    if ended and ended <= days:
        since = f"since a discount ended {days_long(ended)} ago"
        return phrase(f"pays {facts.money(now)} a month, up from {before} {since}", *columns, "days_since_discount_end")
    changed_plan = facts.number("days_since_plan_change")
    if (changed_plan is not None and changed_plan <= days) or facts.number("active_subscriptions") != 1:
        return None
    return phrase(f"pays {facts.money(now)} a month, up from {before} {when}", *columns)


def renewal_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of a renewal ahead, of being bound for no more than a month, or of a bill left unpaid."""
    months = facts.number("billing_months")
    if months is None or months < 1:
        return []
    period, days = billing_period(months), facts.number("days_to_renewal")
    unpaid = facts.number("days_since_last_payment")
    if unpaid is not None and unpaid > 31 * months + 7:
        return [phrase(f"no payment for {days_long(unpaid)} on the {period} plan")]
    if days is None:
        return []
    if round(months) == 1:
        return [phrase(f"on a monthly plan, next renewal {in_days(days)}", standing=True)]
    if days > max(30, min(60, 10 * months)):
        return []
    age = facts.number("subscription_age_days")
    return [phrase(f"renews {in_days(days)}" + (f" after {span(age)}" if age else "") + f" on the {period} plan")]


def tenure_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of somebody who has only just come."""
    for column in ("tenure_days", "t_days", "subscription_age_days"):
        days, typical = facts.number(column), facts.typical(column)
        if days is None:
            continue
        if days <= NEW_CUSTOMER_DAYS or (typical is not None and days <= typical / 2):
            longer = f" (typical: {span(typical)})" if typical is not None and typical >= max(2 * days, 2) else ""
            return [phrase(f"a customer for only {span(days)}{longer}")]
        return []
    return []


def plan_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of a step down, of many changes, or of the plan itself."""
    level, since = facts.level("plan"), facts.number("days_since_plan_change")
    changes, share = facts.number("plan_changes_365d"), facts.number("mrr_share_of_peak")
    columns = ("days_since_plan_change", "plan_changes_365d")
    found = []
    if since is not None and since <= DOWNGRADED_DAYS and share is not None and share <= 1 - LEAST_CHANGE:
        found.append(phrase(f"moved to a cheaper plan {days_long(since)} ago", *columns))
    if changes is not None and changes >= 2:
        found.append(phrase(f"changed plan {counted(changes, 'time')} in the last year", *columns))
    if level:
        found.append(phrase(f"on the {level} plan", "plan", "active_subscriptions", standing=True))
    return found


def break_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of having left before."""
    gaps = facts.number("past_gaps")
    if gaps is None or gaps < 1:
        return []
    often = {1: "once", 2: "twice"}.get(round(gaps), counted(gaps, "time"))
    return [phrase(f"left and came back {often} before", "past_gaps", standing=True)]
