"""Ten customers with contracts, worked out by hand: every edge of a month that the glossary spells out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.sql.extract.conftest import make_company
from tests.sql.kpis.company_months import Months, money
from tests.sql.staging_tables import Staging

__all__ = ["make_company"]

AS_OF = date(2024, 7, 1)
DEC, JAN, FEB, MAR, APR, MAY, JUN = (date(2023, 12, 1), *(date(2024, month, 1) for month in range(1, 7)))


@pytest.fixture
def ten(months: Months) -> Months:
    """2024 is a leap year; grace is 14 days."""
    add = months.staging.subscription
    # 1 pays 100 throughout.
    add(1, date(2023, 12, 10), mrr=Decimal("100"))
    # 2 starts on the leap day and leaves on the last day of May.
    add(2, date(2024, 2, 29), date(2024, 5, 31), mrr=Decimal("20"))
    # 3 ends on the last day of January, 4 on the first of February.
    add(3, date(2023, 12, 1), date(2024, 1, 31), mrr=Decimal("30.10"))
    add(4, date(2023, 12, 1), date(2024, 2, 1), mrr=Decimal("40"))
    # 5 cancels and comes back on the same day.
    add(5, date(2023, 12, 1), date(2024, 2, 15), mrr=Decimal("50"))
    add(5, date(2024, 2, 15), mrr=Decimal("50"))
    # 6 is away for 11 days across the end of January and pays 10 more after it, 7 is away for 26.
    add(6, date(2023, 12, 5), date(2024, 1, 25), mrr=Decimal("60"))
    add(6, date(2024, 2, 5), mrr=Decimal("70"))
    add(7, date(2023, 12, 5), date(2024, 1, 25), mrr=Decimal("80"))
    add(7, date(2024, 2, 20), mrr=Decimal("80"))
    # 8 has a second subscription beside the first from February to April.
    add(8, date(2023, 12, 1), mrr=Decimal("25"))
    add(8, date(2024, 2, 10), date(2024, 4, 10), mrr=Decimal("15"), plan="pro")
    # 9 comes and goes within March, and comes back in May.
    add(9, date(2024, 3, 5), date(2024, 3, 20), mrr=Decimal("90"))
    add(9, date(2024, 5, 10), mrr=Decimal("95"))
    # 10 tries for free until April; in May a discount ends, the same subscription at another price.
    add(10, date(2023, 12, 1), date(2024, 4, 1), mrr=Decimal("0"), plan="free")
    add(10, date(2024, 4, 1), mrr=Decimal("12"), subscription_id="s", valid_to=datetime(2024, 5, 15))
    add(10, date(2024, 4, 1), mrr=Decimal("14.50"), subscription_id="s", valid_from=datetime(2024, 5, 15))
    months.store(AS_OF)
    return months


@pytest.mark.parametrize(
    ("month", "counts"),
    [
        (DEC, (0, 7, 0, 0, 7)),  # 1, 3, 4, 5, 6, 7, 8 are new
        (JAN, (7, 0, 0, 2, 5)),  # 3 and 7 leave; 6 is in a gap that will be bridged
        (FEB, (5, 1, 1, 1, 6)),  # 2 is new, 7 back, 4 leaves; 5 never left
        (MAR, (6, 0, 0, 0, 6)),  # 9 is at neither end
        (APR, (6, 1, 0, 0, 7)),  # 10 pays from the first day on
        (MAY, (7, 0, 1, 1, 7)),  # 9 is back, 2 leaves
        (JUN, (7, 0, 0, None, 7)),  # not known before 15 July
    ],
)
def test_customers_come_and_go_in_the_month_of_the_day_it_happens(ten, month, counts):
    assert ten.counts(month) == counts


@pytest.mark.parametrize(
    ("month", "mrr"),
    [
        (DEC, ("0", "385.10", "0", "0", "0", "0", "385.10")),
        (JAN, ("385.10", "0", "0", "0", "0", "110.10", "275.00")),
        (FEB, ("275.00", "20", "80", "25", "0", "40", "360.00")),  # 6 pays 10 more, 8 has 15 beside
        (MAR, ("360", "0", "0", "0", "0", "0", "360")),
        (APR, ("360", "12", "0", "0", "15", "0", "357")),  # 8 gives the second one up
        (MAY, ("357", "0", "95", "2.50", "0", "20", "434.50")),  # 10's discount ends
        (JUN, ("434.50", "0", "0", "0", "0", "0", "434.50")),
    ],
)
def test_mrr_moves_by_what_changed_from_start_to_end(ten, month, mrr):
    assert ten.mrr(month) == money(*mrr)


def test_rates_are_of_those_who_were_there_at_the_start(ten):
    row = ten.figures(FEB)
    assert (row["churn_rate"], row["retention_rate"]) == (pytest.approx(1 / 5), pytest.approx(4 / 5))
    assert row["nrr"] == pytest.approx((275 + 25 - 40) / 275)
    assert row["grr"] == pytest.approx((275 - 40) / 275)
    assert row["arpa"] == 60  # 360 / 6
    first = ten.figures(DEC)
    assert (first["churn_rate"], first["nrr"], first["grr"]) == (None, None, None)
    assert first["arpa"] == Decimal("55.0142857142857143")  # 385.10 / 7, not rounded to cents


def test_the_horizon_columns_are_the_label_of_the_months_first_day(ten):
    shown = {month: (ten.figures(month)["horizon_customers"], ten.figures(month)["horizon_churned"])
             for month in (JAN, FEB, MAY, JUN)}  # fmt: skip
    assert shown == {
        JAN: (7, 1),  # 7 leaves; 3 does on the 31st day, past the horizon
        FEB: (4, 1),  # 6 is in a gap: not scored
        MAY: (7, 0),  # 2 leaves on the 31st day
        JUN: (None, None),
    }


def test_plans_are_those_of_the_months_start_or_of_the_first_day(ten):
    assert ten.by("plan", MAR, "customers_start", "mrr_start") == {"basic": (6, Decimal("360"))}
    assert ten.by("plan", APR, "customers_start", "new", "mrr_end") == {"basic": (6, 1, Decimal("357"))}


@pytest.mark.parametrize(
    ("as_of", "counts", "mrr_churned", "mrr_end", "is_provisional"),
    [
        # 6 and 7 left on 25 January. On 5 February nobody knows yet that 6 resumes that day.
        (date(2024, 2, 5), (7, 0, 0, None, 4), "170.10", "215.00", True),
        (date(2024, 2, 6), (7, 0, 0, None, 5), "110.10", "275.00", True),
        # A gap that began on 31 January could have been bridged until 14 February.
        (date(2024, 2, 14), (7, 0, 0, None, 5), "110.10", "275.00", True),
        (date(2024, 2, 15), (7, 0, 0, 2, 5), "110.10", "275.00", False),
    ],
)
def test_a_month_is_provisional_until_its_last_gap_cannot_be_bridged(
    ten, as_of, counts, mrr_churned, mrr_end, is_provisional
):
    ten.connection.exec_driver_sql("delete from ops.published")
    ten.store(as_of)
    row = ten.figures(JAN)
    assert ten.counts(JAN) == counts
    assert (row["mrr_churned"], row["mrr_end"]) == money(mrr_churned, mrr_end)
    assert (row["is_provisional"], row["churn_rate"] is None, row["nrr"] is None) == (is_provisional,) * 3


@pytest.mark.parametrize(
    ("as_of", "shown", "counts"),
    [
        # As of the first day of a month the month before is whole, and the new one has not begun.
        (date(2024, 2, 1), [DEC, JAN], (7, 0, 0, None, 4)),
        # On 1 February 4's end, dated that day, is not known; as of the 2nd it has happened.
        (date(2024, 2, 2), [DEC, JAN, FEB], (4, 0, 0, None, 3)),
        # Who starts or ends on as_of has not done so yet: 7 is not back, 2 is still there.
        (date(2024, 2, 20), [DEC, JAN, FEB], (5, 0, 0, None, 4)),
        (date(2024, 5, 31), [DEC, JAN, FEB, MAR, APR, MAY], (7, 0, 1, None, 8)),
    ],
)
def test_the_last_month_runs_up_to_as_of(ten, as_of, shown, counts):
    ten.connection.exec_driver_sql("delete from ops.published")
    ten.store(as_of)
    assert [row["month"] for row in ten.rows("kpi_monthly")] == shown
    assert ten.counts(shown[-1]) == counts


@pytest.mark.parametrize(("gap", "is_churned"), [(0, False), (1, False), (13, False), (14, False), (15, True)])
@pytest.mark.parametrize("ended", [date(2024, 1, 2), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 29)])
def test_a_gap_is_bridged_up_to_the_grace_and_no_longer(months, ended, gap, is_churned):
    months.staging.subscription(1, date(2023, 12, 1), ended, mrr=10)
    months.staging.subscription(1, ended + timedelta(days=gap), mrr=20)
    months.store(AS_OF)
    shown = {row["month"]: row["churned"] for row in months.rows("kpi_monthly")}
    assert [month for month, churned in shown.items() if churned] == ([ended.replace(day=1)] if is_churned else [])
    returned = ended + timedelta(days=gap)
    moved = months.figures(returned.replace(day=1))
    assert (moved["reactivated"], moved["mrr_reactivated"], moved["mrr_expansion"]) == (
        (1, 20, 0) if is_churned else (0, 0, 10)
    )


def test_the_day_is_the_one_on_the_businesss_clock(make_company):
    """Half past eleven in the evening of 31 January in Berlin is January; half an hour past midnight is not."""
    company = make_company()
    company.sections = {"business": {"timezone": "Europe/Berlin"}}
    company.now = datetime.fromisoformat("2024-03-20 03:00+00:00")
    company.run("insert into customers values ('A', '2024-01-31 22:30+00', null), ('B', '2024-01-31 23:30+00', null)")
    company.run(
        "insert into subscriptions (subscription_id, customer_id, plan, mrr, started_at, ended_at) values "
        "('1', 'A', 'basic', 10, '2024-01-31 22:30+00', '2024-02-29 22:30+00'), "
        "('2', 'B', 'basic', 20, '2024-01-31 23:30+00', '2024-02-29 23:30+00')"
    )
    company.extract()

    with company.warehouse.begin() as connection:
        months = Months(Staging(connection))
        months.store(date(2024, 3, 20))
        assert months.counts(JAN) == (0, 1, 0, 0, 1)
        assert months.counts(FEB) == (1, 1, 0, 1, 1)
        assert months.mrr(FEB) == money("10", "20", "0", "0", "0", "10", "20")
        assert months.mrr(MAR) == money("20", "0", "0", "0", "0", "20", "0")
