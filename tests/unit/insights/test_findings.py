"""Order, wording, and what is big enough to be said."""

from __future__ import annotations

import json
import random
from datetime import date
from decimal import Decimal

import pytest

from churn.insights.campaign import at_stake
from churn.insights.chance import Split
from churn.insights.changes import is_big as is_big_change
from churn.insights.facts import is_big as is_big_fact
from churn.insights.findings import (
    CAMPAIGN,
    CHANGE,
    SEGMENTS,
    Candidate,
    Evidence,
    Finding,
    believed,
    claimed,
    plain,
    ranked,
    real_but_small,
)
from churn.insights.wording import customers, money, percent, points, quoted, times


def finding(subject: str, *, stake: float = 0.0, effect: float | None = None, p_value: float | None = None) -> Finding:
    evidence = Evidence("bi.segments", "select 1", {})
    return Finding("kind", "Why?", subject, "Because.", "Do.", evidence, stake, effect, p_value)


def test_money_comes_first_then_strength_then_the_name() -> None:
    ordered = [
        finding("much", stake=900),
        finding("little", stake=5),
        finding("sure", p_value=0.001, effect=0.1),
        finding("less sure", p_value=0.01, effect=0.2),
        finding("a"),
        finding("b"),
    ]
    mixed = random.Random(3).sample(ordered, len(ordered))
    assert ranked(mixed) == ordered


def test_only_claims_that_are_proven_and_big_are_put_into_words() -> None:
    def unspoken() -> Finding:
        raise AssertionError("not to be said")

    proved = believed([
        Candidate(SEGMENTS, 1e-6, True, lambda: finding("proven"), unspoken),
        Candidate(SEGMENTS, 1e-6, False, unspoken, lambda: finding("small")),
        Candidate(SEGMENTS, 1e-6, False, unspoken),
        Candidate(SEGMENTS, 0.4, False, unspoken, unspoken),
        Candidate(CHANGE, 0.4, True, unspoken),
    ])  # fmt: skip
    assert [one.subject for one in claimed(proved)] == ["proven"]
    assert [one.subject for one in real_but_small(proved, SEGMENTS)] == ["small"]
    assert real_but_small(proved, CAMPAIGN) == []
    assert claimed(believed([])) == []


@pytest.mark.parametrize(
    ("measure", "change", "before", "big"),
    [
        ("segment_share", 0.011, 0.1, True),
        ("segment_share", 0.009, 0.02, False),
        ("segment_share", 0.011, 0.5, False),
        ("churn_probability", 0.006, 0.05, True),
        ("churn_probability", 0.004, 0.01, False),
        ("segment_probability", -0.02, 0.1, True),
        ("value_at_risk", 0.04, 1e6, False),
        ("clv", -0.06, 1e6, True),
        ("departures", 0.006, 0.02, True),
        ("departures", 0.006, 0.03, False),
    ],
)
def test_a_change_is_big_where_somebody_would_act(measure: str, change: float, before: float, *, big: bool) -> None:
    assert is_big_change(measure, change, before) is big


@pytest.mark.parametrize(
    ("split", "big"),
    [
        (Split(100, 25, 1000, 200), True),
        (Split(1000, 249, 10000, 2000), False),
        (Split(1000, 8, 10000, 1), False),
        (Split(100, 5, 1000, 100), False),
    ],
)
def test_a_fact_is_big_by_ratio_and_by_points(split: Split, *, big: bool) -> None:
    assert is_big_fact(split) is big


def test_numbers_are_rounded_to_what_matters() -> None:
    assert [money(amount, "EUR") for amount in (0, 12.4, 1234.5, 98765, 1_234_567, -2_500_000)] == [
        "0 EUR", "12 EUR", "1,230 EUR", "98,800 EUR", "1.23 million EUR", "-2.5 million EUR",
    ]  # fmt: skip
    assert [percent(share) for share in (0.0834, 0.199, 0.2349)] == ["8.3%", "19.9%", "23%"]
    assert [points(0.0123), points(-0.2), times(2.34)] == ["+1.2 points", "-20.0 points", "2.3 times"]
    assert [customers(1), customers(12345)] == ["1 customer", "12,345 customers"]
    assert quoted('So-called "big"') == r'"So-called \"big\""'


def test_evidence_is_kept_as_json_knows_it() -> None:
    values = [plain(value) for value in (Decimal("1.25"), date(2025, 7, 1), None, 3, "x")]
    assert json.dumps(values) == '[1.25, "2025-07-01", null, 3, "x"]'


@pytest.mark.parametrize(
    ("revenue", "value", "stake"),
    [
        ((-9_000, 20_000), (None, None), 0),
        ((500, 20_000), (None, None), 500),
        ((-20_000, -700), (None, None), 700),
        ((-9_000, 20_000), (1_500, 30_000), 1_500),
        ((2_000, 20_000), (1_500, 30_000), 2_000),
        ((None, None), (-30_000, -40), 40),
    ],
)
def test_a_campaign_is_about_the_money_that_chance_leaves(
    revenue: tuple[float | None, float | None], value: tuple[float | None, float | None], stake: float
) -> None:
    numbers = dict(zip(("incremental_revenue_low", "incremental_revenue_high"), revenue, strict=True))
    numbers |= dict(zip(("incremental_value_low", "incremental_value_high"), value, strict=True))
    assert at_stake(numbers) == stake
