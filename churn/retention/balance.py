"""Whether the holdout is a fair draw: the same share in every segment and risk band, but for chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from churn.errors import ModelError

ALL = "all"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class BalanceRow:
    """How the customers with one value fell to the arms.

    Attributes
    ----------
    dimension, value : str
        `all`, `all` for everybody.
    treatment, holdout : int
    expected_holdout : float
        Holdout share × customers.
    p_value : float
        Two-sided exact binomial test that each is held out with the stated share.
    """

    dimension: str
    value: str
    treatment: int
    holdout: int
    expected_holdout: float
    p_value: float


def balance(
    dimensions: Mapping[str, Sequence[str | None]], is_holdout: NDArray[np.bool_], holdout_share: float
) -> list[BalanceRow]:
    """Return how everybody, and the customers with each value of each dimension, fell to the arms.

    Parameters
    ----------
    dimensions : mapping of str to sequence of str or None, length n
        Each customer's value by dimension; None counts as `unknown`.
    is_holdout : ndarray of bool, shape (n,)
    holdout_share : float
        The share that each should have been held out with, in [0, 1].

    Raises
    ------
    ModelError
        Lengths differ.
    """
    rows = [_row(ALL, ALL, is_holdout, holdout_share)] if len(is_holdout) else []
    for dimension, values in dimensions.items():
        if len(values) != len(is_holdout):
            raise ModelError(f"Balance got {len(values)} values of {dimension} for {len(is_holdout)} customers.")
        named = np.array([UNKNOWN if value is None else value for value in values], dtype=object)
        rows += [_row(dimension, value, is_holdout[named == value], holdout_share) for value in sorted(set(named))]
    return rows


def smallest_p(rows: Sequence[BalanceRow]) -> float:
    """Return the smallest p-value times the number of tests, at most 1 (Bonferroni); NaN without rows.

    Below 0.05, chance hardly explains how the holdout lies: look for a second draw, or for customers taken off a list.
    """
    return min(1.0, len(rows) * min(row.p_value for row in rows)) if rows else float("nan")


def _row(dimension: str, value: str, is_holdout: NDArray[np.bool_], holdout_share: float) -> BalanceRow:
    count, held = len(is_holdout), int(np.count_nonzero(is_holdout))
    p_value = float(binomtest(held, count, holdout_share).pvalue)
    return BalanceRow(dimension, value, count - held, held, count * holdout_share, p_value)
