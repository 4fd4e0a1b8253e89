"""Judge the intervals of CLV by inactivity (methods.md D) on worlds that its models describe.

Customers buy as in BG/NBD and spend as in gamma-gamma; the simulator here is written on its own and shares no code with
the fit. Each world is fitted on what happened before as_of, every customer is valued for the next twelve months, and
what they then spend is held against that: the randomised probability integral transform of each, the total, and the
naive baseline (own rate x own average x horizon).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.tables import number, table, verdicts
from churn.clv import DAYS_PER_MONTH, fit_inactivity, inactivity_clv
from churn.clv.inactivity import Histories, predictive_prospects
from churn.clv.predictive import margin_draws
from churn.clv.values import Economics, Floats

SEEDS, CUSTOMERS = 100, 3_000
ECONOMICS = Economics(horizon_days=90, horizon_months=12, annual_discount_rate=0.1, gross_margin=0.6)
TIERS = ("all", "top 20 %", "next 30 %", "rest")
COVERED, TOLERANCE, TOTALS_OF_100 = 0.80, 0.02, 72
_Z80 = 1.2815515655446004
_YEAR_DAYS = 12 * DAYS_PER_MONTH


@dataclass(frozen=True)
class World:
    """Who the customers of a world are: BG/NBD in days, gamma-gamma in money, and how long they have been coming."""

    r: float
    alpha_days: float
    a: float
    b: float
    p: float
    q: float
    v: float
    longest_days: int


WORLDS = (
    World(0.25, 31.0, 0.8, 2.4, 6.0, 4.0, 15.0, 540),
    World(1.2, 60.0, 0.4, 4.0, 2.0, 3.5, 40.0, 730),
    World(3.0, 60.0, 0.6, 12.0, 10.0, 6.0, 30.0, 365),
    World(0.7, 100.0, 1.2, 3.0, 1.0, 3.0, 20.0, 900),
)


@dataclass(frozen=True)
class Played:
    """What happened to customers, each of shape (n,); `future` is their discounted margin after as_of."""

    frequency: Floats
    recency_days: Floats
    t_days: Floats
    monetary_value: Floats
    future: Floats


@dataclass(frozen=True)
class WorldResult:
    """How one world was judged.

    Attributes
    ----------
    seed : int
    inside, customers : dict of tier to int
        Customers whose randomised PIT lies within [0.1, 0.9], and all.
    predicted, realised, naive : float
        Totals over customers.
    covered : bool
        The 80 % interval of the total holds the realised one.
    rank, naive_rank : float
        Spearman correlation with what customers spent.
    error, naive_error : float
        Mean absolute error per customer.
    """

    seed: int
    inside: dict[str, int]
    customers: dict[str, int]
    predicted: float
    realised: float
    naive: float
    covered: bool
    rank: float
    naive_rank: float
    error: float
    naive_error: float


def play(world: World, customers: int, seed: int) -> Played:
    """Simulate each customer's purchases one by one; purchases of one day count as one day, as in the warehouse."""
    random = np.random.default_rng([seed, 17])
    return _gathered([_one(world, random) for _ in range(customers)])


