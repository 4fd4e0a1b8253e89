"""Small simulated worlds of contracts: whether the intervals of contractual CLV hold (methods.md D).

Each world has its own customers and months. Customers leave by a lasting and a passing risk of their own and by the
month's, which all share; yearly contracts at their renewal alone. Prices rise at a customer's anniversary, some
customers pay more from some month on, some come back. The model sees month-end snapshots and an out-of-sample
probability that knows the customer's risk but not the month's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.clv import Contracts, Economics, LifeTable, Panel, contractual_clv, fit_contractual
from churn.clv.clock import renewal_positions
from churn.clv.contractual_value import predictive_draws
from churn.clv.values import DAYS_PER_MONTH, Floats

WORLDS, CUSTOMERS = 100, 1_500
PAST, AHEAD = 30, 12
COVERED = 72
SHARE, TOLERANCE = 0.80, 0.02
_FIRST_DAY = 738_000
_BASE, _YEARLY_FACTOR, _MONTH_SD = 0.03, 5.0, 0.08
_RETURN_SHARE, _UPGRADE_SHARE, _PRICE_RISE = 0.1, 0.01, 1.05
_Z80 = 1.2816
_ECONOMICS = Economics(horizon_days=30, horizon_months=AHEAD, annual_discount_rate=0.1, gross_margin=0.8)


@dataclass(frozen=True)
class World:
    """What happened, each of shape (months, customers).

    Attributes
    ----------
    mrr : ndarray of float64
        Paid at each month end; 0 for who is not there.
    hazard : ndarray of float64
        Chance of leaving within the month, as the model may know it.
    left : ndarray of bool
    tenure : ndarray of float64
        Paid months.
    yearly : ndarray of bool, shape (customers,)
    plan : ndarray of object, shape (customers,)
    """

    mrr: Floats
    hazard: Floats
    left: NDArray[np.bool_]
    tenure: Floats
    yearly: NDArray[np.bool_]
    plan: NDArray[np.object_]


def world(seed: int, customers: int = CUSTOMERS) -> World:
    """Simulate a world."""
    rng, months = np.random.default_rng([4, seed]), PAST + AHEAD + 1
    large, yearly = rng.random(customers) < 0.3, rng.random(customers) < 0.25
    start = rng.integers(0, PAST, customers)
    price = np.where(large, 300.0, 50.0) * np.exp(rng.normal(0.0, 0.4, customers))
    lasting, passing = rng.normal(0.0, 0.3, customers) - 0.2 * large, rng.normal(0.0, 0.6, customers)
    shared = np.exp(rng.normal(0.0, _MONTH_SD, months))
    active, back_at, tenure = np.zeros(customers, bool), np.full(customers, -1), np.zeros(customers)
    found: list[tuple[Floats, Floats, NDArray[np.bool_], Floats]] = []
    for month in range(months):
        active |= (start == month) | (back_at == month)
        due = ~yearly | ((month + 1 - start) % 12 == 0)
        own = _BASE * np.exp(lasting + passing) * np.where(yearly, _YEARLY_FACTOR, 1.0) * due
        hazard = np.minimum(own, 0.9)
        left = active & (rng.random(customers) < np.minimum(hazard * shared[month], 0.95))
        found.append((np.where(active, price, 0.0), hazard, left, tenure.copy()))
        tenure += active
        active &= ~left
        again = left & ~yearly & (rng.random(customers) < _RETURN_SHARE)
        back_at = np.where(again, month + rng.integers(2, 6, customers), back_at)
        anniversary = (month + 1 - start) % 12 == 0
        price = price * np.where(anniversary, _PRICE_RISE, 1.0)
        price = price * np.where((rng.random(customers) < _UPGRADE_SHARE) & (~yearly | anniversary), 1.6, 1.0)
        passing = 0.5 * passing + rng.normal(0.0, 0.6 * np.sqrt(0.75), customers)
    mrr, hazards, leaving, tenures = (np.stack(part) for part in zip(*found, strict=True))
    return World(mrr, hazards, leaving, tenures, yearly, np.where(large, "large", "small").astype(object))


def snapshot(of: World, month: int) -> tuple[NDArray[np.intp], Contracts, Floats]:
    """Return who is there at a month end, their contracts, and their probability of leaving within 30 days."""
    who = np.flatnonzero(of.mrr[month] > 0)
    tenure, yearly = of.tenure[month, who], of.yearly[who]
    ahead = np.where(yearly, 12 - tenure % 12 - 0.5, 0.5)
    contracts = Contracts(
        of.mrr[month, who],
        (tenure + 0.01) * DAYS_PER_MONTH,
        np.where(yearly, 12.0, 1.0),
        ahead * DAYS_PER_MONTH,
        np.full(len(who), np.nan),
        of.plan[who],
    )
    return who, contracts, 1 - (1 - of.hazard[month, who]) ** (30 / DAYS_PER_MONTH)


def panel_of(of: World) -> Panel:
    """Return the month ends that are past."""
    shots = [snapshot(of, month) for month in range(PAST)]
    columns = ("mrr", "paid_tenure_days", "billing_months", "days_to_renewal", "days_to_discount_end", "plan")
    joined = Contracts(*(np.concatenate([np.asarray(getattr(shot[1], name)) for shot in shots]) for name in columns))
    months = np.repeat(np.arange(PAST), [len(shot[0]) for shot in shots])
    p = np.where(months >= PAST - 9, np.concatenate([shot[2] for shot in shots]), np.nan)
    who = np.concatenate([shot[0] for shot in shots])
    days = _FIRST_DAY + np.round(months * DAYS_PER_MONTH).astype(np.int64)
    return Panel(who.astype(np.int64), days, joined, p, np.ones(len(who)), of.left[months, who])


def life_of(panel: Panel) -> LifeTable:
    """Return the life table that `sql/clv/retention_table.sql` would make of a panel with labels."""
    contracts, churned = panel.contracts, np.asarray(panel.churned, dtype=np.float64)
    cycle, (ahead, completed) = contracts.months, renewal_positions(contracts)
    due = (cycle <= 1) | (ahead < 1) | (churned > 0)
    renewals = np.where(cycle > 1, completed, np.floor(contracts.paid_tenure_days / DAYS_PER_MONTH))
    kinds = np.stack([cycle, renewals], axis=1)[due]
    plans, plan = np.unique(np.asarray(contracts.plan, dtype=str)[due], return_inverse=True)
    rows, at = np.unique(np.column_stack([plan, kinds]), axis=0, return_inverse=True)
    at = at.ravel()
    return LifeTable(
        plans[rows[:, 0].astype(np.int64)].astype(object),
        rows[:, 1],
        rows[:, 2],
        np.bincount(at).astype(np.float64),
        np.bincount(at, weights=churned[due]).astype(np.float64),
    )


def realised(of: World, who: NDArray[np.intp]) -> Floats:
    """Return the discounted margin of the year after the last past month end."""
    paid = of.mrr[PAST + 1 : PAST + AHEAD + 1, who]
    return np.asarray(_ECONOMICS.discount_factors() @ paid * _ECONOMICS.gross_margin)


def randomised_pit(draws: Floats, value: Floats, seed: int) -> Floats:
    """Return the randomised probability integral transform, shape (n,): uniform where the draws are right.

    Parameters
    ----------
    draws : ndarray of float64, shape (n, draws)
    value : ndarray of float64, shape (n,)
        Values within a millionth of a draw count as the same.
    seed : int
    """
    near = 1e-6 * np.maximum(np.abs(value), 1e-6)[:, None]
    below = (draws < value[:, None] - near).sum(axis=1)
    same = (np.abs(draws - value[:, None]) <= near).sum(axis=1)
    u = np.random.default_rng(seed).random(len(value))
    return np.asarray((below + u * (same + 1)) / (draws.shape[1] + 1), dtype=np.float64)


def tiers(clv: Floats) -> NDArray[np.int64]:
    """Return the value tier of each customer: 2 the best fifth by CLV, 1 the next three tenths, 0 the rest."""
    rank = np.empty(len(clv))
    rank[np.argsort(-clv, kind="stable")] = np.arange(len(clv)) / max(len(clv), 1)
    return np.where(rank < 0.2, 2, np.where(rank < 0.5, 1, 0)).astype(np.int64)


@dataclass(frozen=True)
class Outcome:
    """How one world came out: what was predicted in total, what happened, the total's sd; each customer's PIT, tier."""

    predicted: float
    happened: float
    sd: float
    pit: Floats
    tier: NDArray[np.int64]

    @property
    def covered(self) -> bool:
        """Say whether the total lies within its 80 % interval."""
        return abs(self.happened - self.predicted) <= _Z80 * self.sd


def outcome(seed: int, customers: int = CUSTOMERS) -> Outcome:
    """Fit the model on a world's past and hold its values against the year after."""
    made = world(seed, customers)
    panel = panel_of(made)
    model = fit_contractual(life_of(panel), panel, horizon_days=30)
    who, contracts, p = snapshot(made, PAST)
    terms = {"economics": _ECONOMICS, "customer_keys": who.astype(np.int64), "seed": seed}
    values = contractual_clv(model, contracts, p, **terms)  # type: ignore[arg-type]
    draws = predictive_draws(model, contracts, p, **terms)  # type: ignore[arg-type]
    paid = realised(made, who)
    variance = values.variance.sum() + (values.shifts.sum(axis=0) ** 2).sum()
    pit = randomised_pit(draws, paid, seed)
    return Outcome(float(values.clv.sum()), float(paid.sum()), float(np.sqrt(variance)), pit, tiers(values.clv))


def clv_contracts(worlds: int = WORLDS, customers: int = CUSTOMERS) -> list[tuple[str, bool]]:
    """Return each criterion over the worlds in words, and whether it holds."""
    found = [outcome(seed, customers) for seed in range(worlds)]
    covered, least = sum(one.covered for one in found), round(COVERED * worlds / 100)
    pit, tier = np.concatenate([one.pit for one in found]), np.concatenate([one.tier for one in found])
    inside = (pit >= 0.1) & (pit <= 0.9)
    shares = {"all": float(inside.mean())}
    shares |= {name: float(inside[tier == place].mean()) for place, name in enumerate(("low", "medium", "high"))}
    listed = ", ".join(f"{name} {share:.3f}" for name, share in shares.items())
    ratio = float(np.mean([one.predicted / one.happened for one in found]))
    return [
        (f"worlds of contracts: the total lies within its 80 % interval in {covered} of {worlds} (at least {least}); "
         f"predicted over realised {ratio:.3f} in the mean", covered >= least),
        (f"worlds of contracts: share of customers within their central 80 % (0.80 ± 0.02): {listed}",
         all(abs(share - SHARE) <= TOLERANCE for share in shares.values())),
    ]  # fmt: skip
