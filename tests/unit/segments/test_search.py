"""How many segments, and by which method: both figures of every candidate are told, and a rule chooses."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import silhouette_samples
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.matrix import FeatureNames
from churn.segments import Candidate, Segmenter, fit_segments, population_drift
from churn.segments.grouping import Grouping, fit_kmeans, grouped, refit
from churn.segments.refitting import held, refitted
from churn.segments.search import Judged, Jury, best_of, cold_candidates, warm_candidate

NAMES = FeatureNames(("mrr", "events_28d"))


def lines(n: int = 900) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Three long, thin groups beside each other, which k-means cuts across and a mixture does not."""
    rng = np.random.default_rng(2)
    kind = np.arange(n) % 3
    return np.stack([rng.normal(0, 4, n), rng.normal(0, 0.15, n) + 2.2 * kind], axis=1), kind


def judged(method: str, count: int, silhouette: float, stability: float, smallest: float = 0.1) -> Judged:
    candidate = Candidate(method, count, silhouette, stability, smallest, chosen=False)  # type: ignore[arg-type]
    return Judged(
        candidate, Grouping("kmeans", np.zeros((count, 1)), np.ones((count, 1)), np.ones(count) / count), count
    )


def best(*candidates: Judged) -> tuple[str, int]:
    found = best_of(list(candidates)).candidate
    return found.method, found.count


def test_both_methods_and_every_number_are_reported_with_one_chosen() -> None:
    rng = np.random.default_rng(1)
    numbers = np.exp(rng.normal([[5, 1], [1, 5], [1, 1]] * 400, 0.2)).astype(np.float32)
    fitted = fit_segments(NAMES, numbers, seed=1)
    told = [(each.method, each.count) for each in fitted.candidates]
    assert told == [(method, count) for method in ("kmeans", "gaussian_mixture") for count in range(3, 11)]
    assert [(each.method, each.count) for each in fitted.candidates if each.chosen] == [("kmeans", 3)]
    assert all(-1 <= each.silhouette <= 1 and each.stability <= 1 for each in fitted.candidates)
    assert set(asdict(fitted.candidates[0])) == {
        "method", "count", "silhouette", "stability", "smallest_share", "chosen",
    }  # fmt: skip
    few = fit_segments(NAMES, numbers, seed=1, fewest=4, most=5)
    assert {each.count for each in few.candidates} == {4, 5}
    assert len(few.segmenter.segments) in (4, 5)


def test_the_fewest_nearly_as_clear_as_the_clearest_are_taken() -> None:
    assert best(judged("kmeans", 3, 0.40, 0.9), judged("kmeans", 4, 0.49, 0.9), judged("kmeans", 5, 0.5, 0.9)) == (
        "kmeans",
        4,
    )


def test_a_number_that_another_beats_on_clearness_and_clearly_on_stability_is_passed_over() -> None:
    assert best(judged("kmeans", 3, 0.28, 0.85), judged("kmeans", 4, 0.29, 0.93)) == ("kmeans", 4)
    assert best(judged("kmeans", 3, 0.28, 0.85), judged("kmeans", 4, 0.29, 0.88)) == ("kmeans", 3)
    assert best(judged("kmeans", 3, 0.29, 0.85), judged("kmeans", 4, 0.28, 0.93)) == ("kmeans", 3)


def test_a_clearer_number_that_resampling_changes_is_not_taken() -> None:
    assert best(judged("kmeans", 3, 0.4, 0.9), judged("kmeans", 5, 0.6, 0.7)) == ("kmeans", 3)
    assert best(judged("kmeans", 3, 0.4, 0.5), judged("kmeans", 5, 0.6, 0.7)) == ("kmeans", 5)


def test_a_number_that_leaves_a_tiny_segment_is_taken_only_if_all_do() -> None:
    assert best(judged("kmeans", 3, 0.4, 0.9), judged("kmeans", 5, 0.6, 0.9, 0.005)) == ("kmeans", 3)
    assert best(judged("kmeans", 3, 0.4, 0.9, 0.004), judged("kmeans", 5, 0.6, 0.9, 0.005)) == ("kmeans", 5)


