"""When the comparison with past nights raises an alarm, and when it must not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn import schema
from churn.sqlfiles import read_sql
from tests.sql.nights import AT
from tests.sql.staging_tables import AS_OF, Staging

LIMITS = {"volume_warn": 0.2, "volume_fail": 0.5, "stale_days": 3, "null_share_warn": 0.1}
RUN = 7
USAGE, PAYMENTS, CUSTOMERS = "staging.usage_daily", "staging.payments", "staging.customers"
TICKETS = "staging.support_tickets"
Values = dict[tuple[str, str], float]


class History:
    """Published nights with figures of tables, up to the night itself."""

    def __init__(self, staging: Staging) -> None:
        self.connection = staging.connection
        self.night = AS_OF

    def before(self, days: int) -> date:
        """The date that many days before the night."""
        return self.night - timedelta(days=days)

    def publish(self, days: range) -> None:
        rows = [
            {
                "as_of_date": self.before(day), "run_id": RUN, "list_run_id": RUN, "published_at": AT,
                "in_sample": False,
            }
            for day in days
        ]  # fmt: skip
        self.connection.execute(sa.insert(schema.published), rows)

    def write(self, values: dict[int, Values]) -> None:
        """Figures by days before the night, 0 for the night; then what is usual of the night."""
        rows = [
            {
                "as_of_date": self.before(day), "run_id": RUN, "table_name": table, "figure": figure,
                "value": value, "usual": None,
            }
            for day, figures in values.items()
            for (table, figure), value in figures.items()
        ]  # fmt: skip
        written = schema.table_figures.c.as_of_date.between(self.before(60), self.night)
        self.connection.execute(sa.delete(schema.table_figures).where(written))
        self.connection.execute(sa.insert(schema.table_figures), rows)
        self.find_usual(0)

    def find_usual(self, days: int) -> None:
        keys = {"as_of": self.before(days), "run_id": RUN}
        self.connection.execute(read_sql("quality/usual.sql").statement, keys)

    def found(self, check: str, days: int = 0, **limits: float) -> list[str]:
        """What a check finds of a night."""
        file = read_sql(f"checks/{check}.sql")
        params = LIMITS | limits | {"as_of": self.before(days), "run_id": RUN}
        return sorted(self.connection.scalars(file.statement, {name: params[name] for name in file.params}))

    def alarms(self, past: list[float], tonight: float, key: tuple[str, str], **limits: float) -> set[str]:
        """Which checks of volume speak of a figure with this past, its latest night last."""
        self.write({day: {key: value} for day, value in enumerate([*past, tonight][::-1])})
        return {check for check in ("volume", "volume_change") if self.found(check, 0, **limits)}


@pytest.fixture
def history(staging: Staging) -> History:
    made = History(staging)
    made.publish(range(1, 60))
    return made


# ---------------------------------------------------------------- volume


@pytest.mark.parametrize(
    ("tonight", "alarms"),
    [
        (1000, set()), (800, set()), (799, {"volume_change"}), (1250, set()), (1251, {"volume_change"}),
        (501, {"volume_change"}), (500, {"volume", "volume_change"}), (1999, {"volume_change"}),
        (2000, {"volume", "volume_change"}), (0, {"volume", "volume_change"}),
    ],
)  # fmt: skip
def test_a_fifth_is_shown_and_half_or_double_stops(history, tonight, alarms):
    assert history.alarms([1000] * 28, tonight, (CUSTOMERS, "rows")) == alarms


@pytest.mark.parametrize("key", [(USAGE, "rows"), (PAYMENTS, "customers"), (TICKETS, "rows")])
@pytest.mark.parametrize("tonight", [5000, 400, 1])
def test_what_comes_and_goes_is_shown_whether_it_doubles_or_nearly_ends(history, key, tonight):
    assert history.alarms([1000] * 28, tonight, key) == {"volume_change"}


def stopped(history: History, table: str, figure: str, age: float | None, **limits: float) -> list[str]:
    """What stops the first night without any rows of a table whose latest ever was 2 days old, and this old tonight."""
    past: dict[int, Values] = {day: {(table, figure): 1000.0, (table, "age_days"): 1 + day % 2} for day in range(1, 29)}
    tonight = {(table, figure): 0.0} if age is None else {(table, figure): 0.0, (table, "age_days"): age}
    history.write(past | {0: tonight})
    assert history.found("volume_change") != []
    return history.found("volume", 0, **limits)


@pytest.mark.parametrize(("age", "is_far"), [(4, False), (5, True), (8, True), (None, True)])
def test_what_comes_and_goes_stops_a_night_once_nothing_comes_any_more(history, age, is_far):
    told = f"{USAGE}: 0 rows in 7 days, usually 1000 (where that is right: quality.volume_fail = 1)"
    assert stopped(history, USAGE, "rows", age) == [told] * is_far
    assert bool(stopped(history, PAYMENTS, "customers", age)) == is_far
    assert stopped(history, USAGE, "rows", age, volume_fail=1.0) == []


def test_a_company_without_tickets_for_four_weeks_is_told_so_and_not_stopped(history):
    assert stopped(history, TICKETS, "rows", None) == []


def test_what_once_was_nothing_in_28_nights_may_be_nothing_again(history):
    for empty, is_found in [(1, False), (28, False), (29, True)]:
        history.write({day: {(USAGE, "rows"): 0.0 if day in (0, empty) else 1000.0} for day in range(30)})
        assert bool(history.found("volume")) == is_found, empty


def test_without_seven_nights_nothing_is_said(history):
    assert history.alarms([1000] * 6, 1, (CUSTOMERS, "rows")) == set()
    assert history.alarms([1000] * 7, 1, (CUSTOMERS, "rows")) == {"volume", "volume_change"}


def test_double_needs_28_nights(history):
    assert history.alarms([1000] * 27, 5000, (CUSTOMERS, "rows")) == {"volume_change"}
    assert history.alarms([1000] * 28, 5000, (CUSTOMERS, "rows")) == {"volume", "volume_change"}


@pytest.mark.parametrize("growth", [2, 40, 1000])
def test_nights_since_the_first_day_of_a_growing_business_are_not_stopped(history, growth):
    for nights in range(7, 45):
        past = [growth * day for day in range(1, nights + 1)]
        assert "volume" not in history.alarms(past, growth * (nights + 1), (CUSTOMERS, "rows")), nights
    assert "volume" in history.alarms(past, 2 * growth * (nights + 1), (CUSTOMERS, "rows"))


@pytest.mark.parametrize(("usual", "tonight"), [(5, 0), (16, 0), (10, 22), (40, 15)])
def test_few_rows_may_be_fewer_by_chance(history, usual, tonight):
    assert history.alarms([usual] * 28, tonight, (USAGE, "rows")) == set()


@pytest.mark.parametrize("tonight", [0, 1, 9_000])
def test_a_limit_of_1_accepts_everything_even_an_empty_table(history, tonight):
    assert history.alarms([1000] * 28, tonight, (CUSTOMERS, "rows"), volume_fail=1.0) == {"volume_change"}


def test_a_limit_below_1_does_not_accept_an_empty_table(history):
    assert "volume" in history.alarms([1000] * 28, 0, (CUSTOMERS, "rows"), volume_fail=0.9)


def test_an_empty_table_that_was_accepted_may_stay_empty(history):
    key = ("staging.subscriptions", "open")
    history.write({day: {key: 1000.0} for day in range(2, 30)} | {1: {key: 0.0}, 0: {key: 0.0}})
    history.find_usual(1)
    assert history.found("volume") == []


@pytest.mark.parametrize("tonight", [0, 500])
def test_a_table_that_was_always_empty_may_stay_so_or_fill(history, tonight):
    assert history.alarms([0] * 28, tonight, (CUSTOMERS, "rows")) == set()


def test_a_company_that_grows_by_a_hundredth_a_night_raises_no_alarm(history):
    assert history.alarms([1000 * 1.01**day for day in range(28)], 1000 * 1.01**28, (CUSTOMERS, "rows")) == set()


def test_one_odd_night_does_not_move_what_is_usual(history):
    assert history.alarms([*[1000] * 27, 100], 1000, (CUSTOMERS, "rows")) == set()


def test_what_was_accepted_once_need_not_be_accepted_again(history):
    key = (CUSTOMERS, "rows")
    history.write({day: {key: 1000} for day in range(2, 30)} | {1: {key: 400}, 0: {key: 390}})
    assert history.found("volume") == ["staging.customers: 390 customers, usually 1000"]
    history.find_usual(1)
    assert history.found("volume") == []
    assert history.found("volume_change") == ["staging.customers: 390 customers, usually 1000"]
    history.write({day: {key: 1000} for day in range(2, 30)} | {1: {key: 400}, 0: {key: 190}})
    history.find_usual(1)
    assert history.found("volume") == ["staging.customers: 190 customers, usually 1000"]


# ---------------------------------------------------------------- freshness


def ages(history: History, age_of: Callable[[int], int], table: str) -> None:
    """Write the age of the latest row for the night and the 59 before it, by days before."""
    history.write({day: {(table, "age_days"): age_of(day)} for day in range(60)})


def test_a_feed_that_stopped_is_stale_from_the_fourth_day_on_for_good(history):
    ages(history, lambda day: max(31 - day, 1), PAYMENTS)
    stale = {31 - day for day in range(31) if history.found("freshness", day)}
    assert stale == set(range(4, 32))


def test_a_feed_that_rests_at_weekends_is_not_stale_on_mondays(history):
    ages(history, lambda day: (1, 2, 3, 1, 1, 1, 1)[(AS_OF - timedelta(days=day)).weekday() - 6], USAGE)
    assert [day for day in range(31) if history.found("freshness", day)] == []


def test_payments_of_the_first_of_the_month_are_not_stale_before_the_next(history):
    ages(history, lambda day: ((AS_OF - timedelta(days=day)).day - 2) % 31 + 1, PAYMENTS)
    assert [day for day in range(31) if history.found("freshness", day)] == []


def test_payments_are_stale_after_35_days_whatever_is_usual(history):
    ages(history, lambda day: max(36 - day, 20), PAYMENTS)
    assert history.found("freshness") == [f"{PAYMENTS}: the latest row is of 2025-05-26, 36 days before"]
    assert history.found("freshness", 1) == []


@pytest.mark.parametrize(("age", "is_stale"), [(3, False), (4, True)])
def test_usage_is_taken_to_be_daily_on_the_first_nights(history, age, is_stale):
    history.write({0: {(USAGE, "age_days"): age, (CUSTOMERS, "age_days"): 90}})
    assert bool(history.found("freshness")) == is_stale


def test_tickets_that_come_now_and_then_are_never_stale(history):
    ages(history, lambda day: 1 + day % 20 if day else 34, "staging.support_tickets")
    assert history.found("freshness") == []


# ---------------------------------------------------------------- shares, amounts, lists


def test_a_few_nulls_of_a_few_rows_are_chance(history):
    share, rows = (CUSTOMERS, "null_share.contactable"), (CUSTOMERS, "rows")
    for count, tonight, is_found in [(20, 0.15, False), (20, 0.25, True), (10_000, 0.09, False), (10_000, 0.11, True)]:
        history.write({day: {share: 0.0 if day else tonight, rows: count} for day in range(29)})
        assert bool(history.found("null_shares")) == is_found, (count, tonight)


def test_a_column_that_is_filled_better_than_usual_is_no_problem(history):
    share, rows = (CUSTOMERS, "null_share.contactable"), (CUSTOMERS, "rows")
    history.write({day: {share: 0.9 if day else 0.0, rows: 1000} for day in range(29)})
    assert history.found("null_shares") == []


def test_amounts_in_cents_are_noticed_and_one_customer_of_a_few_is_not(history):
    mrr, count = ("staging.subscriptions", "mrr"), ("staging.subscriptions", "open")
    history.write({day: {mrr: 1e4 if day else 1e6, count: 400} for day in range(29)})
    assert history.found("amounts") == ["staging.subscriptions: mrr 1000000.00, usually 10000.00"]
    history.write({day: {mrr: 1e4 if day else 7e3, count: 10} for day in range(29)})
    assert history.found("amounts") == []


@pytest.mark.parametrize(("tonight", "is_found"), [(2.0, True), (1.9, False), (0.5, True), (0.6, False)])
def test_payments_that_are_doubled_or_halved_are_noticed(history, tonight, is_found):
    often, count = (PAYMENTS, "per_customer"), (PAYMENTS, "customers")
    history.write({day: {often: 1.0 if day else tonight, count: 400} for day in range(29)})
    told = [f"{PAYMENTS}: payments a customer in 28 days {tonight:.2f}, usually 1.00"]
    assert history.found("amounts") == told * is_found


@pytest.mark.parametrize(
    ("rows", "usual", "tonight", "is_found"),
    [
        (1000, 0, 0.12, True),
        (1000, 0, 0.1, False),
        (1000, 0.3, 0.35, False),
        (1000, 0.3, 0.5, True),
        (7, 0, 0.3, False),
    ],
)
def test_payments_that_are_written_twice_are_noticed(history, rows, usual, tonight, is_found):
    share, count = (PAYMENTS, "repeated_share"), (PAYMENTS, "rows")
    history.write({day: {share: usual if day else tonight, count: rows} for day in range(29)})
    told = (
        f"{PAYMENTS}: {100 * tonight:.1f} % equal to another in customer, day and amount, usually {100 * usual:.1f} %"
    )
    assert history.found("amounts") == [told] * is_found


def test_a_list_that_was_empty_before_may_be_empty(history):
    key = ("scores.at_risk_list", "rows")
    history.write({day: {key: 50.0 if day else 0.0} for day in range(29)})
    assert history.found("list_size") == ["0 customers on the list, usually 50"]
    history.write({day: {key: 50.0 if day not in (0, 9) else 0.0} for day in range(29)})
    assert history.found("list_size") == []


# ---------------------------------------------------------------- chance


def stationary(draw: np.random.Generator) -> dict[int, Values]:
    """29 nights of a company in which nothing changes but by chance, and usage by the weekday."""
    size = int(10 ** draw.uniform(1, 5))
    share = draw.uniform(0, 0.5)
    weekdays = draw.uniform(0.1, 1, 7)
    daily = [draw.binomial(size, 0.4 * weekdays[day % 7]) for day in range(29 + 7)]
    weekly = [sum(daily[day : day + 7]) for day in range(29)]
    nights = {}
    for day in range(29):
        customers = int(draw.binomial(size, 0.9)) + 1
        nulls = int(draw.binomial(customers, share))
        expected = draw.binomial(customers, 0.05)
        values: dict[str, dict[str, Any]] = {
            CUSTOMERS: {"rows": customers, "null_share.contactable": nulls / customers},
            "staging.subscriptions": {"rows": customers, "open": customers, "mrr": 20 * customers},
            USAGE: {"rows": weekly[day], "events": 3 * weekly[day], "age_days": 1},
            PAYMENTS: {
                "customers": draw.binomial(size, 0.3), "rows": size, "mean_amount": 20 + draw.normal(0, 0.5),
                "repeated_share": draw.binomial(size, 0.03) / size, "per_customer": 1 + draw.poisson(0.2 * size) / size,
            },
            "staging.support_tickets": {"rows": draw.binomial(size, 0.02)},
            "scores.customer_scores": {
                "rows": customers, "expected_churners": expected, "mean_probability": expected / customers,
                "extreme_share": draw.binomial(customers, 0.02) / customers,
            },
            "scores.at_risk_list": {"rows": draw.binomial(size, 0.05)},
        }  # fmt: skip
        nights[day] = {
            (table, figure): float(value) for table, figures in values.items() for figure, value in figures.items()
        }
    return nights


def test_chance_alone_stops_no_night_and_is_hardly_ever_shown(history):
    draw = np.random.default_rng(6)
    checks = ("volume", "volume_change", "null_shares", "amounts", "probability_mass", "list_size")
    history.connection.exec_driver_sql("set local enable_seqscan = off")
    shown = dict.fromkeys(checks, 0)
    for _ in range(200):
        history.night += timedelta(days=100)
        history.publish(range(1, 29))
        history.write(stationary(draw))
        for check in checks:
            shown[check] += bool(history.found(check))
    assert shown["volume"] == 0
    assert sum(shown.values()) <= 4, shown


def test_a_night_of_the_past_is_compared_with_nights_before_it(history):
    key = (CUSTOMERS, "rows")
    history.write({day: {key: 1000.0 if day > 9 else 100.0} for day in range(40)})
    history.find_usual(9)
    assert history.found("volume", 9) == [f"{CUSTOMERS}: 100 customers, usually 1000"]
    history.find_usual(10)
    assert history.found("volume", 10) == []
