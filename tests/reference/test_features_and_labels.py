"""`sql/features` and `sql/labels` give what the slow and obvious oracle gives, on small random companies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from churn.sqlfiles import sql_folder
from tests.reference import features_oracle as oracle
from tests.reference.random_company import CUSTOMERS, fill
from tests.sql.conftest import staging, staging_database
from tests.sql.staging_tables import AS_OF, Staging

__all__ = ["staging", "staging_database"]

SEEDS = range(12)
FAMILIES: dict[str, Callable[[oracle.Company, int], oracle.Row]] = {
    "tenure": oracle.tenure,
    "revenue": oracle.revenue,
    "payments": oracle.payments,
    "usage": oracle.usage,
    "tickets": oracle.tickets,
    "rfm": oracle.rfm,
}
_NAMES = {
    "signed_up_date": "signed_up",
    "started_date": "started",
    "ended_date": "ended",
    "discount_until": "discount",
    "paid_date": "paid",
    "opened_date": "opened",
    "closed_date": "closed",
    "usage_date": "used",
}


def company(staging: Staging) -> oracle.Company:
    def rows(table: str) -> list[oracle.Row]:
        found = staging.connection.execute(sa.text(f"select * from staging.{table}")).mappings()
        return [{_NAMES.get(name, name): _plain(value) for name, value in row.items()} for row in found]

    return oracle.Company(
        pd.Timestamp(AS_OF),
        rows("customers"),
        rows("subscription_periods"),
        rows("payments"),
        rows("support_tickets"),
        rows("usage_daily"),
    )


def _plain(value: Any) -> Any:
    """Dates as days from as_of (a moment as a fraction after its midnight), decimals as floats."""
    if isinstance(value, datetime):
        return (value.date() - AS_OF).days + value.hour / 24
    if isinstance(value, date):
        return (value - AS_OF).days
    return value if value is None or isinstance(value, str | bool | int | dict) else float(value)


def assert_same(found: oracle.Row, expected: oracle.Row) -> None:
    assert {name: value for name, value in found.items() if name not in {"customer_key", "event_type"}} == {
        name: pytest.approx(value, rel=1e-12, abs=1e-12) if isinstance(value, float) else value
        for name, value in expected.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_every_family_agrees_with_the_oracle(staging, seed):
    fill(staging, seed)
    known = company(staging)
    for family, expected in FAMILIES.items():
        found = {row["customer_key"]: row for row in staging.run(f"features/{family}.sql")}
        for key in range(1, CUSTOMERS + 1):
            assert_same(found.get(key, {}), expected(known, key))
    typed = {(row["customer_key"], row["event_type"]): row for row in staging.run("features/usage_catalogue.sql")}
    for key in range(1, CUSTOMERS + 1):
        for event_type in "abc":
            assert_same(typed.get((key, event_type), {}), oracle.usage_catalogue(known, key, event_type))


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_and_populations_agree_with_the_oracle(staging, seed):
    fill(staging, seed)
    known = company(staging)
    for horizon, grace in [(30, 14), (30, 0), (1, 1), (90, 30)]:
        rows = staging.run("labels/contractual.sql", horizon_days=horizon, grace_days=grace)
        expected = {key: oracle.contractual_label(known, key, horizon, grace) for key in range(1, CUSTOMERS + 1)}
        assert_labels(rows, expected)
        assert_labels(staging.run("features/population_contractual.sql"), expected)
    for horizon, inactivity in [(30, 90), (1, 28), (44, 180)]:
        rows = staging.run("labels/inactivity.sql", horizon_days=horizon, inactivity_days=inactivity)
        expected = {key: oracle.inactivity_label(known, key, horizon, inactivity) for key in range(1, CUSTOMERS + 1)}
        assert_labels(rows, expected)
        assert_labels(staging.run("features/population_inactivity.sql", inactivity_days=inactivity), expected)


def assert_labels(rows: list[oracle.Row], expected: dict[int, bool | None]) -> None:
    """The rows are the customers with a label, and say what it is where they say anything."""
    labels = {key: label for key, label in expected.items() if label is not None}
    assert {row["customer_key"]: row.get("churned", labels.get(row["customer_key"])) for row in rows} == labels


@pytest.mark.parametrize("seed", range(6))
def test_nothing_dated_on_or_after_as_of_moves_a_feature(staging, seed):
    fill(staging, seed)
    before = everything(staging)
    fill(staging, seed + 1000, earliest=0, prefix="late")
    assert everything(staging) == before
    for change in FUTURE_CHANGES:
        staging.connection.execute(sa.text(change), {"as_of": AS_OF})
        assert everything(staging) == before, change


FUTURE_CHANGES = [
    # Rows of the past whose later fields are edited, with and without a version of their own.
    "update staging.support_tickets set closed_date = closed_date + 9, satisfaction = 1 where closed_date >= :as_of",
    "update staging.subscriptions set ended_date = ended_date + 9 where ended_date >= :as_of",
    "update staging.subscriptions set discount_until = discount_until + 9 where discount_until >= :as_of",
    """
    with replaced as (
        update staging.payments set valid_to = cast(:as_of as date) + interval '1 hour'
        where valid_to = '9999-12-31' and paid_date < :as_of
        returning payment_id, customer_key, paid_at, paid_date, learned_at, valid_to
    )
    insert into staging.payments
        (payment_id, customer_key, paid_at, paid_date, amount, status, valid_from, valid_to, learned_at)
    select payment_id, customer_key, paid_at, paid_date, 999, 'failed', valid_to, '9999-12-31', learned_at from replaced
    """,
    # Rows deleted in the source on as_of or later: their last version ends.
    "update staging.support_tickets set valid_to = :as_of where valid_to = '9999-12-31' and opened_date < :as_of",
    "update staging.subscriptions set valid_to = :as_of where valid_to = '9999-12-31' and started_date < :as_of",
    "delete from staging.usage_daily where usage_date >= :as_of",
    "delete from staging.payments where paid_date >= :as_of",
    "delete from staging.support_tickets where opened_date >= :as_of",
    "delete from staging.subscriptions where started_date >= :as_of",
]


def everything(staging: Staging) -> dict[str, list[dict[str, Any]]]:
    """Every file of sql/features at as_of."""
    return {file.path: staging.run(file.path, inactivity_days=90) for file in sql_folder("features")}
