"""Figures by segment and plan add up to the whole; values and segments are those of their own day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from churn.partitions import ensure_month
from churn.sqlfiles import read_sql
from tests.sql.kpis.company_months import Months
from tests.sql.nights import AT

AS_OF = date(2025, 7, 1)
MAY, JUN = date(2025, 5, 1), date(2025, 6, 1)


@pytest.fixture
def company(months: Months) -> Months:
    add = months.staging.subscription
    add(1, date(2025, 4, 1), mrr=10, plan="basic", subscription_id="a")
    # 2 moves from basic to pro within June; 3 has both, and the dearer one counts; of two alike the older one.
    add(2, date(2025, 4, 1), date(2025, 6, 15), mrr=10, plan="basic")
    add(2, date(2025, 6, 15), mrr=30, plan="pro")
    add(3, date(2025, 4, 1), mrr=10, plan="basic")
    add(3, date(2025, 4, 2), mrr=Decimal("10.01"), plan="pro")
    add(4, date(2025, 4, 2), mrr=10, plan="pro")
    add(4, date(2025, 4, 1), mrr=10, plan="basic")
    # 5 has a plan without a name; 6 comes in June on basic and is on pro by its end; 7 comes back in June.
    add(5, date(2025, 4, 1), mrr=10, plan=None)
    add(6, date(2025, 6, 3), date(2025, 6, 20), mrr=10, plan="basic")
    add(6, date(2025, 6, 20), mrr=20, plan="pro")
    add(7, date(2025, 4, 1), date(2025, 5, 2), mrr=10, plan="basic")
    add(7, date(2025, 6, 10), mrr=10, plan="basic")
    # 8 has left long ago and pays a bill.
    add(8, date(2025, 4, 1), date(2025, 4, 9), mrr=10, plan="basic")
    months.staging.payment(8, date(2025, 6, 9), Decimal("4"))
    months.staging.payment(2, date(2025, 6, 9), Decimal("6"))
    return months


def test_a_plan_is_that_of_the_start_or_of_the_first_day_in_the_month(company):
    company.store(AS_OF)
    assert company.by("plan", JUN, "customers_start", "new", "reactivated", "mrr_start", "mrr_end", "revenue") == {
        "basic": (3, 1, 1, Decimal("40"), Decimal("90"), Decimal("6")),  # 1, 2 and 4; 6 and 7 come
        "pro": (1, 0, 0, Decimal("20.01"), Decimal("20.01"), Decimal("0")),  # 3
        "(none)": (1, 0, 0, Decimal("10"), Decimal("10"), Decimal("4")),  # 5, and 8's bill
    }


def test_a_segment_is_that_of_the_start_and_who_comes_has_none(company):
    ensure_month(company.connection, "month_segments", JUN)
    for key, segment in ((1, "Loyal"), (2, "Loyal"), (3, "Quiet"), (6, "Quiet")):
        company.insert(
            "scores.month_segments", {"as_of_date": JUN, "customer_key": key, "segment_id": 1, "segment": segment}
        )
    company.store(AS_OF)
    assert company.by("segment", JUN, "customers_start", "new", "reactivated", "mrr_end") == {
        "Loyal": (2, 0, 0, Decimal("40")),
        "Quiet": (1, 0, 0, Decimal("20.01")),
        "(unknown)": (2, 0, 0, Decimal("30")),
        "(new)": (0, 1, 0, Decimal("20")),
        "(returned)": (0, 0, 1, Decimal("10")),
    }
    assert set(company.by("segment", MAY, "new")) == {"(unknown)"}


def in_segment(company: Months, first: date, segments: dict[int, str]) -> None:
    """Keep customers' segments of a month's first day."""
    ensure_month(company.connection, "month_segments", first)
    row = {"as_of_date": first, "segment_id": 1}
    rows = ({**row, "customer_key": key, "segment": segment} for key, segment in segments.items())
    company.insert("scores.month_segments", *rows)


def test_who_came_is_in_the_segment_that_the_next_month_began_with(company):
    """6 and 7 come in June: who was not there as it began has no segment of that day, whatever is kept of it."""
    in_segment(company, JUN, {1: "Loyal", 6: "Quiet"})
    in_segment(company, AS_OF, {1: "Quiet", 6: "Loyal"})
    as_of = date(2025, 7, 9)
    company.store(as_of, run_id=company.night(as_of, {"Others": [1, 6, 7]}))
    assert company.by("segment", JUN, "customers_start", "new", "reactivated", "mrr_new", "mrr_end") == {
        "Loyal": (1, 1, 0, Decimal("20"), Decimal("30")),
        "(unknown)": (4, 0, 0, Decimal("0"), Decimal("80.01")),
        "(returned)": (0, 0, 1, Decimal("0"), Decimal("10")),
    }


@pytest.mark.parametrize("as_of", [AS_OF, date(2025, 6, 25)])
def test_who_came_in_the_last_month_is_in_the_segment_of_the_night_itself(company, as_of):
    """A night that is worked out anew looks neither at what was published for it nor at later months."""
    in_segment(company, AS_OF, {6: "Quiet", 7: "Quiet"})
    before = company.night(as_of, {"Quiet": [6, 7]})
    tonight = company.night(as_of, {"Others": [8], "Loyal": [6]}, is_published=False)
    company.store(as_of, run_id=tonight)
    company.connection.execute(sa.text("update ops.published set run_id = :run"), {"run": tonight})
    assert before != tonight
    assert company.by("segment", JUN, "new", "reactivated", "mrr_end") == {
        "Loyal": (1, 0, Decimal("20")),
        "(unknown)": (0, 0, Decimal("90.01")),
        "(returned)": (0, 1, Decimal("10")),
    }


def test_buyers_who_came_are_in_the_segment_that_the_next_month_began_with(months):
    """1 buys in May and June, 2 in June; of 3's purchase, too old as June ends, no segment is known."""
    for key, day in ((1, date(2025, 5, 20)), (1, JUN), (2, date(2025, 6, 20)), (3, date(2025, 6, 2))):
        months.staging.payment(key, day, Decimal("5"))
    in_segment(months, JUN, {1: "Loyal"})
    months.store(AS_OF, "inactivity", run_id=months.night(AS_OF, {"Quiet": [1, 2]}), inactivity_days=28)
    assert months.by("segment", JUN, "customers_start", "new", "customers_end", "revenue") == {
        "Loyal": (1, 0, 0, Decimal("5")),
        "Quiet": (0, 1, 1, Decimal("5")),
        "(new)": (0, 1, 0, Decimal("5")),
    }


