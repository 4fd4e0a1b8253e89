"""Reasons read as a person would say them, in the customer's own numbers, and only of what is adverse."""

from __future__ import annotations

import re
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.features.definitions import FIXED
from churn.matrix import FeatureNames
from churn.risk.behaviours import grouping
from churn.risk.facts import Facts, Night, counted, figure, in_days, span, typical_values
from churn.risk.wording import MATERIAL, reasons_of, recency_reasons

LOGINS = tuple(f"usage_logins_{window}" for window in ("7d", "28d", "90d", "trend_28d"))
MINUTES = tuple(f"usage_watch_minutes_{window}" for window in ("7d", "28d", "90d", "trend_28d"))
NUMBERS = (
    *(row.name for rows in FIXED.values() for row in rows if row.unit),
    *LOGINS,
    *MINUTES,
    "attribute_employees",
    "season_sin",
    "mystery_28d",
)
SHOP = tuple(
    row.name for family in ("tenure", "payments", "rfm") for row in FIXED[family] if row.unit and not row.entity
)
CATEGORIES = ("plan", "attribute_industry")
LEVELS = (("basic", "business"), ("retail", "=HYPERLINK(1)\n\x00 " + "x" * 80))


def trend(now: float, before: float) -> float:
    """As the features have it: 24 bits of it."""
    return float(np.float32((now - before) / (now + before)))


def said(
    values: dict[str, Any],
    adds: str | dict[str, float],
    *,
    numbers: tuple[str, ...] = NUMBERS,
    typical: dict[str, float] | None = None,
    measures: dict[str, str] | None = None,
) -> list[str]:
    """The reasons of a customer with these values, where the columns named add log-odds."""
    values = {"days_since_last_usage": 1, **values}
    names = FeatureNames(numbers, CATEGORIES, LEVELS)
    row = np.array([values.get(name, np.nan) for name in numbers], dtype=np.float32)
    codes = np.array(
        [LEVELS[place].index(values[name]) if name in values else -1 for place, name in enumerate(CATEGORIES)],
        dtype=np.int32,
    )
    night = Night(names, typical or {}, "USD", measures or {})
    columns = (*numbers, *CATEGORIES)
    weights = {adds: 1.0} if isinstance(adds, str) else adds
    assert set(weights) <= set(columns)
    contribution = np.array([weights.get(column, 0.0) for column in columns])
    group = grouping(columns, numbers)
    found = reasons_of(Facts(night, row, codes), group, contribution, group.sums(contribution[None, :])[0])
    assert {reason.driver for reason in found} <= {behaviour.driver for behaviour in group.behaviours}
    return [reason.text for reason in found]


# ---------------------------------------------------------------- use


def test_a_fall_is_told_with_both_numbers():
    values = {"usage_logins_28d": 6, "usage_logins_90d": 80, "usage_logins_trend_28d": trend(6, 41)}
    assert said(values, "usage_logins_28d") == ["logins fell from 41 to 6 in four weeks"]


@pytest.mark.parametrize(("now", "before"), [(1, 4), (1, 999), (37, 1500), (3, 4000), (250, 100_000), (1, 150_000)])
def test_the_window_before_is_exact(now, before):
    values = {"usage_logins_28d": now, "usage_logins_trend_28d": trend(now, before)}
    assert said(values, "usage_logins_28d") == [f"logins fell from {before:,} to {now} in four weeks"]


def test_use_that_stopped_is_told_from_the_two_months_before():
    values = {"usage_logins_28d": 0, "usage_logins_90d": 87, "usage_logins_trend_28d": -1, "days_since_last_usage": 3}
    expected = "no logins in the last four weeks, after 87 in the two months before"
    assert said(values, "usage_logins_trend_28d") == [expected]


