"""Columns that are filled in after the fact: what they told of past months, nobody has at scoring time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import logit

from churn.matrix import Batch
from churn.risk.cells import Feature, cell_count, cells_of, counted, edges_of, features_of
from churn.risk.data import TrainingSet, sampled_customers
from churn.risk.leakage import FEWEST_CHURNERS, MOST_ROWS, SEED, Leak, customers

FALL = float(np.log(2.5))
FALL_BELOW_ALL = float(np.log(1.5))
STANDARD_ERRORS = 5.0
AGEING = 1.25

_PRIOR_CHURNERS = 5.0
_YEAR = 12


@dataclass(frozen=True)
class Fall:
    """How much less churn a feature tells of at scoring time than it did in training.

    Attributes
    ----------
    trained, scoring : float
        Churn rate that the feature's cells imply, on average of the training months and of those to score.
    fall : float
        Between the two, in log-odds; positive where the second is lower.
    below_all : float
        The same from the lowest of the training months.
    standard_errors : float
        The fall of the mean in standard errors of a sample of that many customers.
    ageing : float
        Implied rate of the older training months over that of the newer.
    """

    trained: float
    scoring: float
    fall: float
    below_all: float
    standard_errors: float
    ageing: float


def vanishing_features(data: TrainingSet, scoring: Batch, scoring_as_of: date) -> list[Leak]:
    """Find features that foretold churn in past months by something that nobody has at scoring time.

    That is the footprint of a column which is filled in after the fact: in months long past it marks those who have
    left since, tonight it marks nobody. Only a fall counts: a column that warns of more churn than before may tell
    the truth.

    A number must also have told less of it the later the month (the older one is, the more have left since): else a
    company that stops selling, whose newcomers were the churners, would look alike. Where training saw less than a
    year, only a number's being missing or zero counts: else renewals that fall into one season would.

    Parameters
    ----------
    data : TrainingSet
        Matured labels.
    scoring : Batch
        The latest snapshot whose labels are not known, with the columns of `data`.
    scoring_as_of : date
        Its date.

    Returns
    -------
    list of Leak
    """
    kept = sampled_customers(data.customer_keys, MOST_ROWS, SEED)
    data = data.take(kept)
    if customers(data, data.churned) < FEWEST_CHURNERS or len(scoring) < FEWEST_CHURNERS:
        return []
    whole_year = len(np.unique(data.as_of)) >= _YEAR
    found = []
    pairs = zip(
        features_of(data.names, data.numbers, data.codes),
        features_of(data.names, scoring.numbers, scoring.codes),
        strict=True,
    )
    for past, now in pairs:
        seen = fall_of(past, now, data, fine=whole_year)
        if _vanished(seen, must_age=whole_year and past.levels is None):
            found.append(
                Leak(
                    past.name,
                    f"implied a churn rate of {seen.trained:.2%} in the months trained on, but {seen.scoring:.2%} on "
                    f"{scoring_as_of}, lower than in any of them: what marked those who left, hardly anybody has yet",
                )
            )
    return found


def fall_of(past: Feature, now: Feature, data: TrainingSet, *, fine: bool = True) -> Fall:
    """Measure what one feature implied in training and implies at scoring time.

    The churners of a cell are compared with those expected there at each month's own rate, so that months of high and
    low churn do not pass for a difference between customers.

    Parameters
    ----------
    past, now : Feature
        The same column on the rows of `data` and on those to score.
    data : TrainingSet
    fine : bool
        Whether numbers are cut by quantiles, or into missing, zero and the rest.
    """
    edges = edges_of(past, fine=fine)
    cells, count = cells_of(past, edges), cell_count(past, edges)
    _, month = np.unique(data.as_of, return_inverse=True)
    rows = np.bincount(month)
    base = np.bincount(month, data.churned) / rows
    expected = np.bincount(cells, base[month], minlength=count)
    ratio = (counted(cells, data.churned, count) + _PRIOR_CHURNERS) / (expected + _PRIOR_CHURNERS)
    ratio /= float(ratio[cells].mean())
    months = np.bincount(month, ratio[cells]) / rows
    at_scoring = ratio[cells_of(now, edges)]
    mean, spread = float(at_scoring.mean()), float(ratio[cells].std())
    level = float(data.churned.mean())
    half = len(months) // 2
    return Fall(
        level,
        level * mean,
        _log_odds(level) - _log_odds(level * mean),
        _log_odds(level * float(months.min())) - _log_odds(level * mean),
        (1 - mean) / max(spread, 1e-9) * np.sqrt(len(at_scoring)),
        float(months[:half].mean() / months[half:].mean()) if half else 1.0,
    )


def _vanished(seen: Fall, *, must_age: bool) -> bool:
    return (
        seen.fall > FALL
        and seen.below_all > FALL_BELOW_ALL
        and seen.standard_errors > STANDARD_ERRORS
        and (seen.ageing > AGEING or not must_age)
    )


def _log_odds(rate: float) -> float:
    return float(logit(np.clip(rate, 1e-9, 1 - 1e-9)))
