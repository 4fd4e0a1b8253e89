"""What contacting customers is worth: the threshold chosen by expected net value, and the trade-off around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from churn.risk import metrics
from churn.risk.data import Bools, Floats, Integers
from churn.risk.evaluation import MODEL, Predictions

THRESHOLD, LIST_SIZE = "threshold", "list_size"
NOBODY = 1.0
_CONTACTED_SHARES = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
)  # fmt: skip
_USUAL_CUTOFF = 0.5
_LIST_FACTORS = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class OfferTerms:
    """What an offer costs and can save (methods.md, "What an offer is worth").

    Attributes
    ----------
    save_rate : float
        Share of the customers about to leave whom a contact keeps; below 0 a contact drives customers away.
    saved_value_share : float
        What a saved customer is worth, as a share of one who would have stayed anyway, in [0, 1].
    contact_cost : float
        Expected cost of contacting one customer, stayers' redemptions included, in money.

    Raises
    ------
    ValueError
        If one of them is outside its range.
    """

    save_rate: float
    saved_value_share: float
    contact_cost: float

    def __post_init__(self) -> None:
        """Refuse terms that mean nothing."""
        if not (-1 <= self.save_rate <= 1 and 0 <= self.saved_value_share <= 1 and 0 <= self.contact_cost < np.inf):
            raise ValueError(f"not the terms of an offer: {self}")


@dataclass(frozen=True)
class TradeoffRow:
    """What one cut-off of the model's would have contacted, found and been worth.

    Attributes
    ----------
    segment : str
        Empty for everybody.
    kind : {"threshold", "list_size"}
    cutoff : float
        A probability: customers at or above it are contacted; or a number of customers: the first of everybody's list
        in its published order (`evaluation.list_order`), of whom the segment's are counted here.
    contacted : float
        Customers contacted per month, weighted.
    precision, recall : float or None
        Over the months together; None where nobody is contacted or nobody churned, or the segment is too small.
    false_alarms : float
        Of those contacted, who stayed, per month.
    expected_net_value : float or None
        Per month, in money (`contact_values` of what came true); None without stake and terms.
    is_chosen : bool
        True for the operating threshold alone.
    """

    segment: str
    kind: str
    cutoff: float
    contacted: float
    precision: float | None
    recall: float | None
    false_alarms: float
    expected_net_value: float | None
    is_chosen: bool


def contact_values(leaving: Floats | Bools, stake: Floats, terms: OfferTerms) -> Floats:
    """Return the expected net value of contacting each customer, shape (n,), in money.

    leaving * save_rate * saved_value_share * stake - contact_cost (methods.md, "What an offer is worth"; Neslin et
    al. 2006, Journal of Marketing Research 43).

    Parameters
    ----------
    leaving : ndarray, shape (n,)
        The probability of churn, or, to judge by what came true, whether the customer churned. Even then the value is
        an expectation: whether a contact would have saved a churner is not known.
    stake : ndarray of float64, shape (n,)
        V^S - V^L: value given survival past the horizon less value if churned.
    """
    values: Floats = leaving * (terms.save_rate * terms.saved_value_share) * stake - terms.contact_cost
    return values


def best_threshold(probability: Floats, stake: Floats, terms: OfferTerms, weights: Floats | None = None) -> float:
    """Return the threshold whose contacts have the greatest expected net value.

    By probabilities, not by what came true: the best of many thresholds on outcomes is best partly by luck.

    Returns
    -------
    float
        The least probability contacted, the higher one of two that are worth the same; 1.0 (nobody: probabilities
        end below it) where every threshold would lose money.
    """
    worth = contact_values(probability, stake, terms) * (1.0 if weights is None else weights)
    cutoffs, place = np.unique(-probability, return_inverse=True)
    reached = metrics.running(metrics.tally(place, worth))
    best = int(np.argmax(reached))
    return float(-cutoffs[best - 1]) if best > 0 else NOBODY


def tradeoff_rows(
    predictions: Predictions,
    segment: Integers,
    segments: Sequence[tuple[str, bool]],
    net: Floats | None,
    threshold: float,
    list_size: float,
    order: Floats | None = None,
) -> Iterator[TradeoffRow]:
    """Yield the model's trade-off for everybody and for every segment at the same cut-offs.

    Parameters
    ----------
    predictions : Predictions
    segment : ndarray of int64, shape (n,)
        Each row's place in `segments`; -1 has none and counts for everybody alone.
    segments : sequence of (name, whether its rates may be shown)
    net : ndarray of float64, shape (n,), optional
        Net value of contacting each row, given what came true.
    threshold : float
        The operating threshold; a row of every group.
    list_size : float
    order : ndarray of float64, shape (n,), optional
        What the list is ordered by, the highest first; the model's score where None.
    """
    p, weight = predictions.probability[MODEL], predictions.weight
    order = predictions.score[MODEL] if order is None else order
    counts = _Counts(predictions, segment, (*segments, ("", True)), net)
    for cutoff in _cutoffs(p, weight, threshold):
        yield from counts.rows(weight * (p >= cutoff), THRESHOLD, cutoff, cutoff == threshold)
    for size in _sizes(predictions, list_size):
        listed = metrics.listed_shares(order, size, predictions.as_of, predictions.weights)
        yield from counts.rows(weight * listed, LIST_SIZE, size, False)


@dataclass(frozen=True)
class _Counts:
    """Counts contacts by segment; everybody is the last of `segments`."""

    predictions: Predictions
    segment: Integers
    segments: tuple[tuple[str, bool], ...]
    net: Floats | None

    def rows(self, contacted: Floats, kind: str, cutoff: float, is_chosen: bool) -> Iterator[TradeoffRow]:
        """Yield one row for every segment and for everybody."""
        churned, months = self.predictions.churned, len(np.unique(self.predictions.as_of))
        total, hits = self._by_segment(contacted), self._by_segment(contacted * churned)
        churners = self._by_segment(self.predictions.weight * churned)
        worth = None if self.net is None else self._by_segment(contacted * self.net)
        for at, (segment, shown) in enumerate(self.segments):
            yield TradeoffRow(
                segment=segment,
                kind=kind,
                cutoff=cutoff,
                contacted=total[at] / months,
                precision=hits[at] / total[at] if shown and total[at] > 0 else None,
                recall=hits[at] / churners[at] if shown and churners[at] > 0 else None,
                false_alarms=max(0.0, total[at] - hits[at]) / months,
                expected_net_value=None if worth is None else worth[at] / months,
                is_chosen=is_chosen,
            )

    def _by_segment(self, values: Floats) -> list[float]:
        sums = np.bincount(self.segment + 1, values, minlength=len(self.segments))
        return [*sums[1:].tolist(), float(sums.sum())]


def _cutoffs(probability: Floats, weight: Floats, threshold: float) -> list[float]:
    """List the probabilities that contact certain shares of everybody, the usual 0.5, and the operating threshold."""
    order = np.argsort(-probability, kind="stable")
    reached = np.cumsum(weight[order])
    at = np.searchsorted(reached, np.array(_CONTACTED_SHARES) * reached[-1] * (1 - 1e-9))
    found = {_rounded_down(value) for value in probability[order[np.minimum(at, len(order) - 1)]].tolist()}
    return sorted(found | {_USUAL_CUTOFF, threshold})


def _sizes(predictions: Predictions, list_size: float) -> list[float]:
    """List sizes around the configured one, as far as a month has customers."""
    _, month = np.unique(predictions.as_of, return_inverse=True)
    most = float(np.bincount(month, predictions.weight).max())
    tried = {float(max(1, round(factor * list_size))) for factor in _LIST_FACTORS}
    return sorted({size for size in tried if size < most} | {float(list_size)})


def _rounded_down(probability: float) -> float:
    """Keep about four digits, never more than the probability, so that it is still contacted."""
    rounded = float(f"{probability:.4g}")
    return rounded if rounded <= probability else float(f"{probability * (1 - 5e-4):.4g}")
