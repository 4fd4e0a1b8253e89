"""Every figure of one predictor, for each group of rows, on the rows as they are and on resamples of customers.

Sorting is done once: a resample only changes the weights. What is a sum over rows is summed per customer once, so
that all resamples are one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from churn.risk import metrics
from churn.risk.bootstrap import Resamples
from churn.risk.data import Floats, Integers
from churn.risk.figure_sums import SUMMED, Sums, Task

_RANKED = ("auc_roc", "pr_auc", "lift_top_decile", *(f"lift_decile_{decile}" for decile in range(2, 11)))
_LISTED = ("recall_at_list", "precision_at_list")
FIGURES = (*_RANKED, *_LISTED, *SUMMED)
_SPARE = 100.0
_CACHED = 200_000
_TINY = 1e-300


def figures_of(tasks: list[Task], resamples: Resamples) -> list[tuple[Floats, Floats]]:
    """Return each task's figures and their values in every resample, in the order of `FIGURES`.

    Returns
    -------
    list of (values, draws)
        Shapes (groups, len(FIGURES)) and (replicates, groups, len(FIGURES)); NaN where a figure is not defined.
    """
    # Threads of one matrix product wait for each other on busy cores; one is fast enough and repeats to the bit.
    with threadpool_limits(limits=1, user_api="blas"):
        panels = [_Panel.of(task, resamples) for task in tasks]
        drawn: list[list[Floats]] = [[] for _ in panels]
        values = [panel.draw(np.ones((1, resamples.customers)))[0] for panel in panels]
        for times in resamples.blocks():
            for panel, found in zip(panels, drawn, strict=True):
                found.append(panel.draw(times))
    return [(value, np.concatenate(parts)) for value, parts in zip(values, drawn, strict=True)]


@dataclass(frozen=True)
class _Panel:
    ranking: _Ranking
    lists: tuple[_MonthList, ...]
    sums: Sums
    weight: Floats
    place: Integers
    groups: int

    @classmethod
    def of(cls, task: Task, resamples: Resamples) -> _Panel:
        return cls(
            _Ranking.of(task),
            tuple(_month_lists(task)),
            Sums.of(task, resamples.place),
            task.predictions.weight,
            resamples.place,
            task.groups,
        )

    def draw(self, times: Floats) -> Floats:
        """Return the figures with each customer counted `times` (shape (b, customers)), shape (b, groups, figures)."""
        sums = self.sums.totals(times)
        found = np.empty((len(times), self.groups, len(FIGURES)))
        step = max(1, _CACHED // len(self.place))
        for start in range(0, len(times), step):
            rows = slice(start, start + step)
            weight = np.take(times[rows], self.place, axis=1, mode="clip")
            weight *= self.weight
            found[rows, :, : len(_RANKED)] = self.ranking.figures(weight)
            on_list, hits = self._listed(weight)
            with np.errstate(divide="ignore", invalid="ignore"):
                found[rows, :, len(_RANKED)] = hits / sums[rows, :, Sums.CHURNERS]
                found[rows, :, len(_RANKED) + 1] = hits / on_list
        found[:, :, len(_RANKED) + len(_LISTED) :] = self.sums.figures(sums)
        return found

    def _listed(self, weight: Floats) -> tuple[Floats, Floats]:
        """Return how many of each group are on the months' lists, and how many of those churned, shape (b, groups)."""
        on_list, hits = np.zeros((2, len(weight), self.groups))
        for month in self.lists:
            month.add(weight, on_list, hits)
        return on_list, hits


