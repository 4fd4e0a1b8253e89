"""Whether chance explains a figure: the tests behind the claims of a night, and how many may be believed together.

Arrays and numbers only. Each question has tests of its own kind: segments, behaviours, campaigns, changes within a
week. A claim must pass Benjamini-Hochberg among all of the night's tests and among those of its own kind, so that what
is true of one question, and a company has many true facts, does not lower the bar for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, ndtr, stdtr

LEVEL = 0.05
LEAST_WEEKS = 8

# Weekly changes share a night with their neighbours, so n of their squares tell as much as n / 1.5 independent ones:
# with neighbours correlated by -0.5 the variance of their mean is 1 + 2 × 0.5² times as large.
_SHARED_NIGHTS = 1.5

# Two tables are as likely as one another where their probabilities agree to rounding.
_ROUNDING = 1 + 1e-7

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Split:
    """How many of a group left, and how many of everybody else.

    Attributes
    ----------
    customers, churned : int
        The group, and those of it who left.
    others, others_churned : int
        Everybody else, and those of them who left.
    """

    customers: int
    churned: int
    others: int
    others_churned: int

    @property
    def rate(self) -> float:
        """Share of the group who left."""
        return self.churned / self.customers

    @property
    def others_rate(self) -> float:
        """Share of everybody else who left."""
        return self.others_churned / self.others

    @property
    def is_comparable(self) -> bool:
        """Whether there is anybody on both sides."""
        return self.customers > 0 and self.others > 0


def adjusted(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for how many there are (Benjamini & Hochberg 1995, J. R. Statist. Soc. B 57).

    Parameters
    ----------
    p_values : array_like of float, shape (n,)
        Between 0 and 1.

    Returns
    -------
    ndarray of float64, shape (n,)
        In the order given; at most `LEVEL` where the claim may be made at that level.
    """
    values = np.asarray(p_values, dtype=np.float64)
    count = len(values)
    order = np.argsort(values, kind="stable")
    raised = values[order] * count / np.arange(1, count + 1)
    lowest_from_here = np.minimum.accumulate(raised[::-1])[::-1]
    result = np.empty(count)
    result[order] = np.minimum(lowest_from_here, 1.0)
    return result


def proven(p_values: Sequence[float], kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Say which of a night's tests may be claimed: at `LEVEL` among all, and among those of the same kind.

    Parameters
    ----------
    p_values : sequence of float, length n
    kinds : sequence of str, length n

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    values, groups = np.asarray(p_values, dtype=np.float64), np.asarray(kinds, dtype=np.str_)
    passed = adjusted(values) <= LEVEL
    for kind in np.unique(groups):
        members = groups == kind
        passed[members] &= adjusted(values[members]) <= LEVEL
    return passed


def split_p_value(split: Split) -> float:
    """Test whether a group leaves as often as everybody else: Fisher's exact test, two-sided.

    Returns
    -------
    float
        Probability of a table no likelier than this one, its margins given.
    """
    total, leavers = split.customers + split.others, split.churned + split.others_churned
    churned = np.arange(max(0, leavers - split.others), min(leavers, split.customers) + 1, dtype=np.float64)
    log_likelihood = (
        _log_choose(split.customers, churned)
        + _log_choose(split.others, leavers - churned)
        - _log_choose(total, np.float64(leavers))
    )
    likelihood = np.exp(log_likelihood)
    here = likelihood[split.churned - int(churned[0])]
    return float(min(1.0, likelihood[likelihood <= here * _ROUNDING].sum()))


def interval_p_value(effect: float, low: float, high: float) -> float:
    """Turn an effect with its 95 % interval into a two-sided p-value: below 0.05 exactly where the interval excludes 0.

    The half of the interval that lies towards 0 gives the standard error (intervals by MOVER are not symmetric).

    Returns
    -------
    float
        1 where the interval has no width.
    """
    half = effect - low if effect > 0 else high - effect
    if half <= 0:
        return 1.0
    return float(2 * ndtr(-abs(effect) * _Z95 / half))


def change_p_value(change: float, standard_error: float, weeks: int, ordinary: float) -> float | None:
    """Test a change within a week against what the customers' own changes, and earlier weeks, let expect.

    Parameters
    ----------
    change : float
    standard_error : float
        By the differences between customers, as if nothing moved all of them at once.
    weeks : int
        Earlier weeks with the same change, of the same weekday.
    ordinary : float
        Root mean square of theirs: what moves all customers at once is in it.

    Returns
    -------
    float or None
        Two-sided, by Student's t of the larger scale; None where there are fewer than `LEAST_WEEKS` weeks or no scale:
        nothing then tells what is ordinary.
    """
    scale = max(standard_error, ordinary)
    if weeks < LEAST_WEEKS or scale <= 0:
        return None
    return float(2 * stdtr(weeks / _SHARED_NIGHTS, -abs(change) / scale))


def _log_choose(count: int, chosen: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(gammaln(count + 1) - gammaln(chosen + 1) - gammaln(count - chosen + 1), dtype=np.float64)
