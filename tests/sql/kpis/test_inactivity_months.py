"""Buyers without a contract, worked out by hand: inactivity_days is 60, a month has 28 to 31 days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.sql.kpis.company_months import Months

AS_OF = date(2024, 5, 1)
JAN, FEB, MAR, APR = (date(2024, month, 1) for month in range(1, 5))


@pytest.fixture
def buyers(months: Months) -> Months:
    pay = months.staging.payment
    # 1 buys every month, the leap day included; 2 once, and is eligible for 60 days from 10 January.
    for day in (date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)):
        pay(1, day, Decimal("10.05"))
    pay(2, date(2024, 1, 10), Decimal("20"))
    # 3 buys in January and again in April, when the first purchase is 91 days old.
    pay(3, date(2024, 1, 1), Decimal("5"))
    pay(3, date(2024, 4, 1), Decimal("5"))
    # 4's only payments fail, are free or are given back at once; 5 has half of the money back in March.
    pay(4, date(2024, 1, 5), Decimal("99"), "failed")
    pay(4, date(2024, 1, 6), Decimal("0"))
    pay(4, date(2024, 1, 7), Decimal("7"), "refunded")
    pay(5, date(2024, 2, 1), Decimal("30"))
    pay(5, date(2024, 3, 2), Decimal("-15"), "refunded")
    months.store(AS_OF, "inactivity", inactivity_days=60)
    return months


@pytest.mark.parametrize(
    ("month", "counts"),
    [
        (JAN, (0, 3, 0, 0, 3)),  # 1, 2, 3
        (FEB, (3, 1, 0, 2, 4)),  # 5 is new; 2 and 3 buy nothing, and are still eligible on 1 March
        (MAR, (4, 0, 0, 3, 2)),  # 2 and 3 again, and 5; eligible on 1 April are 1 and 5
        (APR, (2, 0, 1, 1, 2)),  # 3 is back, 5 buys nothing again; eligible on 1 May are 1 and 3
    ],
)
def test_buyers_come_and_go(buyers, month, counts):
    assert buyers.counts(month) == counts


def test_revenue_is_paid_less_refunded_and_mrr_is_not_known(buyers):
    revenue = {month: buyers.figures(month)["revenue"] for month in (JAN, FEB, MAR, APR)}
    assert revenue == {
        JAN: Decimal("35.05"),
        FEB: Decimal("40.05"),
        MAR: Decimal("-4.95"),
        APR: Decimal("15.05"),
    }
    assert set(buyers.mrr(FEB)) == {None}
    row = buyers.figures(FEB)
    assert (row["nrr"], row["grr"], row["arpa"]) == (None, None, Decimal("10.0125"))
    assert (row["churn_rate"], row["is_provisional"]) == (pytest.approx(2 / 3), False)


def test_there_is_no_plan(buyers):
    assert buyers.by("plan", FEB, "customers_start") == {}
    assert buyers.by("segment", APR, "customers_start", "reactivated", "revenue") == {
        "(unknown)": (2, 0, Decimal("10.05")),
        "(returned)": (0, 1, Decimal("5")),
    }


def test_a_month_knows_what_was_known_as_it_ended(months):
    """1's purchase is given back in March, until then it was one; 2's failed payment goes through in March."""
    pay = months.staging.payment
    pay(1, date(2024, 1, 20), Decimal("50"), payment_id="p", valid_to=datetime(2024, 3, 10))
    pay(1, date(2024, 1, 20), Decimal("50"), "refunded", payment_id="p", valid_from=datetime(2024, 3, 10))
    pay(2, date(2024, 1, 20), Decimal("8"), "failed", payment_id="q", valid_to=datetime(2024, 3, 10))
    pay(2, date(2024, 1, 20), Decimal("8"), payment_id="q", valid_from=datetime(2024, 3, 10))
    months.store(AS_OF, "inactivity")
    assert [months.counts(month) for month in (JAN, FEB, MAR)] == [(0, 1, 0, 0, 1), (1, 0, 0, 1, 1), (1, 1, 0, 1, 1)]
    assert months.figures(JAN)["revenue"] == Decimal("8")


def test_a_purchase_too_old_by_the_months_end_counts_as_new_all_the_same(months):
    months.staging.payment(1, date(2024, 3, 1), Decimal("5"))
    months.store(AS_OF, "inactivity", inactivity_days=28)
    assert months.counts(MAR) == (0, 1, 0, 0, 0)
