"""What a trained model is worth out of time: its test rows valued, put into segments, and judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from churn.config import Settings
from churn.features.snapshot import Snapshot, latest_snapshot
from churn.ledger import Run
from churn.matrix import Batch
from churn.registry import Author
from churn.risk import Predictions, TrainingSet, TrainSettings
from churn.risk.business import OfferTerms
from churn.risk.evaluation import MODEL
from churn.risk.expectation import Expected, expected_figures
from churn.risk.judgement import Judgement, judge
from churn.risk.training import TrainingResult
from churn.segmentation import segment_names, segmenter_in_force
from churn.training.data import rows_tested
from churn.valuation import clv_model_in_force, stakes
from churn.warehouse import Database


@dataclass(frozen=True)
class Judged:
    """What was found of a model on its test months.

    Attributes
    ----------
    judgement : Judgement
    expected : dict of str to Expected
        What its figures should be on later nights.
    terms : OfferTerms
        What the threshold was chosen by.
    """

    judgement: Judgement
    expected: dict[str, Expected]
    terms: OfferTerms


def judged_out_of_time(
    warehouse: Database,
    settings: Settings,
    run: Run,
    result: TrainingResult,
    data: TrainingSet,
    train_settings: TrainSettings,
    *,
    share: float,
    snapshot: Snapshot,
) -> Judged:
    """Judge the walk-forward predictions, in total and per segment, with the value of what is at stake.

    Parameters
    ----------
    warehouse : Database
    settings : Settings
    run : Run
    result : TrainingResult
    data : TrainingSet
        Holds the test rows.
    train_settings : TrainSettings
    share : float
        Share of all customers that `data` holds.
    snapshot : Snapshot
        What segments are fitted on where none are in force and no later snapshot is kept.
    """
    predictions = result.predictions
    rows = rows_tested(data, predictions)
    stake, segments = _stakes_and_segments(warehouse, settings, run, snapshot, data, rows, predictions)
    terms = OfferTerms(
        save_rate=settings.retention.save_rate,
        saved_value_share=settings.retention.saved_value_share,
        contact_cost=settings.retention.contact_cost,
    )
    judgement = judge(
        _standing_for_all(predictions, share * result.kept_share),
        train_settings,
        list_size=settings.retention.list_size,
        stake=stake if stake.any() else None,
        terms=terms,
        segments=segments,
    )
    return Judged(judgement, expected_figures(predictions, result.walk, train_settings), terms)


def author_of(run: Run) -> Author:
    """Return who is said to have made what a run adds to the registry."""
    return Author(f"churn {run.job}, run {run.run_id}", run.started_at, run.run_id)


def _standing_for_all(predictions: Predictions, share: float) -> Predictions:
    """Let the rows of a sample of customers count for all, so that lists and money are those of a whole night."""
    return predictions if share == 1 else replace(predictions, weights=predictions.weight / share)


def _stakes_and_segments(
    warehouse: Database,
    settings: Settings,
    run: Run,
    snapshot: Snapshot,
    data: TrainingSet,
    rows: NDArray[np.int64],
    predictions: Predictions,
) -> tuple[NDArray[np.float64], NDArray[np.str_] | None]:
    """Return V^S - V^L and the segment of every test row, by the models in force as of the run."""
    author = author_of(run)
    batch = Batch(predictions.customer_keys, data.numbers[rows], data.codes[rows])
    with warehouse.begin() as reader, warehouse.begin() as connection:
        clv_model = clv_model_in_force(connection, settings, author, as_of=run.as_of)
        latest = latest_snapshot(connection, until=run.as_of, population=settings.churn.definition) or snapshot
        segmenter, _ = segmenter_in_force(reader, connection, latest, author, as_of=run.as_of, seed=settings.train.seed)
    stake = stakes(settings, data.names, batch, clv_model, predictions.probability[MODEL])
    return stake, segment_names(segmenter, data.names, batch.numbers)
