"""How often the nights of a company in which nothing changes claim something, and whether what was planted is found.

Each world is a company of its own: customers whose risk, value and segment drift slowly around what is theirs, a
weekday that moves all of them, noise of the day and of the season common to all, arrivals and departures. Nothing
ever changes: segments leave equally often, reasons say nothing, campaigns do nothing. Its nights are judged by the
product's own tests (`churn.insights`); only the sums that SQL takes of a warehouse are taken here of arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from churn.insights.chance import Split, change_p_value, interval_p_value, proven, split_p_value
from churn.insights.changes import is_big as is_big_change
from churn.insights.facts import is_big as is_big_fact

Floats = NDArray[np.float64]

SEGMENTS = 6
DRIVERS = 8
_WEEK = 7
_MOST_WEEKS = 26
_FIRST = 70
_NIGHTS_A_WORLD = 30
_DRIFT = 0.97
_SLOW_DRIFT = 0.99
_BASE = -2.3
_OUTCOME_DAYS = 30
_CAMPAIGN_ERROR = 0.02
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
class World:
    """A company's nights: arrays of shape (days, customers)."""

    probability: Floats
    stake: Floats
    segment: NDArray[np.int64]
    identity: NDArray[np.int64]


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


# ---------------------------------------------------------------- a company in which nothing changes


def make_world(days: int, customers: int, rng: np.random.Generator, *, noise: float) -> World:
    """Simulate a stationary company.

    Parameters
    ----------
    days, customers : int
    rng : numpy.random.Generator
    noise : float
        How much days and seasons move everybody at once; at 1 the mean risk of a week differs by about a tenth from
        that of the week before.
    """
    risk = _drifting(days, customers, _DRIFT, 0.6, rng)
    place = _drifting(days, customers, _SLOW_DRIFT, 1.0, rng)
    level = rng.normal(0, 0.5, customers)
    weekday = rng.normal(0, 0.1, _WEEK)[np.arange(days) % _WEEK]
    season = _drifting(days, 1, 0.9, 0.08, rng)[:, 0]
    common = weekday + noise * (season + rng.normal(0, 0.04, days))
    leaving = 1 / 400 * np.exp(rng.normal(0, 0.3, days))
    gone = rng.random((days, customers)) < leaving[:, None]
    first = np.arange(customers) + np.zeros((days, 1), dtype=np.int64)
    identity = first + customers * np.cumsum(gone, axis=0)
    edges = np.array([-1.2, -0.4, 0.1, 0.7, 1.5])
    value = np.exp(rng.normal(6, 0.8, customers)) * np.exp(_drifting(days, customers, _SLOW_DRIFT, 0.1, rng))
    return World(expit(_BASE + level + risk + common[:, None]), value, np.searchsorted(edges, place), identity)


def _drifting(days: int, customers: int, keep: float, spread: float, rng: np.random.Generator) -> Floats:
    """Simulate stationary series, one a column, that keep a share of yesterday."""
    steps = rng.normal(0, spread * np.sqrt(1 - keep**2), (days, customers))
    steps[0] = rng.normal(0, spread, customers)
    for day in range(1, days):
        steps[day] += keep * steps[day - 1]
    return steps


# ---------------------------------------------------------------- what a night tests


@dataclass(frozen=True)
class Changes:
    """Changes within a week of all nights, as `bi.week_changes` keeps them: arrays of shape (days,)."""

    change: Floats
    error: Floats
    before: Floats


def week_changes(world: World) -> dict[str, Changes]:
    """Compare every night with that a week before, customer by customer."""
    days = len(world.probability)
    flows = _flows(world)
    made = {"arrivals": flows, "departures": flows}
    measures = ["churn_probability", "value_at_risk", "clv"]
    measures += [f"segment_{kind} {place}" for kind in ("share", "probability") for place in range(SEGMENTS)]
    for measure in measures:
        made[measure] = Changes(*(np.full(days, np.nan) for _ in range(3)))
        for day in range(_WEEK, days):
            _fill(made[measure], day, *_pair(world, measure, day))
    return made


