"""The figures of a night's tables, and what they usually are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn import schema
from churn.partitions import ensure_month
from churn.quality import measure
from churn.schema import MONTHLY_TABLES
from churn.sqlfiles import read_sql
from tests.sql.nights import AT, Nights, score
from tests.sql.staging_tables import AS_OF, Staging

ALL_FAMILIES = ("tenure", "revenue", "payments", "usage", "tickets", "attributes")


class Office:
    """Measures nights whose source has some entities."""

    def __init__(self, staging: Staging) -> None:
        self.staging, self.connection = staging, staging.connection
        self.nights = Nights(staging)
        for table in MONTHLY_TABLES:
            ensure_month(self.connection, table, AS_OF)

    def measured(self, *families: str, run_id: int = 0) -> dict[tuple[str, str], float]:
        """The figures of a night, by table and name; tables of `staging` without their schema."""
        snapshot_id = self.nights.snapshot({1: {"logins": 1.0}})
        self.connection.execute(
            sa.update(schema.feature_sets)
            .values(families=list(families or ALL_FAMILIES))
            .where(
                schema.feature_sets.c.feature_set_id
                == sa.select(sa.func.max(schema.feature_sets.c.feature_set_id)).scalar_subquery()
            )
        )
        stored = measure(self.connection, AS_OF, run_id, snapshot_id)
        found = {name: value for name, value, _ in self.stored(run_id)}
        assert stored == len(found)
        return found

    def figures_of_payments(self, night: date) -> dict[str, float]:
        """The figures of payments on another night."""
        snapshot_id = self.connection.scalar(sa.select(sa.func.max(schema.snapshots.c.snapshot_id)))
        if snapshot_id is None:
            self.measured()
            return self.figures_of_payments(night)
        keys = {"as_of": night, "run_id": 0, "snapshot_id": snapshot_id}
        self.connection.execute(read_sql("quality/payments.sql").statement, keys)
        kept = schema.table_figures.c
        own = kept.as_of_date == night, kept.run_id == 0, kept.table_name == "staging.payments"
        return {
            row.figure: row.value for row in self.connection.execute(sa.select(kept.figure, kept.value).where(*own))
        }

    def stored(self, run_id: int = 0) -> list[tuple[tuple[str, str], float, float | None]]:
        """Figures of a run of the night: table and name, value, usual."""
        kept = schema.table_figures.c
        query = sa.select(kept.table_name, kept.figure, kept.value, kept.usual).where(
            kept.as_of_date == AS_OF, kept.run_id == run_id
        )
        return [
            ((row.table_name.removeprefix("staging."), row.figure), row.value, row.usual)
            for row in self.connection.execute(query)
        ]

    def before(self, values: dict[int, float], *, run_id: int = 1, publish: bool = True, **figure: Any) -> None:
        """Nights with a figure, by days before."""
        named = {"table_name": "staging.customers", "figure": "rows", "run_id": run_id} | figure
        for days, value in values.items():
            as_of = AS_OF - timedelta(days=days)
            row = {"as_of_date": as_of, "value": value, "usual": None}
            self.connection.execute(sa.insert(schema.table_figures), named | row)
            if publish:
                night = {"as_of_date": as_of, "run_id": 1, "list_run_id": 1, "published_at": AT, "in_sample": False}
                self.connection.execute(sa.insert(schema.published), night)

    def usual(self) -> float | None:
        """What the rows of customers usually are."""
        self.measured(run_id=9)
        (found,) = (usual for name, _, usual in self.stored(9) if name == ("customers", "rows"))
        return found


@pytest.fixture
def office(staging: Staging) -> Office:
    return Office(staging)


def figures(found: dict[tuple[str, str], float], table: str) -> dict[str, float]:
    return {figure: value for (name, figure), value in found.items() if name == table}


# ---------------------------------------------------------------- figures


def test_customers_of_the_past_and_known_now_are_counted(office):
    for key, signed_up in enumerate([-400, -1, 0, 1], 1):
        office.staging.customer(key, signed_up, contactable=True if key == 1 else None)
    office.staging.customer(5, -9, valid_to=-3)
    assert figures(office.measured(), "customers") == {"rows": 2, "age_days": 1, "null_share.contactable": 0.5}


def test_subscriptions_are_open_that_end_on_the_night_or_later(office):
    for started, ended in [(-9, None), (-9, 0), (-9, 3), (-9, -1), (0, None), (-2, -2)]:
        office.staging.subscription(1, started, ended, mrr=10, plan=None if ended == -1 else "basic")
    office.staging.subscription(1, -9, valid_to=-3)
    found = figures(office.measured(), "subscriptions")
    assert found == {
        "rows": 5, "open": 3, "mrr": 30, "age_days": 2, "null_share.plan": 0.2, "null_share.billing_months": 0,
        "null_share.discount_until": 1, "null_share.ended_at": 0.6,
    }  # fmt: skip


def test_payments_of_35_days_are_counted_by_who_paid(office):
    for key, paid, amount, status in [
        (1, -35, 10, "paid"), (1, -1, 20, "paid"), (2, -1, 99, "failed"), (3, -36, 10, "paid"), (4, 0, 10, "paid"),
    ]:  # fmt: skip
        office.staging.payment(key, paid, amount, status)
    found = figures(office.measured(), "payments")
    assert found == {
        "rows": 3, "customers": 2, "mean_amount": 15, "age_days": 1, "per_customer": 1, "repeated_share": 0,
    }  # fmt: skip


def test_whoever_is_billed_on_the_first_business_day_pays_in_every_35_days_and_once_in_28(office):
    bills = [date(2024, 12, 2), date(2025, 1, 5), date(2025, 2, 3), date(2025, 3, 3)]  # 34, 29, 28 days apart
    for key in (1, 2, 3):
        for bill in bills:
            office.staging.payment(key, bill)
    nights = [bills[0] + timedelta(days=day) for day in range(1, (bills[-1] - bills[0]).days + 20)]
    found = [office.figures_of_payments(night) for night in nights]
    assert {night["customers"] for night in found} == {3}
    assert {night["per_customer"] for night in found if "per_customer" in night} == {1}


def test_payments_that_are_equal_to_another_are_counted(office):
    for key, paid, amount, status in [
        (1, -1, 10, "paid"), (1, -1, 10, "paid"), (1, -1, 10, "paid"), (1, -1, 10, "failed"), (1, -1, 11, "paid"),
        (1, -2, 10, "paid"), (2, -1, 10, "paid"), (2, -30, 10, "paid"),
    ]:  # fmt: skip
        office.staging.payment(key, paid, amount, status)
    found = figures(office.measured(), "payments")
    assert (found["rows"], found["repeated_share"], found["per_customer"]) == (8, 0.25, 3.5)
    assert found["mean_amount"] == pytest.approx(71 / 7)


def test_a_source_in_which_nobody_has_paid_has_no_payers(office):
    assert figures(office.measured(), "payments") == {"rows": 0, "customers": 0}


def test_usage_of_7_days_is_counted_and_the_latest_of_35_found(office):
    for used, events in [(-8, 5), (-7, 2), (-1, 3), (0, 7)]:
        office.staging.usage(1, used, events)
    assert figures(office.measured(), "usage_daily") == {"rows": 2, "events": 5, "age_days": 1}


@pytest.mark.parametrize(("used", "found"), [(-35, {"age_days": 35}), (-36, {})])
def test_usage_that_stopped_is_none_and_of_an_age_for_35_days(office, used, found):
    office.staging.usage(1, used)
    assert figures(office.measured(), "usage_daily") == {"rows": 0, "events": 0, **found}


def test_tickets_of_28_days_are_counted_and_open_that_close_on_the_night(office):
    for opened, closed in [(-28, -1), (-28, 0), (-29, None), (0, None)]:
        office.staging.ticket(1, opened, closed, severity="high" if closed == -1 else None)
    found = figures(office.measured(), "support_tickets")
    assert found == {
        "rows": 2, "age_days": 28, "null_share.closed_at": 0.5, "null_share.severity": 0.5,
        "null_share.satisfaction": 1,
    }  # fmt: skip


def test_an_entity_that_the_source_lacks_has_no_figures(office):
    office.staging.customer(1, -9)
    office.staging.payment(1, -5)
    office.staging.usage(1, -1)
    office.staging.ticket(1, -9)
    office.staging.subscription(1, -9)
    office.staging.customer(2, 1)
    office.staging.attribute(1, "country", "DE")
    office.staging.attribute(2, "country", "DE")
    assert {table for table, _ in office.measured("tenure") if "." not in table} == {"customers"}
    assert figures(office.measured("tenure", "rfm"), "payments")["rows"] == 1
    assert figures(office.measured("tenure", "usage_catalogue"), "usage_daily")["rows"] == 1
    assert figures(office.measured("tenure", "attributes"), "customer_attributes") == {"rows": 1}


def test_scores_add_up_and_say_how_many_are_sure(office):
    rows: list[dict[str, float | None]]
    rows = [{"churn_probability": p, "clv": 100, "mrr": 5} for p in (0.0005, 0.2, 0.3, 0.9995)]
    rows.append({"churn_probability": None})
    for key, columns in enumerate(rows, 1):
        office.nights.insert("scores.customer_scores", score(AS_OF, 0, 1, key, **columns))
    found = figures(office.measured(), "scores.customer_scores")
    assert found["rows"] == 5
    assert found["expected_churners"] == 1.5
    assert found["mean_probability"] == 0.375
    assert found["extreme_share"] == 0.5
    assert found["clv"] == 400
    assert found["null_share.churn_probability"] == found["null_share.mrr"] == 0.2
    assert found["null_share.plan"] == 1


def test_every_table_that_the_night_shows_is_counted(office):
    nights = {name for name in schema.metadata.tables if name.startswith("scores.") and "attempt" not in name}
    measured = {table for table, _ in office.measured() if table.startswith("scores.")}
    assert measured == nights - {"scores.month_segments"}


def test_a_night_that_keeps_its_list_is_measured_by_it(office):
    group = {"priority_rank": 1, "segment": "Loyal", "campaign": "nightly", "campaign_group": "treatment"}
    listed = score(AS_OF, 3, 1, 1, **group)
    listed.pop("lifecycle_stage")
    office.nights.insert("scores.at_risk_list", listed)
    published = {"as_of_date": AS_OF, "run_id": 3, "list_run_id": 3, "published_at": AT, "in_sample": False}
    office.nights.insert("ops.published", published)
    assert office.measured(run_id=5)["scores.at_risk_list", "rows"] == 1


def test_a_night_measured_again_has_its_figures_once(office):
    office.staging.customer(1, -9)
    assert office.measured()["customers", "rows"] == 1
    office.staging.customer(2, -9)
    assert office.measured()["customers", "rows"] == 2


# ---------------------------------------------------------------- what is usual


@pytest.mark.parametrize(
    ("values", "median"),
    [([1, 2, 3, 4, 5, 6, 70], 4), ([1, 2, 3, 4, 6, 7, 8, 90], 5), ([1, 2, 3, 4, 5, 6], None), ([3] * 28, 3)],
)
def test_what_is_usual_is_the_median_of_at_least_seven_nights(office, values, median):
    office.before(dict(enumerate(values, 1)))
    assert office.usual() == median


def test_only_the_last_28_nights_count(office):
    office.before({days: 1 if days > 28 else 2 + days % 2 for days in range(1, 60)})
    assert office.usual() == 2.5


def test_nights_of_another_time_and_of_later_do_not_count(office):
    office.before({days: 5 for days in (0, -1, -2, *range(61, 90))})
    assert office.usual() is None
    office.before({days: 7 for days in (1, 2, 3, 4, 5, 6, 60)})
    assert office.usual() == 7


def test_runs_that_are_not_shown_do_not_count(office):
    office.before({days: 5 for days in range(1, 9)})
    office.before({days: 900 for days in range(1, 9)}, run_id=2, publish=False)
    assert office.usual() == 5


def test_a_table_that_is_new_has_nothing_usual(office):
    office.before({days: 5 for days in range(1, 29)}, table_name="staging.payments")
    assert office.usual() is None
