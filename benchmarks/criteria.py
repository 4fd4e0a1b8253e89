"""The criteria of methods.md, "Judging probabilities": a model beside the ceiling, and its probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.companies import Matrix
from benchmarks.tables import number
from benchmarks.truth import TRUTH, Agreement, agreement, rows_of, with_predictor
from churn.risk import Evaluation, Predictions, TrainSettings, better_than
from churn.risk.bootstrap import Interval
from churn.risk.data import Floats
from churn.risk.evaluation import BASE_RATE, LOGISTIC, MODEL, RECENCY
from churn.risk.judgement import judge
from churn.risk.metrics import auc_roc, calibration_line, log_losses, observed_expected

CEILING = "ceiling"
LEAST_SHARE = 0.95
LEVEL = (0.9, 1.1)
MOST_GAP = 0.2
_BILLING = "billing_months"


@dataclass(frozen=True)
class Judged:
    """A model on the test months of one company.

    Attributes
    ----------
    seed : int
    evaluations : mapping of predictor to Evaluation
        From who left; the ceiling and the truth are among the predictors.
    agreements : mapping of predictor to Agreement
        From the true probabilities.
    base_rate : float
        Mean true probability of the test rows.
    ceiling_gap : float
        Mean |p - ceiling p| of the model.
    gains : mapping of predictor to Interval
        How much lower the model's log loss is, in nats.
    billing : mapping of months between two bills to Billed
    """

    seed: int
    evaluations: Mapping[str, Evaluation]
    agreements: Mapping[str, Agreement]
    base_rate: float
    ceiling_gap: float
    gains: Mapping[str, Interval]
    billing: Mapping[int, Billed]

    @property
    def model(self) -> Evaluation:
        """The model's figures."""
        return self.evaluations[MODEL]


@dataclass(frozen=True)
class Billed:
    """The model's figures on the customers who are billed alike."""

    rows: int
    churned: float
    predicted: float
    auc_roc: float
    ceiling_auc: float
    calibration_slope: float
    observed_expected: float


def judged(seed: int, predictions: Predictions, matrix: Matrix, ceiling: Floats, settings: TrainSettings) -> Judged:
    """Judge what `train_model` says of the test months of a company.

    Parameters
    ----------
    seed : int
    predictions : Predictions
    matrix : Matrix
        The company.
    ceiling : ndarray of float64, shape (len(matrix.data),)
        The ceiling's probability of each of its rows.
    settings : TrainSettings
    """
    rows = rows_of(matrix.data, predictions)
    truth, best = matrix.truth[rows], ceiling[rows]
    every = with_predictor(with_predictor(predictions, CEILING, best), TRUTH, truth)
    evaluations = judge(every, settings, list_size=settings.list_size).evaluations
    names = matrix.data.names.numbers
    billing = matrix.data.numbers[rows, names.index(_BILLING)]
    return Judged(
        seed,
        {evaluation.predictor: evaluation for evaluation in evaluations},
        {name: agreement(every.score[name], every.probability[name], truth) for name in every.score},
        float(truth.mean()),
        float(np.abs(every.probability[MODEL] - best).mean()),
        {rival: _gain(every, rival) for rival in (RECENCY, LOGISTIC, BASE_RATE)},
        {int(months): _billed(every, billing == months) for months in np.unique(billing[~np.isnan(billing)])},
    )


def _gain(predictions: Predictions, rival: str) -> Interval:
    churned = predictions.churned
    model, other = (log_losses(churned, predictions.probability[name]) for name in (MODEL, rival))
    return better_than(model, other, predictions.customer_keys)


def _billed(predictions: Predictions, rows: NDArray[np.bool_]) -> Billed:
    churned, p = predictions.churned[rows], predictions.probability[MODEL][rows]
    return Billed(
        int(rows.sum()),
        float(churned.mean()),
        float(p.mean()),
        auc_roc(churned, p),
        auc_roc(churned, predictions.probability[CEILING][rows]),
        calibration_line(churned, p)[0],
        observed_expected(churned, p),
    )


def share_of_ceiling(found: Sequence[Judged], figure: Callable[[Agreement], float]) -> float:
    """Return the model's mean figure over the seeds as a share of the ceiling's."""
    model, best = (float(np.mean([figure(one.agreements[name]) for one in found])) for name in (MODEL, CEILING))
    return model / best


def criteria(found: Sequence[Judged]) -> list[tuple[str, bool]]:
    """Return each criterion over the seeds in words with its figures, and whether it holds."""
    auc = share_of_ceiling(found, lambda agreement: agreement.auc_expected - 0.5)
    top = share_of_ceiling(found, lambda agreement: agreement.top_decile)
    share = f"of the ceiling's, mean over {len(found)} seeds (at least {LEAST_SHARE})"
    return [
        (f"AUC − 0.5 is {auc:.3f} {share}", auc >= LEAST_SHARE),
        (f"the riskiest tenth's true probability is {top:.3f} {share}", top >= LEAST_SHARE),
        _within("calibration slope", [one.model.calibration_slope for one in found], *LEVEL),
        _within("observed/expected", [one.model.observed_expected for one in found], *LEVEL),
        _within("mean |p − ceiling p| over base rate", [one.ceiling_gap / one.base_rate for one in found], 0, MOST_GAP),
        *(_ahead(found, rival) for rival in (RECENCY, LOGISTIC, BASE_RATE)),
    ]


def _within(words: str, values: Sequence[float], low: float, high: float) -> tuple[str, bool]:
    """Judge the mean over the seeds, as the ceiling's criteria are, and say how many seeds lie within by themselves."""
    mean, inside = float(np.mean(values)), sum(low <= value <= high for value in values)
    bounds = f"at most {high:g}" if low == 0 else f"{low:g} to {high:g}"
    listed = ", ".join(number(value, 2) for value in values)
    alone = f"{inside} of {len(values)} alone: {listed}"
    return f"{words} {mean:.3f}, mean over {len(values)} seeds ({bounds}; {alone})", low <= mean <= high


def _ahead(found: Sequence[Judged], rival: str) -> tuple[str, bool]:
    """Say in how many companies the log loss is shown to be lower than a rival's on the same rows."""
    lows = [one.gains[rival].low for one in found]
    mean = float(np.mean([one.gains[rival].mean for one in found]))
    lead = float(np.mean([one.model.auc_roc - one.evaluations[rival].auc_roc for one in found]))
    shown = sum(low > 0 for low in lows)
    words = (
        f"ahead of {rival.replace('_', ' ')} in {shown} of {len(found)} seeds (95 % interval of the log loss's gain "
        f"above 0): by {mean:.5f} nats and {lead:+.3f} AUC in the mean"
    )
    return words, shown == len(found)
