"""Judge predictions: every figure with its interval, the trade-off of thresholds, calibration and curves.

Fields of the rows are named as the columns of the tables that hold them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from churn.risk import metrics
from churn.risk.bootstrap import Interval, Resamples, interval_of
from churn.risk.business import OfferTerms, TradeoffRow, best_threshold, contact_values, tradeoff_rows
from churn.risk.curves import CalibrationRow, CurveRow, calibration_rows, curve_rows
from churn.risk.data import Bools, Floats, Integers, TrainSettings
from churn.risk.evaluation import MODEL, OUT_OF_TIME, RECENCY, Evaluation, Predictions, list_order, operating_threshold
from churn.risk.figure_sums import Task
from churn.risk.figures import FIGURES, figures_of
from churn.risk.perfect import perfect_ece

EVERYBODY = ""
FEWEST = 10
_ECE, _PERFECT = "ece", "ece_perfect_p95"


@dataclass(frozen=True)
class FigureRow:
    """A figure of a predictor with its 95 % interval by bootstrap over customers.

    Attributes
    ----------
    segment : str
        Empty for everybody.
    predictor, figure : str
        `figure` is one of `figures.FIGURES`, `ece` or `ece_perfect_p95`.
    value, low, high : float or None
        None where the figure is not defined, where fewer than ten customers churned or stayed (a segment's figures,
        the total's intervals), and for the interval of the two that have none (`ece`, `ece_perfect_p95`).
    """

    segment: str
    predictor: str
    figure: str
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Judgement:
    """Everything found about predictions of one set of rows, for everybody and for every segment.

    Attributes
    ----------
    evaluations : tuple of Evaluation
        One per predictor, in the order of the predictions.
    threshold : float
        The model's operating threshold.
    figures : tuple of FigureRow
        Of every predictor.
    tradeoff : tuple of TradeoffRow
    calibration : tuple of CalibrationRow
    curves : tuple of CurveRow
        These three of the model; a segment with fewer than ten customers who churned or stayed has no bins or curves.
    """

    evaluations: tuple[Evaluation, ...]
    threshold: float
    figures: tuple[FigureRow, ...]
    tradeoff: tuple[TradeoffRow, ...]
    calibration: tuple[CalibrationRow, ...]
    curves: tuple[CurveRow, ...]

    def figure(self, figure: str, predictor: str = MODEL, segment: str = EVERYBODY) -> FigureRow:
        """Return one figure.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        for row in self.figures:
            if (row.segment, row.predictor, row.figure) == (segment, predictor, figure):
                return row
        raise KeyError((segment, predictor, figure))


def judge(
    predictions: Predictions,
    settings: TrainSettings,
    *,
    list_size: float,
    stake: Floats | None = None,
    terms: OfferTerms | None = None,
    segments: NDArray[np.str_] | None = None,
    evaluation: str = OUT_OF_TIME,
    threshold: float | None = None,
) -> Judgement:
    """Judge every predictor on the same rows and the same resamples, in total and per segment.

    Parameters
    ----------
    predictions : Predictions
        Rows of weight 0 are left out. Must hold `MODEL`.
    settings : TrainSettings
        `seed` and `replicates` of the bootstrap.
    list_size : float
        Customers on a month's list, as the weights count them: scaled to the sample where customers were sampled.
    stake : ndarray of float64, shape (n,), optional
        V^S - V^L of each row, in money. Where known, every predictor's list is ordered by its probability * stake,
        as the published list is; otherwise by its probability. Thresholds are probabilities either way.
    terms : OfferTerms, optional
        Without stake and terms the threshold is the list's cut and no net value is known.
    segments : ndarray of str, shape (n,), optional
        Each row's segment; rows with an empty one count in the total alone. The threshold and the list are
        everybody's in every segment.
    evaluation : {"out_of_time", "realised"}
    threshold : float, optional
        The model's operating threshold where it was chosen before (realised); None chooses it here. Every other
        predictor chooses its own by its own probabilities.

    Raises
    ------
    ValueError
        If there are no rows, shapes disagree, or a stake is not finite.
    """
    case = _case(predictions, list_size, stake, terms, segments, threshold)
    figures = tuple(_figures(case, settings))
    model, weight, keys = case.predictions.probability[MODEL], case.predictions.weight, case.predictions.customer_keys
    churned, score = case.predictions.churned, case.predictions.score[MODEL]
    shown = [(name, rows) for name, rows, enough in case.groups if enough or name == EVERYBODY]
    return Judgement(
        tuple(_evaluation(case, name, figures, evaluation) for name in case.predictions.score),
        case.thresholds[MODEL],
        figures,
        tuple(
            tradeoff_rows(
                case.predictions,
                case.segment,
                [(name, enough) for name, _, enough in case.groups[1:]],
                case.net,
                case.thresholds[MODEL],
                case.list_size,
                case.order(MODEL),
            )
        ),
        tuple(
            row
            for name, rows in shown
            for row in calibration_rows(name, churned[rows], model[rows], weight[rows], keys[rows])
        ),
        tuple(row for name, rows in shown for row in curve_rows(name, churned[rows], score[rows], weight[rows])),
    )


@dataclass(frozen=True)
class _Case:
    """The rows to judge, cut into groups; each group says whether it is large enough for figures."""

    predictions: Predictions
    groups: tuple[tuple[str, Bools, bool], ...]
    thresholds: dict[str, float]
    list_size: float
    net: Floats | None
    stake: Floats | None

    def order(self, name: str) -> Floats:
        """Return what a predictor's list is ordered by, shape (n,)."""
        return list_order(self.predictions, name, self.stake)

    @property
    def segment(self) -> Integers:
        """Each row's segment, shape (n,), as its place in `groups` less 1; -1 has none."""
        place = np.full(len(self.predictions), -1, np.int64)
        for at, (_, rows, _) in enumerate(self.groups[1:]):
            place[rows] = at
        return place


def _case(
    predictions: Predictions,
    list_size: float,
    stake: Floats | None,
    terms: OfferTerms | None,
    segments: NDArray[np.str_] | None,
    threshold: float | None,
) -> _Case:
    n = len(predictions)
    for name, values in (("stake", stake), ("segments", segments)):
        if values is not None and values.shape != (n,):
            raise ValueError(f"{name} has shape {values.shape}; expected {(n,)}")
    if stake is not None and not np.isfinite(stake).all():
        raise ValueError("stake must be finite")
    counted = predictions.weight > 0
    if not counted.any():
        raise ValueError("no rows to judge")
    predictions = predictions.take(counted)
    names = np.full(n, EVERYBODY) if segments is None else segments
    names, net, thresholds = names[counted], None, {}
    stake = None if stake is None else stake[counted]
    if stake is None or terms is None:
        for name, p in predictions.probability.items():
            thresholds[name] = operating_threshold(p, predictions.as_of, list_size, predictions.weights)
    else:
        net = contact_values(predictions.churned, stake, terms)
        for name, p in predictions.probability.items():
            thresholds[name] = best_threshold(p, stake, terms, predictions.weights)
    if threshold is not None:
        thresholds[MODEL] = threshold
    return _Case(predictions, tuple(_groups(predictions, names)), thresholds, list_size, net, stake)


def _groups(predictions: Predictions, names: NDArray[np.str_]) -> Iterator[tuple[str, Bools, bool]]:
    for name in dict.fromkeys([EVERYBODY, *np.unique(names).tolist()]):
        rows = np.ones(len(names), dtype=np.bool_) if name == EVERYBODY else names == name
        yield name, rows, _enough(predictions, rows)


def _enough(predictions: Predictions, rows: Bools) -> bool:
    """Say whether at least ten customers churned and ten stayed."""
    keys, churned = predictions.customer_keys, predictions.churned
    return min(len(np.unique(keys[rows & churned])), len(np.unique(keys[rows & ~churned]))) >= FEWEST


def _figures(case: _Case, settings: TrainSettings) -> Iterator[FigureRow]:
    told = case.predictions
    resamples = Resamples.of(told.customer_keys, seed=settings.seed, replicates=settings.replicates)
    groupings = [(np.zeros(len(told), np.int64), case.groups[:1])]
    if case.groups[1:]:
        groupings.append((case.segment, case.groups[1:]))
    for name in told.score:
        order = case.order(name)
        tasks = [
            Task(told, name, group, len(members), case.list_size, case.thresholds[name], case.net, order)
            for group, members in groupings
        ]
        for (_, members), (values, draws) in zip(groupings, figures_of(tasks, resamples), strict=True):
            for at, (segment, rows, enough) in enumerate(members):
                for figure, value, drawn in zip(FIGURES, values[at].tolist(), draws[:, at].T, strict=True):
                    yield _row(segment, name, figure, interval_of(value, drawn), enough)
                for figure, value in _calibration_errors(told, name, rows, settings.seed):
                    known = Interval(value, float("nan"), float("nan"))
                    yield _row(segment, name, figure, known, enough)


def _calibration_errors(told: Predictions, name: str, rows: Bools, seed: int) -> Iterator[tuple[str, float]]:
    p, weights = told.probability[name][rows], None if told.weights is None else told.weights[rows]
    churned, customers = told.churned[rows], told.customer_keys[rows]
    yield _ECE, metrics.ece(churned, p, weights)
    yield _PERFECT, perfect_ece(p, weights, churned=churned, customers=customers, seed=seed)


def _row(segment: str, predictor: str, figure: str, found: Interval, enough: bool) -> FigureRow:
    value = _known(found.mean) if enough or segment == EVERYBODY else None
    low, high = (_known(found.low), _known(found.high)) if enough else (None, None)
    return FigureRow(segment, predictor, figure, value, low, high)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _evaluation(case: _Case, name: str, figures: tuple[FigureRow, ...], evaluation: str) -> Evaluation:
    told = case.predictions
    days = np.unique(told.as_of)
    total = {(row.predictor, row.figure): row for row in figures if row.segment == EVERYBODY}

    def value(figure: str, of: str = name) -> float:
        row = total.get((of, figure))
        return float("nan") if row is None or row.value is None else row.value

    auc = total[name, "auc_roc"]
    shared = (
        "auc_roc", "pr_auc", "recall", "precision", "lift_top_decile", "brier", "log_loss", "calibration_slope",
        "observed_expected", "recall_at_list", "precision_at_list", "expected_net_value", _ECE, _PERFECT,
    )  # fmt: skip
    return Evaluation(
        predictor=name,
        evaluation=evaluation,
        first_as_of=date.fromordinal(int(days[0])),
        last_as_of=date.fromordinal(int(days[-1])),
        months=len(days),
        rows=len(told),
        customers=len(np.unique(told.customer_keys)),
        churners=int(told.churned.sum()),
        base_rate=float(np.average(told.churned, weights=told.weight)),
        auc_roc_low=float("nan") if auc.low is None else auc.low,
        auc_roc_high=float("nan") if auc.high is None else auc.high,
        threshold=case.thresholds[name],
        baseline_auc=value("auc_roc", RECENCY),
        list_size=float(case.list_size),
        **{figure: value(figure) for figure in shared},
    )
