"""Planted leaks and clean companies: the first must be found and named, the second must not be accused.

A leak is planted as a column of the matrix, as a mistaken mapping would bring it in: the label itself, the reason
that most leavers give, and the end of a subscription as the source knows it today, read into months long past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from benchmarks.companies import Matrix
from churn.matrix import Batch, FeatureNames
from churn.risk import TrainingSet, TrainSettings
from churn.risk.data import Floats
from churn.risk.leakage import separating_features
from churn.risk.vanishing import vanishing_features
from churn.windows import matures_on

PLANTED = "attribute_planted"
_GIVE_A_REASON = 0.8
_MONTH_DAYS = 30.4

Plant = tuple[Callable[[TrainingSet], Floats], float]


@dataclass(frozen=True)
class Night:
    """What the leak checks are given when a company is trained.

    Attributes
    ----------
    data : TrainingSet
        The snapshots whose labels are known.
    tonight : TrainingSet
        The latest month end; its labels are not known yet, and nothing looks at them.
    as_of : date
        Its date.
    """

    data: TrainingSet
    tonight: TrainingSet
    as_of: date


@dataclass(frozen=True)
class Caught:
    """What was named in one company where a leak was planted.

    Attributes
    ----------
    planted : str
        What the column holds.
    is_named : bool
    others : tuple of str
        Other columns that were named.
    """

    planted: str
    is_named: bool
    others: tuple[str, ...]


def night_of(matrix: Matrix, as_of: date, settings: TrainSettings, count: int) -> Night:
    """Return the last `count` snapshots whose labels are known at `as_of`, and the month end `as_of` itself."""
    data = matrix.data
    days = [int(day) for day in np.unique(data.as_of)]
    known = [
        day for day in days if matures_on(date.fromordinal(day), settings.horizon_days, settings.grace_days) <= as_of
    ]
    return Night(data.take(np.isin(data.as_of, known[-count:])), data.take(data.as_of == as_of.toordinal()), as_of)


def accused(night: Night) -> list[str]:
    """Return the columns that the leak checks name."""
    tonight = night.tonight
    batch = Batch(tonight.customer_keys, tonight.numbers, tonight.codes)
    leaks = [*separating_features(night.data), *vanishing_features(night.data, batch, night.as_of)]
    return sorted({leak.feature for leak in leaks})


def planted(night: Night) -> list[Caught]:
    """Plant each leak, one at a time, and see what is named."""
    found = []
    for words, plant in PLANTS.items():
        names = accused(_with(night, plant))
        found.append(Caught(words, PLANTED in names, tuple(name for name in names if name != PLANTED)))
    return found


def leak_criteria(caught: Sequence[Caught], clean: Mapping[str, Sequence[str]]) -> list[tuple[str, bool]]:
    """Return the criteria in words, and whether they hold.

    Parameters
    ----------
    caught : sequence of Caught
    clean : mapping of company to what was named in it
    """
    lines = []
    for words in PLANTS:
        of = [one for one in caught if one.planted == words]
        named, others = sum(one.is_named for one in of), sum(len(one.others) for one in of)
        lines.append((f"{words}: named in {named} of {len(of)} companies, {others} other columns", named == len(of)))
    accusations = "; ".join(f"{company}: {', '.join(columns)}" for company, columns in clean.items() if columns)
    wrongly = sum(bool(columns) for columns in clean.values())
    words = f"nothing is named in {len(clean) - wrongly} of {len(clean)} clean companies"
    return [*lines, (f"{words} ({accusations})" if accusations else words, not wrongly)]


# --- what is planted ----------------------------------------------------------------------------------------------


def _label(data: TrainingSet) -> Floats:
    return data.churned.astype(np.float64)


def _reason_given(data: TrainingSet) -> Floats:
    gave = np.random.default_rng(1).random(len(data)) < _GIVE_A_REASON
    return np.where(gave, _label(data), 0.0)


def _days_to_end(data: TrainingSet) -> Floats:
    """Days from each month to the end of cover as known today; missing for those who have not left since."""
    ends = _last_by_customer(data.customer_keys, np.where(data.churned, data.as_of, 0))
    return np.where(ends >= data.as_of, ends - data.as_of + _MONTH_DAYS / 2, np.nan)


def _has_end(data: TrainingSet) -> Floats:
    return np.isfinite(_days_to_end(data)).astype(np.float64)


# What is told of the past, and what it says of everybody tonight, when nobody has left yet.
PLANTS: Mapping[str, Plant] = {
    "a copy of the label": (_label, 0.0),
    "the reason for leaving, which four leavers in five give": (_reason_given, 0.0),
    "`ended_at` read early, as days to it": (_days_to_end, np.nan),
    "`ended_at` read early, as a flag": (_has_end, 0.0),
}


def _last_by_customer(keys: NDArray[np.int64], days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last of each customer's days, beside each of the customer's rows, shape (n,)."""
    _, place = np.unique(keys, return_inverse=True)
    last = np.zeros(int(place.max()) + 1, dtype=np.int64)
    np.maximum.at(last, place, days)
    return last[place]


def _with(night: Night, plant: Plant) -> Night:
    """Return the company with the planted column."""
    column, nobody = plant
    tonight = np.full(len(night.tonight), nobody)
    return replace(night, data=_extended(night.data, column(night.data)), tonight=_extended(night.tonight, tonight))


def _extended(data: TrainingSet, column: Floats) -> TrainingSet:
    names = FeatureNames((*data.names.numbers, PLANTED), data.names.categories, data.names.levels)
    return replace(data, names=names, numbers=np.column_stack([data.numbers, column.astype(np.float32)]))
