"""Feature snapshots: what was known of every customer to score at `as_of`, kept as computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.features.assembly import assemble
from churn.features.request import Population, SnapshotRequest
from churn.partitions import analyze_month, ensure_month
from churn.schema import feature_sets, snapshots

__all__ = [
    "FeatureSet",
    "Origin",
    "Population",
    "Snapshot",
    "SnapshotRequest",
    "build_snapshot",
    "find_snapshot",
    "kept_snapshot",
    "latest_snapshot",
    "withdraw_snapshot",
]

Origin = Literal["captured", "reconstructed"]


@dataclass(frozen=True)
class FeatureSet:
    """Names and definitions of a snapshot's features.

    Attributes
    ----------
    feature_set_id : int
    digest : str
        The same digest: the same names in the same order, computed by the same SQL.
    numbers, categories : tuple of str
        In the order in which a snapshot's rows keep them.
    definitions : dict of str to str
        For each feature the SHA-256 of what computes it.
    """

    feature_set_id: int
    digest: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    definitions: dict[str, str] = field(compare=False)


@dataclass(frozen=True)
class Snapshot:
    """A kept feature snapshot; its rows are read by `churn.features.store`.

    Attributes
    ----------
    snapshot_id : int
    as_of : date
    origin : {"captured", "reconstructed"}
        Computed that night, or later from staging.
    population : {"contractual", "inactivity"}
    basis_digest : str
        What it was computed from and of whom (`SnapshotRequest.basis_digest`).
    customers : int
    feature_set : FeatureSet
    """

    snapshot_id: int
    as_of: date
    origin: Origin
    population: Population
    basis_digest: str
    customers: int
    feature_set: FeatureSet


def build_snapshot(
    connection: Connection, request: SnapshotRequest, *, run_id: int, origin: Origin, created_at: datetime
) -> Snapshot:
    """Compute and keep the snapshot of a night, in the caller's transaction; an older one is kept, but not current.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction.
    request : SnapshotRequest
    run_id : int
    origin : {"captured", "reconstructed"}
        A reconstructed one leaves attribute values out that were learned after `as_of`.
    created_at : datetime
        The run's time, UTC.

    Returns
    -------
    Snapshot
        `customers` is 0 where nobody is there to score.
    """
    feature_set = _kept_feature_set(connection, request)
    ensure_month(connection, "feature_snapshots", request.as_of)
    outdated = sa.update(snapshots).where(snapshots.c.as_of_date == request.as_of, snapshots.c.is_current)
    connection.execute(outdated.values(is_current=False))
    snapshot_id = connection.execute(
        sa.insert(snapshots)
        .values(
            as_of_date=request.as_of,
            origin=origin,
            population=request.population,
            basis_digest=request.basis_digest,
            feature_set_id=feature_set.feature_set_id,
            customers=0,
            is_current=True,
            run_id=run_id,
            created_at=created_at,
        )
        .returning(snapshots.c.snapshot_id)
    ).scalar_one()
    customers = assemble(connection, request, snapshot_id, origin == "captured")
    analyze_month(connection, "feature_snapshots", request.as_of)
    counted = sa.update(snapshots).where(snapshots.c.snapshot_id == snapshot_id).values(customers=customers)
    connection.execute(counted)
    return Snapshot(
        snapshot_id, request.as_of, origin, request.population, request.basis_digest, customers, feature_set
    )


def _kept_feature_set(connection: Connection, request: SnapshotRequest) -> FeatureSet:
    """Return the stored feature set of this digest, storing it first where it is new."""
    numbers, categories = request.names("number"), request.names("category")
    connection.execute(
        insert(feature_sets)
        .values(
            digest=request.digest,
            numbers=list(numbers),
            categories=list(categories),
            families=list(dict.fromkeys(feature.family for feature in request.features)),
            definitions=request.definitions,
        )
        .on_conflict_do_nothing(index_elements=[feature_sets.c.digest])
    )
    known = sa.select(feature_sets.c.feature_set_id).where(feature_sets.c.digest == request.digest)
    return FeatureSet(connection.execute(known).scalar_one(), request.digest, numbers, categories, request.definitions)


def withdraw_snapshot(connection: Connection, snapshot: Snapshot, *, run_id: int) -> None:
    """Take a snapshot out of use that a refused run has made; the one before it of the same night is in use again.

    Nothing happens where another run made it.
    """
    made = snapshots.c.snapshot_id == snapshot.snapshot_id
    withdrawn = sa.update(snapshots).where(made, snapshots.c.run_id == run_id).values(is_current=False)
    if connection.execute(withdrawn).rowcount:
        others = sa.select(sa.func.max(snapshots.c.snapshot_id)).where(snapshots.c.as_of_date == snapshot.as_of, ~made)
        before = sa.update(snapshots).where(snapshots.c.snapshot_id == others.scalar_subquery())
        connection.execute(before.values(is_current=True))


def find_snapshot(connection: Connection, as_of: date, population: Population | None = None) -> Snapshot | None:
    """Return the current snapshot of `as_of`, or None; of another population than the one asked for is none."""
    return _first(connection, _kept(population).where(snapshots.c.as_of_date == as_of))


def kept_snapshot(connection: Connection, snapshot_id: int) -> Snapshot | None:
    """Return a snapshot by its id, or None where it is not in use any more."""
    return _first(connection, _kept(None).where(snapshots.c.snapshot_id == snapshot_id))


def latest_snapshot(connection: Connection, *, until: date, population: Population | None = None) -> Snapshot | None:
    """Return the current snapshot of the latest `as_of` up to and with `until`, or None."""
    earlier = _kept(population).where(snapshots.c.as_of_date <= until)
    return _first(connection, earlier.order_by(snapshots.c.as_of_date.desc()).limit(1))


def _kept(population: Population | None) -> sa.Select[tuple[object, ...]]:
    query = (
        sa.select(
            snapshots.c.snapshot_id,
            snapshots.c.as_of_date,
            snapshots.c.origin,
            snapshots.c.population,
            snapshots.c.basis_digest,
            snapshots.c.customers,
            feature_sets.c.feature_set_id,
            feature_sets.c.digest,
            feature_sets.c.numbers,
            feature_sets.c.categories,
            feature_sets.c.definitions,
        )
        .join(feature_sets, feature_sets.c.feature_set_id == snapshots.c.feature_set_id)
        .where(snapshots.c.is_current)
    )
    return query if population is None else query.where(snapshots.c.population == population)


def _first(connection: Connection, query: sa.Select[tuple[object, ...]]) -> Snapshot | None:
    row = connection.execute(query).first()
    if row is None:
        return None
    feature_set = FeatureSet(row.feature_set_id, row.digest, tuple(row.numbers), tuple(row.categories), row.definitions)
    return Snapshot(
        row.snapshot_id, row.as_of_date, row.origin, row.population, row.basis_digest, row.customers, feature_set
    )
