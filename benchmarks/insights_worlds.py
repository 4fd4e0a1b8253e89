"""Companies in which nothing changes, as arrays: their customers' drift, what moves all of them, and weekly changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

SEGMENTS = 6
WEEK = 7
_DRIFT = 0.97
_SLOW_DRIFT = 0.99
_BASE = -2.3


@dataclass(frozen=True)
class World:
    """A company's nights: arrays of shape (days, customers)."""

    probability: Floats
    stake: Floats
    segment: NDArray[np.int64]
    identity: NDArray[np.int64]


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
    weekday = rng.normal(0, 0.1, WEEK)[np.arange(days) % WEEK]
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


# ---------------------------------------------------------------- changes within a week


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
        for day in range(WEEK, days):
            _fill(made[measure], day, *_pair(world, measure, day))
    return made


def _pair(world: World, measure: str, day: int) -> tuple[Floats, Floats, bool]:
    """Return what a measure sums on both nights over those who stayed, and whether it is money."""
    stayed = world.identity[day] == world.identity[day - WEEK]
    nights = (day - WEEK, day)
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
    share[WEEK:] = (world.identity[WEEK:] != world.identity[:-WEEK]).mean(axis=1)
    before = np.full(days, np.nan)
    before[WEEK:] = share[:-WEEK]
    return Changes(share - before, np.sqrt((share + before) / customers), before)
