"""`bi.churn_drivers` shows the latest published night alone; the check of drivers finds what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn import schema
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from tests.sql.staging_tables import AS_OF, Staging

BEFORE = AS_OF - timedelta(days=1)
AT = datetime(2025, 7, 1, 3, tzinfo=UTC)


class Nights:
    """Runs and what they wrote."""

    def __init__(self, staging: Staging) -> None:
        self.connection = staging.connection
        for table in ("churn_drivers", "customer_scores", "segment_nights"):
            for night in (BEFORE, AS_OF):
                ensure_month(self.connection, table, night)

    def insert(self, table: str, *rows: dict[str, Any]) -> None:
        self.connection.execute(sa.insert(schema.metadata.tables[table]), list(rows))

    def run(self, as_of: Any, *, version: str = "churn-x", is_published: bool = True) -> int:
        statement = sa.insert(schema.runs).values(
            job="nightly", as_of_date=as_of, status="succeeded", started_at=AT, rows={}, versions={"churn": version},
            config_digest="x",
        )  # fmt: skip
        run_id = int(self.connection.execute(statement.returning(schema.runs.c.run_id)).scalar_one())
        if is_published:
            row = {"as_of_date": as_of, "run_id": run_id, "list_run_id": run_id, "published_at": AT, "in_sample": False}
            self.insert("ops.published", row)
        return run_id

    def driver(self, as_of: Any, run_id: int, driver: str, segment: str = "", **values: Any) -> None:
        row = {
            "as_of_date": as_of, "run_id": run_id, "segment": segment, "driver": driver, "direction": "raises",
            "importance": 0.5, "customers_affected": 1, "description": "Words.", **values,
        }  # fmt: skip
        self.insert("scores.churn_drivers", row)

    def shown(self) -> list[tuple[Any, ...]]:
        query = "select as_of_date, segment, driver, model_version, run_id from bi.churn_drivers order by 2, 3"
        return [tuple(row) for row in self.connection.execute(sa.text(query))]


@pytest.fixture
def nights(staging: Staging) -> Nights:
    return Nights(staging)


def test_only_the_latest_published_night_is_shown(nights):
    earlier, latest, unpublished = nights.run(BEFORE), nights.run(AS_OF), nights.run(AS_OF, is_published=False)
    for as_of, run_id in ((BEFORE, earlier), (AS_OF, latest), (AS_OF, unpublished)):
        nights.driver(as_of, run_id, f"driver of run {run_id}")
    assert nights.shown() == [(AS_OF, "all", f"driver of run {latest}", "churn-x", latest)]


def test_segments_are_named_and_the_whole_night_is_all(nights):
    run_id = nights.run(AS_OF)
    nights.driver(AS_OF, run_id, "renewal")
    nights.driver(AS_OF, run_id, "renewal", "Loyal and growing")
    assert {row[1] for row in nights.shown()} == {"all", "Loyal and growing"}


def test_a_night_by_the_recency_rule_has_no_drivers(nights):
    nights.driver(BEFORE, nights.run(BEFORE), "renewal")
    nights.run(AS_OF, version="recency-rule")
    assert nights.shown() == []


def problems(nights: Nights, run_id: int) -> list[str]:
    check = read_sql("checks/churn_drivers.sql").statement
    return sorted(nights.connection.scalars(check, {"as_of": AS_OF, "run_id": run_id}).all())


def test_the_check_finds_drivers_that_cannot_be(nights):
    run_id = nights.run(AS_OF)
    score = {"as_of_date": AS_OF, "run_id": run_id, "segment_id": 1, "risk_score": 0.0, "risk_percentile": 50.0}
    nights.insert("scores.customer_scores", *({**score, "customer_key": key, "risk_band": "low"} for key in (1, 2, 3)))
    segment = {"as_of_date": AS_OF, "run_id": run_id, "segment_id": 1, "segment": "Quiet", "description": "Words."}
    nights.insert("scores.segment_nights", {**segment, "customers": 2, "share": 0.7})
    nights.driver(AS_OF, run_id, "renewal", customers_affected=3)
    nights.driver(AS_OF, run_id, "renewal", "Quiet", customers_affected=2)
    assert problems(nights, run_id) == []
    nights.driver(AS_OF, run_id, "price", customers_affected=4)
    nights.driver(AS_OF, run_id, "price", "Quiet", customers_affected=3)
    nights.driver(AS_OF, run_id, "plan", "Nobody's")
    nights.driver(AS_OF, run_id, "plan", importance=-0.1)
    assert problems(nights, run_id) == [
        "plan of Nobody's: a value out of its range",
        "plan: a value out of its range",
        "price of Quiet: a value out of its range",
        "price: a value out of its range",
    ]
