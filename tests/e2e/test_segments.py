"""Segments and values of whole nights as `bi` shows them: stages, tiers, moves, and segments fitted anew."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from churn.errors import ChecksFailedError
from tests.e2e.company import AS_OF, Office, night_of

NEXT = AS_OF + timedelta(days=1)
FITTED = date(2025, 11, 1)
MONTH_END = date(2025, 10, 31)


def test_everybody_has_a_stage_a_tier_and_quintiles(published: Office) -> None:
    rows = published.rows("select * from bi.customer_scores")
    stages = Counter(row["lifecycle_stage"] for row in rows)
    assert {"new", "growing", "mature", "declining", "dormant"} <= set(stages)
    assert set(stages) <= {"new", "growing", "mature", "declining", "dormant", "won_back"}
    assert max(stages.values()) < 0.8 * len(rows)
    tiers = Counter(row["value_tier"] for row in rows)
    assert {tier: count / len(rows) for tier, count in tiers.items()} == pytest.approx(
        {"high": 0.2, "medium": 0.3, "low": 0.5}, abs=0.01
    )
    for name in ("recency", "frequency", "monetary"):
        assert {row[f"{name}_quintile"] for row in rows} <= {1, 2, 3, 4, 5, None}
        assert sum(row[f"{name}_quintile"] == 5 for row in rows) <= 0.4 * len(rows)
    assert {(row["previous_segment"], row["segment_since_date"]) for row in rows} == {(None, AS_OF)}


def test_the_richest_segments_hold_the_customers_of_high_value(published: Office) -> None:
    segments = published.rows("select * from bi.segments where customers > 0")
    scores = published.rows("select segment, value_tier from bi.customer_scores")
    for row in segments:
        tiers = [score["value_tier"] for score in scores if score["segment"] == row["segment"]]
        assert row["high_value_share"] == pytest.approx(tiers.count("high") / len(tiers))
    by_value = sorted(segments, key=lambda row: row["avg_clv"])
    assert by_value[0]["high_value_share"] < by_value[-1]["high_value_share"]


def test_the_first_segments_are_events(published: Office) -> None:
    events = published.rows("select * from bi.segment_events")
    assert {(row["as_of_date"], row["event"]) for row in events} == {(FITTED, "born")}
    assert sorted(row["segment"] for row in events) == sorted(published.column("select segment from bi.segments"))
    assert set(published.column("select versions ->> 'segments' from ops.runs where job = 'nightly'")) == {
        row["model_version"] for row in events
    }


IN_USE = "select model_version from ops.models where kind in ('segments', 'clv') and status = 'champion' order by kind"
NAMES = "select segment_id, segment from bi.segments order by segment_id"


def test_a_refused_night_leaves_the_segments_before_in_force_and_its_mended_rerun_goes_on_from_them(
    office: Office,
) -> None:
    """The segments and the CLV model are due that night; its feed of usage has stopped two months ago."""
    names, in_use, events = office.rows(NAMES), office.column(IN_USE), office.rows("select * from ops.segment_events")
    office.configure(segments__refit_days=(NEXT - FITTED).days, clv__refit_days=1)
    mapping = office.folder / "source" / "usage_events.sql"
    select = mapping.read_text(encoding="utf-8")
    mapping.write_text(f"{select} and e.occurred_at < date '{MONTH_END - timedelta(days=60)}'", encoding="utf-8")
    with pytest.raises(ChecksFailedError):
        office.nightly(NEXT)
    mapping.write_text(select, encoding="utf-8")
    (refused,) = office.rows("select * from ops.runs where exit_code = 16")
    assert refused["versions"]["segments"] not in in_use
    assert office.column(IN_USE) == in_use
    assert office.rows("select * from ops.segment_events") == events
    summary = office.nightly(NEXT, now=night_of(NEXT) + timedelta(hours=1))
    assert version_of(office, summary.run_id) not in (*in_use, refused["versions"]["segments"])
    assert office.rows(NAMES) == names
    told = office.rows("select * from ops.segment_events where as_of_date = :night", night=NEXT)
    assert {(row["event"], row["run_id"]) for row in told} == {("kept", summary.run_id)}


def version_of(office: Office, run_id: int) -> Any:
    return office.value("select versions ->> 'segments' from ops.runs where run_id = :run_id", run_id=run_id)


def test_segments_fitted_anew_hold_on_to_their_names_and_every_move_is_told(office: Office) -> None:
    before = {row["customer_id"]: row for row in office.rows("select * from bi.customer_scores")}
    first = office.value("select distinct model_version from bi.segment_events")
    office.configure(segments__refit_days=(NEXT - FITTED).days)
    summary = office.nightly(NEXT)
    second = version_of(office, summary.run_id)
    assert second != first
    assert any(note.startswith(f"Segments fitted as of {NEXT}: they were 3 days old") for note in summary.notes)

    events = office.rows("select * from bi.segment_events where as_of_date = :night", night=NEXT)
    assert {(row["model_version"], row["previous_version"], row["run_id"]) for row in events} == {
        (second, first, summary.run_id)
    }
    assert {row["event"] for row in events} == {"kept"}
    assert {row["segment"] for row in events} == {row["segment"] for row in before.values()}

    now = {row["customer_id"]: row for row in office.rows("select * from bi.customer_scores")}
    both = now.keys() & before.keys()
    moved = {one for one in both if now[one]["segment"] != before[one]["segment"]}
    assert 0 < len(moved) < 0.1 * len(both)
    for one, row in now.items():
        expected = (before[one]["segment"], NEXT) if one in moved else (None, AS_OF if one in both else NEXT)
        assert (row["previous_segment"], row["segment_since_date"]) == expected

    shown = office.shown()
    again = office.nightly(NEXT, now=night_of(NEXT) + timedelta(hours=1))
    assert office.shown() == shown
    assert version_of(office, again.run_id) == second

    earlier = office.nightly(AS_OF, now=night_of(NEXT) + timedelta(hours=2))
    assert version_of(office, earlier.run_id) == first
    assert office.shown() == shown

    caught_up = office.nightly(MONTH_END, now=night_of(NEXT) + timedelta(hours=3))
    history = "select segment from bi.customer_scores_history where as_of_date = :night"
    then = Counter(office.column(history, night=MONTH_END))
    assert sum(then.values()) == caught_up.customers
    moves = office.rows("select * from bi.segment_migration")
    assert {(row["from_date"], row["to_date"]) for row in moves} == {(MONTH_END, NEXT)}
    left: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    for row in moves:
        left[row["from_segment"]] += row["customers"]
        arrived[row["to_segment"]] += row["customers"]
    assert {name: count for name, count in left.items() if name != "(new)"} == then
    assert {name: count for name, count in arrived.items() if name != "(gone)"} == Counter(
        row["segment"] for row in now.values()
    )
    stayed = sum(row["customers"] for row in moves if row["from_segment"] == row["to_segment"])
    assert stayed > 0.7 * caught_up.customers