def test_what_was_never_used_is_a_reason_only_if_others_use_it():
    values = {"usage_logins_28d": 0, "usage_logins_90d": 0, "days_since_last_usage": 3}
    assert said(values, "usage_logins_90d") == []
    assert said(values, "usage_logins_90d", typical={"usage_logins_90d": 30}) == ["no logins in the last three months"]


def test_days_with_use_are_told_as_days():
    values = {"usage_logins_28d": 3, "usage_logins_trend_28d": trend(3, 18), "usage_watch_minutes_28d": 2}
    measures = {"logins": "active_days", "watch_minutes": "sum"}
    assert said(values, "usage_logins_28d", measures=measures) == ["days with logins fell from 18 to 3 in four weeks"]
    expected = ["only 2 watch minutes in the last four weeks (typical: 350)"]
    assert said(values, "usage_watch_minutes_28d", typical={"usage_watch_minutes_28d": 350}) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"days_since_last_usage": 23}, "nothing used for 23 days"),
        (
            {"days_since_last_usage": 12, "events_28d": 6, "events_trend_28d": trend(6, 41)},
            "nothing used for 12 days, activity down from 41 to 6 actions in four weeks",
        ),
        (
            {"days_since_last_usage": 35, "events_28d": 0, "events_90d": 1},
            "nothing used for 35 days, after 1 action in the 55 days before",
        ),
        ({"days_since_last_usage": 120, "events_90d": 0}, "nothing used for 120 days"),
        ({"days_since_last_usage": np.nan, "tenure_days": 400}, "nothing used in the last 180 days"),
        ({"days_since_last_usage": np.nan, "tenure_days": 40}, "nothing used since signing up 40 days ago"),
        (
            {"active_days_28d": 4, "active_days_trend_28d": trend(4, 18)},
            "active days fell from 18 to 4 in four weeks",
        ),
        (
            {"events_7d": 1, "events_trend_7d": trend(1, 20)},
            "activity fell from 20 to 1 action within a week",
        ),
        (
            {"events_90d": 1200, "events_trend_90d": trend(1200, 3600)},
            "activity fell from 3,600 to 1,200 actions in three months",
        ),
        (
            {"longest_gap_days_90d": 30},
            "30 days in a row without any use in the last three months",
        ),
    ],
)
def test_less_use(values, expected):
    adds = next(
        name for name in (*values, "events_28d") if name.startswith(("days_since", "events", "active", "longest"))
    )
    assert said(values, adds) == [expected]


def test_little_use_is_told_beside_what_is_typical():
    values = {"days_since_last_usage": 1, "active_days_28d": 2, "events_28d": 5, "event_types_28d": 1}
    typical = {"active_days_28d": 11.0, "events_28d": 120.0, "event_types_28d": 4.0}
    assert said(values, "active_days_28d", typical=typical) == ["active on only 2 of the last 28 days (typical: 11)"]
    assert said(values, "events_28d", typical=typical) == ["only 5 actions in the last four weeks (typical: 120)"]
    expected = ["only one kind of activity in the last four weeks (typical: 4)"]
    assert said(values, "event_types_28d", typical=typical) == expected


def test_silence_is_told_once():
    values = {
        "days_since_last_usage": 40, "usage_logins_28d": 0, "usage_logins_90d": 9, "usage_watch_minutes_90d": 10,
    }  # fmt: skip
    adds = {"days_since_last_usage": 0.5, "usage_logins_28d": 0.6, "usage_watch_minutes_28d": 0.7}
    assert said(values, adds) == ["nothing used for 40 days"]


def test_no_more_than_two_reasons_speak_of_use():
    values = {
        "days_since_last_usage": 12, "usage_logins_28d": 2, "usage_logins_trend_28d": trend(2, 9),
        "usage_watch_minutes_28d": 1, "usage_watch_minutes_trend_28d": trend(1, 9), "payments_failed_28d": 1,
    }  # fmt: skip
    adds = {
        "days_since_last_usage": 0.9,
        "usage_logins_28d": 0.8,
        "usage_watch_minutes_28d": 0.7,
        "payments_failed_28d": 0.2,
    }
    assert said(values, adds) == [
        "nothing used for 12 days",
        "logins fell from 9 to 2 in four weeks",
        "one payment failed in the last 28 days",
    ]


