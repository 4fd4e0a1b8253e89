"""Why a customer is on the list, as a person would say it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from churn.scoring.words import why_listed

KNOWN: dict[str, Any] = {
    "churn_probability": 0.312, "value_at_risk": 590.4, "risk_score": -0.8, "offer": "discount_20", "save_rate": 0.15,
    "cost": 15.0, "net_value": 29.28, "is_holdout": False,
}  # fmt: skip
UNKNOWN = {"churn_probability": math.nan, "value_at_risk": math.nan, "save_rate": 0.1, "net_value": math.nan}


def why(**changes: Any) -> str:
    return why_listed(**(KNOWN | changes), currency="EUR")


def test_the_customers_own_numbers_say_why():
    assert why() == (
        "31 % risk of leaving puts 590 EUR at stake; discount_20 is expected to keep 15 % of those about to leave and "
        "to earn 29.28 EUR after its cost of 15.00 EUR."
    )


def test_of_a_held_out_customer_it_is_told_that_they_must_be_left_alone():
    told = why(is_holdout=True)
    assert "discount_20 would be expected to keep 15 %" in told
    assert told.endswith("; held out to measure what the campaign does: leave alone.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"churn_probability": 0.0423}, "4.2 % risk"),
        ({"churn_probability": 0.0996}, "10 % risk"),
        ({"value_at_risk": 12_345.6}, "12,346 EUR at stake"),
        ({"value_at_risk": 7.5}, "7.50 EUR at stake"),
        ({"net_value": 1234.5, "cost": 0.0}, "earn 1,234.50 EUR after its cost of 0.00 EUR"),
    ],
)
def test_small_numbers_keep_their_digits_and_big_ones_lose_theirs(changes, words):
    assert words in why(**changes)


@pytest.mark.parametrize(
    ("days", "silence"), [(45.0, "none for 45 days"), (1.0, "none for 1 day"), (3650.0, "none on record")]
)
def test_without_a_model_it_is_silence_that_ranks(days, silence):
    assert why(**UNKNOWN, risk_score=days) == (
        f"Ranked by silence until a model is trained (activity: {silence}); discount_20, at 15.00 EUR, is the cheapest "
        "offer that may be made."
    )


def test_without_a_value_it_is_risk_that_ranks():
    assert why(value_at_risk=math.nan, net_value=math.nan) == (
        "31 % risk of leaving, while nobody's value is known; discount_20, at 15.00 EUR, is the cheapest offer that "
        "may be made."
    )
