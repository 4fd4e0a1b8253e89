"""When segments are fitted anew, what that keeps, and what is stored and told of it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn import registry
from churn.config import Settings
from churn.config.sections import SegmentsSection
from churn.features.snapshot import FeatureSet, Snapshot
from churn.schema import models, segment_events
from churn.segmentation import (
    SegmentsInForce,
    fit_anew,
    segmenter_in_force,
    stored_segments,
    why_not_usable,
    why_outdated,
)
from tests.sql.nights import Nights
from tests.sql.staging_tables import AS_OF, Staging

SETTINGS = Settings(segments=SegmentsSection(most=4, refit_days=30, psi_refit=0.25))
AUTHOR = registry.Author("somebody", datetime(2025, 7, 1, tzinfo=UTC), 1)
NAMES = ("mrr", "events_28d", "active_days_28d", "events_trend_28d", "tenure_days")
KINDS = np.array([[20, 2, 1, 0.0, 100], [200, 90, 20, 0.0, 900], [900, 300, 26, 0.5, 1500]])
SIZE = 40


class Company(Nights):
    """Customers of three kinds, as many of each as a night has."""

    def snapshot_of(self, as_of: date, sizes: tuple[int, ...] = (SIZE, SIZE, SIZE), lacking: str = "") -> Snapshot:
        kinds = np.repeat(KINDS, sizes, axis=0)
        rows = kinds * np.random.default_rng(1).uniform(0.8, 1.2, kinds.shape)
        columns = [j for j, name in enumerate(NAMES) if name != lacking]
        features = {key: {NAMES[j]: float(row[j]) for j in columns} for key, row in enumerate(rows, start=1)}
        snapshot_id = self.snapshot(features, as_of=as_of)
        names = tuple(NAMES[j] for j in columns)
        return Snapshot(
            snapshot_id,
            as_of,
            "captured",
            "contractual",
            "x",
            len(rows),
            FeatureSet(1, "x", names, (), dict.fromkeys(names, "x")),
        )

    def fit(
        self, as_of: date, before: SegmentsInForce | None = None, author: registry.Author = AUTHOR, **options: Any
    ) -> SegmentsInForce:
        snapshot = self.snapshot_of(as_of, **options)
        return fit_anew(
            self.connection, self.connection, snapshot, author, before=before, why="of a test", settings=SETTINGS
        )

    def in_force(self, as_of: date, **options: Any) -> SegmentsInForce:
        return segmenter_in_force(
            self.connection, self.connection, self.snapshot_of(as_of, **options), AUTHOR, as_of=as_of, settings=SETTINGS
        )

    def why(self, found: SegmentsInForce, as_of: date, counts: list[int] | None = None) -> str | None:
        steady = [round(1000 * share) for share in found.segmenter.shares]
        return why_outdated(self.connection, found, as_of, counts or steady, SETTINGS)

    def events(self, *columns: str) -> list[tuple[Any, ...]]:
        """What is stored of the fits, ordered."""
        table = segment_events.c
        found = sa.select(*(table[name] for name in columns)).order_by(*(table[name] for name in columns))
        return [tuple(row) for row in self.connection.execute(found)]


@pytest.fixture
def company(staging: Staging) -> Company:
    return Company(staging)


def after(days: int) -> date:
    return AS_OF + timedelta(days=days)


def named(found: SegmentsInForce) -> dict[int, str]:
    return {segment.segment_id: segment.name for segment in found.segmenter.segments}


# ---------------------------------------------------------------- when


@pytest.mark.parametrize(("days", "is_due"), [(0, False), (29, False), (30, True)])
def test_segments_are_fitted_anew_at_their_age(company, days, is_due):
    why = company.why(company.fit(AS_OF), after(days))
    assert (why is not None) == is_due
    if is_due:
        assert why == "they were 30 days old"


@pytest.mark.parametrize(("moved", "is_due"), [(0.0, False), (0.1, False), (0.6, True)])
def test_segments_are_fitted_anew_where_their_sizes_have_moved(company, moved, is_due):
    found = company.fit(AS_OF)
    first, *others = found.segmenter.shares
    counts = [round(1000 * share) for share in ((1 - moved) * first, others[0] + moved * first, *others[1:])]
    why = company.why(found, after(1), counts)
    assert (why is not None) == is_due
    if is_due:
        assert "their sizes had moved since they were fitted (PSI" in why
        assert company.why(found, AS_OF, counts) is None


def test_of_a_night_before_the_latest_age_counts_and_sizes_do_not(company):
    found = company.fit(AS_OF)
    moved = [1000, *(0 for _ in found.segmenter.shares[1:])]
    assert "PSI" in company.why(found, after(20), moved)
    company.night(after(21), {"Loyal": [1]})
    assert company.why(found, after(20), moved) is None
    assert "PSI" in company.why(found, after(21), moved)
    company.fit(after(22), before=found)
    assert company.why(found, after(21), moved) is None
    assert stored_segments(company.connection, after(21)) == replace(found, notes=())
    assert company.why(found, after(29)) is None
    assert company.why(found, after(30)) == "they were 30 days old"


def test_nights_caught_up_on_in_order_of_date_are_fitted_at_their_age_and_keep_ids(company):
    latest = company.fit(AS_OF)
    first = company.in_force(after(-90))
    assert company.why(first, after(-61)) is None
    assert company.why(first, after(-60)) == "they were 30 days old"
    second = company.fit(after(-60), before=first)
    assert named(second) == named(first) == named(latest)
    assert stored_segments(company.connection, after(-31)) == replace(second, notes=())
    assert stored_segments(company.connection, AS_OF) == replace(latest, notes=())


def test_segments_that_need_a_feature_which_is_gone_are_fitted_anew(company):
    found = company.fit(AS_OF)
    lacking = company.snapshot_of(after(1), lacking="mrr")
    assert why_not_usable(found, lacking) == "mrr is no longer known of customers"
    assert why_not_usable(found, company.snapshot_of(after(2))) is None
    assert why_not_usable(None, lacking) == "there were none yet"
    anew = company.in_force(after(3), lacking="mrr")
    assert "mrr" not in anew.segmenter.feature_names
    assert anew.model_version != found.model_version


def test_the_segments_in_force_are_taken_as_they_are(company):
    found = company.fit(AS_OF)
    assert company.in_force(after(200)) == replace(found, notes=())


# ---------------------------------------------------------------- what it keeps


def test_segments_fitted_anew_on_the_same_kinds_keep_ids_and_names(company):
    first = company.fit(AS_OF)
    second = company.fit(after(31), before=first)
    assert named(second) == named(first)
    assert second.model_version != first.model_version
    assert company.events("as_of_date", "event", "segment_id", "previous_version") == [
        *((AS_OF, "born", segment_id, None) for segment_id in sorted(named(first))),
        *((after(31), "kept", segment_id, first.model_version) for segment_id in sorted(named(first))),
    ]


def test_a_first_fit_is_told_in_one_line_and_later_ones_with_what_changed(company):
    first = company.fit(AS_OF)
    assert first.notes == (f"Segments fitted as of {AS_OF}: of a test.",)
    alike = company.fit(after(31), before=first, sizes=(SIZE, SIZE, SIZE))
    assert alike.notes == (f"Segments fitted as of {after(31)}: of a test.",)
    lacking = company.fit(after(62), before=alike, lacking="mrr")
    changes = [row for row in company.events("as_of_date", "event", "reason") if row[0] == after(62)]
    told = [f"Segment {event}: {reason}" for _, event, reason in changes if event != "kept"]
    assert sorted(lacking.notes[1:]) == sorted(told) != []


def test_a_night_caught_up_on_takes_the_ids_and_names_of_the_segments_after_it(company):
    fitted = company.fit(after(-90)).segmenter
    company.connection.execute(sa.delete(models))
    numbered = tuple(replace(segment, segment_id=10 + segment.segment_id) for segment in fitted.segments)
    later = registry.NewModel(
        registry.SEGMENTS,
        replace(fitted, segments=numbered, next_id=20).to_text(),
        AS_OF,
        {"segments": [asdict(segment) for segment in numbered]},
    )
    version = registry.adopt(company.connection, later, AUTHOR, "of a test").model_version
    earlier = company.in_force(after(-60))
    assert named(earlier) == {segment.segment_id: segment.name for segment in numbered}
    told = company.events("as_of_date", "event", "previous_version")
    assert {row for row in told if row[0] == after(-60)} == {(after(-60), "kept", None)}
    champion = registry.champion(company.connection, registry.SEGMENTS)
    assert champion is not None
    assert champion.model_version == version


def test_no_segment_is_given_an_id_that_another_has_had(company):
    first = company.fit(AS_OF)
    offshoot = company.fit(after(-60), lacking="mrr")
    fresh = set(named(offshoot)) - set(named(first))
    second = company.fit(after(31), before=first, lacking="events_28d")
    assert not fresh & set(named(second))
    assert second.segmenter.next_id > max({*named(first), *named(offshoot), *named(second)})


def test_the_same_fit_again_adds_no_event(company):
    found = company.fit(AS_OF)
    events = company.events("segment_id", "event")
    assert company.fit(AS_OF).model_version == found.model_version
    assert company.events("segment_id", "event") == events


def test_the_registry_keeps_the_candidates_that_were_compared(company):
    version = company.fit(AS_OF).model_version
    candidates = registry.stored(company.connection, version).details["candidates"]
    assert {"method", "count", "silhouette", "stability", "smallest_share", "chosen"} <= set(candidates[0])
    assert sum(candidate["chosen"] for candidate in candidates) == 1
