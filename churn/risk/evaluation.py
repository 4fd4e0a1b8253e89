"""What is judged: predictions on months that nothing about them had seen, and one predictor's figures on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from churn.risk.data import Bools, Floats, Integers

OUT_OF_TIME = "out_of_time"
REALISED = "realised"
MODEL, LOGISTIC, RECENCY, BASE_RATE = "model", "logistic_regression", "recency", "base_rate"
PREDICTORS = (MODEL, LOGISTIC, RECENCY, BASE_RATE)


@dataclass(frozen=True)
class Predictions:
    """Predictions and what came of them, row by row, ordered by (as_of, customer_key).

    Attributes
    ----------
    as_of : ndarray of int64, shape (n,)
        Ordinals of the months (or nights) predicted.
    customer_keys : ndarray of int64, shape (n,)
    churned : ndarray of bool, shape (n,)
    score : mapping of predictor to ndarray of float64, shape (n,)
        What it ranks by: calibrated log-odds, days of silence, or a constant.
    probability : mapping of predictor to ndarray of float64, shape (n,)
        Calibrated on earlier, matured months only.
    weights : ndarray of float64, shape (n,), optional
        How many customers each row stands for: 1 / holdout share for a campaign's holdout. None counts each once.
    """

    as_of: Integers
    customer_keys: Integers
    churned: Bools
    score: Mapping[str, Floats]
    probability: Mapping[str, Floats]
    weights: Floats | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.churned)

    @property
    def weight(self) -> Floats:
        """How many customers each row stands for, shape (n,): ones where no weights were given."""
        return np.ones(len(self.churned)) if self.weights is None else self.weights

    def take(self, keep: Bools | Integers) -> Predictions:
        """Return the rows of a mask, shape (n,), or of indices, shape (m,)."""
        return Predictions(
            self.as_of[keep],
            self.customer_keys[keep],
            self.churned[keep],
            {name: values[keep] for name, values in self.score.items()},
            {name: values[keep] for name, values in self.probability.items()},
            None if self.weights is None else self.weights[keep],
        )


@dataclass(frozen=True)
class Evaluation:
    """One predictor's figures over the judged months together; NaN where a figure is not defined.

    Attributes
    ----------
    predictor : str
        One of `PREDICTORS`, or another whose scores were put beside theirs.
    evaluation : str
        `out_of_time` or `realised`.
    first_as_of, last_as_of : date
        First and last month.
    months, rows, customers, churners : int
        `churners` counts customer-months; counts are of rows, whatever their weights.
    base_rate : float
        Churn rate of the rows, weighted.
    auc_roc, auc_roc_low, auc_roc_high : float
        With a 95 % interval, bootstrap over customers.
    pr_auc, recall, precision, lift_top_decile, brier, ece, log_loss : float
        Recall and precision are at `threshold`.
    threshold : float
        Operating threshold: where the expected net value is greatest, or, where no stake is known, the probability of
        the `list_size`-th riskiest customer, averaged over the months.
    calibration_slope, observed_expected : float
        1 is perfect; the slope of a constant prediction is NaN.
    baseline_auc : float
        The recency rule's AUC on the same rows.
    list_size : float
        Customers on a month's list.
    recall_at_list, precision_at_list : float
        Of each month's list of `list_size`, the months together. The list is ordered as it is published (`list_order`)
        as if everybody could be contacted.
    ece_perfect_p95 : float
        95th percentile of the ECE that perfectly calibrated probabilities of the same rows would show, a customer's
        months as dependent as they are (`perfect.perfect_ece`).
    expected_net_value : float
        Of contacting everybody at or above the threshold, per month, in money (`business.contact_values`).
    """

    predictor: str
    evaluation: str
    first_as_of: date
    last_as_of: date
    months: int
    rows: int
    customers: int
    churners: int
    base_rate: float
    auc_roc: float
    auc_roc_low: float
    auc_roc_high: float
    pr_auc: float
    recall: float
    precision: float
    threshold: float
    lift_top_decile: float
    brier: float
    ece: float
    log_loss: float
    calibration_slope: float
    observed_expected: float
    baseline_auc: float
    list_size: float
    recall_at_list: float
    precision_at_list: float
    ece_perfect_p95: float
    expected_net_value: float


def list_order(predictions: Predictions, predictor: str, stake: Floats | None) -> Floats:
    """Return what a predictor's list is ordered by, the highest first, shape (n,).

    Parameters
    ----------
    stake : ndarray of float64, shape (n,), optional
        V^S - V^L of each row, in money.

    Returns
    -------
    ndarray of float64, shape (n,)
        As the published list: the rank of value at risk (probability * stake), equal values by score. Without a stake
        the score, which orders a month as the probability does.
    """
    score = predictions.score[predictor]
    if stake is None:
        return score
    value = predictions.probability[predictor] * stake
    order = np.lexsort((score, value))
    higher = (np.diff(value[order]) != 0) | (np.diff(score[order]) != 0)
    rank = np.zeros(len(score))
    rank[order[1:]] = np.cumsum(higher)
    return rank


def level_only(predictions: Predictions) -> Floats:
    """Return the model's mean probability of each test month for all of its customers, shape (n,).

    What the model would be if it knew the level of churn and nothing about who leaves.
    """
    _, month = np.unique(predictions.as_of, return_inverse=True)
    weight = predictions.weight
    level: Floats = np.bincount(month, weight * predictions.probability[MODEL]) / np.bincount(month, weight)
    return level[month]


def operating_threshold(probability: Floats, as_of: Integers, list_size: float, weights: Floats | None = None) -> float:
    """Return the probability of the `list_size`-th riskiest customer of each month, averaged over months.

    The least probability of the month where it has fewer customers than the list has places.
    """
    weight = np.ones(len(probability)) if weights is None else weights
    lowest: list[float] = []
    for day in np.unique(as_of):
        rows = np.flatnonzero(as_of == day)
        rows = rows[np.argsort(-probability[rows], kind="stable")]
        filled = np.searchsorted(np.cumsum(weight[rows]), max(list_size, 1) - 1e-9)
        lowest.append(float(probability[rows[min(int(filled), len(rows) - 1)]]))
    return float(np.mean(lowest))
