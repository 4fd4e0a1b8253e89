"""How often the nights of a company in which nothing changes claim something, and whether what was planted is found.

Each world is a company of its own: customers whose risk, value and segment drift slowly around what is theirs, a
weekday that moves all of them, noise of the day and of the season common to all, arrivals and departures. Nothing
ever changes: segments leave equally often, reasons say nothing, campaigns do nothing. In other worlds facts are true
beside campaigns that do nothing. The nights are judged by the product's own tests (`churn.insights`); only the sums
that SQL takes of a warehouse are taken of arrays (`benchmarks/insights_worlds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from benchmarks.insights_worlds import SEGMENTS, WEEK, Changes, World, make_world, week_changes
from churn.insights.chance import Split, change_p_value, interval_p_value, proven, split_p_value
from churn.insights.changes import is_big as is_big_change
from churn.insights.findings import BEHAVIOUR, CAMPAIGN, CHANGE
from churn.insights.findings import SEGMENTS as SEGMENT_KIND

DRIVERS = 8
_MOST_WEEKS = 26
_FIRST = 70
_NIGHTS_A_WORLD = 30
_OUTCOME_DAYS = 30
_CAMPAIGN_ERROR = 0.02
_SURE = 1e-9
_MOST_NOISE = 1.5
_LITTLE_NOISE = 0.2


@dataclass(frozen=True)
class Plant:
    """What is changed from the last night of a world on, or in the outcome of its first segment.

    Attributes
    ----------
    segment_points : float
        Added to the churn probability of everybody in the first segment.
    value_at_risk : float
        Factor on everybody's value at risk.
    realised_points : float
        Added to the true churn rate of the first segment.
    """

    segment_points: float = 0.0
    value_at_risk: float = 1.0
    realised_points: float = 0.0


@dataclass(frozen=True)
class Tests:
    """A night's tests, in order: what, its p-value, its kind, and whether anybody would act on the effect."""

    names: list[str]
    p_values: list[float]
    kinds: list[str]
    big: list[bool]

    def add(self, name: str, p_value: float | None, kind: str, *, big: bool) -> None:
        """Keep one, where there is a test."""
        if p_value is not None:
            self.names.append(name)
            self.p_values.append(p_value)
            self.kinds.append(kind)
            self.big.append(big)

    def claims(self) -> list[str]:
        """Return what the night claims."""
        passed = proven(self.p_values, self.kinds)
        return [name for name, is_proven, big in zip(self.names, passed, self.big, strict=True) if is_proven and big]


# ---------------------------------------------------------------- what a night tests


def test_changes(tests: Tests, changes: dict[str, Changes], day: int) -> None:
    """Test the changes of one night as the product does."""
    weeks = np.arange(day - WEEK, max(day - WEEK * _MOST_WEEKS, 0) - 1, -WEEK)
    for name, made in changes.items():
        past = made.change[weeks]
        past = past[~np.isnan(past)]
        ordinary = float(np.sqrt(np.mean(past**2))) if len(past) else 0.0
        p_value = change_p_value(float(made.change[day]), float(made.error[day]), len(past), ordinary)
        big = is_big_change(name.split()[0], float(made.change[day]), float(made.before[day]))
        tests.add(name, p_value, CHANGE, big=big)


def facts(world: World, rng: np.random.Generator, plant: Plant) -> Tests:
    """Draw the outcome of a month in which nothing differs, and test it; it stays that of all nights of the world.

    What is proven but small is told with its p-value, too, so each fact counts here as big.
    """
    tests = Tests([], [], [], [])
    segment = world.segment[0]
    rate = world.probability[: min(_OUTCOME_DAYS, len(world.probability))].mean(axis=0)
    left = rng.random(len(rate)) < rate + plant.realised_points * (segment == 0)
    reasons = rng.random((DRIVERS, len(rate))) < rng.uniform(0.01, 0.1, (DRIVERS, 1))
    groups = {f"segment {place}": segment == place for place in range(SEGMENTS)}
    groups |= {f"driver {place}": reasons[place] for place in range(DRIVERS)}
    for name, members in groups.items():
        split = Split(int(members.sum()), int(left[members].sum()), int((~members).sum()), int(left[~members].sum()))
        if split.is_comparable:
            kind = SEGMENT_KIND if name.startswith("segment") else BEHAVIOUR
            tests.add(name, split_p_value(split), kind, big=True)
    null_campaigns(tests, 1, rng)
    return tests