@pytest.mark.parametrize("definition", ["contractual", "inactivity"])
def test_payments_before_the_first_customer_are_in_their_month(months, definition):
    """A bill of March, paid before there is a subscription; what is given back the same month is not revenue."""
    months.staging.payment(1, date(2025, 2, 9), Decimal("3"))
    months.staging.payment(1, date(2025, 2, 10), Decimal("-3"), "refunded")
    months.staging.payment(2, date(2025, 3, 9), Decimal("-4"), "refunded")
    months.staging.subscription(1, date(2025, 5, 5), mrr=10)
    months.store(AS_OF, definition)
    shown = [(row["month"].month, row["revenue"]) for row in months.rows("kpi_monthly")]
    bought = [(2, Decimal("0"))] if definition == "inactivity" else []
    assert shown == [*bought, (3, Decimal("-4")), (4, Decimal("0")), (5, Decimal("0")), (6, Decimal("0"))]
    assert months.by("segment", date(2025, 3, 1), "new", "revenue") == {"(unknown)": (0, Decimal("-4"))}


def clv(company: Months, as_of: date, run_id: int, amount: str, *, value: str = "all", dimension: str = "all") -> None:
    ensure_month(company.connection, "clv_totals", as_of)
    row = {"as_of_date": as_of, "run_id": run_id, "dimension": dimension, "value": value, "customers": 3}
    company.insert("scores.clv_totals", {**row, "clv": Decimal(amount), "clv_if_retained": 0})


def test_the_average_clv_is_that_of_the_months_last_published_night_and_tonights_own(company):
    for as_of, amount in ((date(2025, 5, 20), "3"), (date(2025, 6, 1), "30"), (date(2025, 6, 2), "300")):
        clv(company, as_of, company.run(as_of), amount)
    clv(company, date(2025, 5, 31), company.run(date(2025, 5, 31), is_published=False), "9")
    clv(company, date(2025, 7, 2), company.run(date(2025, 7, 2)), "3000")
    before = company.run(AS_OF)
    clv(company, AS_OF, before, "1")
    tonight = company.run(AS_OF, is_published=False)
    clv(company, AS_OF, tonight, "100")
    clv(company, AS_OF, tonight, "50", value="pro", dimension="plan")
    company.store(AS_OF, run_id=tonight)
    found = company.connection.execute(
        sa.text("select month, value, avg_clv from scores.kpi_months where avg_clv is not null order by 1, 2")
    )
    assert [tuple(row) for row in found] == [
        (MAY, "all", Decimal("10")),  # the night of 1 June has seen all of May
        (JUN, "all", Decimal("33.3333333333333333")),  # tonight has seen all of June
        (JUN, "pro", Decimal("16.6666666666666667")),
    ]


def test_the_average_clv_of_a_month_outlives_its_nights(company):
    """A night that is not kept any more left its totals, and `ops.past_nights` says which run was shown."""
    shown, anew = company.run(date(2025, 6, 1)), company.run(date(2025, 5, 20), is_published=False)
    clv(company, date(2025, 6, 1), shown, "30")
    clv(company, date(2025, 6, 1), company.run(date(2025, 6, 1), is_published=False), "3")
    clv(company, date(2025, 5, 20), anew, "300")
    statement = read_sql("keeping/withdraw_nights.sql").statement
    company.run(date(2025, 6, 2))
    company.connection.execute(statement, {"before": date(2025, 6, 2), "withdrawn_at": AT})
    company.store(AS_OF)
    query = "select avg_clv from scores.kpi_months where month = :month and dimension = 'all'"
    assert company.connection.scalar(sa.text(query), {"month": MAY}) == Decimal("10")