def _pair(world: World, measure: str, day: int) -> tuple[Floats, Floats, bool]:
    """Return what a measure sums on both nights over those who stayed, and whether it is money."""
    stayed = world.identity[day] == world.identity[day - _WEEK]
    nights = (day - _WEEK, day)
    if measure.startswith("segment_share"):
        place = int(measure.split()[1])
        before, now = ((world.segment[night][stayed] == place).astype(np.float64) for night in nights)
        return before, now, False
    if measure.startswith("segment_probability"):
        place = int(measure.split()[1])
        stayed = stayed & (world.segment[nights[0]] == place) & (world.segment[day] == place)
    probabilities = [world.probability[night][stayed] for night in nights]
    if measure == "value_at_risk":
        before, now = (p * world.stake[night][stayed] for p, night in zip(probabilities, nights, strict=True))
        return before, now, True
    if measure == "clv":
        before, now = ((1 - p) * world.stake[night][stayed] for p, night in zip(probabilities, nights, strict=True))
        return before, now, True
    return probabilities[0], probabilities[1], False


def _fill(changes: Changes, day: int, before: Floats, now: Floats, is_money: bool) -> None:
    divisor = before.sum() if is_money else float(len(before))
    difference = now - before
    changes.before[day] = before.sum() / (1 if is_money else divisor)
    changes.change[day] = difference.sum() / divisor
    changes.error[day] = np.sqrt(max((difference**2).sum() - difference.sum() ** 2 / len(before), 0)) / divisor


def _flows(world: World) -> Changes:
    """Compare the share who came or went within each week with the week before; in these worlds as many do both."""
    days, customers = world.identity.shape
    share = np.full(days, np.nan)
    share[_WEEK:] = (world.identity[_WEEK:] != world.identity[:-_WEEK]).mean(axis=1)
    before = np.full(days, np.nan)
    before[_WEEK:] = share[:-_WEEK]
    return Changes(share - before, np.sqrt((share + before) / customers), before)


def test_changes(tests: Tests, changes: dict[str, Changes], day: int) -> None:
    """Test the changes of one night as the product does."""
    weeks = np.arange(day - _WEEK, max(day - _WEEK * _MOST_WEEKS, 0) - 1, -_WEEK)
    for name, made in changes.items():
        past = made.change[weeks]
        past = past[~np.isnan(past)]
        ordinary = float(np.sqrt(np.mean(past**2))) if len(past) else 0.0
        p_value = change_p_value(float(made.change[day]), float(made.error[day]), len(past), ordinary)
        big = is_big_change(name.split()[0], float(made.change[day]), float(made.before[day]))
        tests.add(name, p_value, "change", big=big)


def facts(world: World, rng: np.random.Generator, plant: Plant) -> Tests:
    """Draw the outcome of a month in which nothing differs, and test it; it stays that of all nights of the world."""
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
            tests.add(name, split_p_value(split), "fact", big=is_big_fact(split))
    effect = rng.normal(0, _CAMPAIGN_ERROR)
    half = 1.96 * _CAMPAIGN_ERROR
    tests.add("campaign", interval_p_value(effect, effect - half, effect + half), "fact", big=True)
    return tests


# ---------------------------------------------------------------- what is claimed


def nights_of(customers: int, rng: np.random.Generator) -> Iterator[list[str]]:
    """Give the claims of each night of one world."""
    first = _FIRST + int(rng.integers(0, _WEEK * (_MOST_WEEKS - 8)))
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
    is_fact = partial(str.startswith)
    of_fact = [[is_fact(name, ("segment ", "driver ", "campaign")) for name in claims] for claims in found]
    return {
        "nights": float(len(found)),
        "worlds": float(worlds),
        "claiming": float(np.mean([bool(claims) for claims in found])),
        "claiming_change": float(np.mean([not all(facts_) for facts_ in of_fact])),
        "claiming_fact": float(np.mean([any(facts_) for facts_ in of_fact])),
    }


def planted(plant: Plant, worlds: int, seed: int, *, customers: int = 4_000) -> list[list[str]]:
    """Plant something on the last night of each of some worlds, which have little noise; return that night's claims."""
    return [
        _planted_night(plant, customers, np.random.default_rng(stream))
        for stream in np.random.SeedSequence(seed).spawn(worlds)
    ]


def _planted_night(plant: Plant, customers: int, rng: np.random.Generator) -> list[str]:
    last = _WEEK * _MOST_WEEKS
    world = make_world(last + 1, customers, rng, noise=_LITTLE_NOISE)
    raised, stake = world.probability.copy(), world.stake.copy()
    raised[last] += plant.segment_points * (world.segment[last] == 0)
    stake[last] *= plant.value_at_risk
    world = replace(world, probability=raised, stake=stake)
    tests = facts(world, rng, plant)
    test_changes(tests, week_changes(world), last)
    return tests.claims()
