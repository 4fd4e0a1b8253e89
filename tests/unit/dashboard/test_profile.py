"""What a profile concludes from its figures, without a database."""

from __future__ import annotations

from datetime import date
from unittest.mock import Mock

import pytest

from churn.config import Settings
from churn.dashboard.blocks import Row
from churn.profiling import advice
from churn.profiling.asking import Asker
from churn.profiling.blocks import WEEKS
from churn.profiling.profile import not_counted
from churn.profiling.relations import composed
from churn.profiling.tryout import at, knee_of
from churn.sqlfiles import parse_sql

SETTINGS = Settings()
HEADER = "-- name: x\n-- writes: none\n-- grain: one\n-- reads: {reads}\n-- params: none\n-- window: none\n"


def curve(shares: list[float]) -> list[dict]:
    """A curve day by day from 1: the share still silent, and who of those comes back."""
    rest = min(shares)
    return [
        {"days": day, "still_silent": share, "come_back_later": 1 - rest / share}
        for day, share in enumerate(shares, start=1)
    ]


def falling(days: int, to: float, last: int) -> list[dict]:
    """A straight fall to a share within some days, and rest after it."""
    return curve([max(to, 1 - (1 - to) * day / days) for day in range(1, last + 1)])


def test_a_curve_bends_where_it_comes_to_rest() -> None:
    shares = [1 - 0.08 * day for day in range(1, 11)] + [0.2 - 0.0005 * day for day in range(1, 190)]
    knee = knee_of(curve(shares))
    assert knee is not None
    assert knee.bend_days == 10
    assert knee.rare_days is None  # at day 200 it still falls: nobody knows who comes back


def test_few_come_back_from_the_day_on_from_which_the_curve_hardly_falls() -> None:
    knee = knee_of(falling(40, 0.5, 200))
    assert knee is not None
    assert knee.rare_days == 36  # 1 - 0.5 / (1 - 0.5 * 36 / 40) < 0.1
    assert knee.setting == 45


def test_a_curve_that_ends_soon_after_says_nothing_of_who_comes_back() -> None:
    knee = knee_of(falling(40, 0.5, 70))
    assert knee is not None
    assert knee.rare_days is None
    assert knee.days is None  # and a straight line has no bend


def test_a_short_curve_says_nothing() -> None:
    assert knee_of(falling(5, 0.5, 9)) is None
    text = advice.on_inactivity([], None, SETTINGS).text
    assert "no bend" in text


def test_a_curve_is_read_at_its_last_day_not_after() -> None:
    rows = [row for row in falling(40, 0.5, 60) if row["days"] % 7 == 0]
    assert at(rows, 30)["days"] == 28  # type: ignore[index]
    assert at(rows, 6) is None
    assert at(rows, 61) is None


def test_the_days_from_which_few_come_back_are_recommended() -> None:
    rows = falling(40, 0.5, 200)
    said = advice.on_inactivity(rows, knee_of(rows), SETTINGS)
    assert "From 36 days of silence on, fewer than 10% of such pauses end" in said.text  # not: of the customers
    assert "inactivity_days = 45" in said.keys


def trials(churned: int = 50) -> list[dict]:
    return [
        {
            "horizon_days": horizon,
            "grace_days": grace,
            "start_date": date(2025, 9, 1),
            "customers": 1000,
            "churned": churned,
            "churn_rate": churned / 1000,
        }
        for horizon in (30, 60, 90)
        for grace in (0, 7, 14, 30, 60)
    ]


def test_grace_ends_where_the_late_have_paid_and_winning_back_has_not_begun() -> None:
    late = [1 - 0.014 * min(day, 12) for day in range(1, 41)]
    won_back = [late[-1] - 0.001 * day for day in range(1, 120)]
    said = advice.on_contract(curve(late + won_back), trials(), SETTINGS)
    assert "grace_days = 14" in said.keys
    assert "16.8% of the ended subscriptions are resumed within 14 days" in said.text


def test_where_nobody_resumes_a_short_grace_is_enough() -> None:
    said = advice.on_contract(curve([1 - 0.0001 * day for day in range(1, 100)]), trials(), SETTINGS)
    assert "grace_days = 7" in said.keys


def test_grace_stays_where_resuming_never_rests() -> None:
    said = advice.on_contract(curve([1 - 0.004 * day for day in range(1, 200)]), trials(), SETTINGS)
    assert f"grace_days = {SETTINGS.churn.grace_days}" in said.keys


