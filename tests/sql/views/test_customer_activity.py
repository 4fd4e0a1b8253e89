"""`bi.customer_activity`: weeks from Monday, up to the night, as it was known then."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from tests.sql.nights import Nights
from tests.sql.staging_tables import AS_OF, Staging, day, moment

# AS_OF, 2025-07-01, is a Tuesday: its week has one day in it, and the last whole one began on 2025-06-23.
MONDAY = date(2025, 6, 30)
FIGURES = (
    "usage_events",
    "usage_quantity",
    "active_days",
    "payments",
    "amount_paid",
    "amount_refunded",
    "payments_failed",
    "tickets_opened",
)


@pytest.fixture
def activity(staging: Staging) -> Staging:
    """A warehouse with a published night and three customers."""
    for key in (1, 2, 3):
        staging.connection.execute(
            sa.text(
                "insert into staging.customer_keys (customer_key, customer_id) overriding system value "
                "values (:key, 'c' || :key)"
            ),
            {"key": str(key)},
        )
    Nights(staging).run(AS_OF)
    return staging


def weeks(staging: Staging, customer: int = 1) -> dict[date, dict[str, object]]:
    query = sa.text("select * from bi.customer_activity where customer_id = :id order by week")
    found = staging.connection.execute(query, {"id": f"c{customer}"}).mappings()
    return {row["week"]: {name: row[name] for name in (*FIGURES, "is_whole_week")} for row in found}


def test_a_week_begins_on_monday_and_the_last_one_ends_with_the_night(activity):
    for used in (-9, -2, -1, 0, 1):  # Sunday; Sunday; Monday; the night itself; after it
        activity.usage(1, used, events=3, quantity=1.5)
    found = weeks(activity)
    assert {week: (row["usage_events"], row["is_whole_week"]) for week, row in found.items()} == {
        MONDAY - timedelta(days=14): (3, True),
        MONDAY - timedelta(days=7): (3, True),
        MONDAY: (3, False),
    }


def test_days_count_once_whatever_was_done_on_them(activity):
    activity.usage(1, -5, events=2, quantity=1)
    activity.usage(1, -5, events=1, quantity=2, event_type="export")
    activity.usage(1, -4, events=1)
    activity.usage(1, -3, events=0)
    (row,) = weeks(activity).values()
    assert (row["usage_events"], row["usage_quantity"], row["active_days"]) == (4, 3, 2)


def test_payments_are_told_by_what_became_of_them(activity):
    activity.payment(1, -5, 10)
    activity.payment(1, -5, 5.5)
    activity.payment(1, -4, -3)
    activity.payment(1, -4, 2, "refunded")
    activity.payment(1, -4, 0)
    activity.payment(1, -3, 7, "failed")
    activity.payment(1, 0, 100)
    (row,) = weeks(activity).values()
    assert [row[name] for name in FIGURES[3:7]] == [2, Decimal("15.5"), Decimal(5), 1]


def test_payments_and_tickets_are_as_they_were_known_on_the_night(activity):
    activity.payment(1, -5, 10, "failed", payment_id="p", valid_to=moment(1))
    activity.payment(1, -5, 10, "paid", payment_id="p", valid_from=moment(1))
    activity.payment(1, -5, 4, "failed", payment_id="q", valid_to=moment(-3))
    activity.payment(1, -5, 4, "paid", payment_id="q", valid_from=moment(-3))
    activity.ticket(1, -5, ticket_id="t", valid_to=moment(-3))
    activity.ticket(1, -5, ticket_id="t", valid_from=moment(-3))
    activity.ticket(1, 0)
    (row,) = weeks(activity).values()
    assert [row[name] for name in FIGURES[3:]] == [1, 4, 0, 1, 1]


def test_what_was_learned_on_the_day_of_the_night_is_not_shown_yet(activity):
    activity.payment(1, -5, 10, "failed", payment_id="p", valid_to=moment(0))
    activity.payment(1, -5, 10, "paid", payment_id="p", valid_from=moment(0))
    activity.payment(1, -5, 4, "paid", payment_id="q", valid_from=moment(0))
    activity.ticket(1, -5, ticket_id="t", valid_from=moment(0))
    (row,) = weeks(activity).values()
    assert [row[name] for name in FIGURES[3:]] == [0, 0, 0, 1, 0]


def test_customers_are_kept_apart_and_who_did_nothing_has_no_row(activity):
    activity.usage(1, -5)
    activity.payment(2, -5)
    assert list(weeks(activity, 1)) == list(weeks(activity, 2)) == [MONDAY - timedelta(days=7)]
    assert weeks(activity, 3) == {}


def test_a_customer_is_looked_up_by_index_in_every_table(activity):
    activity.usage(1, -5)
    activity.usage(1, -40)
    activity.connection.exec_driver_sql("set local enable_seqscan = off")
    query = "explain (costs off) select * from bi.customer_activity where customer_id = 'c1'"
    plan = "\n".join(activity.connection.scalars(sa.text(query)))
    assert "Seq Scan" not in plan
    assert plan.count("customer_key = k.customer_key") >= 4
    assert day(-5) < AS_OF
