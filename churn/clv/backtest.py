"""A CLV model held against what customers then brought, beside the naive baselines, on a holdout in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from churn.clv.naive import OWN_RATE, SEGMENT_AVERAGE
from churn.clv.values import Floats, check_same_length
from churn.errors import ModelError

MODEL = "model"
METHODS = (MODEL, OWN_RATE, SEGMENT_AVERAGE)
DECILES = 10

LEAST_SHARE = 0.1
"""A decile's error is relative to what it brought, or to this share of the average decile where that is more: a decile
that brought next to nothing must not decide alone."""


@dataclass(frozen=True)
class Decile:
    """Customers of one tenth by prediction, 1 the lowest, with sums of margin."""

    decile: int
    customers: int
    predicted: float
    realised: float


@dataclass(frozen=True)
class MethodScore:
    """How one method did; money is undiscounted margin.

    Attributes
    ----------
    method : {"model", "own_rate", "segment_average"}
    customers : int
    predicted, realised : float
        Totals.
    mean_absolute_error : float
        Per customer.
    decile_error : float or None
        Mean over deciles of the prediction of |predicted - realised| / realised; None with fewer than ten customers or
        where nothing was realised.
    rank_correlation : float or None
        Spearman's, of predicted and realised; None where either does not vary.
    deciles : tuple of Decile
        Empty with fewer than ten customers.
    """

    method: str
    customers: int
    predicted: float
    realised: float
    mean_absolute_error: float
    decile_error: float | None
    rank_correlation: float | None
    deciles: tuple[Decile, ...]

    @property
    def total_error(self) -> float | None:
        """Return |predicted - realised| / realised of the totals; None where nothing was realised."""
        return abs(self.predicted - self.realised) / self.realised if self.realised > 0 else None

    @property
    def error(self) -> float:
        """Return what methods are compared by: error of the total plus `decile_error`; infinite where neither is."""
        known = [part for part in (self.total_error, self.decile_error) if part is not None]
        return sum(known) if known else float("inf")


def score_methods(predicted: Mapping[str, Floats], realised: Floats) -> tuple[MethodScore, ...]:
    """Score predictions of the same customers.

    Parameters
    ----------
    predicted : mapping of method to ndarray of float64, shape (n,)
        Margin of the holdout period.
    realised : ndarray of float64, shape (n,)
        What came of it.

    Raises
    ------
    ModelError
        Nobody to score, lengths differ, or a prediction is not finite.
    """
    check_same_length(realised=realised, **predicted)
    if not len(realised):
        raise ModelError("A backtest of CLV needs at least one customer.")
    return tuple(_scored(method, values, realised) for method, values in predicted.items())


def best_method(scores: Sequence[MethodScore]) -> str:
    """Return the method with the smallest error of the total plus error by decile; the first of equals.

    The total is what finance holds against the books, the deciles say whether the right customers are valued; both are
    shares of what was realised, so they add. (A construction of this project.)
    """
    return min(scores, key=lambda score: score.error).method


def _scored(method: str, predicted: Floats, realised: Floats) -> MethodScore:
    if not np.isfinite(predicted).all():
        raise ModelError(f"The backtest of CLV by {method} holds predictions that are not finite.")
    deciles = _deciles(predicted, realised)
    return MethodScore(
        method,
        len(realised),
        float(predicted.sum()),
        float(realised.sum()),
        float(np.abs(predicted - realised).mean()),
        _decile_error(deciles),
        _rank_correlation(predicted, realised),
        deciles,
    )


def _deciles(predicted: Floats, realised: Floats) -> tuple[Decile, ...]:
    """Cut the customers, by prediction and in their order where it is the same, into tenths of equal size."""
    if len(predicted) < DECILES:
        return ()
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, DECILES)
    return tuple(
        Decile(place, len(part), float(predicted[part].sum()), float(realised[part].sum()))
        for place, part in enumerate(parts, start=1)
    )


def _decile_error(deciles: Sequence[Decile]) -> float | None:
    total = sum(decile.realised for decile in deciles)
    if total <= 0:
        return None
    least = LEAST_SHARE * total / len(deciles)
    errors = [abs(decile.predicted - decile.realised) / max(decile.realised, least) for decile in deciles]
    return float(np.mean(errors))


def _rank_correlation(predicted: Floats, realised: Floats) -> float | None:
    if np.ptp(predicted) == 0 or np.ptp(realised) == 0:
        return None
    return float(np.corrcoef(rankdata(predicted), rankdata(realised))[0, 1])
