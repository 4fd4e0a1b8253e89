"""The floors: the least that a night's stages could take on the same data, measured beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from benchmarks.source import statement
from churn import registry
from churn.config import Settings
from churn.connections import open_source, open_warehouse
from churn.features.snapshot import Snapshot, find_snapshot
from churn.features.store import category_levels, read_batches
from churn.matrix import FeatureNames
from churn.risk import RiskModel
from churn.risk.boosting import Booster, booster_matrix
from churn.risk.scoring import match_columns
from churn.schema import customer_scores, feature_snapshots
from churn.warehouse import Database, copy_in, copy_out, literal_sql, run_ddl

_LOADED = ("customer_id", "usage_date", "event_type", "events", "quantity")


@dataclass(frozen=True)
class Floor:
    """A floor of a night.

    Attributes
    ----------
    stage : str
        The stage that it stands beside.
    words : str
        What was measured.
    measure : callable
        Does it once and returns the seconds.
    """

    stage: str
    words: str
    measure: Callable[[], float]


def floors(settings: Settings, night: date, run_id: int) -> list[Floor]:
    """Return the floors of a night that has just been run, after the first load, with a day between them."""
    source, warehouse = open_source(settings), open_warehouse(settings, job="benchmark")
    with warehouse.begin() as connection:
        snapshot = find_snapshot(connection, night)
        if snapshot is None:
            raise LookupError(f"no snapshot of {night}")
        predict = _prediction(connection, snapshot)
    # The night before had read through the day before itself; late_days whole days behind that are read again.
    first_day = night - timedelta(days=2 + settings.extract.late_days)
    return [
        Floor(
            "extract",
            "grouping of the re-read days and its COPY",
            lambda: _extraction(source, warehouse, first_day),
        ),
        Floor("features", "one grouped scan of the rows that they read", lambda: _scan(warehouse, night)),
        Floor("risk", "COPY out of the matrix", lambda: _copy_out(warehouse, snapshot)),
        Floor("risk", "booster.predict", predict),
        Floor("retention", "COPY in of the published rows", lambda: _copy_in(warehouse, night, run_id)),
    ]


@contextmanager
def _timed() -> Iterator[list[float]]:
    found: list[float] = []
    started = time.perf_counter()
    yield found
    found.append(time.perf_counter() - started)


def _extraction(source: Database, warehouse: Database, first_day: date) -> float:
    query = literal_sql(statement("floor_extract").bindparams(sa.bindparam("first_day", first_day, sa.Date)))
    with source.connect() as reading, warehouse.begin() as connection:
        run_ddl(
            connection,
            "create temporary table floor_usage (customer_id text, usage_date date, event_type text, events bigint, "
            "quantity numeric) on commit drop",
        )
        with _timed() as seconds:
            copy_in(connection, "floor_usage", _LOADED, copy_out(reading, query, fmt="text"), fmt="text")
    return seconds[0]


def _scan(warehouse: Database, night: date) -> float:
    with warehouse.begin() as connection, _timed() as seconds:
        for name in ("floor_usage", "floor_payments", "floor_others"):
            connection.execute(statement(name), {"as_of": night}).all()
    return seconds[0]


def _copy_out(warehouse: Database, snapshot: Snapshot) -> float:
    rows = feature_snapshots.c
    query = literal_sql(
        sa.select(rows.customer_key, rows.numbers, rows.categories).where(
            rows.as_of_date == snapshot.as_of, rows.snapshot_id == snapshot.snapshot_id
        )
    )
    with warehouse.begin() as connection, _timed() as seconds:
        for _ in copy_out(connection, query, fmt="binary"):
            pass
    return seconds[0]


def _prediction(connection: Connection, snapshot: Snapshot) -> Callable[[], float]:
    """Return what times `booster.predict` on the matrix in memory; nothing to time where no booster is champion."""
    stored = registry.champion(connection, registry.CHURN)
    model = None if stored is None else RiskModel.from_text(stored.artifact, stored.sha256)
    if model is None or model.kind != "lightgbm":
        return lambda: 0.0
    matrix, booster = _matrix(connection, snapshot, model), Booster(model.booster_text)

    def measure() -> float:
        with _timed() as seconds:
            booster.log_odds(matrix)
        return seconds[0]

    return measure


def _matrix(connection: Connection, snapshot: Snapshot, model: RiskModel) -> NDArray[np.float32]:
    features = snapshot.feature_set
    names = FeatureNames(features.numbers, features.categories, category_levels(connection, [snapshot]))
    columns = match_columns(model.names, names)
    batches = read_batches(connection, snapshot, names)
    return np.concatenate([booster_matrix(*columns.select(batch.numbers, batch.codes)) for batch in batches])


def _copy_in(warehouse: Database, night: date, run_id: int) -> float:
    """Time the COPY of the night's scores into a table like the published one, key and commit included."""
    published = customer_scores.c
    query = sa.select(customer_scores).where(published.as_of_date == night, published.run_id == run_id)
    columns = [column.name for column in published]
    with warehouse.begin() as connection:
        rows = list(copy_out(connection, literal_sql(query), fmt="binary"))
        run_ddl(connection, "create table scores.floor_scores (like scores.customer_scores including all)")
    with _timed() as seconds, warehouse.begin() as connection:
        copy_in(connection, "scores.floor_scores", columns, rows, fmt="binary")
    with warehouse.begin() as connection:
        run_ddl(connection, "drop table scores.floor_scores")
    return seconds[0]
