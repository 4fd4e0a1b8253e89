"""Totals of CLV: they add up to the cent by every dimension, and their intervals know what customers share."""

from __future__ import annotations

from decimal import Decimal
from math import sqrt
from typing import Any

import pytest
import sqlalchemy as sa

from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from tests.sql.nights import Nights, score
from tests.sql.staging_tables import AS_OF, Staging

Z = 1.2816


class Totals(Nights):
    """A night whose customers are summed."""

    def summed(self, *customers: dict[str, Any], plan_place: int | None = None) -> tuple[int, dict[Any, Any]]:
        """Score customers 1, 2, ..., sum them, and return the run and the totals by (dimension, value)."""
        keys = range(1, len(customers) + 1)
        snapshot_id = self.snapshot({key: {"tenure_days": 100} for key in keys})
        run_id = self.run(AS_OF)
        ensure_month(self.connection, "clv_totals", AS_OF)
        for segment_id, name in ((1, "Loyal"), (2, "Quiet")):
            self.segment(AS_OF, run_id, segment_id, name)
        for key, customer in zip(keys, customers, strict=True):
            row: dict[str, Any] = {
                "clv": 0,
                "clv_if_retained": 0,
                "value_tier": "low",
                "segment": 1,
                "plan": "basic",
            } | customer
            self.connection.execute(
                sa.text("update scores.feature_snapshots set categories = :plan where customer_key = :key"),
                {"plan": [row["plan"]], "key": key},
            )
            spread = {"variance": row.get("variance"), "shifts": row.get("shifts")}
            self.insert("scores.attempt_clv", {"customer_key": key, "clv": row["clv"]} | spread)
            shown = {name: row[name] for name in ("clv", "clv_if_retained", "value_tier")}
            self.insert("scores.customer_scores", score(AS_OF, run_id, row["segment"], key, **shown))
        keys_of_run = {"as_of": AS_OF, "run_id": run_id, "snapshot_id": snapshot_id, "plan_place": plan_place}
        self.connection.execute(read_sql("clv/totals.sql").statement, keys_of_run)
        found = self.connection.execute(sa.text("select * from bi.clv_totals")).mappings()
        return run_id, {(row["dimension"], row["value"]): dict(row) for row in found}


@pytest.fixture
def totals(staging: Staging) -> Totals:
    return Totals(staging)


def test_every_dimension_adds_up_to_the_cent(totals):
    run_id, found = totals.summed(
        {"clv": Decimal("10.01"), "clv_if_retained": Decimal("12.03"), "value_tier": "low", "plan": "basic"},
        {"clv": Decimal("0.10"), "clv_if_retained": Decimal("0.20"), "value_tier": "low", "segment": 2, "plan": "pro"},
        {"clv": Decimal("0.20"), "clv_if_retained": Decimal("0.30"), "value_tier": "high", "plan": None},
        plan_place=1,
    )
    assert {key: row["clv"] for key, row in found.items()} == {
        ("all", "all"): Decimal("10.31"),
        ("segment", "Loyal"): Decimal("10.21"),
        ("segment", "Quiet"): Decimal("0.10"),
        ("value_tier", "low"): Decimal("10.11"),
        ("value_tier", "high"): Decimal("0.20"),
        ("plan", "basic"): Decimal("10.01"),
        ("plan", "pro"): Decimal("0.10"),
        ("plan", "(none)"): Decimal("0.20"),
    }
    assert found["all", "all"]["customers"] == 3
    assert found["all", "all"]["clv_if_retained"] == Decimal("12.53")
    assert totals.problems("clv_totals", run_id) == []


def test_without_plans_nobody_is_summed_by_plan(totals):
    _, found = totals.summed({"clv": 1})
    assert {dimension for dimension, _ in found} == {"all", "segment", "value_tier"}


def test_variances_add_and_what_customers_share_adds_before_it_is_squared(totals):
    _, found = totals.summed(
        {"clv": 100, "variance": 9.0, "shifts": [1.0, 2.0]},
        {"clv": 200, "variance": 16.0, "shifts": [3.0, -2.0], "segment": 2},
    )
    half = Z * sqrt(9 + 16 + (1 + 3) ** 2 + (2 - 2) ** 2)
    assert float(found["all", "all"]["clv_low"]) == pytest.approx(300 - half, abs=0.006)
    assert float(found["all", "all"]["clv_high"]) == pytest.approx(300 + half, abs=0.006)
    quiet = found["segment", "Quiet"]
    assert float(quiet["clv_high"]) == pytest.approx(200 + Z * sqrt(16 + 9 + 4), abs=0.006)


def test_a_total_has_no_interval_where_a_customer_has_no_spread(totals):
    _, found = totals.summed({"clv": 100, "variance": 9.0, "shifts": [1.0]}, {"clv": 5, "segment": 2})
    assert found["all", "all"]["clv_low"] is found["all", "all"]["clv_high"] is None
    assert found["segment", "Quiet"]["clv_high"] is None
    assert found["segment", "Loyal"]["clv_low"] is not None


def test_customers_of_unknown_value_are_counted_and_add_nothing(totals):
    run_id, found = totals.summed(
        {"clv": 100, "variance": 9.0, "shifts": [0.0]}, {"clv": None, "clv_if_retained": None, "value_tier": None}
    )
    assert (found["all", "all"]["customers"], found["all", "all"]["clv"]) == (2, 100)
    assert found["all", "all"]["clv_low"] is not None
    unknown = found["value_tier", "(unknown)"]
    assert (unknown["clv"], unknown["clv_low"], unknown["clv_high"]) == (0, None, None)
    assert totals.problems("clv_totals", run_id) == []


@pytest.mark.parametrize(
    "harm",
    [
        "update scores.clv_totals set clv = clv + 0.01 where dimension = 'segment'",
        "delete from scores.clv_totals where dimension = 'value_tier'",
        "update scores.clv_totals set customers = customers + 1 where dimension = 'all'",
    ],
)
def test_the_check_finds_totals_that_do_not_reconcile(totals, harm):
    run_id, _ = totals.summed({"clv": 100})
    totals.connection.execute(sa.text(harm))
    assert len(totals.problems("clv_totals", run_id)) == 1
