"""How the revenue of customers who stay moves: price rises, upgrades, lapses, and discounts that end.

A bank holds paths that were seen: mrr at each month end over that of the first, of customers who stayed throughout.
Contracts longer than a month move at their renewals alone, so their banks hold steps from one renewal to the next, by
months between renewals; for a cycle that is hardly seen, a pool of all steps, taken to the power of the cycles' ratio.
Rows with a running discount are left out of both; what its end does to the mrr is measured apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.clv.clock import renewal_positions
from churn.clv.panel import Bools, Contracts, Panel, Stays
from churn.clv.values import DAYS_PER_MONTH, Floats

PATHS = 160
"""Paths per group."""

MAX_MONTHS = 12
SHRINK_ROWS = 10.0
"""A group's bank is filled from all groups' as if those had so many rows."""

YOUNG, GROWN, LONG, POOLED = "young", "grown", "long", "pooled"
YOUNG_MONTHS = 6.0
_LEAST_ROWS = 50
_RATIO_RANGE = (0.0, 20.0)
_DEFAULT_SD = 0.03
_PRIOR_YEARS, _PRIOR_SD = 2.0, 0.02


@dataclass(frozen=True)
class Bank:
    """Paths of one group of customers.

    Attributes
    ----------
    plan : str
        "" stands for all.
    kind : str
        `young` or `grown` for monthly contracts by tenure, `long` for longer ones, `pooled` for longer ones of any
        cycle.
    paths : tuple of tuple of float
        Relative mrr at the end of months 1, 2, ...; for longer contracts one number each, the step at a renewal.
    cycle : float
        Months between the renewals of longer contracts, the mean one for `pooled`; 0 stands for all.
    """

    plan: str
    kind: str
    paths: tuple[tuple[float, ...], ...]
    cycle: float = 0.0

    @property
    def steps(self) -> bool:
        """Say whether the paths are steps at renewals."""
        return self.kind in (LONG, POOLED)


@dataclass(frozen=True)
class Growth:
    """How mrr moves.

    Attributes
    ----------
    banks : tuple of Bank
    uplifts : tuple of float
        What the end of a discount multiplied the mrr by; equally likely. Empty where no discount was seen to end.
    sd : float
        By how much the level of a year's growth differs from one year to another, relative.
    """

    banks: tuple[Bank, ...] = ()
    uplifts: tuple[float, ...] = ()
    sd: float = _DEFAULT_SD

    def groups(self, contracts: Contracts) -> NDArray[np.intp]:
        """Return the bank of each customer, shape (n,); -1 where there is none and the mrr stays as it is."""
        known = {(bank.plan, bank.kind, bank.cycle): place for place, bank in enumerate(self.banks)}
        pooled = [place for place, bank in enumerate(self.banks) if bank.kind == POOLED]
        kinds, plans = kinds_of(contracts), np.asarray(contracts.plan, dtype=str)
        cycles = np.where(kinds == LONG, contracts.months, 0.0)
        found = np.full(len(contracts), -1, dtype=np.intp)
        for plan, kind, cycle in sorted(set(zip(plans.tolist(), kinds.tolist(), cycles.tolist(), strict=True))):
            own = [known.get((name, kind, length)) for length in (cycle, 0.0) for name in (plan, "")]
            places = [place for place in own if place is not None] + (pooled if kind == LONG else [])
            found[(plans == plan) & (kinds == kind) & (cycles == cycle)] = places[0] if places else -1
        return found

    def table(self, place: int, cycle: float) -> Floats:
        """Return a bank's paths, shape (paths, months), or steps of contracts of that cycle, shape (steps, 1)."""
        bank = self.banks[place]
        paths = np.asarray(bank.paths, dtype=np.float64)
        return paths ** (cycle / bank.cycle) if bank.kind == POOLED else paths

    @property
    def uplift(self) -> float:
        """Return the mean uplift, 1 where none was seen."""
        return float(np.mean(self.uplifts)) if self.uplifts else 1.0


def kinds_of(contracts: Contracts) -> NDArray[np.str_]:
    """Return each customer's kind of growth, shape (n,)."""
    young = contracts.paid_tenure_days < YOUNG_MONTHS * DAYS_PER_MONTH
    return np.where(contracts.months > 1, LONG, np.where(young, YOUNG, GROWN))


def fit_growth(panel: Panel, stays: Stays) -> Growth:
    """Collect the banks, the uplift of discounts that ended, and how the level differs between years."""
    mrr = panel.contracts.mrr
    usable = np.isfinite(mrr) & (mrr > 0)
    plain = usable & np.isnan(panel.contracts.days_to_discount_end)
    kinds = kinds_of(panel.contracts)
    plans = np.asarray(panel.contracts.plan, dtype=str)
    banks: list[Bank] = []
    monthly = plain & (kinds != LONG)
    months = _reach(stays, monthly)
    sd = _DEFAULT_SD
    if months:
        rows, paths = _paths(panel, stays, monthly, months)
        for kind in (YOUNG, GROWN):
            banks += _banks(plans[rows], kinds[rows] == kind, paths, kind)
        sd = _between_starts(stays.day[rows], paths, mrr[rows])
    rows, steps = _steps(panel, stays, plain & (kinds == LONG))
    banks += _step_banks(plans[rows], panel.contracts.months[rows], steps)
    return Growth(tuple(banks), _uplifts(panel, stays, usable), sd)