# ---------------------------------------------------------------- money


@pytest.mark.parametrize(
    ("values", "adds", "expected"),
    [
        (
            {"payments_failed_28d": 2, "payments_failed_7d": 1},
            "payments_failed_28d",
            "two payments failed in the last 28 days",
        ),
        (
            {"payments_failed_28d": 1, "payments_failed_7d": 1},
            "payments_failed_28d",
            "one payment failed in the last 7 days",
        ),
        (
            {"payments_failed_28d": 0, "payments_failed_90d": 12},
            "failed_share_90d",
            "12 payments failed in the last three months",
        ),
        ({"days_since_last_failed_payment": 100}, "days_since_last_failed_payment", "a payment failed 100 days ago"),
        ({"amount_refunded_90d": 1250.4}, "amount_refunded_90d", "1,250 USD refunded in the last three months"),
        ({"mrr": 49, "days_since_discount_end": 1}, "days_since_discount_end", "a discount ended 1 day ago"),
        (
            {"mrr": 49, "mrr_change_90d": -50},
            "mrr_change_90d",
            "pays 49 USD a month, down from 99 USD three months ago",
        ),
        (
            {"mrr": 59.9, "mrr_change_28d": 10, "active_subscriptions": 1},
            "mrr_change_28d",
            "pays 59.90 USD a month, up from 49.90 USD four weeks ago",
        ),
        (
            {"mrr": 59.9, "mrr_change_90d": 10, "active_subscriptions": 2, "days_since_discount_end": 40},
            "days_since_discount_end",
            "pays 59.90 USD a month, up from 49.90 USD since a discount ended 40 days ago",
        ),
        ({"mrr": 49, "mrr_share_of_peak": 0.5}, "mrr_share_of_peak", "pays 49 USD a month, 98 USD at the peak"),
        (
            {"billing_months": 12, "days_to_renewal": 5, "subscription_age_days": 360},
            "days_to_renewal",
            "renews in 5 days after 11 months on the annual plan",
        ),
        ({"billing_months": 3, "days_to_renewal": 1}, "days_to_renewal", "renews tomorrow on the quarterly plan"),
        (
            {"billing_months": 7, "days_to_renewal": 0, "subscription_age_days": 20},
            "days_to_renewal",
            "renews today after 20 days on the 7-month plan",
        ),
        ({"billing_months": 1, "days_to_renewal": 12}, "billing_months", "on a monthly plan, next renewal in 12 days"),
        (
            {"billing_months": 1, "days_to_renewal": 12, "days_since_last_payment": 62},
            "days_since_last_payment",
            "no payment for 62 days on the monthly plan",
        ),
        ({"tenure_days": 23}, "tenure_days", "a customer for only 23 days"),
        ({"plan": "basic"}, "plan", "on the basic plan"),
        ({"past_gaps": 2}, "past_gaps", "left and came back twice before"),
        (
            {"days_since_plan_change": 12, "mrr_share_of_peak": 0.4},
            "days_since_plan_change",
            "moved to a cheaper plan 12 days ago",
        ),
        ({"plan_changes_365d": 3}, "plan_changes_365d", "changed plan three times in the last year"),
    ],
)  # fmt: skip
def test_money_and_bonds(values, adds, expected):
    assert said(values, adds) == [expected]


