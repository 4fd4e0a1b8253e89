"""Which exports may hold a forgotten customer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from churn import schema
from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from churn.warehouse import Database

KEY, OTHER = 1, 2
SCORED, LISTED, HELD_OUT, ELSEWHERE, GONE = (date(2025, 7, day) for day in range(1, 6))
AT = datetime(2025, 7, 1, 3, tzinfo=UTC)


def score(night: date, key: int, run_id: int = 7) -> dict[str, Any]:
    row = {"as_of_date": night, "run_id": run_id, "customer_key": key, "segment_id": 1, "risk_score": 0.1}
    return {**row, "risk_percentile": 1.0, "risk_band": "low"}


def entry(night: date, key: int, group: str) -> dict[str, Any]:
    return {**score(night, key), "priority_rank": key, "segment": "s", "campaign": "c", "campaign_group": group}


@pytest.fixture
def connection(warehouse: Database) -> Any:
    with warehouse.begin() as opened:
        for table in ("customer_scores", "at_risk_list"):
            ensure_month(opened, table, SCORED)
        scores = [score(SCORED, KEY, run_id=8), score(SCORED, OTHER), score(ELSEWHERE, OTHER)]
        opened.execute(sa.insert(schema.customer_scores), scores)
        listed = [entry(LISTED, KEY, "treatment"), entry(HELD_OUT, KEY, "holdout"), entry(ELSEWHERE, OTHER, "holdout")]
        opened.execute(sa.insert(schema.at_risk_list), listed)
        yield opened


@pytest.mark.parametrize(
    ("what", "night", "with_holdout", "may_hold"),
    [
        ("scores", SCORED, False, True),
        ("scores", ELSEWHERE, False, False),
        ("scores", GONE, False, True),
        ("segments", SCORED, False, False),
        ("segments", GONE, False, False),
        ("at-risk", LISTED, False, True),
        ("at-risk", HELD_OUT, False, False),
        ("at-risk", HELD_OUT, True, True),
        ("at-risk", ELSEWHERE, True, False),
        ("at-risk", GONE, False, True),
    ],
)
def test_exports_of_nights_with_the_customer_are_listed(
    connection: sa.Connection, what: str, night: date, with_holdout: bool, may_hold: bool
) -> None:
    row = {"what": what, "as_of_date": night, "run_id": 7, "format": "csv", "with_holdout": with_holdout, "rows": 1}
    for moment in (AT, AT.replace(hour=4)):
        connection.execute(sa.insert(schema.exports), {**row, "target": "/x.csv", "exported_at": moment})
    found = connection.execute(read_sql("forget/exported.sql").statement, {"customer_key": KEY}).all()
    assert [(file.target, file.what, file.as_of_date) for file in found] == [("/x.csv", what, night)] * may_hold
