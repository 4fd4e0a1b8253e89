"""Figures of a predictor on months that nothing about it had seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from churn.risk import metrics
from churn.risk.bootstrap import auc_interval
from churn.risk.data import Bools, Floats, Integers, TrainSettings

OUT_OF_TIME = "out_of_time"
MODEL, LOGISTIC, RECENCY, BASE_RATE = "model", "logistic_regression", "recency", "base_rate"
PREDICTORS = (MODEL, LOGISTIC, RECENCY, BASE_RATE)


@dataclass(frozen=True)
class Predictions:
    """The walk-forward test, row by row, ordered by (as_of, customer_key).

    Attributes
    ----------
    as_of : ndarray of int64, shape (n,)
        Ordinals of the test months.
    customer_keys : ndarray of int64, shape (n,)
    churned : ndarray of bool, shape (n,)
    score : mapping of predictor to ndarray of float64, shape (n,)
        What it ranks by: calibrated log-odds, days of silence, or a constant.
    probability : mapping of predictor to ndarray of float64, shape (n,)
        Calibrated on earlier, matured months only.
    """

    as_of: Integers
    customer_keys: Integers
    churned: Bools
    score: Mapping[str, Floats]
    probability: Mapping[str, Floats]


@dataclass(frozen=True)
class Evaluation:
    """One predictor's figures over the test months together.

    Attributes
    ----------
    predictor : str
        One of `PREDICTORS`, or another whose scores were put beside theirs.
    evaluation : str
        `out_of_time`.
    first_as_of, last_as_of : date
        First and last test month.
    months, rows, customers, churners : int
        `churners` counts customer-months.
    base_rate : float
        Churn rate of the test rows.
    auc_roc, auc_roc_low, auc_roc_high : float
        With a 95 % interval, bootstrap over customers.
    pr_auc, recall, precision, lift_top_decile, brier, ece, log_loss : float
    threshold : float
        Operating threshold of recall and precision: the probability of the `list_size`-th riskiest customer,
        averaged over the test months.
    calibration_slope, observed_expected : float
        1 is perfect; the slope of a constant prediction is NaN.
    baseline_auc : float
        The recency rule's AUC on the same rows.
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


def evaluate(predictions: Predictions, list_size: int, settings: TrainSettings) -> list[Evaluation]:
    """Return the figures of every predictor on the same rows, in the order of the predictions.

    Parameters
    ----------
    predictions : Predictions
    list_size : int
        Customers on a night's list, scaled to the sample where customers were sampled.
    """
    baseline = metrics.auc_roc(predictions.churned, predictions.score[RECENCY])
    return [_evaluate(name, predictions, list_size, baseline, settings) for name in predictions.score]


def _evaluate(
    name: str, predictions: Predictions, list_size: int, baseline_auc: float, settings: TrainSettings
) -> Evaluation:
    churned, score, probability = predictions.churned, predictions.score[name], predictions.probability[name]
    days = np.unique(predictions.as_of)
    threshold = operating_threshold(probability, predictions.as_of, list_size)
    auc = auc_interval(churned, score, predictions.customer_keys, seed=settings.seed, replicates=settings.replicates)
    constant = bool(np.ptp(score) == 0)
    return Evaluation(
        predictor=name,
        evaluation=OUT_OF_TIME,
        first_as_of=date.fromordinal(int(days[0])),
        last_as_of=date.fromordinal(int(days[-1])),
        months=len(days),
        rows=len(churned),
        customers=len(np.unique(predictions.customer_keys)),
        churners=int(churned.sum()),
        base_rate=float(churned.mean()),
        auc_roc=auc.mean,
        auc_roc_low=auc.low,
        auc_roc_high=auc.high,
        pr_auc=metrics.pr_auc(churned, score),
        recall=metrics.recall_at_threshold(churned, probability, threshold),
        precision=metrics.precision_at_threshold(churned, probability, threshold),
        threshold=threshold,
        lift_top_decile=metrics.lift_top_decile(churned, score),
        brier=metrics.brier(churned, probability),
        ece=metrics.ece(churned, probability),
        log_loss=metrics.log_loss(churned, probability),
        calibration_slope=float("nan") if constant else metrics.calibration_line(churned, probability)[0],
        observed_expected=metrics.observed_expected(churned, probability),
        baseline_auc=baseline_auc,
    )


def level_only(predictions: Predictions) -> Floats:
    """Return the model's mean probability of each test month for all of its customers, shape (n,).

    What the model would be if it knew the level of churn and nothing about who leaves.
    """
    _, month = np.unique(predictions.as_of, return_inverse=True)
    level: Floats = (np.bincount(month, predictions.probability[MODEL]) / np.bincount(month))[month]
    return level


def operating_threshold(probability: Floats, as_of: Integers, list_size: int) -> float:
    """Return the probability of the `list_size`-th riskiest customer of each month, averaged over months.

    The least probability of the month where it has fewer customers than the list has places.
    """
    lowest: list[float] = []
    for day in np.unique(as_of):
        month: Sequence[float] = np.sort(probability[as_of == day])[::-1].tolist()
        lowest.append(month[min(max(list_size, 1), len(month)) - 1])
    return float(np.mean(lowest))