@pytest.mark.parametrize(
    ("values", "adds", "expected"),
    [
        (
            {"days_since_last_purchase": 62, "purchase_interval_days": 14.2, "frequency": 9},
            "days_since_last_purchase",
            "no purchase for 62 days, usually every 14 days",
        ),
        ({"days_since_last_purchase": 62, "frequency": 0}, "frequency", "bought only once, 62 days ago"),
        ({"days_since_last_purchase": 62, "frequency": 3}, "days_since_last_purchase", "no purchase for 62 days"),
        (
            {"spend_90d": 61, "spend_trend_90d": trend(61, 412)},
            "spend_trend_90d",
            "spending fell from 412 USD to 61 USD in three months",
        ),
        (
            {"spend_90d": 0, "spend_365d": 412.5},
            "spend_365d",
            "nothing spent in the last three months, after 412.50 USD in the nine months before",
        ),
        ({"purchases_90d": 1}, "purchases_90d", "only one purchase in the last three months (typical: 4)"),
        ({"frequency": 1}, "frequency", "only two purchases so far (typical: 7)"),
        ({"frequency": 4}, "frequency", "five purchases so far (typical: 7)"),
        ({"monetary_value": 12}, "monetary_value", "spends only 12 USD a time (typical: 40 USD)"),
        ({"t_days": 100}, "t_days", "a customer for only 3 months (typical: 23 months)"),
    ],
)
def test_a_shop_s_customers(values, adds, expected):
    typical = {"purchases_90d": 4.0, "frequency": 6.0, "monetary_value": 40.0, "t_days": 710.0}
    assert said(values, adds, numbers=SHOP, typical=typical) == [expected]


# ---------------------------------------------------------------- support, attributes


@pytest.mark.parametrize(
    ("values", "adds", "expected"),
    [
        ({"tickets_open": 3}, "tickets_open", "three support tickets still open"),
        ({"tickets_28d": 1}, "tickets_28d", "one support ticket in the last 28 days"),
        ({"severe_tickets_90d": 2}, "severe_tickets_90d", "two severe support tickets in the last three months"),
        ({"close_days_avg_90d": 9.4}, "close_days_avg_90d", "support took 9 days to close a ticket (typical: 2)"),
        ({"satisfaction_last": 2}, "satisfaction_last", "rated the last support ticket 2 (typical: 4)"),
        (
            {"satisfaction_avg_90d": 1.5},
            "satisfaction_avg_90d",
            "rated support 1.5 on average in the last three months (typical: 4.2)",
        ),
        ({"attribute_industry": "retail"}, "attribute_industry", "industry: retail"),
        ({"attribute_employees": 4}, "attribute_employees", "employees: 4 (typical: 25)"),
        ({"attribute_industry": LEVELS[1][1]}, "attribute_industry", "industry: =HYPERLINK(1) " + "x" * 25 + "…"),
    ],
)
def test_support_and_attributes(values, adds, expected):
    typical = {
        "close_days_avg_90d": 2.0, "satisfaction_last": 4.0, "satisfaction_avg_90d": 4.2, "attribute_employees": 25.0,
    }  # fmt: skip
    assert said(values, adds, typical=typical) == [expected]


# ---------------------------------------------------------------- only what is adverse


