"""What `bi` shows of segments: against a month before, moves between month ends, events; and the nights' checks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from churn.sqlfiles import read_sql
from tests.sql.nights import AT, Nights, score
from tests.sql.staging_tables import AS_OF, Staging

CHECK_OF_SCORES = read_sql("checks/customer_scores.sql").statement


@pytest.fixture
def nights(staging: Staging) -> Nights:
    return Nights(staging)


def before(days: int) -> date:
    return AS_OF - timedelta(days=days)


# ---------------------------------------------------------------- bi.segments


@pytest.mark.parametrize(
    ("published", "compared"),
    [((27,), None), ((28,), 28), ((27, 28, 30), 28), ((30, 45), 30), ((45,), 45), ((46,), None)],
)
def test_segments_are_compared_with_the_night_about_a_month_before(nights, published, compared):
    for days in published:
        nights.night(before(days), {"Loyal": [1, 2, 3]})
    nights.night(AS_OF, {"Loyal": [1, 2]})
    (shown,) = nights.shown("segments", "segment", "compared_date", "customers_before", "customers_change")
    assert shown == (("Loyal", before(compared), 3, -1) if compared else ("Loyal", None, None, None))


def test_every_figure_has_what_it_was_and_the_change(nights):
    figures = {"mrr": 10, "avg_clv": 100, "avg_churn_probability": 0.25, "realised_churn_rate": 0.5}
    earlier, tonight = nights.run(before(30)), nights.run(AS_OF)
    nights.segment(before(30), earlier, 1, "Loyal", **figures)
    nights.segment(AS_OF, tonight, 1, "Loyal", **{name: 3 * value for name, value in figures.items()})
    for name, value in figures.items():
        (shown,) = nights.shown("segments", name, f"{name}_before", f"{name}_change")
        assert shown == (3 * value, value, 2 * value)


def test_a_renamed_segment_is_compared_with_itself_and_a_new_one_with_nothing(nights):
    nights.night(before(30), {"Loyal": [1, 2, 3]})
    nights.night(AS_OF, {"Loyal and growing": [1, 2], "Newcomers": [4]})
    assert nights.shown("segments", "segment", "segment_id", "customers_before") == [
        ("Loyal and growing", 1, 3), ("Newcomers", 2, None),
    ]  # fmt: skip


def test_the_share_of_high_value_is_of_the_segment_and_of_the_latest_night(nights):
    nights.night(before(1), {"Loyal": [1, 2]}, value_tier="high")
    run_id = nights.run(AS_OF)
    held: dict[int, list[str | None]] = {1: ["high", "high", "low", "medium"], 2: ["low"], 3: [None]}
    for segment_id, tiers in held.items():
        nights.segment(AS_OF, run_id, segment_id, f"S{segment_id}", customers=len(tiers))
        rows = [score(AS_OF, run_id, segment_id, 10 * segment_id + i, value_tier=t) for i, t in enumerate(tiers)]
        nights.insert("scores.customer_scores", *rows)
    nights.segment(AS_OF, run_id, 4, "S4", customers=0)
    assert nights.shown("segments", "segment", "high_value_share") == [
        ("S1", 0.5), ("S2", 0.0), ("S3", None), ("S4", None),
    ]  # fmt: skip


# ---------------------------------------------------------------- bi.segment_migration

MOVES = ("from_date", "to_date", "from_segment", "to_segment", "customers")
IDS = ("from_segment_id", "to_segment_id", "from_segment", "to_segment", "customers")
MAY_END, JUNE_END = date(2025, 5, 31), date(2025, 6, 29)


def test_moves_are_counted_from_month_end_to_month_end(nights):
    nights.night(date(2025, 5, 3), {"Loyal": [7, 8, 9]})
    nights.night(MAY_END, {"Loyal": [1, 2, 3], "Quiet": [4]})
    nights.night(date(2025, 6, 2), {"Quiet": [1, 2, 3, 4]})
    nights.night(JUNE_END, {"Loyal": [1, 4], "Quiet": [2, 5]})
    nights.night(AS_OF, {"Loyal": [1, 2, 4, 5]})
    assert nights.shown("segment_migration", *MOVES) == [
        (MAY_END, JUNE_END, "(new)", "Quiet", 1),
        (MAY_END, JUNE_END, "Loyal", "(gone)", 1),
        (MAY_END, JUNE_END, "Loyal", "Loyal", 1),
        (MAY_END, JUNE_END, "Loyal", "Quiet", 1),
        (MAY_END, JUNE_END, "Quiet", "Loyal", 1),
        (JUNE_END, AS_OF, "Loyal", "Loyal", 2),
        (JUNE_END, AS_OF, "Quiet", "Loyal", 2),
    ]


def test_the_moves_of_a_night_add_up_to_its_customers_on_either_side(nights):
    sizes = {MAY_END: 30, JUNE_END: 25, AS_OF: 40}
    for number, (night, size) in enumerate(sizes.items()):
        keys = range(1 + 7 * number, 1 + 7 * number + size)
        nights.night(night, {name: [k for k in keys if k % 3 == i] for i, name in enumerate("ABC")})
    left, arrived = (
        f"sum(customers) filter (where {side})" for side in ("from_segment <> '(new)'", "to_segment <> '(gone)'")
    )
    for first, second in ((MAY_END, JUNE_END), (JUNE_END, AS_OF)):
        pair = f"from_date = '{first}' and to_date = '{second}'"
        shown = [
            nights.connection.exec_driver_sql(f"select {sums} from bi.segment_migration where {pair}").scalar_one()
            for sums in (left, arrived)
        ]
        assert shown == [sizes[first], sizes[second]]


def test_a_month_without_a_night_is_passed_over_and_superseded_runs_do_not_count(nights):
    nights.night(date(2025, 4, 30), {"Loyal": [1]})
    nights.night(JUNE_END, {"Quiet": [1, 2]}, is_published=False)
    nights.night(JUNE_END, {"Quiet": [1]})
    assert nights.shown("segment_migration", *MOVES) == [(date(2025, 4, 30), JUNE_END, "Loyal", "Quiet", 1)]


def test_a_segment_under_a_new_name_is_told_by_its_number_from_one_that_customers_moved_to(nights):
    nights.night(JUNE_END, {"Loyal": [1, 2], "Quiet": [3, 4]})
    nights.night(AS_OF, {"Faithful": [1, 2, 3], "Loyal": [5]})
    assert nights.shown("segment_migration", *IDS) == [
        (1, 1, "Loyal", "Faithful", 2),
        (2, 1, "Quiet", "Faithful", 1),
        (2, None, "Quiet", "(gone)", 1),
        (None, 2, "(new)", "Loyal", 1),
    ]


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The scans of scores in a plan that was run."""
    own = [plan] if str(plan.get("Relation Name", "")).startswith("customer_scores") else []
    return [*own, *(scan for part in plan.get("Plans", ()) for scan in scans(part))]