def null_campaigns(tests: Tests, count: int, rng: np.random.Generator) -> None:
    """Add campaigns that do nothing."""
    half = 1.96 * _CAMPAIGN_ERROR
    for effect in rng.normal(0, _CAMPAIGN_ERROR, count):
        tests.add("campaign", interval_p_value(effect, effect - half, effect + half), CAMPAIGN, big=True)


# ---------------------------------------------------------------- what is claimed


def nights_of(customers: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """Give the claims of each night of one world."""
    first = _FIRST + int(rng.integers(0, WEEK * (_MOST_WEEKS - 8)))
    world = make_world(first + _NIGHTS_A_WORLD, customers, rng, noise=rng.uniform(0, _MOST_NOISE))
    known = facts(world, rng, Plant())
    changes = week_changes(world)
    for day in range(first, first + _NIGHTS_A_WORLD):
        tests = Tests(list(known.names), list(known.p_values), list(known.kinds), list(known.big))
        test_changes(tests, changes, day)
        yield tests.claims()


def insight_nights(nights: int, seed: int, *, customers: int = 1_000) -> dict[str, float]:
    """Simulate nights in which nothing changes.

    Parameters
    ----------
    nights : int
        How many, at least 1; 30 of each world.
    seed : int
    customers : int
        Of each world.

    Returns
    -------
    dict of str to float
        `nights`; `claiming`: the share of nights that claim anything, at most 0.05 if the product keeps its word;
        `claiming_change`, `claiming_fact`: of those that claim a change or a fact; `worlds`.
    """
    worlds = -(-nights // _NIGHTS_A_WORLD)
    streams = np.random.SeedSequence(seed).spawn(worlds)
    found: list[list[str]] = []
    for stream in streams:
        found += islice(nights_of(customers, np.random.default_rng(stream)), nights - len(found))
    of_fact = [[name.startswith(("segment ", "driver ", "campaign")) for name in claims] for claims in found]
    return {
        "nights": float(len(found)),
        "worlds": float(worlds),
        "claiming": float(np.mean([bool(claims) for claims in found])),
        "claiming_change": float(np.mean([not all(facts_) for facts_ in of_fact])),
        "claiming_fact": float(np.mean([any(facts_) for facts_ in of_fact])),
    }


def campaigns_beside_facts(nights: int, seed: int, *, facts_: int = 15, campaigns: int = 5) -> float:
    """Judge campaigns that do nothing in companies where segments and behaviours do differ, beyond all doubt.

    Parameters
    ----------
    nights : int
        Each of a company of its own.
    seed : int
    facts_ : int
        True ones, in turn of segments and behaviours.
    campaigns : int

    Returns
    -------
    float
        Share of nights that claim something of a campaign, each time falsely: at most 0.05.
    """
    rng = np.random.default_rng(seed)
    false = 0
    for _ in range(nights):
        tests = Tests([], [], [], [])
        for place in range(facts_):
            tests.add(f"fact {place}", _SURE, (SEGMENT_KIND, BEHAVIOUR)[place % 2], big=True)
        null_campaigns(tests, campaigns, rng)
        false += "campaign" in tests.claims()
    return false / nights


def planted(plant: Plant, worlds: int, seed: int, *, customers: int = 4_000) -> list[list[str]]:
    """Plant something on the last night of each of some worlds, which have little noise; return that night's claims."""
    return [
        _planted_night(plant, customers, np.random.default_rng(stream))
        for stream in np.random.SeedSequence(seed).spawn(worlds)
    ]


def _planted_night(plant: Plant, customers: int, rng: np.random.Generator) -> list[str]:
    last = WEEK * _MOST_WEEKS
    world = make_world(last + 1, customers, rng, noise=_LITTLE_NOISE)
    raised, stake = world.probability.copy(), world.stake.copy()
    raised[last] += plant.segment_points * (world.segment[last] == 0)
    stake[last] *= plant.value_at_risk
    world = replace(world, probability=raised, stake=stake)
    tests = facts(world, rng, plant)
    test_changes(tests, week_changes(world), last)
    return tests.claims()