def _reach(stays: Stays, wanted: Bools) -> int:
    """Return over how many months enough customers were seen to stay, at most 12; 0 where there are none."""
    ahead = (stays.stay_end - stays.day)[wanted]
    enough = [months for months in range(1, MAX_MONTHS + 1) if (ahead >= months).sum() >= 4 * _LEAST_ROWS]
    return enough[-1] if enough else 0


def _relative(panel: Panel, rows: NDArray[np.intp], later: NDArray[np.int64]) -> Floats:
    """Return mrr at later rows (0 where absent) over that of the rows."""
    mrr = panel.contracts.mrr
    after = np.where(later >= 0, np.nan_to_num(mrr[np.maximum(later, 0)], nan=0.0), 0.0)
    return np.clip(after / mrr[rows], *_RATIO_RANGE)


def _paths(panel: Panel, stays: Stays, wanted: Bools, months: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the rows that stayed so long, and their relative mrr at each month end, shape (rows, months)."""
    rows = np.flatnonzero(wanted & (stays.stay_end >= stays.day + months))
    return rows, np.stack([_relative(panel, rows, stays.ahead(m)[rows]) for m in range(1, months + 1)], axis=1)


def _steps(panel: Panel, stays: Stays, wanted: Bools) -> tuple[NDArray[np.intp], Floats]:
    """Return the rows within a month before a renewal that they outlived, and the step of the mrr over it."""
    ahead, _ = renewal_positions(panel.contracts)
    rows = np.flatnonzero(wanted & (ahead < 1.0) & (stays.stay_end >= stays.day + 1))
    later = stays.ahead(1)[rows]
    rows, later = rows[later >= 0], later[later >= 0]
    return rows, _relative(panel, rows, later)[:, None]


def _banks(plans: NDArray[np.str_], of_kind: Bools, paths: Floats, kind: str, cycle: float = 0.0) -> list[Bank]:
    """Return the bank of each plan, topped up with those of all plans, and the bank of all."""
    everyone = paths[of_kind]
    if len(everyone) < _LEAST_ROWS:
        return []
    pool = _spread(everyone, PATHS)
    banks = [_bank("", kind, pool, cycle)]
    for plan in np.unique(plans[of_kind]):
        own = paths[of_kind & (plans == plan)]
        count = round(PATHS * len(own) / (len(own) + SHRINK_ROWS))
        if plan and count:
            rest = [_spread(everyone, PATHS - count)] if count < PATHS else []
            banks.append(_bank(str(plan), kind, np.concatenate([_spread(own, count), *rest]), cycle))
    return banks


def _step_banks(plans: NDArray[np.str_], cycles: Floats, steps: Floats) -> list[Bank]:
    """Return the banks of each cycle that was seen often enough, and the pool of steps over the mean cycle."""
    if len(steps) < _LEAST_ROWS:
        return []
    banks: list[Bank] = []
    for cycle in np.unique(cycles):
        banks += _banks(plans, cycles == cycle, steps, LONG, float(cycle))
    mean = round(float(cycles.mean()), 5)
    pool = np.clip(steps ** (mean / cycles[:, None]), *_RATIO_RANGE)
    return [*banks, _bank("", POOLED, _spread(pool, PATHS), mean)]


def _bank(plan: str, kind: str, paths: Floats, cycle: float) -> Bank:
    return Bank(plan, kind, tuple(tuple(round(float(ratio), 5) for ratio in path) for path in paths), cycle)


def _spread(paths: Floats, count: int) -> Floats:
    """Choose so many paths evenly by their sums, so that the mean changes as little as possible."""
    order = np.lexsort([*paths.T, paths.sum(axis=1)])
    return np.asarray(paths[order][((np.arange(count) + 0.5) / count * len(paths)).astype(np.int64)])


def _between_starts(day: NDArray[np.int64], paths: Floats, mrr: Floats) -> float:
    """Return the relative sd of the mean relative mrr between years, weighted by mrr.

    Starting months stand for it, with two years of 0.02 as a prior: a year of starting months tells no more than one.
    """
    level = paths.mean(axis=1)
    means = [
        float(np.average(level[day == start], weights=mrr[day == start]))
        for start in np.unique(day)
        if (day == start).sum() >= _LEAST_ROWS
    ]
    seen = float(np.var(means, ddof=1) / np.mean(means) ** 2) if len(means) > 2 else 0.0
    years = len(means) / 12
    return float(np.sqrt((years * seen + _PRIOR_YEARS * _PRIOR_SD**2) / (years + _PRIOR_YEARS)))


def _uplifts(panel: Panel, stays: Stays, usable: Bools) -> tuple[float, ...]:
    """Return what the end of a discount multiplied the mrr by, net of what others' mrr did in that month."""
    ends = panel.contracts.days_to_discount_end
    stayed = usable & (stays.stay_end >= stays.day + 1)
    ended = np.flatnonzero(stayed & (ends < DAYS_PER_MONTH - 3))
    others = np.flatnonzero(stayed & np.isnan(ends) & (panel.contracts.months <= 1))
    later = stays.ahead(1)
    ended, others = ended[later[ended] >= 0], others[later[others] >= 0]
    if len(ended) < _LEAST_ROWS or not len(others):
        return ()
    usual = float(np.mean(_relative(panel, others, later[others])))
    ratios = np.sort(_relative(panel, ended, later[ended])) / usual
    places = ((np.arange(16) + 0.5) / 16 * len(ratios)).astype(np.int64)
    chosen = ratios[places]
    # The few chosen keep the mean of all.
    return tuple(round(float(ratio), 5) for ratio in chosen * (ratios.mean() / chosen.mean()))