@pytest.mark.parametrize(("where", "pairs"), [("true", 2), (f"to_date = '{AS_OF}'", 1)])
def test_only_the_nights_asked_for_are_read_and_each_once_on_either_side(nights, where, pairs):
    for night in (MAY_END, JUNE_END, AS_OF):
        nights.night(night, {name: list(range(10 * i, 10 * i + 10)) for i, name in enumerate("ABC")})
    query = f"explain (analyze, format json) select * from bi.segment_migration where {where}"
    (root,) = nights.connection.exec_driver_sql(query).scalar_one()
    read = sum(scan["Actual Rows"] * scan["Actual Loops"] for scan in scans(root["Plan"]))
    assert read == 2 * pairs * 30


def test_one_month_alone_has_no_moves(nights):
    nights.night(AS_OF, {"Loyal": [1]})
    assert nights.shown("segment_migration", *MOVES) == []


# ---------------------------------------------------------------- bi.segment_events, scores


EVENT = {
    "as_of_date": AS_OF, "model_version": "segments-2", "previous_version": "segments-1", "event": "split",
    "previous_segment": "Loyal", "shared_customers": 5, "shared_share": 0.5, "reason": "Words.", "at": AT, "run_id": 3,
    "segment_id": 4, "segment": "Newcomers", "related_segments": ["Loyal", "Quiet"],
}  # fmt: skip


def test_an_event_is_shown_with_the_segments_that_it_is_about(nights):
    other = {"segment_id": 5, "segment": "Others", "related_segments": []}
    nights.insert("ops.segment_events", EVENT, EVENT | other)
    nights.run(AS_OF, segments="segments-2")
    assert nights.shown("segment_events", "segment", "event", "previous_segment", "related_segments") == [
        ("Newcomers", "split", "Loyal", "Loyal, Quiet"), ("Others", "split", "Loyal", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "version", "is_published", "is_shown"),
    [
        ("succeeded", "segments-2", True, True),
        ("succeeded", "segments-2", False, True),
        ("running", "segments-2", True, True),
        ("running", "segments-2", False, False),
        ("failed", "segments-2", False, False),
        ("succeeded", "segments-1", True, False),
    ],
)
def test_events_are_shown_once_a_night_with_those_segments_is_out(nights, status, version, is_published, is_shown):
    nights.insert("ops.segment_events", EVENT)
    nights.run(AS_OF, segments=version, status=status)
    if not is_published:
        nights.connection.exec_driver_sql("delete from ops.published")
    assert nights.shown("segment_events", "segment") == ([("Newcomers",)] if is_shown else [])


