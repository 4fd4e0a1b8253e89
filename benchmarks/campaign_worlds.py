"""Nights to choose a list on: companies scored by models of their own, and what contacting would really do.

The company goes through extraction, snapshots and training as in the other parts. Its simulation knows each customer's
true probability of leaving, by what contacting multiplies their hazard, and for how long they would stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.clv_company import ECONOMICS, MONTHS, check_keys, contracts_of, fitted, scores_of, simulated
from benchmarks.companies import AS_OF, Recipe, matrix_of
from churn.clv import contractual_clv
from churn.clv.values import DAYS_PER_MONTH, Floats
from churn.demo.company import Company
from churn.retention import risk_band, value_at_risk
from churn.risk import TrainSettings
from churn.risk.data import Integers, TrainingSet
from churn.risk.training import train_model
from churn.windows import matures_on

CUSTOMERS, SNAPSHOTS = 3_000, 18
_KNOWN_DAYS = 60


@dataclass(frozen=True)
class ScoredCompany:
    """The active customers of a night as the product sees them, and as they are.

    Attributes
    ----------
    seed : int
    customer_ids : tuple of str, length n
    churn_probability, value_at_risk : ndarray of float64, shape (n,)
        Of the model; p and p · (V^S − V^L).
    stratum : ndarray of str, shape (n,)
        Plan and risk band.
    mrr : ndarray of float64, shape (n,)
    truth, contacted : ndarray of float64, shape (n,)
        True probability of leaving within the horizon, left alone and when contacted.
    worth : ndarray of float64, shape (n,)
        True expected margin of the next 12 months of who does not leave within the horizon, discounted.
    """

    seed: int
    customer_ids: tuple[str, ...]
    churn_probability: Floats
    value_at_risk: Floats
    stratum: NDArray[np.str_]
    mrr: Floats
    truth: Floats
    contacted: Floats
    worth: Floats


def scored_company(
    seed: int, home: Path, settings: TrainSettings, *, customers: int = CUSTOMERS, keep: bool = False
) -> ScoredCompany:
    """Simulate a company, train on what is known by `AS_OF`, and score that night.

    Parameters
    ----------
    seed : int
    home : Path
        Folder for the databases and, in `cache/`, for the matrix.
    settings : TrainSettings
    customers : int
    keep : bool
        Leave the databases there.
    """
    recipe = Recipe(seed, customers, future_days=_KNOWN_DAYS, snapshots=SNAPSHOTS)
    matrix = matrix_of(recipe, home, keep=keep)
    wait = matures_on(AS_OF, settings.horizon_days, settings.grace_days) - AS_OF
    learned = matrix.months(date.min, AS_OF - wait).data
    result = train_model(learned, settings, until=AS_OF)
    company, night = simulated(recipe), matrix.months(AS_OF, AS_OF)
    check_keys(company, night.data)
    model = fitted(company, learned, result)
    p, contracts = scores_of(night.data, result, AS_OF), contracts_of(company, night.data)
    keys = night.data.customer_keys
    values = contractual_clv(model, contracts, p, economics=ECONOMICS, customer_keys=keys, seed=seed)
    return ScoredCompany(
        seed,
        tuple(np.array(company.people.customer_ids(), dtype=object)[keys - 1].tolist()),
        p,
        value_at_risk(p, values.clv_if_retained, values.value_if_churned),
        _strata(night.data, p),
        contracts.mrr,
        night.truth,
        contacted(company, night.truth, keys),
        worth(company, contracts.mrr, keys, settings.horizon_days),
    )


def _strata(night: TrainingSet, p: Floats) -> NDArray[np.str_]:
    place = night.names.categories.index("plan")
    levels = np.array([*night.names.levels[place], "unknown"])
    percentile = 100 * np.searchsorted(np.sort(p), p) / len(p)
    return np.char.add(np.char.add(levels[night.codes[:, place]], " "), risk_band(percentile))


def contacted(company: Company, truth: Floats, keys: Integers) -> Floats:
    """Return the true probability of leaving of customers who are contacted, shape (n,); `truth` is theirs if not."""
    multiplier = company.contact_effects()["hazard_multiplier"].to_numpy()[keys - 1]
    return np.asarray(1 - (1 - truth) ** multiplier)


def worth(company: Company, mrr: Floats, keys: Integers, horizon_days: int) -> Floats:
    """Return the expected margin at the coming month ends of who stays the horizon, by the true hazards, shape (n,)."""
    first = company.timeline.index(AS_OF)
    ends = np.round(np.arange(1, MONTHS + 1) * DAYS_PER_MONTH).astype(np.int64)
    hazard = company.history.hazard[keys - 1, first : first + ends[-1]].astype(np.float64)
    log_survival = np.cumsum(np.log1p(-hazard), axis=1)
    stays = np.exp(np.minimum(log_survival[:, ends - 1] - log_survival[:, [horizon_days - 1]], 0.0))
    return np.asarray(mrr * ECONOMICS.gross_margin * (stays @ ECONOMICS.discount_factors()))