@dataclass(frozen=True)
class _Ranking:
    """Rows by group, then from the highest score down; `runs` are where equal scores begin."""

    order: Integers
    churned: Floats
    runs: Integers
    bounds: Integers

    @classmethod
    def of(cls, task: Task) -> _Ranking:
        rows = np.flatnonzero(task.group >= 0)
        order = rows[np.lexsort((-task.score[rows], task.group[rows]))]
        group = task.group[order]
        runs = _run_starts(task.score[order], group)
        bounds = np.searchsorted(group[runs], np.arange(task.groups + 1))
        return cls(order, task.predictions.churned[order].astype(np.float64), runs, bounds)

    def figures(self, weight: Floats) -> Floats:
        """Return `_RANKED` of weights, shape (b, n): shape (b, groups, len(_RANKED))."""
        mass = np.take(weight, self.order, axis=1, mode="clip")
        hits = mass * self.churned
        if len(self.runs) < len(self.order):
            mass, hits = np.add.reduceat(mass, self.runs, axis=1), np.add.reduceat(hits, self.runs, axis=1)
        parts = zip(self.bounds, self.bounds[1:], strict=False)
        return np.stack([_ranked_figures(mass[:, a:b], hits[:, a:b]) for a, b in parts], axis=1)


def _ranked_figures(mass: Floats, hits: Floats) -> Floats:
    """Return `_RANKED` of runs of equal scores from the highest down, both shape (b, runs): shape (b, len(_RANKED)).

    Large arrays are changed in place: NumPy looks through the call stack before it reuses a temporary, which can take
    longer than the sum itself.
    """
    figures = np.full((len(mass), len(_RANKED)), np.nan)
    listed, found = np.zeros((2, len(mass), mass.shape[1] + 1))
    np.cumsum(mass, axis=1, out=listed[:, 1:])
    np.cumsum(hits, axis=1, out=found[:, 1:])
    churners, total = found[:, -1], listed[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        stayed, before = mass - hits, hits * -0.5
        before += found[:, 1:]
        figures[:, 0] = np.einsum("ij,ij->i", stayed, before) / (churners * (total - churners))
        precision = np.maximum(listed[:, 1:], _TINY)
        np.divide(found[:, 1:], precision, out=precision)
        figures[:, 1] = np.einsum("ij,ij->i", hits, precision) / churners
    for row in range(len(mass)):
        figures[row, 2:] = metrics.lifts_of(listed[row], found[row])
    return figures


def _run_starts(score: Floats, group: Integers) -> Integers:
    changed = (np.diff(score, prepend=np.nan) != 0) | (np.diff(group, prepend=-2) != 0)
    return np.flatnonzero(changed)


@dataclass(frozen=True)
class _MonthList:
    """The rows of a month that any resample's list may reach, from the first place down."""

    rows: Integers
    churned: Floats
    members: Floats
    runs: Integers
    lengths: Integers
    size: float

    def add(self, weight: Floats, on_list: Floats, hits: Floats) -> None:
        """Add what this month's list holds of each group to `on_list` and `hits`, shape (b, groups)."""
        mass = np.take(weight, self.rows, axis=1, mode="clip")
        shares = metrics.fill(np.add.reduceat(mass, self.runs, axis=1), self.size)
        listed = np.repeat(shares, self.lengths, axis=1)
        listed *= mass
        on_list += listed @ self.members
        listed *= self.churned
        hits += listed @ self.members


def _month_lists(task: Task) -> Iterator[_MonthList]:
    """Cut each month where no resample's list ends: at twice the list and 100 of the heaviest customers more."""
    told, score = task.predictions, task.score if task.order is None else task.order
    for month in np.unique(told.as_of):
        rows = np.flatnonzero(told.as_of == month)
        rows = rows[np.argsort(-score[rows], kind="stable")]
        weight = told.weight[rows]
        enough = 2 * task.list_size + _SPARE * float(weight.max())
        runs = _run_starts(score[rows], np.zeros(len(rows), np.int64))
        reached = np.cumsum(np.add.reduceat(weight, runs))
        kept = min(int(np.searchsorted(reached, enough)) + 1, len(runs))
        ends = np.append(runs, len(rows))[: kept + 1]
        rows = rows[: ends[-1]]
        members = (task.group[rows, None] == np.arange(task.groups)).astype(np.float64)
        churned = told.churned[rows].astype(np.float64)
        yield _MonthList(rows, churned, members, runs[:kept], np.diff(ends), task.list_size)
