"""Nights of a few customers in `scores` and `ops`, for tests of the SQL that writes, checks and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import sqlalchemy as sa

from churn import schema
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from tests.sql.staging_tables import AS_OF, Staging

AT = datetime(2025, 7, 1, 3, tzinfo=UTC)
TABLES = ("customer_scores", "segment_nights", "feature_snapshots")


class Nights:
    """Writes runs, snapshots, scores and segments."""

    def __init__(self, staging: Staging) -> None:
        self.connection = staging.connection
        self._numbers = count(1)
        self._months: set[date] = set()

    def insert(self, table: str, *rows: dict[str, Any]) -> None:
        """Insert rows, each with columns of its own."""
        for row in rows:
            self.connection.execute(sa.insert(schema.metadata.tables[table]), row)

    def run(self, as_of: date, *, is_published: bool = True, segments: str = "", status: str = "succeeded") -> int:
        """Open a run of a night; a published one takes over its pointer."""
        self.month(as_of)
        statement = sa.insert(schema.runs).values(
            job="nightly", as_of_date=as_of, status=status, started_at=AT, config_digest="x",
            versions={"churn": "churn-x", "segments": segments},
        )  # fmt: skip
        run_id = int(self.connection.execute(statement.returning(schema.runs.c.run_id)).scalar_one())
        if is_published:
            self.connection.execute(sa.delete(schema.published).where(schema.published.c.as_of_date == as_of))
            row = {"as_of_date": as_of, "run_id": run_id, "list_run_id": run_id, "published_at": AT, "in_sample": False}
            self.insert("ops.published", row)
        return run_id

    def month(self, as_of: date) -> None:
        if as_of.replace(day=1) not in self._months:
            for table in TABLES:
                ensure_month(self.connection, table, as_of)
            self._months.add(as_of.replace(day=1))

    def night(self, as_of: date, segments: dict[str, list[int]], *, is_published: bool = True, **columns: Any) -> int:
        """Score customers in named segments; ids count from 1 in the order given. Columns go to every score."""
        run_id = self.run(as_of, is_published=is_published)
        for segment_id, (name, keys) in enumerate(segments.items(), start=1):
            self.segment(as_of, run_id, segment_id, name, customers=len(keys))
            self.insert("scores.customer_scores", *(score(as_of, run_id, segment_id, key, **columns) for key in keys))
        return run_id

    def segment(self, as_of: date, run_id: int, segment_id: int, name: str, **columns: Any) -> None:
        row = {
            "as_of_date": as_of, "run_id": run_id, "segment_id": segment_id, "segment": name, "description": "Words.",
            "customers": 1, "share": 0.5, **columns,
        }  # fmt: skip
        self.insert("scores.segment_nights", row)

    def snapshot(
        self,
        features: Mapping[int, Mapping[str, float | None]],
        *,
        as_of: date = AS_OF,
        population: str = "contractual",
        mrr: Any = 50,
    ) -> int:
        """Keep a snapshot: by customer the features, of which all customers have the same; None is missing."""
        number = next(self._numbers)
        names = list(next(iter(features.values())))
        self.month(as_of)
        kept = sa.insert(schema.feature_sets).values(
            digest=f"x{number}", numbers=names, categories=[], families=[], definitions={}
        )
        feature_set = self.connection.execute(kept.returning(schema.feature_sets.c.feature_set_id)).scalar_one()
        made = sa.insert(schema.snapshots).values(
            as_of_date=as_of, origin="captured", population=population, basis_digest="x", feature_set_id=feature_set,
            customers=len(features), is_current=False, run_id=1, created_at=AT,
        )  # fmt: skip
        snapshot_id = int(self.connection.execute(made.returning(schema.snapshots.c.snapshot_id)).scalar_one())
        rows = [
            {
                "as_of_date": as_of,
                "snapshot_id": snapshot_id,
                "customer_key": key,
                "mrr": mrr if population == "contractual" else None,
                "numbers": [float("nan") if values[name] is None else values[name] for name in names],
                "categories": [],
            }
            for key, values in features.items()
        ]
        self.insert("scores.feature_snapshots", *rows)
        return snapshot_id

    def shown(self, view: str, *columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a `bi` view, ordered."""
        names = ", ".join(columns)
        query = f"select {names} from bi.{view} where {where} order by {names}"
        return [tuple(row) for row in self.connection.execute(sa.text(query))]

    def problems(self, check: str, run_id: int) -> list[str]:
        """What a check finds of AS_OF."""
        statement = read_sql(f"checks/{check}.sql").statement
        return sorted(self.connection.scalars(statement, {"as_of": AS_OF, "run_id": run_id}).all())


def score(as_of: date, run_id: int, segment_id: int, key: int, **columns: Any) -> dict[str, Any]:
    """A row of `scores.customer_scores`."""
    return {
        "as_of_date": as_of, "run_id": run_id, "segment_id": segment_id, "customer_key": key, "risk_score": 0.0,
        "risk_percentile": 50.0, "risk_band": "low", "lifecycle_stage": "mature", **columns,
    }  # fmt: skip
