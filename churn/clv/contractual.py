"""The contractual CLV model: what is fitted, and how it is kept.

Constructions of this project, in docs/decisions/0013-contractual-clv.md; the formulae are methods.md A and D.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from churn.clv.clock import Clock, schedule
from churn.clv.clock_fit import fit_clock
from churn.clv.cohorts import ANY_BILLING, ANY_PLAN, Cohort, Cohorts, cohort_from_fields, fit_cohorts
from churn.clv.growth import Bank, Growth, fit_growth
from churn.clv.panel import LifeTable, Panel, Stays, stays_of
from churn.clv.returns import Returns, fit_returns
from churn.clv.splice import Splice, cohort_risk, fit_splice
from churn.clv.values import DAYS_PER_MONTH
from churn.errors import ModelError

FORMAT = 2
DEFAULT_HAZARD_SD = 0.15
_HORIZON_MONTHS = 12.0
_LEAST_MONTHS = 3
_PRIOR_MONTHS, _PRIOR_MONTH_SD = 4.0, 0.1


@dataclass(frozen=True)
class ContractualModel:
    """CLV where churn is the end of a contract.

    Attributes
    ----------
    cohorts : Cohorts
        Retention by renewals.
    splice : Splice
        How a customer's own risk lives on behind the churn horizon.
    clock : Clock
        Where in their cycle longer contracts are left.
    growth : Growth
        How the mrr of those who stay moves.
    returns : Returns
        Who pays again after leaving.
    hazard_sd : float
        How far the level of coming months' hazards may lie off, as an sd of its logarithm.
    """

    cohorts: Cohorts
    splice: Splice = field(default_factory=Splice)
    clock: Clock = field(default_factory=Clock)
    growth: Growth = field(default_factory=Growth)
    returns: Returns = field(default_factory=Returns)
    hazard_sd: float = DEFAULT_HAZARD_SD

    def with_curves(self, life: LifeTable) -> ContractualModel:
        """Return the same model with retention curves fitted anew; the rest stays as training left it."""
        return replace(self, cohorts=fit_cohorts(life))


def fit_contractual(
    life: LifeTable, panel: Panel | None, *, horizon_days: int, until: date | None = None
) -> ContractualModel:
    """Fit the model.

    Parameters
    ----------
    life : LifeTable
    panel : Panel or None
        Month-end snapshots. None, or a single month end, leaves the curves alone.
    horizon_days : int
        Churn horizon of the panel's probabilities.
    until : date, optional
        The run's business date: later snapshots are refused.

    Raises
    ------
    ModelError
        An impossible life table, or a panel that reaches beyond `until`.
    """
    cohorts = fit_cohorts(life)
    if panel is None or len(panel) == 0:
        return ContractualModel(cohorts)
    if until is not None and int(panel.as_of.max()) > until.toordinal():
        raise ModelError(
            f"CLV got a snapshot of {date.fromordinal(int(panel.as_of.max()))} to be fitted as of {until}.",
            "Pass snapshots that were known by then.",
        )
    stays = stays_of(panel, horizon_days)
    clock = fit_clock(panel, stays)
    return ContractualModel(
        cohorts,
        fit_splice(panel, stays, cohorts, clock, horizon_days),
        clock,
        fit_growth(panel, stays),
        fit_returns(panel, stays),
        _hazard_sd(panel, stays, cohorts, clock, horizon_days),
    )


def _hazard_sd(panel: Panel, stays: Stays, cohorts: Cohorts, clock: Clock, horizon_days: int) -> float:
    """Return the sd of the log level of a year's hazards around what the past months say.

    Months differ by s (the sd of ln observed/expected between them, less the sampling error; with four months of 0.1
    as a prior, since few months tell little); neighbouring ones are alike, so that m of them count as m / 2:
    s^2 (2 / past + 2 / 12) + 1 / churners.
    """
    rows = np.flatnonzero((stays.day < stays.known_until) | (panel.churned is not None))
    p = panel.churn_probability[rows]
    if np.isnan(p).all():
        contracts = panel.contracts.take(rows)
        plan = schedule(contracts, 1, clock)
        hazards = cohorts.hazards(cohorts.positions(contracts.plan, contracts.months), plan.renewals[:, 0])
        p = cohort_risk(hazards[:, None], plan, horizon_days / DAYS_PER_MONTH)
    known = ~np.isnan(p)
    rows, p = rows[known], p[known]
    left = stays.left[rows] & (stays.stay_end[rows] == stays.day[rows])
    if panel.churned is not None:
        left = panel.churned[rows]
    weight = panel.weights[rows]
    expected = np.bincount(stays.day[rows], weights=weight * p)
    observed = np.bincount(stays.day[rows], weights=weight * left)
    enough = (expected > 0) & (observed >= 5)
    if enough.sum() < _LEAST_MONTHS:
        return DEFAULT_HAZARD_SD
    ratios = np.log(observed[enough] / expected[enough])
    past = float(enough.sum())
    seen = max(float(np.var(ratios, ddof=1) - np.mean(1 / observed[enough])), 0.0)
    between = (past * seen + _PRIOR_MONTHS * _PRIOR_MONTH_SD**2) / (past + _PRIOR_MONTHS)
    return float(np.sqrt(between * (2 / past + 2 / _HORIZON_MONTHS) + 1 / observed[enough].sum()))


def contractual_fields(model: ContractualModel) -> dict[str, Any]:
    """Return what `contractual_from_fields` reads, as plain values."""
    return {
        "format": FORMAT,
        "cohorts": [asdict(curve) for curve in model.cohorts.curves],
        "splice": asdict(model.splice),
        "clock": asdict(model.clock),
        "growth": asdict(model.growth),
        "returns": asdict(model.returns),
        "hazard_sd": model.hazard_sd,
    }


def contractual_from_fields(fields: dict[str, Any]) -> ContractualModel:
    """Build a model, of the first format (one table of hazards) too.

    KeyError, TypeError or ValueError where it can't.
    """
    if "format" not in fields:
        curve = fields["curve"]
        hazards = tuple(float(hazard) for hazard in curve["hazards"])
        return ContractualModel(
            Cohorts((Cohort(ANY_PLAN, ANY_BILLING, float(curve["overall_hazard"]), None, hazards),))
        )
    if fields["format"] != FORMAT:
        raise ValueError(f"format {fields['format']}")
    growth = fields["growth"]
    return ContractualModel(
        Cohorts(tuple(cohort_from_fields(curve) for curve in fields["cohorts"])),
        Splice(
            **{**_tupled(fields["splice"]), "means": tuple((str(p), float(m)) for p, m in fields["splice"]["means"])}
        ),
        Clock(**_tupled(fields["clock"])),
        Growth(
            tuple(
                Bank(
                    bank["plan"],
                    bank["kind"],
                    tuple(tuple(path) for path in bank["paths"]),
                    float(bank.get("cycle", 0.0)),
                )
                for bank in growth["banks"]
            ),
            tuple(growth["uplifts"]),
            float(growth["sd"]),
        ),
        Returns(**_tupled(fields["returns"])),
        float(fields["hazard_sd"]),
    )


def _tupled(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with tuples where JSON has lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
