"""What a figure alone hides: predicted against observed by bin, and the ROC, precision-recall and lift curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from churn.risk import metrics
from churn.risk.data import Bools, Floats, Integers

BINS = 10
_GRID = np.arange(101) / 100
_Z = 1.959963984540054


@dataclass(frozen=True)
class CalibrationRow:
    """Predicted and observed in one bin of the model's probabilities.

    Attributes
    ----------
    segment : str
        Empty for everybody.
    bin : int
        From 1, the lowest probabilities; bins are as equal in weight as ties allow.
    predicted, observed : float
        Mean probability and churn rate, weighted.
    observed_low, observed_high : float
        95 % interval of the churn rate behind `observed` (`wilson` on the effective number of rows).
    customers : int
        Customer-months in the bin.
    """

    segment: str
    bin: int
    predicted: float
    observed: float
    observed_low: float | None
    observed_high: float | None
    customers: int


@dataclass(frozen=True)
class CurveRow:
    """One point of a curve of the model's.

    Attributes
    ----------
    segment : str
        Empty for everybody.
    curve : {"roc", "pr", "lift"}
        `roc`: x = share of stayers contacted, y = share of churners found. `pr`: x = recall, y = precision. `lift`:
        x = share of customers contacted, riskiest first, y = their churn rate over the churn rate of all.
    point : int
        From 0, in order of x.
    x, y : float
    """

    segment: str
    curve: str
    point: int
    x: float
    y: float


def wilson(rate: float, rows: float) -> tuple[float, float]:
    """Return the 95 % interval of a rate observed on `rows` independent rows, which may be a fraction.

    References
    ----------
    Wilson 1927, Journal of the American Statistical Association 22.
    """
    if rows <= 0:
        return 0.0, 1.0
    shrink = 1 + _Z * _Z / rows
    centre = (rate + _Z * _Z / (2 * rows)) / shrink
    half = _Z / shrink * float(np.sqrt(rate * (1 - rate) / rows + _Z * _Z / (4 * rows * rows)))
    return max(0.0, centre - half), min(1.0, centre + half)


def effective_rows(churned: Bools, weight: Floats, customers: Integers) -> float:
    """Return how many independent rows tell as much about the churn rate as these.

    Weights and a customer's many months make rows tell less; never more than there are rows. Where nobody or
    everybody churned the variance tells nothing, and each customer counts once.

    References
    ----------
    Kish 1965, Survey Sampling; Korn & Graubard 1998, Survey Methodology 24, for intervals of clustered rates.
    """
    _, place = np.unique(customers, return_inverse=True)
    total, rate = float(weight.sum()), float(np.average(churned, weights=weight))
    of_customer = np.bincount(place, weight)
    variance = float(np.sum(np.bincount(place, weight * (churned - rate)) ** 2)) / total**2
    if variance <= 0:
        return total**2 / float(of_customer @ of_customer)
    return min(rate * (1 - rate) / variance, total**2 / float(weight @ weight))


def calibration_rows(
    segment: str, churned: Bools, probability: Floats, weight: Floats, customers: Integers
) -> Iterator[CalibrationRow]:
    """Yield at most ten bins of about equal weight, lowest probabilities first; equal probabilities share one."""
    place = metrics.equal_mass_bins(probability, BINS, weight)
    for found in range(int(place.max()) + 1 if len(place) else 0):
        rows = place == found
        observed = float(np.average(churned[rows], weights=weight[rows]))
        low, high = wilson(observed, effective_rows(churned[rows], weight[rows], customers[rows]))
        predicted = float(np.average(probability[rows], weights=weight[rows]))
        yield CalibrationRow(segment, found + 1, predicted, observed, low, high, int(rows.sum()))


def curve_rows(segment: str, churned: Bools, score: Floats, weight: Floats) -> Iterator[CurveRow]:
    """Yield at most 101 points of each curve; none where only one class occurred.

    Between distinct scores a curve is what drawing by lot among equal scores would find (Davis & Goadrich 2006, ICML,
    for precision).
    """
    listed, found = metrics.ranked(churned, score, weight)
    stayed = listed - found
    if found[-1] <= 0 or stayed[-1] <= 0:
        return
    found_at = np.interp(_GRID * stayed[-1], stayed, found)
    found_at[-1] = found[-1]
    yield from _points(segment, "roc", _GRID, found_at / found[-1])
    asked = _GRID[1:] * found[-1]
    yield from _points(segment, "pr", _GRID[1:], asked / _first_reached(asked, found, listed))
    contacted = _GRID[1:] * listed[-1]
    lift = np.interp(contacted, listed, found) / contacted * (listed[-1] / found[-1])
    yield from _points(segment, "lift", _GRID[1:], lift)


def _first_reached(asked: Floats, found: Floats, listed: Floats) -> Floats:
    """Return the least weight listed that finds `asked` churners, shape of `asked`."""
    after = np.clip(np.searchsorted(found, asked * (1 - 1e-12)), 1, len(found) - 1)
    step = (asked - found[after - 1]) / np.maximum(found[after] - found[after - 1], 1e-300)
    reached: Floats = listed[after - 1] + np.clip(step, 0, 1) * (listed[after] - listed[after - 1])
    return reached


def _points(segment: str, curve: str, x: Floats, y: Floats) -> Iterator[CurveRow]:
    for point, (along, up) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        yield CurveRow(segment, curve, point, along, up)