def test_a_number_that_leaves_a_group_without_anybody_is_told_but_not_taken() -> None:
    hollow = replace(judged("kmeans", 5, 0.9, 1.0), groups=4)
    assert best(judged("kmeans", 3, 0.4, 0.9), hollow) == ("kmeans", 3)
    assert best(hollow, replace(judged("gaussian_mixture", 5, 0.9, 1.0), groups=4)) == ("kmeans", 5)


def test_a_mixture_is_taken_only_where_it_is_clearly_better_on_both() -> None:
    plain = judged("kmeans", 3, 0.40, 0.90)
    assert best(plain, judged("gaussian_mixture", 4, 0.45, 0.95)) == ("gaussian_mixture", 4)
    assert best(plain, judged("gaussian_mixture", 4, 0.60, 0.91)) == ("kmeans", 3)
    assert best(plain, judged("gaussian_mixture", 4, 0.41, 1.00)) == ("kmeans", 3)


def test_silhouettes_are_those_of_scikit_learn() -> None:
    rows, kind = lines(300)
    labels = kind.copy()
    labels[7] = 5
    found = Jury.of(rows, np.random.default_rng(1)).silhouettes(labels)
    assert found == pytest.approx(silhouette_samples(rows, labels), abs=1e-9)
    assert not Jury.of(rows, np.random.default_rng(1)).silhouettes(np.zeros(300, dtype=np.intp)).any()


def test_a_grouping_that_resampling_repeats_is_stable_and_one_by_chance_is_not() -> None:
    rng = np.random.default_rng(3)
    clear = np.repeat([[0.0, 0], [9, 0], [0, 9]], 100, axis=0) + rng.normal(0, 0.5, (300, 2))
    blob = rng.normal(0, 1, (300, 2))
    stable = cold_candidates(Jury.of(clear, np.random.default_rng(1)), [3], 1)
    loose = cold_candidates(Jury.of(blob, np.random.default_rng(1)), [7], 1)
    assert stable[0].candidate.stability == 1
    assert loose[0].candidate.stability < 0.8


def test_a_mixture_finds_long_groups_and_is_stored_and_assigned_without_scikit_learn() -> None:
    rows, kind = lines()
    with threadpool_limits(limits=1):
        start = grouped("gaussian_mixture", rows, kind)
        mixture = refit(rows, start).settled(rows)
    assert (mixture.labels(rows) == kind).mean() > 0.99
    assert (fit_kmeans(rows, 3, seed=1, starts=3).labels(rows) == kind).mean() < 0.9
    from sklearn.mixture import GaussianMixture

    theirs = GaussianMixture(3, covariance_type="diag", means_init=mixture.centroids)
    theirs.weights_, theirs.means_, theirs.covariances_ = mixture.weights, mixture.centroids, mixture.variances
    theirs.precisions_cholesky_ = 1 / np.sqrt(mixture.variances)
    assert (theirs.predict(rows) == mixture.labels(rows)).all()


def test_a_mixture_in_force_stays_a_mixture_and_travels_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    numbers = np.exp(rng.normal([[5, 1], [1, 5], [1, 1]] * 200, [[0.6, 0.2]] * 600)).astype(np.float32)
    monkeypatch.setattr("churn.segments.search.MIXTURE_MARGIN", -1.0)
    first = fit_segments(NAMES, numbers, seed=1, most=4)
    monkeypatch.undo()
    assert len(first.segmenter.spreads) == len(first.segmenter.segments)
    stored = Segmenter.from_text(first.segmenter.to_text(), first.segmenter.sha256)
    assert stored == first.segmenter
    columns = numbers.astype(np.float64)
    ids = stored.assign(columns)
    assert np.bincount(ids)[1:] / len(ids) == pytest.approx(stored.shares)
    flat = replace(stored, spreads=tuple(replace(s, weight=1e-9 if i else 1.0) for i, s in enumerate(stored.spreads)))
    assert (flat.assign(columns) == 1).mean() > (ids == 1).mean()
    again = fit_segments(NAMES, numbers, seed=2, most=4, previous=stored)
    assert again.segmenter.spreads
    assert {event.event for event in again.events} == {"kept"}


