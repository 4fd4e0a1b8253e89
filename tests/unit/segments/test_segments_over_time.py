"""Segments hold still: twelve monthly refits while the company drifts, and what is new gets a name of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from churn.matrix import FeatureNames
from churn.segments import FittedSegments, Segmenter, fit_segments

NAMES = FeatureNames(
    (
        "mrr",
        "days_since_last_usage",
        "events_28d",
        "active_days_28d",
        "event_types_28d",
        "events_trend_28d",
        "tenure_days",
        "tickets_90d",
        "failed_share_90d",
    )
)
Matrix = NDArray[np.float32]
CUSTOMERS, MONTHS = 1_500, 12

# Latent types: revenue, active days, events a day, kinds of use, trend, tickets; the last is planted later.
TYPES = np.array(
    [
        [400, 22, 8, 7, 0.00, 0.3],
        [400, 10, 4, 4, -0.45, 2.5],
        [60, 20, 6, 6, 0.05, 0.3],
        [50, 9, 3, 4, 0.50, 0.5],
        [15, 2, 1.5, 1, 0.00, 0.2],
        [20, 8, 2, 3, -0.50, 0.5],
        [3_000, 27, 60, 12, 0.60, 9.0],
    ]
)
SHARES = np.array([0.15, 0.1, 0.2, 0.15, 0.25, 0.15, 0.0])
PLANTED = 6


@dataclass(frozen=True)
class Company:
    """Customers of one month: who they are, their latent type, what is lastingly theirs, and tenure in days."""

    keys: NDArray[np.int64]
    types: NDArray[np.intp]
    own: NDArray[np.float64]
    tenure: NDArray[np.float64]

    def next_month(self, rng: np.random.Generator, first_key: int) -> Company:
        """Age everybody; 3 % leave, as many come, 1 % become another type."""
        stays = rng.random(len(self.keys)) >= 0.03
        types = np.where(rng.random(len(self.keys)) < 0.01, kinds(rng, len(self.keys)), self.types)[stays]
        newcomers = newly(rng, len(self.keys) - len(types), first_key)
        return Company(
            np.concatenate([self.keys[stays], newcomers.keys]),
            np.concatenate([types, newcomers.types]),
            np.concatenate([self.own[stays], newcomers.own]),
            np.concatenate([self.tenure[stays] + 30, newcomers.tenure]),
        )

    def rows(self, rng: np.random.Generator, month: int) -> Matrix:
        """Return the month's features: prices rise 0.5 % a month, use has a season of a fifth up and down."""
        n, (revenue, days, daily, kinds_used, trend, tickets) = len(self.keys), TYPES[self.types].T
        season = 1 + 0.2 * np.sin(2 * np.pi * month / 12)
        before = 1 + 0.2 * np.sin(2 * np.pi * (month - 1) / 12)
        active = np.clip(days * season**0.5 + 1.5 * self.own[:, 1] + rng.normal(0, 1, n), 0, 28).round()
        columns = [
            revenue * 1.005**month * np.exp(0.25 * self.own[:, 0]),
            np.where(active > 0, rng.exponential(28 / (active + 1)), 40).round(),
            active * daily * season * np.exp(0.15 * self.own[:, 2] + rng.normal(0, 0.15, n)),
            active,
            np.clip(kinds_used + rng.normal(0, 0.7, n), 0, None).round(),
            np.clip(trend + (season - before) / (season + before) + rng.normal(0, 0.08, n), -1, 1),
            self.tenure,
            rng.poisson(tickets),
            np.where(rng.random(n) < 0.05, 0.33, 0),
        ]
        matrix = np.stack(columns, axis=1).astype(np.float32)
        matrix[active == 0, 5] = np.nan
        return matrix


def kinds(rng: np.random.Generator, n: int) -> NDArray[np.intp]:
    return rng.choice(len(TYPES), n, p=SHARES)


def newly(rng: np.random.Generator, n: int, first_key: int) -> Company:
    return Company(np.arange(first_key, first_key + n), kinds(rng, n), rng.normal(0, 1, (n, 3)), np.zeros(n))


