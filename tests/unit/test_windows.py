"""Date arithmetic: half-open windows, maturity, month ends and the business day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import ConfigError
from churn.windows import (
    add_months,
    business_today,
    label_window,
    matures_on,
    month_start,
    observation_window,
    purge_ok,
    snapshot_dates,
)

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))
NEAR = st.dates(date(2019, 1, 1), date(2026, 6, 30))
LENGTHS = st.integers(1, 400)
GRACES = st.integers(0, 120)


@given(DAYS, LENGTHS, LENGTHS)
def test_observation_and_label_windows_meet_at_as_of_and_never_overlap(as_of, days, horizon_days):
    seen, labelled = observation_window(as_of, days), label_window(as_of, horizon_days)
    assert seen[1] == labelled[0] == as_of
    assert (seen[1] - seen[0]).days == days
    assert (labelled[1] - labelled[0]).days == horizon_days


@given(DAYS, DAYS, LENGTHS, GRACES)
def test_the_purge_holds_exactly_when_the_earlier_label_had_matured(earlier, later, horizon_days, grace_days):
    expected = (later - earlier).days >= horizon_days + grace_days
    assert purge_ok(earlier, later, horizon_days, grace_days) is expected


def test_the_purge_is_met_on_the_day_the_label_matures_and_not_the_day_before():
    assert matures_on(date(2026, 1, 1), 30, 14) == date(2026, 2, 14)
    assert purge_ok(date(2026, 1, 1), date(2026, 2, 14), 30, 14)
    assert not purge_ok(date(2026, 1, 1), date(2026, 2, 13), 30, 14)


def test_february_is_shorter_than_a_horizon_of_thirty_days():
    assert not purge_ok(date(2026, 2, 1), date(2026, 3, 1), 30, 0)
    assert purge_ok(date(2026, 3, 1), date(2026, 4, 1), 30, 0)


@given(DAYS, st.integers(-240, 240))
def test_moving_a_month_start_by_months_and_back_returns_to_it(day, months):
    start = month_start(day)
    moved = add_months(start, months)
    assert moved.day == 1
    assert add_months(moved, -months) == start
    assert (moved.year - start.year) * 12 + moved.month - start.month == months


@given(DAYS, st.integers(-240, 240))
def test_moving_by_months_keeps_the_day_or_the_last_day_of_a_shorter_month(day, months):
    moved = add_months(day, months)
    assert moved.day == day.day or (moved.day < day.day and (moved + timedelta(days=1)).day == 1)


def test_a_month_after_the_last_of_january_is_the_last_of_february():
    assert add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert add_months(date(2025, 12, 31), 2) == date(2026, 2, 28)


def test_leaving_the_calendar_is_an_error():
    with pytest.raises(OverflowError):
        add_months(date(9999, 12, 1), 1)


@given(NEAR, NEAR, LENGTHS, GRACES, st.integers(0, 40))
def test_snapshots_are_the_latest_matured_month_starts_and_none_is_skipped(
    first, until, horizon_days, grace_days, count
):
    found = snapshot_dates(first, until, horizon_days, grace_days, count)
    every = [
        start
        for months in range(12 * 8)
        if first <= (start := add_months(date(2019, 1, 1), months))
        and matures_on(start, horizon_days, grace_days) <= until
    ]
    assert found == (every[-count:] if count else [])


def test_a_snapshot_that_matures_today_is_there_and_one_that_matures_tomorrow_is_not():
    assert snapshot_dates(date(2026, 1, 1), date(2026, 3, 31), 30, 0, 12) == [
        date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
    ]  # fmt: skip
    assert snapshot_dates(date(2026, 1, 1), date(2026, 3, 30), 30, 0, 12)[-1] == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("instant", "timezone", "expected"),
    [
        (datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "UTC", date(2026, 11, 21)),
        (datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "Asia/Tokyo", date(2026, 11, 22)),
        (datetime(2026, 11, 21, 3, 30, tzinfo=UTC), "America/New_York", date(2026, 11, 20)),
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "Europe/London", date(2026, 7, 1)),
    ],
)
def test_the_business_day_is_the_calendar_day_of_the_business(instant, timezone, expected):
    assert business_today(instant, timezone) == expected


def test_an_instant_without_timezone_is_refused():
    with pytest.raises(ValueError, match="timezone"):
        business_today(datetime(2026, 1, 1), "UTC")


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_timezone_is_a_configuration_error(timezone):
    with pytest.raises(ConfigError, match="is not known"):
        business_today(datetime(2026, 1, 1, tzinfo=UTC), timezone)


@pytest.mark.parametrize(
    "call",
    [
        lambda day: observation_window(day, 0),
        lambda day: label_window(day, 0),
        lambda day: matures_on(day, 30, -1),
        lambda day: snapshot_dates(day, day, 30, 0, -1),
    ],
)
def test_an_empty_window_or_a_negative_length_is_refused(call):
    with pytest.raises(ValueError, match="must be at least"):
        call(date(2026, 1, 1))