def crowded(strangers_at: float) -> tuple[Jury, Judged, NDArray[np.bool_]]:
    """Three groups, and a fourth that lies some way from the first."""
    rng = np.random.default_rng(4)
    centres = np.array([[0.0, 0], [20, 0], [0, 20], [-strangers_at, -strangers_at]])
    kind = np.repeat(np.arange(4), [300, 300, 300, 60])
    rows = centres[kind] + rng.normal(0, 0.5, (960, 2))
    jury = Jury.of(rows, np.random.default_rng(1))
    start = grouped("kmeans", rows, np.where(kind == 3, 0, kind))
    return jury, warm_candidate(jury, start), kind == 3


def test_the_number_stays_unless_strangers_crowd_or_the_gain_is_clear() -> None:
    jury, stay, strangers = crowded(5.0)
    assert refitted(jury, stay, strangers, [], range(3, 6))[1].candidate.count == 4
    assert refitted(jury, stay, np.zeros_like(strangers), [], range(3, 6))[1] is stay
    assert refitted(jury, stay, strangers, [], range(3, 4))[1] is stay
    silhouette, stability = stay.candidate.silhouette, stay.candidate.stability
    for gain, taken in ((0.04, False), (0.06, True)):
        other = judged("kmeans", 5, silhouette + gain, stability)
        assert (refitted(jury, stay, np.zeros_like(strangers), [other], range(3, 6))[1] is other) == taken
    shaky = judged("kmeans", 5, silhouette + 0.1, 0.5)
    assert refitted(jury, stay, np.zeros_like(strangers), [shaky], range(3, 6))[1] is stay


def test_scattered_strangers_are_no_segment() -> None:
    jury, stay, _ = crowded(0.0)
    scattered = np.random.default_rng(5).random(len(jury.rows)) < 0.04
    assert refitted(jury, stay, scattered, [], range(3, 6))[1] is stay


def test_a_number_no_longer_allowed_gives_way() -> None:
    jury, stay, strangers = crowded(5.0)
    others = [judged("kmeans", 4, 0.1, 0.9), judged("kmeans", 5, 0.2, 0.9)]
    assert refitted(jury, stay, strangers, others, range(4, 6))[1].candidate.count in (4, 5)


def test_segments_follow_a_free_fit_only_where_it_is_worth_it() -> None:
    rows = np.array([[0.0], [1], [9], [10]] * 50)
    start = Grouping("kmeans", np.array([[0.5], [9.4]]), np.ones((2, 1)), np.ones(2) / 2)
    moved = refit(rows, start)
    assert moved.centroids.ravel().tolist() == [0.5, 9.5]
    assert held(rows, start, moved) is moved or start.inertia(rows) <= 1.02 * moved.inertia(rows)
    far = replace(start, centroids=np.array([[0.5], [6.0]]))
    assert held(rows, far, moved) is moved
    assert held(rows, replace(start, centroids=np.array([[0.5], [9.49]])), moved) is not moved


def test_drift_is_the_population_stability_index_of_the_shares() -> None:
    assert population_drift((0.5, 0.5), [50, 50]) == 0
    expected = (0.75 - 0.5) * np.log(0.75 / 0.5) + (0.25 - 0.5) * np.log(0.25 / 0.5)
    assert population_drift((0.5, 0.5), [75, 25]) == pytest.approx(expected)
    assert population_drift((0.5, 0.5), [100, 0]) > 0.25
    assert population_drift((), [10]) == population_drift((1.0,), [0]) == 0
    with pytest.raises(ValueError, match="2 shares, 3 counts"):
        population_drift((0.5, 0.5), [1, 2, 3])


def test_assigning_needs_no_scikit_learn() -> None:
    code = "import sys, churn.segments; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_format_from_the_future_is_refused() -> None:
    from churn.errors import ModelError

    text = '{"kind":"segments","version":3,"features":[],"centroids":[[]],"segments":[]}'
    with pytest.raises(ModelError, match="version 3"):
        Segmenter.from_text(text, hashlib.sha256(text.encode()).hexdigest())
