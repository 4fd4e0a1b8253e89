"""Labelled snapshots as one training set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from sqlalchemy.engine import Connection

from churn import labels
from churn.config import Settings
from churn.features.snapshot import Snapshot
from churn.features.store import category_levels, read_training_rows
from churn.matrix import FeatureNames
from churn.risk import TrainingSet


def training_set(connection: Connection, settings: Settings, snapshots: Sequence[Snapshot], until: date) -> TrainingSet:
    """Read the labelled rows of the snapshots as one training set with common columns.

    A feature that an older snapshot lacks, or that was computed by other SQL, is missing there.
    """
    if not snapshots:
        names = FeatureNames(())
        return TrainingSet(
            names,
            np.empty((0, 0), np.float32),
            np.empty((0, 0), np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.int64),
            np.empty(0, np.bool_),
        )
    latest = snapshots[-1]
    names = FeatureNames(
        latest.feature_set.numbers,
        latest.feature_set.categories,
        category_levels(connection, list(snapshots)),
    )
    parts = []
    for snapshot in snapshots:
        labels.make_labels(connection, settings, snapshot.as_of, data_through=until)
        parts.append(read_training_rows(connection, snapshot, names, like=latest.feature_set))
    as_of = [
        np.full(len(batch), snapshot.as_of.toordinal()) for snapshot, (batch, _) in zip(snapshots, parts, strict=True)
    ]
    return TrainingSet(
        names,
        np.concatenate([batch.numbers for batch, _ in parts]),
        np.concatenate([batch.codes for batch, _ in parts]),
        np.concatenate([batch.customer_keys for batch, _ in parts]),
        np.concatenate(as_of).astype(np.int64),
        np.concatenate([churned for _, churned in parts]),
    )
