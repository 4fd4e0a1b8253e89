from __future__ import annotations

import pytest

PATH = "features/usage_catalogue.sql"


@pytest.mark.parametrize("days", [7, 28, 90])
@pytest.mark.parametrize("beyond", [0, 1, 2])
def test_a_window_begins_days_before_as_of(staging, days, beyond):
    staging.usage(1, -1, event_type="other")
    staging.usage(1, -days - 1 + beyond, events=3, quantity=4, event_type="export")
    (found,) = [row for row in staging.run(PATH) if row["event_type"] == "export"] or [{}]
    inside = int(beyond > 0)
    wanted = {"count": 3 * inside, "sum": 4 * inside, "active_days": inside}
    assert {measure: found.get(f"{measure}_{days}d", 0) for measure in wanted} == wanted


@pytest.mark.parametrize("used", [0, 1])
def test_usage_on_the_as_of_day_is_in_the_future(staging, used):
    staging.usage(1, used)
    assert staging.run(PATH) == []


@pytest.mark.parametrize(("at", "trend"), [(-29, -1.0), (-28, 1.0), (-56, -1.0), (-57, None)])
def test_a_trend_compares_with_the_window_before(staging, at, trend):
    staging.usage(1, at, quantity=2)
    (found,) = staging.run(PATH)
    assert [found[f"{measure}_trend_28d"] for measure in ("count", "sum", "active_days")] == [trend] * 3


def test_a_trend_of_negative_quantities_is_missing(staging):
    staging.usage(1, -1, quantity=5)
    staging.usage(1, -30, quantity=-3)
    (found,) = staging.run(PATH)
    assert (found["sum_trend_28d"], found["count_trend_28d"]) == (None, 0)
