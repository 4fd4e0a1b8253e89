"""Whether a night claims what chance explains, and finds what is there: what must hold, with its figures."""

from __future__ import annotations

from benchmarks.insights_null import Plant, campaigns_beside_facts, insight_nights, planted

MOST_CLAIMING = 0.05
LEAST_FOUND = 0.8
_STANDARD_ERRORS = 2.0
_WORLDS = 10

_PLANTS = (
    ("5 points more risk in a segment", Plant(segment_points=0.05), "segment_probability 0", 4_000),
    ("20 % more value at risk", Plant(value_at_risk=1.2), "value_at_risk", 4_000),
    ("a segment that leaves 5 points more often", Plant(realised_points=0.05), "segment 0", 12_000),
)


def insight_criteria(nights: int, seed: int) -> list[tuple[str, bool]]:
    """Simulate nights without change, nights with true facts beside null campaigns, and planted changes.

    Parameters
    ----------
    nights : int
        Without change; as many beside true facts.
    seed : int
    """
    found = insight_nights(nights, seed)
    beside = campaigns_beside_facts(nights, seed)
    allowed = MOST_CLAIMING + _STANDARD_ERRORS * (MOST_CLAIMING * (1 - MOST_CLAIMING) / nights) ** 0.5
    lines = [
        (
            f"of {nights:,} nights in which nothing changes {found['claiming']:.1%} claim anything "
            f"({found['claiming_fact']:.1%} a fact, {found['claiming_change']:.1%} a change; at most 5%)",
            found["claiming"] <= MOST_CLAIMING,
        ),
        (
            f"of {nights:,} nights with 15 true facts beside 5 campaigns that do nothing {beside:.1%} claim one of "
            f"these (5% wanted, at most two standard errors more: {allowed:.1%})",
            beside <= allowed,
        ),
    ]
    for words, plant, claim, customers in _PLANTS:
        times = sum(claim in claims for claims in planted(plant, _WORLDS, seed, customers=customers))
        lines.append((f"{words}: found in {times} of {_WORLDS} companies", times >= LEAST_FOUND * _WORLDS))
    return lines
