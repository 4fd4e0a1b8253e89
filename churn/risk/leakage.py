"""Columns that know the outcome: one feature that alone separates churners from stayers too well.

The limits are a construction of this project; docs/training.md says what they were tried on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from churn.errors import LeakageError
from churn.risk.cells import Feature, area, cell_count, cells_of, counted, edges_of, features_of, lower_bound
from churn.risk.data import Bools, TrainingSet, sampled_customers
from churn.risk.recency import days_since_activity

AUC_LIMIT = 0.95
PRECISION_LIMIT = 0.9
PURE_ODDS = 200.0
PURE_RATE = 0.8
PURE_SHARE = 0.1
FEWEST_CHURNERS = 30

MOST_ROWS = 200_000
SEED = 20

_PRIOR_ROWS = 10.0


@dataclass(frozen=True)
class Leak:
    """A column that seems to know the outcome.

    Attributes
    ----------
    feature : str
    seen : str
        What was seen, with its figures: the rest of a sentence that begins with the feature's name.
    """

    feature: str
    seen: str


@dataclass(frozen=True)
class Separation:
    """How well one feature alone tells churners from stayers on months later than those it was learned on.

    Attributes
    ----------
    auc, auc_low : float
        Of the churn rate of the feature's cells; the lower end of its 95 % interval over customers.
    precision_low : float
        Lower bound of the churn rate where it was at least a half.
    pure_rate_low : float
        Lower bound of the churn rate in the cells that were practically pure; 0 without any.
    pure_odds_low : float
        The odds of that over the odds of all.
    pure_share : float
        Share of the churners in those cells.
    """

    auc: float
    auc_low: float
    precision_low: float
    pure_rate_low: float
    pure_odds_low: float
    pure_share: float

    @property
    def is_pure(self) -> bool:
        """Say whether some cells hold churners only, and a real share of them."""
        return self.pure_rate_low >= PURE_RATE and self.pure_odds_low >= PURE_ODDS and self.pure_share >= PURE_SHARE


# ------------------------------------------------------------ separates too well


def separating_features(data: TrainingSet) -> list[Leak]:
    """Find features each of which, alone, separates churners from stayers too well.

    Rates by cell are learned on the earlier half of the snapshots and tried on the later half, so that a high figure
    is no accident and its direction does not matter. What is too good depends on the business: where long silence
    itself tells who has left, the limit lies half-way between the recency rule and certainty.

    Parameters
    ----------
    data : TrainingSet
        Matured labels.

    Returns
    -------
    list of Leak
        Empty where there are too few churners to say.
    """
    data = data.take(sampled_customers(data.customer_keys, MOST_ROWS, SEED))
    days = np.unique(data.as_of)
    if len(days) < 2:
        return []
    later = data.as_of >= days[len(days) // 2]
    silence = Feature("silence", days_since_activity(data.names, data.numbers).astype(np.float32), None)
    usual = separation(silence, data, later)
    if usual is None:
        return []
    limit = max(AUC_LIMIT, (1 + usual.auc) / 2)
    found = []
    for feature in features_of(data.names, data.numbers, data.codes):
        seen = separation(feature, data, later)
        if seen is not None and (leak := _too_good(feature.name, seen, limit, usual)) is not None:
            found.append(leak)
    return found


def separation(feature: Feature, data: TrainingSet, later: Bools) -> Separation | None:
    """Measure one feature; None where the later months have too few customers of either kind.

    Parameters
    ----------
    feature : Feature
    data : TrainingSet
    later : ndarray of bool, shape (n,)
        The rows to try on; the rest are learned from.
    """
    leaver, stayer = (customers(data, later & (data.churned == churned)) for churned in (True, False))
    if min(leaver, stayer, float(data.churned[~later].sum())) < FEWEST_CHURNERS:
        return None
    edges = edges_of(_rows(feature, ~later))
    cells, count = cells_of(feature, edges), cell_count(feature, edges)
    churners, stayers = (counted(cells, ~later & (data.churned == churned), count) for churned in (True, False))
    base = churners.sum() / (churners.sum() + stayers.sum())
    rate = (churners + _PRIOR_ROWS * base) / (churners + stayers + _PRIOR_ROWS)
    odds = rate / (1 - rate) * (1 - base) / base
    risky = np.isin(cells, np.flatnonzero(rate >= 0.5)) & later
    pure = np.isin(cells, np.flatnonzero((rate >= PURE_RATE) & (odds >= PURE_ODDS / 4))) & later
    now = [counted(cells, later & (data.churned == churned), count) for churned in (True, False)]
    auc = area(now[0], now[1], rate)
    now_base = float(data.churned[later].mean())
    pure_low = _rate_low(data, pure)
    return Separation(
        auc,
        lower_bound(auc, min(leaver, stayer)),
        _rate_low(data, risky),
        pure_low,
        pure_low / max(1 - pure_low, 1e-12) * (1 - now_base) / now_base,
        float(data.churned[pure].sum() / data.churned[later].sum()),
    )


def _too_good(name: str, seen: Separation, limit: float, usual: Separation) -> Leak | None:
    if seen.auc_low >= limit and seen.precision_low >= PRECISION_LIMIT:
        return Leak(
            name,
            f"alone tells churners from stayers with AUC {seen.auc:.3f} on later months (at least {seen.auc_low:.3f}; "
            f"the limit is {limit:.3f})",
        )
    if seen.is_pure and usual.pure_share < PURE_SHARE:
        return Leak(
            name,
            f"has values with which practically everybody leaves (at least {seen.pure_rate_low:.0%} of them, odds "
            f"{seen.pure_odds_low:,.0f} times those of all), and {seen.pure_share:.0%} of all churners have them",
        )
    return None


def _rate_low(data: TrainingSet, rows: Bools) -> float:
    """Return the lower bound of the churn rate of some rows, counting customers and not their months."""
    return lower_bound(float(data.churned[rows].mean()), customers(data, rows)) if rows.any() else 0.0


def customers(data: TrainingSet, rows: Bools) -> float:
    """Return how many customers some rows belong to."""
    return float(len(np.unique(data.customer_keys[rows])))


def _rows(feature: Feature, rows: Bools) -> Feature:
    return Feature(feature.name, feature.values[rows], feature.levels)


# ------------------------------------------------------------ the error


def leakage_error(leaks: Sequence[Leak]) -> LeakageError:
    """Make the error that names every column, what was seen of it, and what to do."""
    columns = ", ".join(dict.fromkeys(leak.feature for leak in leaks))
    told = "; ".join(f"{leak.feature} {leak.seen}" for leak in leaks)
    return LeakageError(
        f"Training stopped, {columns} may know the outcome: {told}.",
        "Leave what fills the column out of the mapping, or map it as it was known at the time; then train again. "
        "Until then the champion stays.",
    )