def founded(rng: np.random.Generator) -> Company:
    company = newly(rng, CUSTOMERS, 0)
    return Company(company.keys, company.types, company.own, rng.exponential(600, CUSTOMERS).round())


def names_of(segmenter: Segmenter, matrix: Matrix) -> NDArray[np.str_]:
    known = {segment.segment_id: segment.name for segment in segmenter.segments}
    columns = NAMES.number_columns(segmenter.feature_names, needed_by="The test")
    return np.array([known[i] for i in segmenter.assign(matrix[:, columns].astype(np.float64)).tolist()])


@dataclass(frozen=True)
class Month:
    company: Company
    matrix: Matrix
    fitted: FittedSegments

    @property
    def segmenter(self) -> Segmenter:
        return self.fitted.segmenter


@pytest.fixture(scope="module")
def year() -> list[Month]:
    return simulated(1)


def simulated(seed: int) -> list[Month]:
    rng = np.random.default_rng(seed)
    company = founded(rng)
    matrix = company.rows(rng, 0)
    months = [Month(company, matrix, fit_segments(NAMES, matrix, seed=1, most=8))]
    for month in range(1, MONTHS + 1):
        company = company.next_month(rng, 10_000 * month)
        matrix = company.rows(rng, month)
        months.append(
            Month(company, matrix, fit_segments(NAMES, matrix, seed=1, most=8, previous=months[-1].segmenter))
        )
    return months


def changed(first: Month, last: Month) -> float:
    """Return the share of customers, there at both and of the same type, whose segment has another name."""
    _, then, now = np.intersect1d(first.company.keys, last.company.keys, return_indices=True)
    same = first.company.types[then] == last.company.types[now]
    was = names_of(first.segmenter, first.matrix)[then][same]
    return float((was != names_of(last.segmenter, last.matrix)[now][same]).mean())


def changed_by_refit(first: Month, last: Month) -> float:
    """Return the share of customers that the two segmentations of the same rows put under different names."""
    return float((names_of(first.segmenter, last.matrix) != names_of(last.segmenter, last.matrix)).mean())


def test_a_refit_renames_fewer_than_two_in_a_hundred_and_twelve_fewer_than_ten(year: list[Month]) -> None:
    refits = [changed_by_refit(*pair) for pair in pairwise(year)]
    months = [changed(*pair) for pair in pairwise(year)]
    assert max(refits) < 0.02
    assert max(months) < 0.02
    assert changed_by_refit(year[0], year[-1]) < 0.1
    assert changed(year[0], year[-1]) < 0.1


def test_over_a_year_of_drift_every_segment_is_kept_and_its_facts_are_fresh(year: list[Month]) -> None:
    first, last = year[0].segmenter, year[-1].segmenter
    assert [(s.segment_id, s.name) for s in last.segments] == [(s.segment_id, s.name) for s in first.segments]
    assert {event.event for month in year[1:] for event in month.fitted.events} == {"kept"}
    assert [s.description for s in last.segments] != [s.description for s in first.segments]
    assert len(first.segments) >= 4


def test_the_segments_follow_the_latent_types(year: list[Month]) -> None:
    names = names_of(year[-1].segmenter, year[-1].matrix)
    for kind in np.flatnonzero(SHARES):
        own = names[year[-1].company.types == kind]
        assert max((own == name).mean() for name in set(own.tolist())) > 0.9


@pytest.mark.parametrize(
    "behaviour",
    [[3_000, 27, 60, 12, 0.6, 9], [15, 28, 300, 1, 0, 0]],
    ids=["the largest contracts, ever busier", "small contracts, used by machines"],
)
def test_a_planted_new_behaviour_becomes_a_new_named_segment(
    year: list[Month], monkeypatch: pytest.MonkeyPatch, behaviour: list[float]
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "TYPES", np.vstack([TYPES[:PLANTED], behaviour]))
    rng = np.random.default_rng(7)
    before, company = year[-1], year[-1].company.next_month(rng, 999_000)
    types = np.where(rng.random(len(company.keys)) < 0.06, PLANTED, company.types)
    company = Company(company.keys, types, company.own, company.tenure)
    matrix = company.rows(rng, MONTHS + 1)
    fitted = fit_segments(NAMES, matrix, seed=1, previous=before.segmenter)
    born = [event for event in fitted.events if event.event in ("born", "split")]
    assert len(born) == 1
    assert born[0].segment_id == before.segmenter.next_id
    assert "unlike any segment before" in born[0].reason
    assert born[0].segment not in {segment.name for segment in before.segmenter.segments}
    names = names_of(fitted.segmenter, matrix)
    assert (names[types == PLANTED] == born[0].segment).mean() > 0.9
    assert (types[names == born[0].segment] == PLANTED).mean() > 0.9
    others = types != PLANTED
    assert (names_of(before.segmenter, matrix)[others] != names[others]).mean() < 0.02


