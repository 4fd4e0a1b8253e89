from __future__ import annotations

import pytest

WINDOWS = (7, 28, 90)


@pytest.mark.parametrize("days", WINDOWS)
@pytest.mark.parametrize("beyond", [0, 1, 2])
def test_a_window_begins_days_before_as_of(staging, days, beyond):
    staging.usage(1, -days - 1 + beyond, events=3)
    staging.usage(1, -179)
    found = staging.features("usage")
    inside = int(beyond > 0)
    assert (found[f"events_{days}d"], found[f"active_days_{days}d"]) == (3 * inside, inside)


@pytest.mark.parametrize("used", [0, 1])
def test_usage_on_the_as_of_day_is_in_the_future(staging, used):
    staging.usage(1, used)
    assert staging.features("usage") == {}


@pytest.mark.parametrize(("used", "since"), [(-181, None), (-180, 180), (-179, 179), (-91, 91), (-90, 90), (-1, 1)])
def test_days_since_the_last_usage_look_back_180_days(staging, used, since):
    staging.usage(1, used)
    assert staging.features("usage").get("days_since_last_usage") == since


@pytest.mark.parametrize(
    ("days", "at", "trend"),
    [
        *[(7, -8, -1.0), (7, -7, 1.0), (7, -14, -1.0), (7, -15, None)],
        *[(28, -29, -1.0), (28, -28, 1.0), (28, -56, -1.0), (28, -57, None)],
        *[(90, -91, -1.0), (90, -90, 1.0), (90, -180, -1.0)],
    ],
)
def test_a_trend_compares_with_the_window_before(staging, days, at, trend):
    staging.usage(1, at)
    found = staging.features("usage")
    assert found[f"events_trend_{days}d"] == trend
    if days == 28:
        assert found["active_days_trend_28d"] == trend


def test_several_types_on_a_day_are_one_active_day(staging):
    staging.usage(1, -3, events=2, quantity=1.5, event_type="a")
    staging.usage(1, -3, events=3, quantity=2.5, event_type="b")
    staging.usage(1, -28, events=1, quantity=1, event_type="a")
    staging.usage(1, -29, events=1, quantity=7, event_type="c")
    found = staging.features("usage")
    assert (found["events_7d"], found["active_days_7d"], found["active_days_28d"]) == (5, 1, 2)
    assert (found["event_types_28d"], found["quantity_28d"]) == (2, 5)


@pytest.mark.parametrize(
    ("used", "gap"),
    [
        ([-1], 0),
        ([-5], 4),
        ([-30, -12, -5], 17),
        ([-30, -20, -15], 14),
        ([-2, -1], 0),
        ([-90, -1], 88),
        ([-91, -1], 0),
        ([-120, -10, -9], 8),
        ([-91], None),
    ],
)
def test_the_longest_gap_lies_between_active_days_or_is_still_open(staging, used, gap):
    for offset in used:
        staging.usage(1, offset)
    assert staging.features("usage")["longest_gap_days_90d"] == gap


def test_gaps_of_one_customer_do_not_reach_into_another(staging):
    staging.usage(1, -1)
    staging.usage(2, -80)
    staging.usage(2, -1)
    assert staging.features("usage", 1)["longest_gap_days_90d"] == 0
    assert staging.features("usage", 2)["longest_gap_days_90d"] == 78


def test_a_day_without_events_is_not_active(staging):
    staging.usage(1, -1, events=0, quantity=5)
    assert staging.features("usage") == {}
