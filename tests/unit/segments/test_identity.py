"""Which segment is which after a refit, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from churn.matrix import FeatureNames
from churn.segments import FittedSegments, Meaning, Segment, Segmenter, fit_segments
from churn.segments.matching import compare, events_of
from churn.segments.meaning import meaning_of_name
from churn.segments.population import Before
from churn.segments.profiles import tier

NAMES = FeatureNames(("mrr", "events_28d", "events_trend_28d"))
Matrix = NDArray[np.float32]


def made(sizes: list[int], seed: int = 1, spread: float = 0.1) -> Matrix:
    """Big and busy, middling and slipping, small and idle, small and growing; so many of each."""
    rng = np.random.default_rng(seed)
    centres = np.array([[900, 200, 0], [150, 40, -0.5], [10, 1, 0], [10, 40, 0.5]])
    kind = np.repeat(np.arange(4), sizes)
    noise = rng.normal(0, spread, (len(kind), 3))
    rows = centres[kind] * np.exp(noise * [1, 1, 0]) + noise * [0, 0, 0.5]
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def first() -> FittedSegments:
    return fit_segments(NAMES, made([100, 100, 100, 100]), seed=1, most=5)


def again(first: FittedSegments, matrix: Matrix, names: FeatureNames = NAMES) -> FittedSegments:
    return fit_segments(names, matrix, seed=1, most=5, previous=first.segmenter)


def told(fitted: FittedSegments) -> list[tuple[str, int, str]]:
    return [(event.event, event.segment_id, event.segment) for event in fitted.events]


def test_the_first_segments_are_born_with_their_size(first: FittedSegments) -> None:
    assert [event.event for event in first.events] == ["born"] * 4
    assert first.segmenter.next_id == 5
    assert first.segmenter.shares == (0.25,) * 4
    assert "100 customers of the 400" in first.events[0].reason


def test_the_same_customers_keep_everything(first: FittedSegments) -> None:
    fitted = again(first, made([100, 100, 100, 100]))
    assert fitted.segmenter == first.segmenter
    assert {event.event for event in fitted.events} == {"kept"}
    assert all(event.shared_customers == 100 and event.shared_share == 1 for event in fitted.events)


def test_a_segment_that_is_no_more_is_gone_and_its_id_is_not_given_again(first: FittedSegments) -> None:
    smallest = next(s for s in first.segmenter.segments if "growing" in s.name)
    without = again(first, made([100, 100, 100, 0]))
    gone = [event for event in without.events if event.event in ("retired", "merged")]
    assert [(event.segment_id, event.segment) for event in gone] == [(smallest.segment_id, smallest.name)]
    assert gone[0].reason == "No customer is like this any more."
    assert len(without.segmenter.segments) == 3
    back = again(without, made([100, 100, 100, 100], seed=2))
    born = [event for event in back.events if event.event == "born"]
    assert [event.segment_id for event in born] == [5]
    assert back.segmenter.next_id == 6


def test_a_segment_whose_customers_change_is_renamed_and_keeps_its_id(first: FittedSegments) -> None:
    matrix = made([100, 100, 100, 100])
    slipping = next(s for s in first.segmenter.segments if "slipping" in s.name)
    matrix[100:200, 2] /= 20
    fitted = again(first, matrix)
    renamed = [event for event in fitted.events if event.event == "renamed"]
    assert [(event.segment_id, event.previous_segment) for event in renamed] == [(slipping.segment_id, slipping.name)]
    assert "slipping" not in renamed[0].segment
    shared = f"{renamed[0].shared_customers} customers in both"
    assert renamed[0].reason.startswith(f"Its typical customer has changed from {slipping.name}: {shared}")


def test_a_renamed_segment_does_not_take_the_name_of_another(first: FittedSegments) -> None:
    segments = first.segmenter.segments
    swapped = tuple(
        replace(segment, name=other.name, meaning=other.meaning)
        for segment, other in zip(segments, segments[::-1], strict=True)
    )
    previous = FittedSegments(replace(first.segmenter, segments=swapped), (), ())
    fitted = again(previous, made([100, 100, 100, 100]))
    assert {event.event for event in fitted.events} == {"renamed"}
    assert not {s.name for s in fitted.segmenter.segments} & {s.name for s in segments}


def test_without_any_feature_of_before_everything_is_born_under_new_ids_and_names(first: FittedSegments) -> None:
    names = FeatureNames(("spend_365d", "active_days_28d"))
    fitted = again(first, made([100, 100, 100, 100])[:, :2], names)
    born = [event for event in fitted.events if event.event == "born"]
    assert min(event.segment_id for event in born) == 5
    assert not {event.segment for event in born} & {segment.name for segment in first.segmenter.segments}
    assert [e.segment for e in fitted.events if e.event == "retired"] == [s.name for s in first.segmenter.segments]
    assert all("features" in event.reason and event.shared_customers is None for event in fitted.events)


def test_without_some_features_of_before_the_others_tell_which_is_which(first: FittedSegments) -> None:
    names = FeatureNames(("mrr", "events_28d"))
    fitted = again(first, made([100, 100, 100, 100])[:, :2], names)
    continued = [event for event in fitted.events if event.event in ("kept", "renamed")]
    assert len(continued) >= 3
    was = {segment.name: segment.segment_id for segment in first.segmenter.segments}
    assert all(was.get(segment.name, segment.segment_id) == segment.segment_id for segment in fitted.segmenter.segments)


@pytest.mark.parametrize("method", ["kmeans", "gaussian_mixture"])
def test_a_minor_feature_that_comes_and_goes_changes_no_id_and_no_name(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = made([100, 100, 100, 100])
    tickets = np.random.default_rng(4).poisson(1, len(matrix))
    names = FeatureNames((*NAMES.numbers, "tickets_90d"))
    wide = np.column_stack([matrix, tickets]).astype(np.float32)
    monkeypatch.setattr("churn.segments.search.MIXTURE_MARGIN", -1.0 if method == "gaussian_mixture" else 1.0)
    with_tickets = fit_segments(names, wide, seed=1, most=5)
    monkeypatch.undo()
    assert bool(with_tickets.segmenter.spreads) == (method == "gaussian_mixture")
    assert "tickets_90d" in with_tickets.segmenter.feature_names
    without = again(with_tickets, matrix)
    assert "tickets_90d" not in without.segmenter.feature_names
    back = again(without, wide, names)
    for fitted in (without, back):
        assert {event.event for event in fitted.events} == {"kept"}
    told_first = [(s.segment_id, s.name) for s in with_tickets.segmenter.segments]
    assert [(s.segment_id, s.name) for s in back.segmenter.segments] == told_first


def test_a_segment_that_goes_on_keeps_its_radius_while_the_scaling_is_the_same(first: FittedSegments) -> None:
    wider = again(first, made([100, 100, 100, 100], spread=0.12))
    assert {event.event for event in wider.events} == {"kept"}
    assert wider.segmenter.features == first.segmenter.features
    assert wider.segmenter.radii == first.segmenter.radii
    other_scaling = again(first, made([100, 100, 100, 100]) * np.array([30, 1, 1], dtype=np.float32))
    assert other_scaling.segmenter.features != first.segmenter.features
    assert other_scaling.segmenter.radii != first.segmenter.radii


def test_a_company_at_the_least_size_does_not_go_to_and_fro() -> None:
    fits = [fit_segments(NAMES, made([10, 10, 10, 10]), seed=1, most=5)]
    assert len(fits[0].segmenter.segments) == 4
    for last in (9, 10, 9, 5):
        fits.append(again(fits[-1], made([10, 10, 10, last])))
        assert {event.event for event in fits[-1].events} == {"kept"}
    assert len(again(fits[-1], made([5, 5, 5, 5])).segmenter.segments) == 4
    assert len(again(fits[-1], made([5, 5, 5, 4])).segmenter.segments) == 3


def test_segments_from_later_may_give_ids_and_names_only(first: FittedSegments) -> None:
    matrix = made([60, 90, 120, 50], seed=8) * np.array([0.8, 0.9, 1], dtype=np.float32)
    cold = fit_segments(NAMES, matrix, seed=1, most=5)
    spoken = fit_segments(NAMES, matrix, seed=1, most=5, previous=first.segmenter, only_names=True)
    assert spoken.segmenter.features == cold.segmenter.features != first.segmenter.features
    assert sorted(spoken.segmenter.centroids) == sorted(cold.segmenter.centroids)
    assert sorted(spoken.segmenter.radii) == sorted(cold.segmenter.radii)
    assert spoken.candidates == cold.candidates
    assert [(s.segment_id, s.name) for s in spoken.segmenter.segments] == [
        (s.segment_id, s.name) for s in first.segmenter.segments
    ]
    few = fit_segments(NAMES, made([10, 10, 10, 9]), seed=1, most=5, previous=first.segmenter, only_names=True)
    assert len(few.segmenter.segments) == 3
    same = made([100, 100, 100, 100])
    odd = replace(first.segmenter, radii=(9.0,) * 4)
    assert 9.0 not in fit_segments(NAMES, same, seed=1, most=5, previous=odd, only_names=True).segmenter.radii


def test_more_features_than_before_still_match_by_customers(first: FittedSegments) -> None:
    matrix = made([100, 100, 100, 100])
    tickets = np.random.default_rng(4).poisson(1, len(matrix))
    fitted = again(
        first, np.column_stack([matrix, tickets]).astype(np.float32), FeatureNames((*NAMES.numbers, "tickets_90d"))
    )
    assert {event.event for event in fitted.events} == {"kept"}
    assert "tickets_90d" in fitted.segmenter.feature_names


def test_too_few_customers_after_many_become_one_segment_and_the_reverse(first: FittedSegments) -> None:
    few = again(first, made([3, 3, 3, 3]))
    assert [(s.segment_id, s.name) for s in few.segmenter.segments] == [(5, "All customers")]
    assert {event.event for event in few.events} == {"born", "merged"}
    assert again(few, made([5, 5, 5, 5])).segmenter == few.segmenter
    assert told(again(few, made([5, 5, 5, 5]))) == [("kept", 5, "All customers")]
    many = again(few, made([100, 100, 100, 100]))
    assert [s.segment_id for s in many.segmenter.segments] == [6, 7, 8, 9]
    assert next(event for event in many.events if event.event == "retired").segment == "All customers"


def seen(labels: list[int], names: list[str]) -> Before:
    segments = tuple(Segment(i, name, name, Meaning(0, 0, 0)) for i, name in enumerate(names, start=1))
    return Before(segments, np.array(labels), np.zeros(len(labels), dtype=np.bool_))


def test_a_segment_that_divides_goes_on_in_its_larger_part_and_the_other_is_split_off() -> None:
    comparison = compare(seen([0] * 60 + [1] * 40, ["A", "B"]), np.repeat([2, 0, 1], [35, 25, 40]), 3)
    assert comparison.match == (None, 1, 0)
    new = [Segment(3, "A2", ""), Segment(2, "B", ""), Segment(1, "A", "")]
    events = events_of(comparison, new)
    assert [(event.event, event.segment, event.previous_segment) for event in events] == [
        ("kept", "A", "A"),
        ("kept", "B", "B"),
        ("split", "A2", "A"),
    ]
    assert events[2].reason == "25 of its 25 customers come from A, which goes on as A."


def test_a_segment_that_joins_another_is_merged_into_it() -> None:
    comparison = compare(seen([0] * 60 + [1] * 20 + [2] * 20, ["A", "B", "C"]), np.repeat([0, 1], [80, 20]), 2)
    events = events_of(comparison, [Segment(1, "A", ""), Segment(3, "C", "")])
    assert [(event.event, event.segment) for event in events] == [("kept", "A"), ("kept", "C"), ("merged", "B")]
    assert events[2].reason == "20 of its 20 customers are in A now."
    assert events[0].related == ("B",)


def test_the_best_of_all_pairings_wins_not_the_greediest() -> None:
    now = np.repeat([0, 1, 0], [60, 40, 40])
    comparison = compare(seen([0] * 100 + [1] * 40, ["A", "B"]), now, 2)
    assert comparison.match == (1, 0)


def test_segments_that_share_few_customers_are_not_the_same() -> None:
    labels = np.arange(90) % 3
    comparison = compare(seen(np.sort(labels).tolist(), ["A", "B", "C"]), labels, 3)
    assert comparison.match == (None, None, None)
    assert {event.event for event in events_of(comparison, [Segment(i, f"N{i}", "") for i in (4, 5, 6)])} == {
        "born",
        "retired",
    }


def test_the_order_of_the_new_clusters_changes_no_match() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        comparison = compare(seen(labels.tolist(), ["A", "B", "C"]), np.array(order)[labels], 3)
        assert [comparison.match[n] for n in order] == [0, 1, 2]


@pytest.mark.parametrize(
    ("score", "before", "expected"),
    [
        (0.55, None, 1), (0.45, None, 0), (-0.55, None, -1),
        (0.55, 0, 0), (0.65, 0, 1), (0.45, 1, 1), (0.35, 1, 0),
        (-0.55, 0, 0), (-0.65, 0, -1), (-0.45, -1, -1), (-0.35, -1, 0),
        (-0.65, 1, -1), (0.65, -1, 1),
    ],
)  # fmt: skip
def test_a_tier_is_left_only_by_a_clear_margin(score: float, before: int | None, expected: int) -> None:
    assert tier(score, -0.5, 0.5, 0.1, before) == expected


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("High value, very active, slipping", Meaning(1, 1, -1)),
        ("Low value, quiet", Meaning(-1, -1, 0)),
        ("Medium value, growing, many tickets", Meaning(0, 0, 1, "tickets_90d", more=True)),
        ("Quiet", Meaning(0, -1, 0)),
        ("Steady", Meaning(0, 0, 0)),
    ],
)
def test_the_meaning_of_a_name_of_the_first_format_is_read_from_its_words(name: str, meaning: Meaning) -> None:
    assert meaning_of_name(name, ("mrr", "events_28d", "events_trend_28d")) == meaning


def test_segments_of_the_first_format_are_recognised(first: FittedSegments) -> None:
    import hashlib
    import json

    fields = json.loads(first.segmenter.to_text())
    old = {key: fields[key] for key in ("kind", "features", "centroids")}
    old["segments"] = [{k: v for k, v in s.items() if k != "meaning"} for s in fields["segments"]]
    text = json.dumps(old, sort_keys=True, separators=(",", ":"))
    stored = Segmenter.from_text(text, hashlib.sha256(text.encode()).hexdigest())
    assert stored.shares == stored.radii == ()
    assert stored.next_id == 5
    fitted = fit_segments(NAMES, made([100, 100, 100, 100]), seed=1, most=5, previous=stored)
    assert {event.event for event in fitted.events} == {"kept"}
    assert fitted.segmenter == first.segmenter
