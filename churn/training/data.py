"""Labelled snapshots as one training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import exposure, labels
from churn.config import Settings
from churn.features.snapshot import FeatureSet, Snapshot
from churn.features.store import category_levels, read_training_rows
from churn.matrix import Batch, FeatureNames
from churn.risk import Predictions, TrainingSet


@dataclass(frozen=True)
class LabelledSnapshots:
    """What training learns from, and what was left out of it.

    Attributes
    ----------
    data : TrainingSet
    share : float
        Share of the customers that was read, in (0, 1]: below 1 where there are more than `train.max_rows` rows.
    treated_left_out : int
        Customer-months whose outcome a campaign meant to change.
    unrepresented : int
        Those among them of campaigns that held nobody out.
    with_treated : TrainingSet, optional
        The same with the rows left out, at weight 0, where there are any: whoever follows customers from month to
        month must not take a treated one for one who left.
    """

    data: TrainingSet
    share: float = 1.0
    treated_left_out: int = 0
    unrepresented: int = 0
    with_treated: TrainingSet | None = None

    @property
    def everyone(self) -> TrainingSet:
        """Every labelled row, the treated at weight 0."""
        return self.data if self.with_treated is None else self.with_treated

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report says of it."""
        found = []
        if self.share < 1:
            found.append(f"Sampled: {self.share:.1%} of the customers, drawn by hash, because of train.max_rows.")
        if self.treated_left_out:
            found.append(
                f"Left out: {self.treated_left_out:,} customer-months of customers whom a campaign was to contact; "
                "those held out stand for them."
            )
        if self.unrepresented:
            found.append(
                f"{self.unrepresented:,} of them belong to lists without a holdout, so that nobody stands for them: "
                "the level of churn may be off."
            )
        return tuple(found)


def labelled_snapshots(
    connection: Connection, settings: Settings, snapshots: Sequence[Snapshot], until: date
) -> LabelledSnapshots:
    """Read the labelled rows of the snapshots as one training set with common columns.

    A feature that an older snapshot lacks, or that was computed by other SQL, is missing there. Customers whom a
    campaign treated while their label ran are left out, the held-out weigh for them.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction.
    settings : Settings
    snapshots : sequence of Snapshot
        Ascending by date.
    until : date
        What happened before it has been extracted.
    """
    if not snapshots:
        return LabelledSnapshots(_empty())
    latest = snapshots[-1].feature_set
    names = FeatureNames(latest.numbers, latest.categories, category_levels(connection, list(snapshots)))
    share = min(1.0, settings.train.max_rows / max(sum(snapshot.customers for snapshot in snapshots), 1))
    parts = [_rows(connection, settings, snapshot, names, latest, until, share) for snapshot in snapshots]
    data = TrainingSet(
        names,
        np.concatenate([part.rows.numbers for part in parts]),
        np.concatenate([part.rows.codes for part in parts]),
        np.concatenate([part.rows.customer_keys for part in parts]),
        np.concatenate([np.full(len(part.rows), part.as_of.toordinal(), np.int64) for part in parts]),
        np.concatenate([part.churned for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )
    if (data.weight == 1).all():
        data = _unweighted(data)
    treated = sum(part.treated_left_out for part in parts)
    unrepresented = sum(part.unrepresented for part in parts)
    if not treated:
        return LabelledSnapshots(data, share, 0, unrepresented)
    return LabelledSnapshots(data.take(data.weight > 0), share, treated, unrepresented, data)


def rows_tested(data: TrainingSet, predictions: Predictions) -> NDArray[np.int64]:
    """Return where each predicted row stands in the training set, shape (n,)."""
    rows = np.empty(len(predictions.as_of), np.int64)
    for day in np.unique(predictions.as_of):
        first, end = np.searchsorted(data.as_of, (day, day + 1))
        tested = predictions.as_of == day
        rows[tested] = first + np.searchsorted(data.customer_keys[first:end], predictions.customer_keys[tested])
    return rows


@dataclass(frozen=True)
class _Rows:
    """The labelled rows of one snapshot, before the treated are left out."""

    as_of: date
    rows: Batch
    churned: NDArray[np.bool_]
    weights: NDArray[np.float64]
    unrepresented: int

    @property
    def treated_left_out(self) -> int:
        return int((self.weights == 0).sum())


def _rows(
    connection: Connection,
    settings: Settings,
    snapshot: Snapshot,
    names: FeatureNames,
    like: FeatureSet,
    until: date,
    share: float,
) -> _Rows:
    labels.make_labels(connection, settings, snapshot.as_of, data_through=until)
    rows, churned = read_training_rows(connection, snapshot, names, like=like, share=share, seed=settings.train.seed)
    exposed = exposure.assigned_weights(connection, snapshot.as_of, settings.churn.horizon_days)
    weights = exposure.weights_of(connection, rows.customer_keys)
    return _Rows(snapshot.as_of, rows, churned, weights, round(exposed.unrepresented * share))


def _unweighted(data: TrainingSet) -> TrainingSet:
    """Return the same rows with no weights, as where no campaign touched anyone."""
    return TrainingSet(data.names, data.numbers, data.codes, data.customer_keys, data.as_of, data.churned)


def _empty() -> TrainingSet:
    return TrainingSet(
        FeatureNames(()),
        np.empty((0, 0), np.float32),
        np.empty((0, 0), np.int32),
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.bool_),
    )