def test_a_night_that_is_caught_up_on_does_not_look_at_later_ones(company):
    as_of = date(2025, 6, 15)
    tonight = company.run(as_of)
    clv(company, as_of, tonight, "100")
    clv(company, date(2025, 6, 20), company.run(date(2025, 6, 20)), "900")
    company.store(as_of, run_id=tonight)
    query = "select avg_clv from scores.kpi_months where month = '2025-06-01' and value = 'all'"
    assert company.connection.scalar(sa.text(query)) == Decimal("33.3333333333333333")


def test_a_night_without_clv_has_no_average(company):
    run_id = company.run(AS_OF)
    clv(company, AS_OF, run_id, "0")
    company.store(AS_OF, run_id=run_id)
    assert company.figures(JUN)["avg_clv"] is None


def test_the_views_show_the_latest_published_night_alone(company):
    first = company.store(AS_OF - timedelta(days=1))
    latest = company.store(AS_OF)
    company.store(AS_OF, run_id=company.run(AS_OF, is_published=False))
    assert first != latest
    for view in ("kpi_monthly", "kpi_monthly_by", "retention_cohorts"):
        assert {(row["as_of_date"], row["run_id"]) for row in company.rows(view)} <= {(AS_OF, latest)}
    assert len(company.rows("kpi_monthly")) == 3


def test_before_the_first_paid_period_there_is_no_month(months):
    months.staging.subscription(1, date(2025, 4, 1), mrr=0)
    months.staging.subscription(2, AS_OF, mrr=10)
    months.store(AS_OF)
    assert months.rows("kpi_monthly") == months.rows("retention_cohorts") == []


@pytest.mark.parametrize(
    "harm",
    [
        "mrr_end = mrr_end + 0.01 where dimension = 'all' and month = '2025-05-01'",
        "mrr_start = null where dimension = 'all' and month = '2025-05-01'",
        "mrr_new = mrr_new + 1, mrr_expansion = mrr_expansion - 1 where value = 'basic' and month = '2025-06-01'",
        "churned = customers_start + 1, customers_end = customers_start - customers_start - 1 where value = 'pro'",
        "churned = null where value = 'all'",
        "horizon_churned = horizon_customers + 1 where value = 'all' and month = '2025-05-01'",
        "month = '2024-05-01' where month = '2025-05-01'",
        "mrr_start = mrr_start + 1, mrr_end = mrr_end + 1 where month = '2025-06-01' and value = any(:whole)",
        "customers_start = customers_start + 1, customers_end = customers_end + 1 "
        "where month = '2025-06-01' and value = any(:whole)",
        "value = 'basic ', revenue = 5 where value = 'basic' and month = '2025-06-01'",
    ],
)
def test_the_check_finds_figures_that_do_not_reconcile(company, harm):
    run_id = company.store(AS_OF)
    update = sa.text(f"update scores.kpi_months set {harm}")
    company.connection.execute(update, {"whole": ["all", "basic", "(unknown)"]} if ":whole" in harm else {})
    assert company.problems("kpi_months", run_id) != []
    assert None not in company.problems("kpi_months", run_id)


def test_the_check_misses_the_months_of_a_night_with_scores(months):
    run_id = months.night(AS_OF, {"Loyal": [1]})
    assert months.problems("kpi_months", run_id) == ["no month was written"]


@pytest.mark.parametrize("harm", ["retained = customers + 1", "months_since = months_since + 1 where months_since > 1"])
def test_the_check_finds_cohorts_that_cannot_be(company, harm):
    company.staging.customer(1, -90)
    run_id = company.store(AS_OF)
    company.connection.execute(sa.text(f"update scores.cohort_months set {harm}"))
    assert company.connection.scalars(
        read_sql("checks/cohort_months.sql").statement, {"as_of": AS_OF, "run_id": run_id}
    ).all()


def test_rates_of_a_plan_are_those_of_its_own_money(months):
    add = months.staging.subscription
    for key, mrr_before, mrr_after in ((1, 10, 14), (2, 20, 17), (3, 40, 40)):
        add(key, date(2025, 1, 1), date(2025, 4, 15), mrr=mrr_before, plan="basic")
        add(key, date(2025, 4, 15), mrr=mrr_after, plan="basic")
    add(4, date(2025, 1, 1), date(2025, 4, 9), mrr=30, plan="basic")
    add(5, date(2025, 1, 1), mrr=100, plan="pro")
    months.store(AS_OF)
    april = months.by("plan", date(2025, 4, 1), "churn_rate", "retention_rate", "nrr", "grr", "arpa")
    assert april["basic"] == (
        pytest.approx(1 / 4),
        pytest.approx(3 / 4),
        pytest.approx((100 + 4 - 3 - 30) / 100),
        pytest.approx((100 - 3 - 30) / 100),
        pytest.approx(Decimal(71) / 3),
    )
    assert april["pro"] == (0.0, 1.0, 1.0, 1.0, Decimal(100))