@pytest.mark.parametrize(
    ("values", "adds"),
    [
        ({"usage_logins_28d": 41, "usage_logins_trend_28d": trend(41, 6)}, "usage_logins_28d"),
        ({"usage_logins_28d": 6, "usage_logins_trend_28d": trend(6, 8)}, "usage_logins_28d"),
        ({"usage_logins_28d": 3, "usage_logins_trend_28d": trend(3, 5)}, "usage_logins_28d"),
        ({"usage_logins_28d": 6, "usage_logins_trend_28d": 1}, "usage_logins_28d"),
        ({"days_since_last_usage": 2, "events_28d": 500}, "days_since_last_usage"),
        ({"payments_failed_28d": 0, "payments_failed_90d": 0}, "payments_failed_28d"),
        ({"days_since_last_failed_payment": 400}, "days_since_last_failed_payment"),
        ({"billing_months": 12, "days_to_renewal": 200, "subscription_age_days": 165}, "days_to_renewal"),
        ({"tenure_days": 2000}, "tenure_days"),
        ({"tickets_28d": 0, "tickets_open": 0}, "tickets_28d"),
        ({"satisfaction_last": 5}, "satisfaction_last"),
        ({"mrr": 500, "mrr_change_90d": 100, "active_subscriptions": 2}, "mrr_change_90d"),
        (
            {"mrr": 500, "mrr_change_90d": 100, "active_subscriptions": 1, "days_since_plan_change": 30},
            "mrr_change_90d",
        ),
        ({"past_gaps": 0}, "past_gaps"),
        ({"amount_refunded_90d": 0}, "amount_refunded_90d"),
        ({"season_sin": 1}, "season_sin"),
        ({"mystery_28d": 3}, "mystery_28d"),
        ({"attribute_employees": 25}, "attribute_employees"),
        ({}, "plan"),
    ],
)
def test_a_protective_behaviour_is_no_reason_to_leave(values, adds):
    typical = {
        "days_since_last_usage": 2.0,
        "satisfaction_last": 4.0,
        "tenure_days": 500.0,
        "attribute_employees": 25.0,
    }
    assert said(values, adds, typical=typical) == []


@pytest.mark.parametrize("adds", [-1.0, 0.0, 0.99 * MATERIAL])
def test_what_takes_risk_away_or_hardly_adds_any_is_no_reason(adds):
    assert said({"payments_failed_28d": 2}, {"payments_failed_28d": adds}) == []


def test_it_is_the_behaviour_as_a_whole_that_must_add_risk():
    adds = {"payments_failed_28d": 1.0, "payments_failed_90d": -1.1}
    assert said({"payments_failed_28d": 2, "payments_failed_90d": 2}, adds) == []


# ---------------------------------------------------------------- order


def test_the_weightiest_comes_first_and_what_happened_before_how_one_is_placed():
    values = {
        "billing_months": 1, "days_to_renewal": 9, "payments_failed_28d": 2, "tickets_28d": 1, "past_gaps": 1,
        "tenure_days": 20,
    }  # fmt: skip
    adds = {"billing_months": 2.0, "payments_failed_28d": 0.3, "tickets_28d": 0.5, "past_gaps": 3.0}
    assert said(values, adds) == [
        "one support ticket in the last 28 days",
        "two payments failed in the last 28 days",
        "left and came back once before",
    ]


def test_of_several_phrases_the_one_whose_columns_weigh_most_is_said():
    values = {
        "days_since_last_usage": 12, "active_days_28d": 2, "active_days_trend_28d": trend(2, 9),
    }  # fmt: skip
    by_days = said(values, {"active_days_28d": 0.4, "days_since_last_usage": 0.3})
    by_silence = said(values, {"active_days_28d": 0.3, "days_since_last_usage": 0.4})
    assert (by_days, by_silence) == (["active days fell from 9 to 2 in four weeks"], ["nothing used for 12 days"])


def test_the_last_bits_of_a_contribution_decide_nothing():
    values = {"payments_failed_28d": 2, "tickets_28d": 1}
    one = said(values, {"payments_failed_28d": 0.3, "tickets_28d": 0.1 + 0.2})
    other = said(values, {"payments_failed_28d": 0.1 + 0.2, "tickets_28d": 0.3})
    assert one == other


def test_a_reason_names_the_driver_that_it_is_about():
    values = np.zeros((len(NUMBERS) + 2,))
    columns = (*NUMBERS, *CATEGORIES)
    values[columns.index("payments_failed_28d")], values[columns.index("days_since_last_usage")] = 1.0, 2.0
    row = np.full(len(NUMBERS), np.nan, dtype=np.float32)
    row[NUMBERS.index("payments_failed_28d")], row[NUMBERS.index("days_since_last_usage")] = 2, 40
    group = grouping(columns, NUMBERS)
    facts = Facts(Night(FeatureNames(NUMBERS, CATEGORIES, LEVELS), {}, "USD", {}), row, np.full(2, -1, dtype=np.int32))
    found = reasons_of(facts, group, values, group.sums(values[None, :])[0])
    assert [reason.driver for reason in found] == ["overall use", "failed payments"]
    assert "payment" in found[1].text