def _one(world: World, random: np.random.Generator) -> tuple[float, float, float, float, float]:
    """Return frequency, recency, age, average repeat value and future margin of one customer."""
    age = int(random.integers(1, world.longest_days + 1))
    rate = random.gamma(world.r) / world.alpha_days
    leaves, level = random.beta(world.a, world.b), random.gamma(world.q) / world.v
    days: dict[int, float] = {}
    now, future, end = 0.0, 0.0, age + _YEAR_DAYS
    while True:
        now += random.exponential(1.0 / rate) if rate > 0 else end
        if now >= end:
            break
        amount = random.gamma(world.p) / level
        if now < age:
            days[int(now)] = days.get(int(now), 0.0) + amount
        else:
            month = int((now - age) // DAYS_PER_MONTH) + 1
            future += ECONOMICS.gross_margin * amount / (1 + ECONOMICS.annual_discount_rate) ** (month / 12)
        if random.random() < leaves:
            break
    days.pop(0, None)
    value = sum(days.values()) / len(days) if days else float("nan")
    return float(len(days)), float(max(days, default=0)), float(age), value, future


def _gathered(rows: list[tuple[float, float, float, float, float]]) -> Played:
    return Played(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


def judge(seed: int, customers: int = CUSTOMERS) -> WorldResult:
    """Fit and judge the world of a seed."""
    seen = play(WORLDS[seed % len(WORLDS)], customers, seed)
    x, recency, t, z = seen.frequency, seen.recency_days, seen.t_days, seen.monetary_value
    model, keys, unknown = fit_inactivity(x, recency, t, z), np.arange(len(x)), np.full(len(x), np.nan)
    values = inactivity_clv(unknown, x, recency, t, z, model, economics=ECONOMICS, customer_keys=keys, seed=seed).values
    story, prospects = predictive_prospects(Histories(x, recency, t, z, unknown), model, ECONOMICS, keys, seed)
    pit = randomised_pit(margin_draws(story, prospects), seen.future, np.random.default_rng([seed, 18]))
    inside, tiers = (pit >= 0.1) & (pit <= 0.9), tiers_of(values.clv)
    spread = float(np.sqrt(values.variance.sum() + (values.shifts.sum(axis=0) ** 2).sum()))
    naive = naive_values(seen)
    total, realised = float(values.clv.sum()), float(seen.future.sum())
    return WorldResult(
        seed=seed,
        inside={name: int(inside[chosen].sum()) for name, chosen in tiers.items()},
        customers={name: int(chosen.sum()) for name, chosen in tiers.items()},
        predicted=total, realised=realised, naive=float(naive.sum()),
        covered=abs(realised - total) <= _Z80 * spread,
        rank=_rank(values.clv, seen.future), naive_rank=_rank(naive, seen.future),
        error=float(np.abs(values.clv - seen.future).mean()), naive_error=float(np.abs(naive - seen.future).mean()),
    )  # fmt: skip


def randomised_pit(draws: Floats, outcome: Floats, random: np.random.Generator) -> Floats:
    """Return where each outcome lies among its draws, uniform where the draws are right, shape (n,)."""
    below, equal = (draws < outcome[:, None]).sum(axis=1), (draws == outcome[:, None]).sum(axis=1)
    return np.asarray((below + random.random(len(outcome)) * (equal + 1)) / (draws.shape[1] + 1), dtype=np.float64)


def tiers_of(clv: Floats) -> dict[str, NDArray[np.bool_]]:
    """Return who belongs to which value tier by CLV, and everybody."""
    high, middle = np.quantile(clv, [0.8, 0.5])
    members = (np.ones(len(clv), dtype=bool), clv >= high, (clv < high) & (clv >= middle), clv < middle)
    return dict(zip(TIERS, members, strict=True))


def naive_values(seen: Played) -> Floats:
    """Return own rate x own average x horizon x margin, shape (n,): nothing for one-time buyers."""
    rate = seen.frequency / np.maximum(seen.t_days, 1.0)
    return np.asarray(ECONOMICS.gross_margin * rate * np.nan_to_num(seen.monetary_value) * _YEAR_DAYS, np.float64)


def _rank(values: Floats, outcome: Floats) -> float:
    return float(spearmanr(values, outcome).statistic)


def clv_worlds(seeds: int = SEEDS, customers: int = CUSTOMERS, processes: int = 1) -> list[tuple[str, bool]]:
    """Judge the worlds of seeds 0 to seeds - 1; return each criterion in words, and whether it holds."""
    return clv_worlds_criteria(list(judged_worlds(seeds, customers, processes)))


def judged_worlds(seeds: int, customers: int, processes: int = 1) -> Iterator[WorldResult]:
    """Yield how the world of each seed was judged."""
    if processes <= 1:
        yield from (judge(seed, customers) for seed in range(seeds))
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(judge, range(seeds), [customers] * seeds)


def clv_worlds_criteria(found: Sequence[WorldResult]) -> list[tuple[str, bool]]:
    """Return each criterion in words with its figures, and whether it holds."""
    shares = {tier: _share(found, tier) for tier in TIERS}
    covered, needed = sum(world.covered for world in found), TOTALS_OF_100 * len(found) / 100
    nearer = sum(abs(world.predicted / world.realised - 1) < abs(world.naive / world.realised - 1) for world in found)
    said = ", ".join(f"{tier} {share:.3f}" for tier, share in shares.items())
    return [
        (
            f"CLV by inactivity: randomised PIT within [0.1, 0.9] for {COVERED:.2f} ± {TOLERANCE:.2f} of customers, "
            f"overall and by value tier ({said}; {len(found)} worlds)",
            all(abs(share - COVERED) <= TOLERANCE for share in shares.values()),
        ),
        (f"80 % intervals of totals hold in at least 72 of 100 worlds ({covered} of {len(found)})", covered >= needed),
        (f"totals nearer than the naive baseline's ({nearer} of {len(found)} worlds)", nearer > len(found) / 2),
    ]


def clv_worlds_table(found: Sequence[WorldResult]) -> str:
    """Return totals, ranks and errors beside the naive baseline, averaged by kind of world, in Markdown."""
    rows = []
    for kind in range(len(WORLDS)):
        worlds = [world for world in found if world.seed % len(WORLDS) == kind]
        if not worlds:
            continue
        figures = [[w.predicted / w.realised, w.naive / w.realised, w.rank, w.naive_rank] for w in worlds]
        errors = [[w.error, w.naive_error] for w in worlds]
        means = [*np.mean(figures, axis=0).tolist(), *np.mean(errors, axis=0).tolist()]
        inside = [_share(worlds, tier) for tier in TIERS]
        covered = f"{sum(w.covered for w in worlds)} of {len(worlds)}"
        rows.append([str(kind + 1), *map(number, inside), covered, *map(number, means)])
    columns = ["world", *(f"PIT {tier}" for tier in TIERS), "totals held", "total / real", "naive / real"]
    return table([*columns, "rank", "naive rank", "error", "naive error"], rows)


def _share(found: Sequence[WorldResult], tier: str) -> float:
    return sum(world.inside[tier] for world in found) / sum(world.customers[tier] for world in found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the worlds and print what was found."""
    parser = argparse.ArgumentParser(prog="benchmarks.clv_worlds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    found = list(judged_worlds(options.seeds, options.customers, options.processes))
    print(clv_worlds_table(found))
    print()
    print(verdicts(clv_worlds_criteria(found)))


if __name__ == "__main__":
    main()
