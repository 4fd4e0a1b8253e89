"""The series of months: one night stands for a month, and only two months running make a warning."""

from __future__ import annotations

from datetime import date

from churn.monitoring.months import first_nights, series_statuses

MAY_1, MAY_20, JUNE_3, JUNE_4, JULY_2 = (
    date(2025, 5, 1), date(2025, 5, 20), date(2025, 6, 3), date(2025, 6, 4), date(2025, 7, 2),
)  # fmt: skip


def test_the_first_night_stands_for_its_month():
    assert first_nights([JUNE_4, MAY_20, JUNE_3, MAY_1, date(2026, 5, 9)]) == [MAY_1, JUNE_3, date(2026, 5, 9)]
    assert first_nights([]) == []


def test_nights_of_one_month_never_make_a_warning():
    breached = {MAY_1: "outside", MAY_20: "outside"}
    assert series_statuses(breached) == breached


def test_a_breach_after_a_breach_in_the_month_before_is_a_warning():
    found = series_statuses({MAY_1: "outside", JUNE_3: "outside", JUNE_4: "outside", JULY_2: "inside"})
    assert found == {MAY_1: "outside", JUNE_3: "warning", JUNE_4: "outside", JULY_2: "inside"}


def test_a_month_that_was_not_evaluated_ends_a_run_of_breaches():
    assert series_statuses({MAY_1: "outside", JULY_2: "outside"})[JULY_2] == "outside"
    over_new_year = {date(2025, 12, 1): "outside", date(2026, 1, 1): "outside"}
    assert series_statuses(over_new_year)[date(2026, 1, 1)] == "warning"


def test_a_month_whose_first_night_is_inside_warns_on_none_of_its_nights():
    found = series_statuses({MAY_1: "outside", JUNE_3: "inside", JUNE_4: "outside"})
    assert found[JUNE_4] == "outside"


def test_a_month_is_judged_by_its_first_night():
    assert series_statuses({MAY_1: "inside", MAY_20: "outside", JUNE_3: "outside"})[JUNE_3] == "outside"


def test_a_month_of_which_nothing_is_known_does_not_end_a_run_of_breaches():
    assert series_statuses({MAY_1: "outside", JUNE_3: "unknown", JULY_2: "outside"})[JULY_2] == "warning"


def test_a_warning_is_taken_back_where_a_night_comes_in_between():
    assert series_statuses({MAY_1: "outside", JUNE_3: "inside", JULY_2: "warning"})[JULY_2] == "outside"


def test_the_order_of_evaluation_does_not_matter():
    later_first = {JULY_2: "outside", MAY_1: "outside", JUNE_3: "outside"}
    assert series_statuses(later_first) == {MAY_1: "outside", JUNE_3: "warning", JULY_2: "warning"}
