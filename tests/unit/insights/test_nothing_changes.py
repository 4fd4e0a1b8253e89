"""Where nothing changes, at most one night in twenty claims anything; what is planted is found."""

from __future__ import annotations

from math import sqrt

import pytest

from benchmarks import insights_null
from benchmarks.insights_null import Plant, campaigns_beside_facts, insight_nights, planted
from churn.insights.chance import LEVEL, change_p_value

WORLDS = 4


def test_at_most_one_night_in_twenty_claims_anything_where_nothing_changes() -> None:
    figures = insight_nights(1_200, seed=11)
    assert figures["nights"] == 1_200
    assert figures["claiming"] <= 0.05
    assert figures["claiming_change"] <= 0.05


def test_customers_alone_do_not_tell_what_is_ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_customers_alone(change: float, error: float, weeks: int, ordinary: float) -> float | None:
        del ordinary
        return change_p_value(change, error, weeks, 0.0)

    monkeypatch.setattr(insights_null, "change_p_value", by_customers_alone)
    assert insight_nights(300, seed=11)["claiming_change"] > 0.1


def test_true_facts_make_no_campaign_true_that_does_nothing() -> None:
    nights = 4_000
    chance = 2 * sqrt(LEVEL * (1 - LEVEL) / nights)
    assert campaigns_beside_facts(nights, seed=3) <= LEVEL + chance


def test_the_same_seed_gives_the_same_nights() -> None:
    assert insight_nights(30, seed=2) == insight_nights(30, seed=2)


@pytest.mark.parametrize(
    ("plant", "claim", "customers"),
    [
        (Plant(segment_points=0.05), "segment_probability 0", 4_000),
        (Plant(value_at_risk=1.2), "value_at_risk", 4_000),
        (Plant(realised_points=0.05), "segment 0", 12_000),
    ],
    ids=["riskier segment", "more value at risk", "segment leaves more often"],
)
def test_what_is_planted_is_found(plant: Plant, claim: str, customers: int) -> None:
    found = planted(plant, WORLDS, seed=5, customers=customers)
    assert sum(claim in claims for claims in found) == WORLDS
