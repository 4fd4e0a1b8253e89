"""Customers by signup month, and who of them is still there as each month ends."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.sql.kpis.company_months import Months
from tests.sql.staging_tables import AS_OF

APR, MAY, JUN = (date(2025, month, 1) for month in (4, 5, 6))


def signed_up(months: Months, key: int, on: date, **columns: Any) -> None:
    months.staging.customer(key, (on - AS_OF).days, **columns)


def cohorts(months: Months, *columns: str) -> dict[Any, Any]:
    rows = months.rows("retention_cohorts")
    return {(row["signup_month"], row["months_since"]): tuple(row[column] for column in columns) for row in rows}


def test_a_cohort_is_followed_from_its_signup_month_to_the_last_whole_one(months):
    """Of four who signed up in April one never pays, one is bridged over the end of May, one is back in June."""
    for key, day in ((1, 1), (2, 30), (3, 15), (4, 15)):
        signed_up(months, key, date(2025, 4, day))
    signed_up(months, 5, date(2025, 7, 5))
    add = months.staging.subscription
    add(2, date(2025, 4, 30), date(2025, 5, 25), mrr=10)
    add(2, date(2025, 6, 3), mrr=11)
    add(3, date(2025, 4, 15), date(2025, 5, 1), mrr=20)
    add(3, date(2025, 6, 15), mrr=21)
    add(4, date(2025, 5, 1), mrr=40)
    months.store(date(2025, 7, 10))
    assert cohorts(months, "customers", "retained", "retention_rate", "revenue", "is_provisional") == {
        (APR, 0): (4, 2, 0.5, Decimal("30"), False),  # 3 ends on 1 May and is there as April ends; 4 starts that day
        (APR, 1): (4, 2, 0.5, Decimal("50"), False),
        (APR, 2): (4, 3, 0.75, Decimal("72"), True),
    }


def test_revenue_is_what_the_cohort_paid_where_payments_are_mapped(months):
    signed_up(months, 1, date(2025, 5, 5))
    months.staging.subscription(1, date(2025, 5, 5), mrr=10)
    months.staging.payment(1, date(2025, 5, 6), Decimal("120"))
    months.staging.payment(1, date(2025, 6, 6), Decimal("-20"), "refunded")
    months.store(AS_OF)
    assert cohorts(months, "retained", "revenue") == {(MAY, 0): (1, Decimal("120")), (MAY, 1): (1, Decimal("-20"))}


def test_customers_deleted_in_the_source_stay_in_their_cohort(months):
    signed_up(months, 1, date(2025, 5, 5), valid_to=datetime(2025, 6, 10))
    signed_up(months, 2, date(2025, 5, 6))
    months.staging.subscription(1, date(2025, 5, 5), mrr=10, valid_to=datetime(2025, 6, 10))
    months.staging.subscription(2, date(2025, 5, 6), mrr=10)
    months.store(AS_OF)
    assert cohorts(months, "customers", "retained") == {(MAY, 0): (2, 2), (MAY, 1): (2, 1)}


def test_a_cohort_begins_with_its_signup_month_though_nobody_has_paid_yet(months):
    """The figures by month begin with the first who is active all the same."""
    signed_up(months, 1, date(2025, 2, 5))
    signed_up(months, 2, date(2025, 4, 5))
    months.staging.subscription(1, date(2025, 5, 5), mrr=10)
    months.store(AS_OF)
    february = [0, 0, 0, 1, 1]
    assert cohorts(months, "retained", "revenue") == {
        **{(date(2025, 2, 1), since): (there, 10 * there) for since, there in enumerate(february)},
        **{(APR, since): (0, 0) for since in range(3)},
    }
    assert [row["month"] for row in months.rows("kpi_monthly")] == [MAY, JUN]
    assert {row["month"] for row in months.rows("kpi_monthly_by")} == {MAY, JUN}


def test_buyers_are_retained_while_they_are_eligible(months):
    signed_up(months, 1, date(2025, 4, 5))
    months.staging.payment(1, date(2025, 4, 6), Decimal("10"))
    months.store(AS_OF, "inactivity", inactivity_days=60)
    assert cohorts(months, "retained", "revenue") == {
        (APR, 0): (1, Decimal("10")),
        (APR, 1): (1, Decimal("0")),  # 6 April is 56 days before 1 June
        (APR, 2): (0, Decimal("0")),
    }
