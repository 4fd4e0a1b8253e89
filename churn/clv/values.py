"""What both kinds of CLV share: the values they return, the length of a month, discounting, input checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn.errors import ConfigError, ModelError

Floats = NDArray[np.float64]

DAYS_PER_MONTH = 365.25 / 12
"""Length of a month in days: CLV counts months of equal length, so that no calendar enters the formulae."""


@dataclass(frozen=True)
class ClvValues:
    """Discounted margin per customer over the CLV horizon, in the currency of the input, each of shape (n,).

    With p the churn probability, `clv = (1 - p) * clv_if_retained + p * value_if_churned` holds exactly.
    NaN where the customer's money is unknown.

    Attributes
    ----------
    clv : ndarray of float64
        Expected value.
    clv_if_retained : ndarray of float64
        Value given that the customer does not churn within the churn horizon (V^S).
    value_if_churned : ndarray of float64
        Value given that the customer churns within it (V^L).
    low, high : ndarray of float64
        10 % and 90 % quantile of what the customer's margin may turn out to be (predictive, methods.md D).
    variance : ndarray of float64
        Its variance, given the model's parameters; customers are independent of one another.
    shifts : ndarray of float64, shape (n, m)
        By how much `clv` moves with one standard deviation of each of m things that customers share and that are
        not known exactly (parameters, the level of coming months). The variance of a group's total is
        sum(variance) + sum over m of (sum of shifts) ** 2.
    """

    clv: Floats
    clv_if_retained: Floats
    value_if_churned: Floats
    low: Floats
    high: Floats
    variance: Floats
    shifts: Floats


@dataclass(frozen=True)
class Economics:
    """The terms on which future money is valued.

    Attributes
    ----------
    horizon_days : int
        Length of the churn horizon, >= 1.
    horizon_months : int
        Length of the CLV horizon, >= 1.
    annual_discount_rate : float
        Yearly rate, > -1; a payment at the end of month k is divided by `(1 + rate) ** (k / 12)`.
    gross_margin : float
        Share of revenue that is margin, in [0, 1].
    """

    horizon_days: int
    horizon_months: int
    annual_discount_rate: float
    gross_margin: float

    def __post_init__(self) -> None:
        """Refuse terms that have no meaning."""
        if self.horizon_days < 1 or self.horizon_months < 1:
            raise ConfigError(
                f"CLV needs horizons of at least 1, got churn.horizon_days = {self.horizon_days} and "
                f"clv.horizon_months = {self.horizon_months}.",
                "Correct them in churn.toml.",
            )
        if not (self.annual_discount_rate > -1 and 0 <= self.gross_margin <= 1):
            raise ConfigError(
                f"CLV got clv.annual_discount_rate = {self.annual_discount_rate} and "
                f"clv.gross_margin = {self.gross_margin}.",
                "The rate must exceed -1 and the margin lie between 0 and 1.",
            )

    def discount_factors(self) -> Floats:
        """Return the present value of 1 paid at the end of months 1..horizon_months, shape (months,)."""
        months = np.arange(1, self.horizon_months + 1, dtype=np.float64)
        return np.asarray((1.0 + self.annual_discount_rate) ** (-months / 12), dtype=np.float64)


def as_floats(values: ArrayLike, name: str) -> Floats:
    """Return a one-dimensional float64 array.

    Raises
    ------
    ModelError
        The values have another number of dimensions.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ModelError(f"CLV expects {name} as one value per customer, got shape {array.shape}.")
    return array


def check_same_length(**arrays: Floats) -> None:
    """Refuse arrays that do not describe the same customers.

    Raises
    ------
    ModelError
        Lengths differ.
    """
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise ModelError(f"CLV got arrays of different lengths: {lengths}.")


def check_probabilities(churn_probability: Floats) -> None:
    """Refuse churn probabilities outside [0, 1]; NaN (no champion model) is allowed.

    Raises
    ------
    ModelError
        A probability lies outside [0, 1].
    """
    known = churn_probability[~np.isnan(churn_probability)]
    if known.size and not (known.min() >= 0 and known.max() <= 1):
        raise ModelError(
            f"CLV got churn probabilities from {known.min():g} to {known.max():g}.",
            "Pass calibrated probabilities in [0, 1], not scores.",
        )


def distinct_rows(*columns: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Find the distinct rows of columns of shape (n,), ordered by the first column, then the next.

    Returns
    -------
    first : ndarray of intp, shape (g,)
        Position of one row of each kind.
    inverse : ndarray of intp, shape (n,)
        Which kind each row is.
    count : ndarray of float64, shape (g,)
        Rows of each kind.
    """
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for column in columns:
        new[1:] |= np.diff(column[order]) != 0
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[order] = np.cumsum(new) - 1
    return order[new], inverse, np.bincount(inverse).astype(np.float64)
