"""Segments: found, named, stored and assigned; and a sensible answer where nothing is to be found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.errors import ModelError
from churn.matrix import Batch, FeatureNames
from churn.segments import Segment, Segmenter, assign_batches, fit_segments

NAMES = FeatureNames(("mrr", "events_28d", "active_days_28d", "events_trend_28d", "tickets_90d", "noise"))
Matrix = NDArray[np.float32]


def company(n: int, seed: int) -> tuple[Matrix, NDArray[np.int64]]:
    """Four kinds: rich and slipping, rich and busy, poor and idle, poor and growing; with outliers and gaps."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    active = np.clip(np.array([10, 24, 2, 10])[kind] + rng.normal(0, 1.5, n), 0, 28)
    columns = [
        np.array([500, 500, 20, 20])[kind] * np.exp(rng.normal(0, 0.15, n)),
        active * 5 + rng.poisson(5, n),
        active,
        np.clip(np.array([-0.5, 0, 0, 0.5])[kind] + rng.normal(0, 0.05, n), -1, 1),
        rng.poisson(np.array([3, 0.2, 0.2, 0.2])[kind]),
        rng.normal(0, 1e6, n),
    ]
    matrix = np.stack(columns, axis=1).astype(np.float32)
    matrix[rng.random(n) < 0.005, 0] = 1e7
    matrix[rng.random(n) < 0.01, 4] = np.nan
    return matrix, kind


def ids_of(segmenter: Segmenter, matrix: Matrix, names: FeatureNames = NAMES, rows: int = 1000) -> NDArray[np.int32]:
    batches = (
        Batch(np.arange(i, i + len(part)), part, np.empty((len(part), 0), dtype=np.int32))
        for i in range(0, len(matrix), rows)
        for part in [matrix[i : i + rows]]
    )
    return np.concatenate([ids for _, ids in assign_batches(segmenter, names, batches)])


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return company(2_500, 1)[0]


@pytest.fixture(scope="module")
def fitted(matrix: Matrix) -> Segmenter:
    return fit_segments(NAMES, matrix, seed=1).segmenter


def test_kinds_of_customers_become_segments_named_for_what_they_are(fitted: Segmenter, matrix: Matrix) -> None:
    kind, ids = company(2_500, 1)[1], ids_of(fitted, matrix)
    names = {segment.segment_id: segment.name for segment in fitted.segments}
    typical = [names[int(np.bincount(ids[kind == k]).argmax())] for k in range(4)]
    assert typical[0].startswith("High value")
    assert "slipping" in typical[0]
    assert "very active" in typical[1]
    assert "quiet" in typical[2]
    assert typical[3].startswith("Low value")
    assert "growing" in typical[3]
    for k in range(4):
        assert np.bincount(ids[kind == k]).max() > 0.95 * (kind == k).sum()


def test_a_description_gives_three_facts_with_everybodys_figure_beside(fitted: Segmenter) -> None:
    for segment in fitted.segments:
        assert segment.description.startswith(f"{segment.name}: ")
        assert segment.description.count("(all customers ") == 3
        assert "monthly revenue" in segment.description


def test_a_name_tells_the_tier_of_value_even_where_all_are_in_the_middle(matrix: Matrix) -> None:
    even = matrix.copy()
    even[:, 0] = 100 * np.exp(np.random.default_rng(2).normal(0, 0.3, len(even)))
    names = [segment.name for segment in fit_segments(NAMES, even, seed=1).segmenter.segments]
    assert {name.split(",")[0] for name in names} == {"Medium value"}
    assert any("very active" in name for name in names)
    without = fit_segments(FeatureNames(NAMES.numbers[1:]), even[:, 1:], seed=1).segmenter
    assert not any("value" in segment.name for segment in without.segments)


def test_ids_count_from_the_most_valuable_and_names_are_unique(fitted: Segmenter, matrix: Matrix) -> None:
    assert [segment.segment_id for segment in fitted.segments] == list(range(1, len(fitted.segments) + 1))
    assert len({segment.name for segment in fitted.segments}) == len(fitted.segments)
    ids = ids_of(fitted, matrix)
    medians = [np.median(matrix[ids == segment.segment_id, 0]) for segment in fitted.segments]
    assert medians[0] > medians[-1]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_artifact_is_the_same_to_the_byte_on_any_number_of_threads(
    fitted: Segmenter, matrix: Matrix, threads: int
) -> None:
    with threadpool_limits(limits=threads):
        assert fit_segments(NAMES, matrix, seed=1).segmenter.to_text() == fitted.to_text()


def test_a_sample_of_a_large_population_finds_the_same_segments(fitted: Segmenter, matrix: Matrix) -> None:
    sampled = fit_segments(NAMES, matrix, seed=1, max_rows=1_500).segmenter
    assert {s.name for s in sampled.segments} == {s.name for s in fitted.segments}
    assert (ids_of(sampled, matrix) == ids_of(fitted, matrix)).mean() > 0.97