@pytest.mark.parametrize(
    "behaviour",
    [[3_000, 27, 60, 12, 0.6, 9], [2_500, 0.3, 1, 0.5, 0, 0.2]],
    ids=["the largest contracts, ever busier", "the largest contracts, unused"],
)
def test_a_new_behaviour_that_comes_little_by_little_is_born_by_the_time_it_is_six_in_a_hundred(
    year: list[Month], monkeypatch: pytest.MonkeyPatch, behaviour: list[float]
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "TYPES", np.vstack([TYPES[:PLANTED], behaviour]))
    rng, company, segmenter = np.random.default_rng(3), year[0].company, year[0].segmenter
    events = []
    for month, share in enumerate((0.015, 0.03, 0.045, 0.06), 1):
        company = company.next_month(rng, 10_000 * month)
        types = company.types.copy()
        known = np.flatnonzero(types != PLANTED)
        types[rng.choice(known, round(share * len(types)) - (len(types) - len(known)), replace=False)] = PLANTED
        company = Company(company.keys, types, company.own, company.tenure)
        matrix = company.rows(rng, month)
        fitted = fit_segments(NAMES, matrix, seed=1, most=8, previous=segmenter)
        events += [event for event in fitted.events if event.event != "kept"]
        others = types != PLANTED
        assert (names_of(segmenter, matrix)[others] != names_of(fitted.segmenter, matrix)[others]).mean() < 0.02
        segmenter = fitted.segmenter
    assert [event.event for event in events] in (["born"], ["split"])
    names = names_of(segmenter, matrix)
    assert (names[~others] == events[0].segment).mean() > 0.9
    assert (others[names == events[0].segment]).mean() < 0.1


def test_where_nothing_sets_customers_clearly_apart_segments_do_not_wander() -> None:
    rng = np.random.default_rng(5)
    hidden = rng.normal(0, 1, (2_000, 4))
    fits: list[Segmenter] = []
    rows: list[NDArray[np.float32]] = []
    for _ in range(4):
        hidden = 0.95 * hidden + np.sqrt(1 - 0.95**2) * rng.normal(0, 1, hidden.shape)
        matrix = np.zeros((2_000, len(NAMES.numbers)), dtype=np.float32)
        matrix[:, [0, 2, 5, 6]] = np.exp(4 + hidden) * [1, 1, 0, 9]
        matrix[:, 5] = np.clip(0.2 * hidden[:, 2], -1, 1)
        fits.append(fit_segments(NAMES, matrix, seed=1, most=6, previous=fits[-1] if fits else None).segmenter)
        rows.append(matrix)
    for before, now, matrix in zip(fits, fits[1:], rows[1:], strict=False):
        assert (names_of(before, matrix) != names_of(now, matrix)).mean() < 0.03


def test_the_order_of_customers_and_of_the_segments_before_changes_nothing(year: list[Month]) -> None:
    before, matrix = year[0].segmenter, year[1].matrix
    turned = Segmenter(
        before.features,
        before.centroids[::-1],
        before.segments[::-1],
        shares=before.shares[::-1],
        radii=before.radii[::-1],
        next_id=before.next_id,
    )
    shuffled = np.random.default_rng(3).permutation(len(matrix))
    again = fit_segments(NAMES, matrix[shuffled], seed=1, most=8, previous=turned)
    assert again == year[1].fitted
