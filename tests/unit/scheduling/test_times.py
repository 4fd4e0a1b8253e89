"""When jobs are due: cron as crontab means it, on every day of the year, and which nights were missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.config import Settings, cron_trigger, load_settings, next_runs
from churn.errors import ConfigError
from churn.scheduling.times import is_due_on, latest_due, missed_nights

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def due(expression: str, zone: str, start: datetime, times: int = 3) -> list[str]:
    trigger = cron_trigger(expression, zone)
    found = [trigger.get_next_fire_time(None, start.replace(tzinfo=ZoneInfo(zone)))]
    while len(found) < times:
        found.append(trigger.get_next_fire_time(found[-1], start))
    return [str(time and time.isoformat()) for time in found]


# ---------------------------------------------------------------- cron


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("1", ["Mon"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri"]),
        ("5-7", ["Sun", "Fri", "Sat"]),
        ("0,3", ["Sun", "Wed"]),
        ("*/3", ["Sun", "Wed", "Sat"]),
        ("mon-wed,SAT", ["Mon", "Tue", "Wed", "Sat"]),
    ],
)
def test_weekdays_are_counted_as_crontab_counts_them(field, days):
    # 2026-11-22 is a Sunday.
    found = due(f"0 5 * * {field}", "UTC", datetime(2026, 11, 22), len(days))
    assert [datetime.fromisoformat(time).strftime("%a") for time in found] == days


@pytest.mark.parametrize(
    "expression",
    ["0 5 * *", "0 5 * * 8", "0 5 * * 5-2", "0 5 * * */0", "61 5 * * *", "daily", "0 5 30 2 *", "0 5 31 4,6 *"],
)
def test_what_is_no_cron_expression_is_refused_with_its_key(expression, tmp_path):
    file = tmp_path / "churn.toml"
    file.write_text(f'[schedule]\nnightly = "{expression}"\n')
    with pytest.raises(ConfigError, match=r"schedule\.nightly"):
        load_settings(file)


def test_the_next_runs_are_in_the_businesses_zone_and_the_soonest_comes_first():
    schedule = {"nightly": "0 4 * * *", "train": "0 2 23 * *"}
    found = next_runs(Settings(business={"timezone": "Europe/Paris"}, schedule=schedule), NOON)
    assert [(job, when.isoformat()) for job, when in found] == [
        ("train", "2026-11-23T02:00:00+01:00"),
        ("nightly", "2026-11-23T04:00:00+01:00"),
    ]


def test_a_run_that_is_due_now_is_the_next():
    found = dict(next_runs(Settings(schedule={"nightly": "0 12 * * *"}), NOON))
    assert found["nightly"] == NOON


# ---------------------------------------------------------------- days on which clocks change


def test_a_night_keeps_its_local_time_when_clocks_change():
    assert due("15 3 * * *", "Europe/Paris", datetime(2026, 3, 28, 12)) == [
        "2026-03-29T03:15:00+02:00",
        "2026-03-30T03:15:00+02:00",
        "2026-03-31T03:15:00+02:00",
    ]
    assert due("15 3 * * *", "Europe/Paris", datetime(2026, 10, 24, 12)) == [
        "2026-10-25T03:15:00+01:00",
        "2026-10-26T03:15:00+01:00",
        "2026-10-27T03:15:00+01:00",
    ]


@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        # Left out: due the moment that clocks are put forward.
        ("30 2 * * *", "Europe/Paris", "2026-03-28T12", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12", ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"]),
        # Lord Howe puts its clocks forward and back by half an hour.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12",
            ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
        ),
        # Midnight itself is left out.
        ("0 0 * * *", "Africa/Cairo", "2026-04-23T12", ["2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"]),
        # Samoa left out a whole day.
        ("15 3 * * *", "Pacific/Apia", "2011-12-29T12", ["2011-12-31T00:00:00+14:00", "2011-12-31T03:15:00+14:00"]),
        # There twice: due when it comes first.
        ("30 2 * * *", "Europe/Paris", "2026-10-24T12", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12", ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12",
            ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"],
        ),
        ("0 0 * * *", "America/Havana", "2026-10-31T12", ["2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"]),
    ],
)
def test_a_time_that_is_left_out_or_there_twice_is_due_once(expression, zone, start, expected):
    assert due(expression, zone, datetime.fromisoformat(start), 2) == expected


def test_several_times_that_are_left_out_are_due_once_together():
    assert due("0,20,40 2 * * *", "Europe/Paris", datetime(2026, 3, 28, 12), 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:00:00+02:00",
    ]


def test_from_within_the_hour_that_comes_again_the_next_time_is_after_it():
    # APScheduler's own trigger gives 03:30 for ever here.
    zone = ZoneInfo("Europe/Helsinki")
    trigger = cron_trigger("30 * * * *", "Europe/Helsinki")
    again = datetime(2017, 10, 29, 3, 45, tzinfo=zone, fold=1)
    expected = datetime(2017, 10, 29, 4, 30, tzinfo=zone)
    assert trigger.get_next_fire_time(again, again) == expected
    assert trigger.get_next_fire_time(None, again) == expected


ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Havana",
    "Africa/Casablanca",
    "America/Scoresbysund",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "UTC",
)


def changes(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The hours of a year in which the clocks of a zone are changed."""
    hour = datetime(year, 1, 1, tzinfo=UTC)
    while hour.year == year:
        later = hour + timedelta(hours=1)
        if hour.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            yield hour
        hour = later


