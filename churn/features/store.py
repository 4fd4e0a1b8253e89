"""Reading kept snapshots as column batches: binary `COPY` of rows of one fixed length, parsed by NumPy at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import ARRAY, BIT
from sqlalchemy.engine import Connection

from churn.errors import ModelError
from churn.features.rows import RowFormat, parse_rows
from churn.features.snapshot import FeatureSet, Snapshot
from churn.matrix import Batch, FeatureNames
from churn.schema import feature_snapshots
from churn.warehouse import copy_out, literal_sql

BATCH_ROWS = 20_000
MOST_LEVELS = 200

_HASH_BUCKETS = 1 << 28

_labels = sa.table("churn_labels", sa.column("customer_key", sa.BigInteger), sa.column("churned", sa.Boolean))


def category_levels(connection: Connection, snapshots: Sequence[Snapshot]) -> tuple[tuple[str, ...], ...]:
    """Return the values that each category has in some snapshots.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    snapshots : sequence of Snapshot
        At least one; the last one says which categories there are.

    Returns
    -------
    tuple of tuple of str
        For each category of the last snapshot its values, sorted; of more than `MOST_LEVELS` the most frequent.
    """
    return tuple(_levels(connection, snapshots, category) for category in snapshots[-1].feature_set.categories)


def _levels(connection: Connection, snapshots: Sequence[Snapshot], category: str) -> tuple[str, ...]:
    parts = [
        sa.select(_category(snapshot, category).label("level")).where(*_rows_of(snapshot))
        for snapshot in snapshots
        if category in snapshot.feature_set.categories
    ]
    values = sa.union_all(*parts).subquery()
    commonest = (
        sa.select(values.c.level)
        .where(values.c.level.is_not(None))
        .group_by(values.c.level)
        .order_by(sa.func.count().desc(), sa.collate(values.c.level, "C"))
        .limit(MOST_LEVELS)
    )
    return tuple(sorted(connection.execute(commonest).scalars()))


def read_batches(
    connection: Connection,
    snapshot: Snapshot,
    names: FeatureNames,
    batch_rows: int = BATCH_ROWS,
    *,
    share: float = 1.0,
    seed: int = 0,
) -> Iterator[Batch]:
    """Stream a snapshot, ordered by customer, in bounded memory.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Must not be used for anything else until the iterator ends or is closed.
    snapshot : Snapshot
    names : FeatureNames
        Which columns, in which order, and the levels that category codes count.
    batch_rows : int
        Customers a batch, at least 1.
    share, seed : float, int
        Share of the customers to take and the seed of their draw, as in `read_training_rows`.

    Raises
    ------
    ModelError
        The snapshot lacks a feature; from then on the caller would score something else.
    """
    lacking = [
        name
        for name in (*names.numbers, *names.categories)
        if name not in (*snapshot.feature_set.numbers, *snapshot.feature_set.categories)
    ]
    if lacking:
        raise ModelError(
            f"The snapshot of {snapshot.as_of} lacks features: {', '.join(lacking)}.",
            "Map the entity they come from, or compute the night anew with --recompute.",
        )
    query = sa.select(feature_snapshots.c.customer_key, feature_snapshots.c.numbers, *_codes(snapshot, names, None))
    ordered = query.where(*_rows_of(snapshot)).order_by(feature_snapshots.c.customer_key)
    if share < 1:
        ordered = ordered.where(drawn(feature_snapshots.c.customer_key, share, seed))
    return _batches(connection, snapshot, names, ordered, batch_rows)


def _batches(
    connection: Connection, snapshot: Snapshot, names: FeatureNames, query: sa.Select[Any], batch_rows: int
) -> Iterator[Batch]:
    for rows in _read(connection, snapshot, names, query, 0, batch_rows):
        yield _batch(rows, snapshot, names, None)


def read_training_rows(
    connection: Connection,
    snapshot: Snapshot,
    names: FeatureNames,
    *,
    like: FeatureSet | None = None,
    share: float = 1.0,
    seed: int = 0,
) -> tuple[Batch, NDArray[np.bool_]]:
    """Read a snapshot's labelled rows: those with a label in `churn_labels` (`churn.labels.make_labels`).

    Parameters
    ----------
    connection : sqlalchemy.Connection
    snapshot : Snapshot
    names : FeatureNames
        Which columns, in which order. A column that the snapshot lacks is all missing.
    like : FeatureSet, optional
        The features to agree with: a column that this snapshot computed by another definition is all missing.
    share : float
        Share of the customers to take, in (0, 1], drawn by a hash: the same customers from every snapshot, and
        those of a smaller share are among those of a larger one.
    seed : int
        Of the draw.

    Returns
    -------
    Batch
        Ordered by customer.
    ndarray of bool, shape (n,)
        Who churned.
    """
    query = (
        sa.select(
            feature_snapshots.c.customer_key,
            feature_snapshots.c.numbers,
            *_codes(snapshot, names, like),
            sa.cast(_labels.c.churned, sa.Integer),
        )
        .join(_labels, _labels.c.customer_key == feature_snapshots.c.customer_key)
        .where(*_rows_of(snapshot))
        .order_by(feature_snapshots.c.customer_key)
    )
    if share < 1:
        query = query.where(drawn(feature_snapshots.c.customer_key, share, seed))
    batches, churned = [], []
    for rows in _read(connection, snapshot, names, query, 1, BATCH_ROWS):
        batches.append(_batch(rows, snapshot, names, like))
        churned.append(rows.integers[:, -1] == 1)
    empty = Batch(
        np.empty(0, np.int64),
        np.empty((0, len(names.numbers)), np.float32),
        np.empty((0, len(names.categories)), np.int32),
    )
    return (_joined(batches), np.concatenate(churned)) if batches else (empty, np.empty(0, np.bool_))


def _joined(batches: Sequence[Batch]) -> Batch:
    return Batch(
        np.concatenate([batch.customer_keys for batch in batches]),
        np.concatenate([batch.numbers for batch in batches]),
        np.concatenate([batch.codes for batch in batches]),
    )


def drawn(customer_key: sa.ColumnElement[int], share: float, seed: int) -> sa.ColumnElement[bool]:
    """Make the condition that a customer is among a share of them, drawn by a hash, alike on every machine."""
    digits = sa.func.substr(sa.func.md5(sa.literal(f"{seed}:").concat(sa.cast(customer_key, sa.Text))), 1, 7)
    place = sa.cast(sa.cast(sa.literal("x").concat(digits), BIT(28)), sa.Integer)
    return place < int(share * _HASH_BUCKETS)


def _rows_of(snapshot: Snapshot) -> Iterable[sa.ColumnElement[bool]]:
    return (
        feature_snapshots.c.as_of_date == snapshot.as_of,
        feature_snapshots.c.snapshot_id == snapshot.snapshot_id,
    )


def _category(snapshot: Snapshot, category: str) -> sa.ColumnElement[Any]:
    return feature_snapshots.c.categories[snapshot.feature_set.categories.index(category) + 1]


def _codes(snapshot: Snapshot, names: FeatureNames, like: FeatureSet | None) -> list[sa.ColumnElement[int]]:
    """Make the column of codes for each category: its place among the levels, or -1."""
    columns: list[sa.ColumnElement[int]] = []
    for category, levels in zip(names.categories, names.levels, strict=True):
        if not levels or not _agrees(snapshot, category, like):
            columns.append(sa.literal(-1, sa.Integer))
            continue
        known = sa.literal(list(levels), ARRAY(sa.Text))
        place = sa.func.array_position(known, _category(snapshot, category))
        columns.append(sa.cast(sa.func.coalesce(place, 0) - 1, sa.Integer))
    return columns


def _agrees(snapshot: Snapshot, name: str, like: FeatureSet | None) -> bool:
    own = snapshot.feature_set.definitions
    return name in own and (like is None or like.definitions.get(name) == own[name])


def _read(
    connection: Connection,
    snapshot: Snapshot,
    names: FeatureNames,
    query: sa.Select[Any],
    more_integers: int,
    batch_rows: int,
) -> Iterator[Any]:
    form = RowFormat(len(snapshot.feature_set.numbers), len(names.categories) + more_integers)
    chunks = copy_out(connection, literal_sql(query), fmt="binary")
    with closing(chunks):
        yield from parse_rows(chunks, form, batch_rows)


def _batch(rows: Any, snapshot: Snapshot, names: FeatureNames, like: FeatureSet | None) -> Batch:
    """Put the columns of `names` into their order."""
    own = {name: place for place, name in enumerate(snapshot.feature_set.numbers)}
    numbers = np.full((len(rows.keys), len(names.numbers)), np.nan, dtype=np.float32)
    here = [place for place, name in enumerate(names.numbers) if _agrees(snapshot, name, like)]
    numbers[:, here] = rows.numbers[:, [own[names.numbers[place]] for place in here]]
    return Batch(rows.keys, numbers, rows.integers[:, : len(names.categories)])