# ---------------------------------------------------------------- the recency rule, words


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (23.0, ["no activity for 23 days"]),
        (3.0, []),
        (3650.0, ["no activity on record"]),
        (7.0, ["no activity for 7 days"]),
    ],
)
def test_without_a_model_the_reason_is_silence(days, expected):
    assert recency_reasons(days) == [(text, "days without activity") for text in expected]


def test_words_for_numbers():
    assert [figure(x) for x in (0, 6, 2.5, 0.04, 12.4, 1250, 0.001, 9.96)] == [
        "0", "6", "2.5", "0.04", "12", "1,250", "almost 0", "10",
    ]  # fmt: skip
    assert [counted(x, "payment") for x in (1, 2, 10, 11, 1000)] == [
        "one payment", "two payments", "ten payments", "11 payments", "1,000 payments",
    ]  # fmt: skip
    assert [span(x) for x in (1, 23, 70, 360, 720, 800)] == [
        "1 day",
        "23 days",
        "2 months",
        "11 months",
        "23 months",
        "2 years",
    ]
    assert [in_days(x) for x in (0, 1, 2)] == ["today", "tomorrow", "in 2 days"]


def test_typical_is_the_weighted_median_of_those_of_whom_it_is_known():
    numbers = np.array([[1, np.nan], [5, np.nan], [9, np.nan], [np.nan, np.nan]], dtype=np.float32)
    names = FeatureNames(("events_28d", "mrr"))
    assert typical_values(names, numbers, np.array([1.0, 1.0, 1.0, 50.0])) == {"events_28d": 5.0}
    assert typical_values(names, numbers, np.array([1.0, 1.0, 5.0, 1.0])) == {"events_28d": 9.0}


# ---------------------------------------------------------------- whatever the numbers

_NUMBER = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 0.5, 28.0, 365.0]), st.floats(-1e4, 1e6, width=32)
)


@settings(max_examples=300, deadline=None)
@given(
    row=arrays.arrays(np.float32, len(NUMBERS), elements=_NUMBER),
    typical=arrays.arrays(np.float32, len(NUMBERS), elements=_NUMBER),
    adds=arrays.arrays(np.float64, len(NUMBERS) + 2, elements=st.floats(-2, 2)),
    codes=st.tuples(st.integers(-1, 1), st.integers(-1, 0)),
    is_shop=st.booleans(),
)
def test_no_reason_shows_what_only_a_machine_would_say(row, typical, adds, codes, is_shop):
    kept = [place for place, name in enumerate(NUMBERS) if not is_shop or name in SHOP]
    numbers = tuple(NUMBERS[place] for place in kept)
    night = Night(
        FeatureNames(numbers, CATEGORIES, LEVELS),
        {name: float(value) for name, value in zip(NUMBERS, typical, strict=True)},
        "EUR",
        {"logins": "active_days"},
    )
    columns = (*numbers, *CATEGORIES)
    values = np.concatenate([adds[kept], adds[-2:]])
    group = grouping(columns, numbers)
    facts = Facts(night, row[kept], np.array(codes, dtype=np.int32))
    found = [reason.text for reason in reasons_of(facts, group, values, group.sums(values[None, :])[0])]
    assert len(found) <= 3
    assert len(set(found)) == len(found)
    for text in found:
        assert not re.search(r"\bnan\b|\binf\b|_|\de\+|  |--", text), text
        assert text.startswith("employees: ") or not re.search(r"-\d", text), text
        assert text == text.strip()
        assert text[:1].islower() or text[:1].isdigit()
        assert not any(f" {name}" in f" {text}" for name in NUMBERS if name not in ("mrr", "plan", "frequency")), text