@pytest.mark.parametrize("view", ["customer_scores", "customer_scores_history"])
def test_a_night_of_an_earlier_release_is_still_shown(nights, view):
    nights.insert("staging.customer_keys", {"customer_id": "c1"})
    customer_key = nights.connection.exec_driver_sql("select customer_key from staging.customer_keys").scalar_one()
    nights.night(AS_OF, {"Loyal": [customer_key]}, lifecycle_stage=None)
    columns = ("customer_id", "value_tier", "lifecycle_stage", "clv_low", "previous_segment", "segment_since_date")
    assert nights.shown(view, *columns) == [("c1", None, None, None, None, None)]


# ---------------------------------------------------------------- checks


def test_the_check_of_moves_finds_what_the_night_before_does_not_bear_out(nights):
    nights.night(before(1), {"Loyal": [1, 2, 3, 4], "Quiet": [5]}, segment_since_date=before(9), previous_segment="Old")
    good = {"segment_since_date": before(9), "previous_segment": "Old"}
    wrong: dict[int, dict[str, Any]] = {
        1: good,
        2: good | {"segment_since_date": AS_OF},
        3: good | {"previous_segment": "Quiet"},
        4: good | {"segment_since_date": None},
        5: {"segment_since_date": AS_OF, "previous_segment": None},
        6: {"segment_since_date": AS_OF, "previous_segment": "Loyal"},
        7: {"segment_since_date": AS_OF, "previous_segment": None},
        8: {"segment_since_date": before(1), "previous_segment": None},
    }
    run_id = nights.run(AS_OF, is_published=False)
    nights.segment(AS_OF, run_id, 1, "Faithful")
    nights.insert(
        "scores.customer_scores", *(score(AS_OF, run_id, 1, key, **columns) for key, columns in wrong.items())
    )
    told = "customer_key {}: a move that the night before does not bear out"
    assert nights.problems("segment_moves", run_id) == [told.format(key) for key in (2, 3, 4, 5, 6, 8)]


def test_the_check_of_value_tiers_finds_tiers_out_of_order(nights):
    run_id = nights.run(AS_OF)
    values = [("high", 9), ("medium", 5), ("low", 5), (None, 3), ("low", None), ("huge", 20)]
    rows = [score(AS_OF, run_id, 1, key, value_tier=tier, clv=clv) for key, (tier, clv) in enumerate(values)]
    nights.insert("scores.customer_scores", *rows)
    assert nights.problems("value_tiers", run_id) == [
        "customer_key 4: a value tier without a CLV",
        "huge: not a tier for a CLV of 20",
        "medium: a CLV of 5, and 5 is low",
        "no value tier: not a tier for a CLV of 3",
    ]


def test_the_check_of_segments_finds_customers_that_do_not_add_up(nights):
    run_id = nights.night(AS_OF, {"Loyal": [1, 2], "Quiet": [3]})
    assert nights.problems("segment_nights", run_id) == []
    nights.insert("scores.customer_scores", score(AS_OF, run_id, 2, 4), score(AS_OF, run_id, 9, 5))
    nights.segment(AS_OF, run_id, 3, "Loyal", customers=0)
    assert nights.problems("segment_nights", run_id) == [
        "Loyal: the name of 2 segments",
        "Quiet: 1 customers, but 2 scores",
        "segment_id 9: 1 customers in a segment without a name",
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"lifecycle_stage": None}, {"lifecycle_stage": "old"}, {"p_alive": 1.1}, {"clv_low": 2, "clv_high": 1},
     {"recency_quintile": 0}, {"monetary_quintile": 6}, {"frequency_quintile": 6}],
)  # fmt: skip
def test_the_check_of_scores_finds_values_out_of_range(nights, wrong):
    run_id = nights.run(AS_OF)
    nights.insert("scores.customer_scores", score(AS_OF, run_id, 1, 1), score(AS_OF, run_id, 1, 2, **wrong))
    found = nights.connection.scalars(CHECK_OF_SCORES, {"as_of": AS_OF, "run_id": run_id, "snapshot_id": 0}).all()
    assert found == ["customer_key 2: a value out of its range"]