def by_hand(minute: int, hour: int, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """When a clock on the wall comes to a time of day, or past it, by looking at it every minute."""
    found: list[datetime] = []
    seen: set[datetime] = set()
    before, now = start.astimezone(zone).replace(tzinfo=None), start
    while (now := now + timedelta(minutes=1)) <= end:
        wall = now.astimezone(zone).replace(tzinfo=None)
        named = {day.replace(hour=hour, minute=minute) for day in (wall, before)}
        come = {time for time in named if before < time <= wall} - seen
        if come:
            found.append(now)
        seen |= come
        before = wall
    return found


@settings(max_examples=15, deadline=None)
@given(
    zone=st.sampled_from(ZONES), minute=st.integers(0, 59), hour=st.integers(0, 4), year=st.sampled_from([2025, 2026])
)
def test_each_time_of_day_is_due_once_around_every_change_of_the_clocks(zone, minute, hour, year):
    place = ZoneInfo(zone)
    trigger = cron_trigger(f"{minute} {hour} * * *", zone)
    for change in list(changes(place, year))[:2]:
        start, end = change - timedelta(hours=30), change + timedelta(hours=30)
        found, due = [], trigger.get_next_fire_time(start, start)
        while due is not None and due <= end:
            found.append(due.astimezone(UTC))
            due = trigger.get_next_fire_time(due, due)
        assert found == by_hand(minute, hour, place, start, end)


# ---------------------------------------------------------------- what was due, what was missed


@pytest.mark.parametrize(
    ("expression", "within_hours", "expected"),
    [
        ("15 3 * * *", 6, None),
        ("15 3 * * *", 9, "2026-11-22T03:15:00+00:00"),
        ("0 12 * * *", 6, "2026-11-22T12:00:00+00:00"),
        ("1 12 * * *", 6, None),
        ("* * * * *", 6, "2026-11-22T12:00:00+00:00"),
        ("3-59/7 * * * *", 6, "2026-11-22T11:59:00+00:00"),
        ("0 6 * * *", 6, "2026-11-22T06:00:00+00:00"),
        ("59 5 * * *", 6, None),
        ("0 5 2 * *", 24 * 30, "2026-11-02T05:00:00+00:00"),
    ],
)
def test_the_last_due_time_is_found_within_the_grace(expression, within_hours, expected):
    found = latest_due(cron_trigger(expression, "UTC"), NOON, timedelta(hours=within_hours))
    assert (None if found is None else found.isoformat()) == expected


def nights(*days: int) -> list[date]:
    return [date(2026, 11, day) for day in days]


def test_missed_nights_lie_between_the_latest_published_and_tonight_oldest_first():
    daily = cron_trigger("15 3 * * *", "UTC")
    assert missed_nights(daily, date(2026, 11, 18), date(2026, 11, 22), 7) == nights(19, 20, 21)
    assert missed_nights(daily, date(2026, 11, 21), date(2026, 11, 22), 7) == []
    assert missed_nights(daily, date(2026, 11, 22), date(2026, 11, 22), 7) == []
    assert missed_nights(daily, date(2026, 11, 25), date(2026, 11, 22), 7) == []


def test_where_nothing_was_ever_published_no_night_was_missed():
    assert missed_nights(cron_trigger("15 3 * * *", "UTC"), None, date(2026, 11, 22), 7) == []


def test_of_too_many_missed_nights_the_latest_are_made_up_for():
    daily = cron_trigger("15 3 * * *", "UTC")
    assert missed_nights(daily, date(2026, 10, 1), date(2026, 11, 22), 2) == nights(20, 21)
    assert missed_nights(daily, date(2026, 10, 1), date(2026, 11, 22), 0) == []


def test_a_day_on_which_no_night_is_due_is_not_missed():
    # 2026-11-21 and 22 are a weekend.
    weekdays = cron_trigger("15 3 * * 1-5", "UTC")
    assert missed_nights(weekdays, date(2026, 11, 18), date(2026, 11, 24), 7) == nights(19, 20, 23)


@pytest.mark.parametrize(
    ("expression", "zone", "day", "expected"),
    [
        ("0 0 * * *", "UTC", date(2026, 11, 22), True),
        ("59 23 * * *", "UTC", date(2026, 11, 22), True),
        ("0 0 23 * *", "UTC", date(2026, 11, 22), False),
        # Where midnight is left out.
        ("0 0 * * *", "Africa/Cairo", date(2026, 4, 24), True),
        ("30 2 * * *", "Europe/Paris", date(2026, 3, 29), True),
    ],
)
def test_a_day_has_a_night_where_one_is_due_on_it(expression, zone, day, expected):
    assert is_due_on(cron_trigger(expression, zone), day) is expected