def test_batches_of_any_size_assign_alike_and_more_features_change_nothing(fitted: Segmenter, matrix: Matrix) -> None:
    ids = ids_of(fitted, matrix)
    assert (ids_of(fitted, matrix, rows=7) == ids).all()
    more = FeatureNames(("t_days", *NAMES.numbers[::-1]))
    wider = np.column_stack([np.ones(len(matrix)), matrix[:, ::-1]]).astype(np.float32)
    assert (ids_of(fitted, wider, more) == ids).all()


def test_a_missing_feature_is_named() -> None:
    fitted = fit_segments(NAMES, company(300, 2)[0], seed=1).segmenter
    with pytest.raises(ModelError, match="events_28d"):
        ids_of(fitted, np.ones((1, 1), dtype=np.float32), FeatureNames(("mrr",)))


def test_a_tie_goes_to_the_lowest_id(fitted: Segmenter) -> None:
    twins = replace(fitted, centroids=(fitted.centroids[0],) * len(fitted.centroids))
    assert set(ids_of(twins, company(50, 3)[0]).tolist()) == {1}


def test_a_segmentation_comes_back_the_same_or_not_at_all(fitted: Segmenter) -> None:
    text = fitted.to_text()
    assert Segmenter.from_text(text, fitted.sha256) == fitted
    with pytest.raises(ModelError, match="digest differs"):
        Segmenter.from_text(text.replace("High", "Low"), fitted.sha256)
    for wrong in ("{}", "[]", "no", json.dumps({"kind": "clv_contractual"})):
        with pytest.raises(ModelError, match="can't be read"):
            Segmenter.from_text(wrong, sha256_of(wrong))


def sha256_of(text: str) -> str:

    return hashlib.sha256(text.encode()).hexdigest()


ALL = Segment(1, "All customers", "All customers: nothing sets them clearly apart.")


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (NAMES, company(1, 1)[0]),
        (NAMES, company(29, 1)[0]),
        (NAMES, np.repeat(company(1, 1)[0], 500, axis=0)),
        (NAMES, np.repeat(company(2, 1)[0], 500, axis=0)),
        (NAMES, np.full((500, 6), np.nan, dtype=np.float32)),
        (NAMES, np.full((500, 6), 0.1, dtype=np.float32)),
        (FeatureNames(("noise",)), np.arange(500, dtype=np.float32)[:, None]),
        (FeatureNames(()), np.empty((500, 0), dtype=np.float32)),
    ],
    ids=["one", "few", "identical", "two kinds", "missing", "constant", "irrelevant", "no features"],
)
def test_where_nothing_sets_customers_apart_there_is_one_segment(names: FeatureNames, numbers: Matrix) -> None:
    fitted = fit_segments(names, numbers, seed=1).segmenter
    assert fitted.segments == (ALL,)
    assert set(ids_of(fitted, numbers, names).tolist()) == {1}
    assert Segmenter.from_text(fitted.to_text(), fitted.sha256) == fitted


def test_nobody_cannot_be_segmented() -> None:
    with pytest.raises(ModelError, match="at least one customer"):
        fit_segments(NAMES, np.empty((0, 6), dtype=np.float32), seed=1)


def test_a_constant_or_missing_feature_changes_nothing(matrix: Matrix) -> None:
    small = matrix[:600]
    names = FeatureNames((*NAMES.numbers, "tenure_days", "failed_share_90d"))
    wider = np.column_stack([small, np.full(600, 7.0), np.full(600, np.nan)]).astype(np.float32)
    assert fit_segments(names, wider, seed=1) == fit_segments(NAMES, small, seed=1)


def test_three_kinds_of_identical_customers_are_three_segments() -> None:
    kinds = np.array([[900, 100, 20, 0, 0, 0], [50, 100, 20, 0, 0, 0], [50, 2, 1, 0, 0, 0]], dtype=np.float32)
    fitted = fit_segments(NAMES, np.repeat(kinds, 200, axis=0), seed=1).segmenter
    assert ids_of(fitted, kinds).tolist() == [1, 2, 3]


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 80), st.just(6)), elements=st.floats(width=32)))
def test_any_numbers_at_all_get_unique_names_and_everybody_a_segment(numbers: Matrix) -> None:
    fitted = fit_segments(NAMES, numbers, seed=1).segmenter
    names = [segment.name for segment in fitted.segments]
    assert len(set(names)) == len(names) == len(fitted.centroids)
    assert set(ids_of(fitted, numbers).tolist()) <= {segment.segment_id for segment in fitted.segments}
    assert Segmenter.from_text(fitted.to_text(), fitted.sha256) == fitted
