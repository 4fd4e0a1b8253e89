"""What anyone would reckon without a model: a customer's own rate, and the average of the segment.

Both give an amount of margin per customer-month, which counts for every month of the horizon: no churn, no growth. They
stand beside the model in every backtest (`churn.clv.backtest`), and `clv.method` can put one in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn.clv.values import DAYS_PER_MONTH, ClvValues, Economics, Floats

OWN_RATE = "own_rate"
SEGMENT_AVERAGE = "segment_average"

Names = NDArray[np.str_]


@dataclass(frozen=True)
class SegmentAverages:
    """Average margin per customer-month, by segment and of everybody.

    Attributes
    ----------
    months : float
        Length of the period that it was counted over.
    everybody : float
        Of all customers; stands for a segment that is not known.
    segments : dict of str to float
        By name; empty where there were no segments.
    """

    months: float
    everybody: float
    segments: dict[str, float]

    def monthly(self, segments: Names | None, customers: int) -> Floats:
        """Return each customer's average, shape (customers,); `segments` are their names, or None for everybody's."""
        if segments is None:
            return np.full(customers, self.everybody)
        return np.array([self.segments.get(str(name), self.everybody) for name in segments], dtype=np.float64)


def segment_averages(realised: Floats, segments: Names | None, *, months: float) -> SegmentAverages:
    """Average what customers brought in a period, by the segment that they were in when it began.

    Parameters
    ----------
    realised : ndarray of float64, shape (n,)
        Margin of the period, undiscounted; 0 for those who left at once.
    segments : ndarray of str, shape (n,), optional
        Empty strings are unknown.
    months : float
        Length of the period, > 0.
    """
    everybody = float(realised.mean()) / months if len(realised) else 0.0
    if segments is None or not len(realised):
        return SegmentAverages(months, everybody, {})
    names, place = np.unique(segments, return_inverse=True)
    sums, counts = np.bincount(place, weights=realised), np.bincount(place)
    averages = {
        str(name): float(total / count / months) for name, total, count in zip(names, sums, counts, strict=True) if name
    }
    return SegmentAverages(months, everybody, averages)


def own_rate_of_contracts(mrr: Floats, *, gross_margin: float) -> Floats:
    """Return a contract's margin per month: what is paid now, for ever, shape (n,)."""
    return gross_margin * mrr


def own_rate_of_purchases(frequency: Floats, t_days: Floats, monetary_value: Floats, *, gross_margin: float) -> Floats:
    """Return a buyer's margin per month: own repeats per day × own average value, shape (n,).

    Parameters
    ----------
    frequency, t_days, monetary_value : ndarray of float64, shape (n,)
        As `churn.clv.fit_inactivity`; a customer without a repeat is worth 0.
    gross_margin : float
    """
    a_day = np.divide(frequency, t_days, out=np.zeros(len(frequency)), where=t_days > 0)
    value = np.where(frequency > 0, np.nan_to_num(monetary_value, nan=0.0), 0.0)
    return gross_margin * a_day * DAYS_PER_MONTH * value


def baseline_values(monthly: Floats, churn_probability: Floats, economics: Economics) -> ClvValues:
    """Discount a margin per month over the horizon and hold it against the churn probability.

    `clv` is the amount itself, as it was backtested: an average over those who stay and those who leave. At stake is
    all of it: `clv_if_retained - value_if_churned = clv`, which with `clv = (1 - p) V^S + p V^L` gives
    V^S = (1 + p) clv and V^L = p clv. Where p is NaN (no champion), V^S = clv and V^L = 0. Intervals are not known.

    Parameters
    ----------
    monthly : ndarray of float64, shape (n,)
        Margin per month, undiscounted.
    churn_probability : ndarray of float64, shape (n,)
    economics : Economics
        Without the margin: `monthly` is margin already.
    """
    clv = monthly * float(economics.discount_factors().sum())
    p = np.nan_to_num(churn_probability, nan=0.0)
    unknown = np.full(len(clv), np.nan)
    return ClvValues(clv, (1 + p) * clv, p * clv, unknown, unknown, unknown, np.zeros((len(clv), 0)))
