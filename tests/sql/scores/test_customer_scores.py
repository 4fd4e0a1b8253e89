"""A night's scores: value tiers by CLV, and the segment that a customer was in before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn.sqlfiles import read_sql
from churn.warehouse import run_ddl
from tests.sql.nights import Nights
from tests.sql.staging_tables import AS_OF, Staging

NAMES = {1: "Loyal", 2: "Quiet"}
YESTERDAY, LAST_WEEK = AS_OF - timedelta(days=1), AS_OF - timedelta(days=7)


class Tonight(Nights):
    """The night of AS_OF, from what its stages left."""

    def scored(self, clv: list[float | None], segments: list[int] | None = None) -> list[dict[str, Any]]:
        """Score customers 1, 2, ... and return their rows, which pass the night's checks."""
        keys = range(1, len(clv) + 1)
        snapshot_id = self.snapshot({key: {"tenure_days": 100} for key in keys})
        self.insert("scores.attempt_clv", *({"customer_key": k, "clv": v} for k, v in zip(keys, clv, strict=True)))
        self.insert(
            "scores.attempt_risk", *({"customer_key": k, "risk_score": k, "churn_probability": 0} for k in keys)
        )
        placed = segments or [1] * len(clv)
        self.insert(
            "scores.attempt_segments",
            *({"customer_key": k, "segment_id": s} for k, s in zip(keys, placed, strict=True)),
        )
        run_ddl(
            self.connection,
            "create temporary table customer_stages as select customer_key, cast('mature' as text) as lifecycle_stage, "
            "cast(1 as smallint) as recency_quintile, cast(1 as smallint) as frequency_quintile, "
            "cast(null as smallint) as monetary_quintile from scores.attempt_risk",
        )
        run_id = self.run(AS_OF, is_published=False)
        self._write(run_id, snapshot_id)
        for segment_id, name in NAMES.items():
            self.segment(AS_OF, run_id, segment_id, name, customers=placed.count(segment_id))
        checks = ("customer_scores", "segment_nights", "value_tiers", "segment_moves")
        assert [problem for check in checks for problem in self._problems(check, run_id, snapshot_id)] == []
        query = sa.text("select * from scores.customer_scores where run_id = :run_id order by customer_key")
        return [dict(row) for row in self.connection.execute(query, {"run_id": run_id}).mappings()]

    def _write(self, run_id: int, snapshot_id: int) -> None:
        self.connection.execute(
            read_sql("scores/customer_scores.sql").statement,
            {
                "as_of": AS_OF, "run_id": run_id, "snapshot_id": snapshot_id, "high_from": 90, "medium_from": 70,
                "high_value_share": 0.2, "medium_value_share": 0.3, "plan_place": None,
            },
        )  # fmt: skip

    def _problems(self, check: str, run_id: int, snapshot_id: int) -> list[str]:
        file = read_sql(f"checks/{check}.sql")
        params = {"as_of": AS_OF, "run_id": run_id, "snapshot_id": snapshot_id}
        return list(self.connection.scalars(file.statement, {name: params[name] for name in file.params}))


@pytest.fixture
def tonight(staging: Staging) -> Tonight:
    return Tonight(staging)


# ---------------------------------------------------------------- value tiers


def tiers(rows: list[dict[str, Any]]) -> str:
    return "".join("-" if row["value_tier"] is None else row["value_tier"][0] for row in rows)


@pytest.mark.parametrize(
    ("clv", "expected"),
    [
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], "hhmmmlllll"),
        ([1, 2, 3, 4, 5], "lllmh"),
        ([9, 9, 9, 9, 9, 1, 1, 1, 1, 1], "mmmmmlllll"),
        ([9, 9, 9, 1, 1, 1, 1, 1, 1, 1], "hhhlllllll"),
        ([5, 5, 5, 5], "mmmm"),
        ([5], "m"),
        ([None, 5], "-m"),
        ([0, 0, 0], "mmm"),
        ([None, 9, 1, None], "-ml-"),
        ([None, None], "--"),
        ([10.001, 10.002, 9, 8, 7, 6, 5, 4, 3, 2], "hhmmmlllll"),
    ],
)
def test_the_value_tiers_take_their_shares_from_the_top_and_equal_values_stay_together(tonight, clv, expected):
    assert tiers(tonight.scored(clv)) == expected


# ---------------------------------------------------------------- the segment before


def since(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["previous_segment"], row["segment_since_date"]


def test_on_the_first_night_nobody_has_a_segment_before(tonight):
    assert {since(row) for row in tonight.scored([1, 2])} == {(None, AS_OF)}


def test_a_customer_in_another_segment_has_moved_tonight(tonight):
    tonight.night(YESTERDAY, {"Loyal": [1], "Quiet": [2]}, segment_since_date=LAST_WEEK)
    one, two = tonight.scored([1, 2], segments=[2, 2])
    assert since(one) == ("Loyal", AS_OF)
    assert since(two) == (None, LAST_WEEK)


def test_identity_goes_by_number_and_not_by_name(tonight):
    tonight.night(YESTERDAY, {"Faithful": [1], "Loyal": [2]}, segment_since_date=LAST_WEEK)
    stays, same_name, moves = tonight.scored([1, 2, 3], segments=[1, 1, 2])
    assert since(stays) == (None, LAST_WEEK)
    assert since(same_name) == ("Loyal", AS_OF)
    assert since(moves) == (None, AS_OF)


def test_the_segment_before_is_told_by_the_name_that_it_had_then(tonight):
    tonight.night(YESTERDAY, {"Faithful": [1]}, segment_since_date=LAST_WEEK, previous_segment="New here")
    assert since(tonight.scored([1], segments=[2])[0]) == ("Faithful", AS_OF)


def test_a_customer_who_stays_keeps_what_was_known(tonight):
    tonight.night(YESTERDAY, {"Loyal": [1]}, segment_since_date=LAST_WEEK, previous_segment="New here")
    assert [since(row) for row in tonight.scored([1])] == [("New here", LAST_WEEK)]


def test_a_night_of_an_earlier_release_is_the_first_one_known(tonight):
    tonight.night(YESTERDAY, {"Loyal": [1]})
    assert [since(row) for row in tonight.scored([1])] == [(None, YESTERDAY)]


def test_a_customer_who_was_away_begins_anew(tonight):
    tonight.night(LAST_WEEK, {"Quiet": [1, 2]})
    tonight.night(YESTERDAY, {"Quiet": [2]})
    assert since(tonight.scored([1, 2])[0]) == (None, AS_OF)


def test_only_the_published_night_before_counts(tonight):
    tonight.night(LAST_WEEK, {"Loyal": [1]}, segment_since_date=LAST_WEEK)
    tonight.night(YESTERDAY, {"Quiet": [1]}, is_published=False)
    tonight.night(AS_OF, {"Quiet": [1]})
    tonight.night(AS_OF + timedelta(days=1), {"Quiet": [1]})
    assert since(tonight.scored([1])[0]) == (None, LAST_WEEK)
