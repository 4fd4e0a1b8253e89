from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from tests.sql.staging_tables import AS_OF


@pytest.mark.parametrize("days", [28, 90])
@pytest.mark.parametrize("beyond", [0, 1, 2])
def test_a_window_begins_days_before_as_of(staging, days, beyond):
    staging.ticket(1, -days - 1 + beyond)
    assert staging.features("tickets")[f"tickets_{days}d"] == int(beyond > 0)


@pytest.mark.parametrize(("opened", "severe"), [(-91, 0), (-90, 1), (-89, 1), (-1, 1)])
def test_severe_tickets_count_for_90_days(staging, opened, severe):
    staging.ticket(1, opened, is_severe=True)
    staging.ticket(1, -1)
    assert staging.features("tickets")["severe_tickets_90d"] == severe


@pytest.mark.parametrize("opened", [0, 1])
def test_a_ticket_opened_on_the_as_of_day_is_in_the_future(staging, opened):
    staging.ticket(1, opened)
    assert staging.features("tickets") == {}


@pytest.mark.parametrize(("closed", "is_open"), [(-1, 0), (0, 1), (1, 1), (None, 1)])
def test_a_ticket_closed_on_the_as_of_day_is_open_and_unrated(staging, closed, is_open):
    staging.ticket(1, -10, closed, satisfaction=2)
    found = staging.features("tickets")
    assert found["tickets_open"] == is_open
    assert found["satisfaction_last"] == (None if is_open else 2)
    assert found["satisfaction_avg_90d"] == (None if is_open else 2)
    assert found["close_days_avg_90d"] == (None if is_open else 9)
    assert found["days_since_last_ticket"] == 10


@pytest.mark.parametrize(("closed", "average", "days"), [(-91, 5, 4), (-90, 3, 7), (-89, 3, 7.5)])
def test_ratings_belong_to_the_window_of_the_closing(staging, closed, average, days):
    staging.ticket(1, -100, closed, satisfaction=1)
    staging.ticket(1, -8, -4, satisfaction=5)
    found = staging.features("tickets")
    assert (found["satisfaction_avg_90d"], found["close_days_avg_90d"]) == (average, days)
    assert found["satisfaction_last"] == 5


def test_the_last_rating_is_of_the_rated_ticket_closed_last(staging):
    staging.ticket(1, -200, -5, satisfaction=4)
    staging.ticket(1, -100, -50, satisfaction=1)
    staging.ticket(1, -3, -2)
    assert staging.features("tickets")["satisfaction_last"] == 4


def test_a_version_from_the_first_moment_of_as_of_is_in_the_future(staging):
    midnight = datetime.combine(AS_OF, time.min)
    staging.ticket(1, -20, ticket_id="t", valid_to=midnight)
    staging.ticket(1, -20, ticket_id="t", is_severe=True, valid_from=midnight)
    nights = (AS_OF, AS_OF + timedelta(days=1))
    assert [staging.features("tickets", as_of=night)["severe_tickets_90d"] for night in nights] == [0, 1]
