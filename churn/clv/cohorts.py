"""One retention curve per plan and billing period, or the best that there is data for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from churn.clv.bdw import BdwFit, BdwParams, checked_life, fit_bdw
from churn.clv.panel import LifeTable
from churn.clv.values import Floats

MIN_CHURNERS = 50.0
"""Fewer churners than this are pooled: over plans first, then over billing periods."""

PRIOR_CHURNERS = 10.0
"""The level of a plan with fewer is shrunk to its billing period's by so many churners."""

ANY_PLAN, ANY_BILLING = "", 0
_TABLE = 601


@dataclass(frozen=True)
class Cohort:
    """The retention of one kind of contract.

    Attributes
    ----------
    plan : str
        "" stands for all.
    billing_months : int
        0 stands for all.
    overall_hazard : float
        Chance of leaving at a renewal over all renewals, in (0, 1): for contracts of unknown tenure.
    params : BdwParams or None
    hazards : tuple of float
        By completed renewals, the last held for ever; only where `params` is None (models of an older format).
    churned : float
        Churners that it was fitted on.
    level : float
        Added to the logit of every hazard: what sets a plan of few churners off from the curve that it shares.
    """

    plan: str
    billing_months: int
    overall_hazard: float
    params: BdwParams | None = None
    hazards: tuple[float, ...] = ()
    churned: float = 0.0
    level: float = 0.0

    def table(self) -> Floats:
        """Return the hazards after 0, 1, ... completed renewals; the last is held."""
        if self.params is None:
            found = np.asarray(self.hazards, dtype=np.float64)
        else:
            found = self.params.hazards(np.arange(float(_TABLE)))
        return found if self.level == 0.0 else np.asarray(expit(logit(found) + self.level), dtype=np.float64)


@dataclass(frozen=True)
class Cohorts:
    """The retention curves of a company; the last one stands for every kind of contract."""

    curves: tuple[Cohort, ...]

    def positions(self, plan: Sequence[str] | NDArray[np.object_], billing_months: Floats) -> NDArray[np.intp]:
        """Return the curve of each contract, shape (n,): its own, its billing period's, or that of all."""
        known = {(curve.plan, curve.billing_months): place for place, curve in enumerate(self.curves)}
        plans, plan_at = np.unique(np.asarray(plan, dtype=str), return_inverse=True)
        months, month_at = np.unique(billing_months.astype(np.int64), return_inverse=True)
        everyone = len(self.curves) - 1
        grid = np.array(
            [[known.get((str(p), int(b)), known.get((ANY_PLAN, int(b)), everyone)) for b in months] for p in plans],
            dtype=np.intp,
        ).reshape(len(plans), len(months))
        return np.asarray(grid[plan_at, month_at], dtype=np.intp)

    def hazards(self, positions: NDArray[np.intp], renewals: Floats) -> Floats:
        """Return the chance of leaving at the next renewal after so many, shape (n,); NaN renewals: the overall."""
        known = ~np.isnan(renewals)
        longest = self._tables.shape[1] - 1
        column = np.clip(np.where(known, renewals, 0.0), 0, longest).astype(np.int64)
        overall = np.array([curve.overall_hazard for curve in self.curves])
        return np.where(known, self._tables[positions, column], overall[positions])

    @cached_property
    def _tables(self) -> Floats:
        tables = [curve.table() for curve in self.curves]
        longest = max(len(table) for table in tables)
        return np.stack([np.r_[table, np.full(longest - len(table), table[-1])] for table in tables])


def fit_cohorts(life: LifeTable) -> Cohorts:
    """Fit a curve per (plan, billing_months) with at least 50 churners, per billing period with as many, and of all.

    A plan with fewer shares its billing period's curve at a level of its own.

    Raises
    ------
    ModelError
        Impossible rows, or nobody at risk.
    """
    renewals, at_risk, churned = checked_life(life.renewals, life.at_risk, life.churned)
    months = np.maximum(np.round(np.nan_to_num(np.asarray(life.billing_months, dtype=np.float64), nan=1.0)), 1.0)
    plans = np.asarray(life.plan, dtype=str)
    everyone = _cohort(ANY_PLAN, ANY_BILLING, renewals, at_risk, churned)
    curves: list[Cohort] = []
    for billing in np.unique(months):
        billed = months == billing
        pooled = everyone
        if churned[billed].sum() >= MIN_CHURNERS:
            pooled = _cohort(ANY_PLAN, int(billing), renewals[billed], at_risk[billed], churned[billed])
        for plan in np.unique(plans[billed & (plans != ANY_PLAN)]):
            rows = billed & (plans == plan)
            table = renewals[rows], at_risk[rows], churned[rows]
            if churned[rows].sum() >= MIN_CHURNERS:
                curves.append(_cohort(str(plan), int(billing), *table))
            elif pooled is not everyone:
                curves.append(_levelled(pooled, str(plan), *table))
        if pooled is not everyone:
            curves.append(pooled)
    return Cohorts((*curves, everyone))


def _levelled(pooled: Cohort, plan: str, renewals: Floats, at_risk: Floats, churned: Floats) -> Cohort:
    """Return a billing period's curve at the level of one plan, shrunk to its own."""
    table = pooled.table()
    expected = float(at_risk @ table[np.minimum(renewals, len(table) - 1).astype(np.int64)])
    left = float(churned.sum())
    level = float(np.log((left + PRIOR_CHURNERS) / (expected + PRIOR_CHURNERS)))
    overall = float(expit(logit(pooled.overall_hazard) + level))
    return replace(pooled, plan=plan, overall_hazard=overall, churned=left, level=level)


def _cohort(plan: str, billing: int, renewals: Floats, at_risk: Floats, churned: Floats) -> Cohort:
    """Fit one curve; where hardly anybody left, one constant hazard."""
    left, seen = float(churned.sum()), float(at_risk.sum())
    overall = (left + 0.5) / (seen + 1.0)
    if left < MIN_CHURNERS:
        return Cohort(plan, billing, overall, None, (overall,), left)
    fit: BdwFit = fit_bdw(renewals, at_risk, churned)
    return Cohort(plan, billing, overall, fit.params, (), left)


def cohort_from_fields(fields: dict[str, Any]) -> Cohort:
    """Build a curve from what `dataclasses.asdict` wrote; KeyError or TypeError where it can't."""
    params = fields["params"]
    return Cohort(
        str(fields["plan"]),
        int(fields["billing_months"]),
        float(fields["overall_hazard"]),
        None if params is None else BdwParams(**params),
        tuple(float(hazard) for hazard in fields["hazards"]),
        float(fields["churned"]),
        float(fields["level"]),
    )