def test_a_horizon_with_too_few_churners_is_lengthened_as_far_as_it_goes() -> None:
    few = trials(churned=4)
    said = advice.on_contract([], few, SETTINGS)
    assert "horizon_days = 90" in said.keys


def entity(**counts: int) -> dict:
    nothing = dict.fromkeys(("without_time", "ahead", "without_customer", "duplicates", "orphans"), 0)
    return {"entity": "payments", "rows": 100, "unusable": sum(counts.values()), **nothing, **counts}


@pytest.mark.parametrize(("orphans", "tone"), [(0, "good"), (5, "plain"), (6, "bad")])
def test_faults_that_would_stop_a_night_are_bad(orphans: int, tone: str) -> None:
    (said,) = advice.on_entities([entity(orphans=orphans)], SETTINGS)
    assert said.tone == tone
    assert ("stops" in said.text) is (tone == "bad")


def test_an_entity_without_rows_is_told() -> None:
    (said,) = advice.on_entities([{**entity(), "rows": 0}], SETTINGS)
    assert (said.tone, said.title) == ("bad", "payments: no rows")


def test_rows_with_two_faults_are_counted_once() -> None:
    (said,) = advice.on_entities([{**entity(orphans=4, ahead=4), "unusable": 4}], SETTINGS)
    assert (said.tone, "stops" in said.text) == ("plain", False)


def test_what_was_not_looked_at_is_not_empty() -> None:
    (said,) = advice.on_entities([{**entity(), "rows": None, "unusable": None}], SETTINGS)
    assert (said.title, said.text) == ("payments: not looked at", advice.NOT_KNOWN)
    for unknown in (
        advice.on_inactivity(None, None, SETTINGS),
        advice.on_contract(None, trials(), SETTINGS),
        advice.on_contract([], None, SETTINGS),
    ):
        assert unknown.text.startswith("Not known")
        assert not unknown.keys


@pytest.mark.parametrize(("rows", "said"), [(None, True), (0, False), (5, False)])
def test_the_day_says_which_entities_it_could_not_go_by(rows: int | None, said: bool) -> None:
    source: list[Row] = [{"entity": "usage_events", "rows": rows}, {"entity": "customers", "rows": None}]
    assert not_counted(source) == (("usage_events",) if said else ())


def test_that_no_fault_was_found_claims_no_more() -> None:
    (said,) = advice.on_entities([entity()], SETTINGS)
    assert said.title == "No row has one of these five faults"
    assert "A night looks for more" in said.text


def test_a_grace_that_could_not_be_tried_is_told() -> None:
    young = [row for row in trials() if row["grace_days"] != SETTINGS.churn.grace_days]
    said = advice.on_contract([], young, SETTINGS)
    assert (said.tone, said.keys) == ("plain", ())
    assert "does not reach back far enough" in said.text


def test_nothing_more_is_asked_once_the_time_is_used_up() -> None:
    connection = Mock()
    asker = Asker(connection, 300, lambda: -0.5)
    assert asker.rows(WEEKS, {}, {}, files="source/x.sql") is None
    connection.execute.assert_not_called()
    assert "3,600 for the whole profile" in asker.answer(WEEKS, None).block.empty


def column(**more: object) -> dict:
    base = {"entity": "customers", "column_name": "email", "kind": "category", "rows": 1000, "missing": 0}
    return {**base, "distinct_values": 5, **more}


@pytest.mark.parametrize(
    ("found", "title"),
    [
        ({"distinct_values": 990}, "customers.email looks like an id or a name"),
        ({"distinct_values": 990, "kind": "id"}, None),
        ({"missing": 1000, "distinct_values": 0}, "customers.email is always empty"),
        ({"distinct_values": 1}, "customers.email is always the same"),
        ({"distinct_values": 1, "missing": 1}, None),
        ({}, None),
    ],
)
def test_columns_that_say_nothing_or_name_somebody_are_told(found: dict, title: str | None) -> None:
    assert [said.title for said in advice.on_columns([column(**found)])] == ([title] if title else [])


def test_relations_stand_in_front_of_a_statement_each_once() -> None:
    file = parse_sql(HEADER.format(reads="a, b") + "with c as (select 1 as one)\n\nselect c.one from c", "x.sql")
    text = str(composed(file, {"a": "select '1:2' as at", "b": "select 2 as two"}))
    assert text.startswith("with a as (")
    assert text.count("with ") == 1
    assert "'1:2'" in str(composed(file, {"a": "select '1:2' as at", "b": "select 2 as two"}).compile())
