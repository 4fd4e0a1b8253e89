"""What training teaches CLV: month-end contracts with out-of-sample probabilities, and past segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from churn import clv
from churn.config import Settings
from churn.errors import ModelError
from churn.features.snapshot import Snapshot, latest_snapshot
from churn.ledger import Run
from churn.matrix import Batch
from churn.risk import Predictions, TrainingSet
from churn.risk.evaluation import MODEL
from churn.segmentation import segment_names, segmenter_in_force
from churn.segments import Segmenter
from churn.training.data import rows_tested
from churn.training.snapshots import author_of
from churn.valuation import (
    ClvInForce,
    Facts,
    FittedClv,
    SegmentsAt,
    adopt_clv,
    contracts_of,
    fit_clv,
    read_facts,
    stakes,
)
from churn.warehouse import Database

MOST_DAYS_EARLIER = 31
"""How much older than the date asked for a snapshot may be that segments are taken from."""

FactsByDay = Mapping[int, Facts]


@dataclass(frozen=True)
class Known:
    """What training knows of the past that CLV needs.

    Attributes
    ----------
    data : TrainingSet
        With the rows of those whom a campaign treated, at weight 0: to be missing would mean to have left.
    facts : mapping of int to Facts
        By ordinal of the snapshot's date.
    segmenter : Segmenter
        In force as of the run: past customers are put into today's segments.
    """

    data: TrainingSet
    facts: FactsByDay
    segmenter: Segmenter

    @property
    def segments_at(self) -> SegmentsAt:
        """Segments of the customers of past snapshots."""

        def found(as_of: date) -> tuple[NDArray[np.int64], NDArray[np.str_]] | None:
            days = np.unique(self.data.as_of)
            place = int(np.searchsorted(days, as_of.toordinal(), side="right")) - 1
            if place < 0 or as_of.toordinal() - int(days[place]) > MOST_DAYS_EARLIER:
                return None
            first, end = np.searchsorted(self.data.as_of, (days[place], days[place] + 1))
            names = segment_names(self.segmenter, self.data.names, self.data.numbers[first:end])
            return None if names is None else (self.data.customer_keys[first:end], names)

        return found


def past_known(
    warehouse: Database, settings: Settings, run: Run, snapshots: Sequence[Snapshot], data: TrainingSet
) -> Known:
    """Gather what CLV needs of the past; segments are fitted on the latest snapshot kept where none are in force."""
    with warehouse.begin() as reader, warehouse.begin() as connection:
        latest = latest_snapshot(connection, until=run.as_of, population=settings.churn.definition) or snapshots[-1]
        found = segmenter_in_force(reader, connection, latest, author_of(run), as_of=run.as_of, settings=settings)
        facts = {snapshot.as_of.toordinal(): read_facts(connection, settings, snapshot.as_of) for snapshot in snapshots}
    return Known(data, facts, found.segmenter)


def fit_worth(warehouse: Database, settings: Settings, run: Run, known: Known, walk: Predictions) -> FittedClv:
    """Fit and backtest CLV on what training knows; nothing is stored yet."""
    is_contractual = settings.churn.definition == "contractual"
    panel = make_panel(known.data, known.facts, walk) if is_contractual else None
    with warehouse.begin() as connection:
        return fit_clv(connection, settings, as_of=run.as_of, panel=panel, segments_at=known.segments_at)


def with_clv_alone(warehouse: Database, settings: Settings, run: Run, refusal: ModelError) -> ModelError:
    """Put a CLV model in force where churn training was refused, and return the refusal with that added.

    Nights value customers without a churn model too. Where there is too little for CLV as well, the refusal says so.
    """
    try:
        with warehouse.begin() as connection:
            fitted = fit_clv(connection, settings, as_of=run.as_of)
            adopted = adopt_clv(connection, settings, author_of(run), fitted, f"fitted as of {run.as_of}, by training")
    except ModelError as error:
        return ModelError(refusal.message, f"{refusal.hint} CLV was not fitted either: {error.message}".strip())
    return ModelError(refusal.message, f"{refusal.hint} CLV was fitted all the same: {adopted.model_version}.".strip())


def make_panel(data: TrainingSet, facts: FactsByDay, walk: Predictions) -> clv.Panel:
    """Put the training rows together to the panel that contractual CLV is fitted on.

    Parameters
    ----------
    data : TrainingSet
    facts : mapping of int to Facts
    walk : Predictions
        Walk-forward probabilities of some of the rows; the rest have none out of sample.
    """
    ends = np.full(len(data), np.nan)
    for day, known in facts.items():
        rows = data.as_of == day
        ends[rows] = known.days_to_discount_end.of(data.customer_keys[rows], np.nan)
    p = np.full(len(data), np.nan)
    p[rows_tested(data, walk)] = walk.probability[MODEL]
    return clv.Panel(
        customer_keys=data.customer_keys,
        as_of=data.as_of,
        contracts=contracts_of(data.names, Batch(data.customer_keys, data.numbers, data.codes), ends),
        churn_probability=p,
        weights=data.weight,
        churned=data.churned,
    )


def row_stakes(
    settings: Settings, known: Known, rows: NDArray[np.int64], predictions: Predictions, in_force: ClvInForce
) -> tuple[NDArray[np.float64], NDArray[np.str_] | None]:
    """Return V^S - V^L of predicted rows, shape (n,), and their segments where those can be told."""
    data, stake = known.data, np.zeros(len(rows))
    segments = segment_names(known.segmenter, data.names, data.numbers[rows])
    for day in np.unique(predictions.as_of):
        month = predictions.as_of == day
        batch = Batch(data.customer_keys[rows[month]], data.numbers[rows[month]], data.codes[rows[month]])
        stake[month] = stakes(
            settings,
            data.names,
            batch,
            in_force,
            predictions.probability[MODEL][month],
            facts=known.facts[int(day)],
            segments=None if segments is None else segments[month],
        )
    return stake, segments
