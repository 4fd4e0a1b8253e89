"""What contracts pay while they last: the mean path of the mrr, and drawn ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from churn.clv.clock import renewal_positions
from churn.clv.growth import GROWN, Growth
from churn.clv.panel import Contracts
from churn.clv.values import DAYS_PER_MONTH, Floats

Group = tuple[NDArray[np.intp], int, Floats]


def mean_paths(growth: Growth, contracts: Contracts, months: int) -> Floats:
    """Return the mean mrr at the end of months 0, 1, ... over today's, of those who stay; shape (n, months + 1)."""
    path = np.ones((len(contracts), months + 1))
    renewed = _renewed(contracts, months)
    for rows, place, table in _groups(growth, contracts):
        if growth.banks[place].steps:
            path[rows, 1:] = table.mean() ** renewed[rows]
        else:
            blocks = [table, *[growth.table(_next(growth, place), 1.0)] * months]
            means = (block.mean(axis=0)[None, None] for block in blocks)
            levels = (_level(block).mean()[None, None] for block in blocks)
            path[rows, 1:] = _chained(means, levels, months)[0, 0]
    path[:, 1:] *= 1.0 + (growth.uplift - 1.0) * _undiscounted(contracts, months)
    return path


def picks(growth: Growth, contracts: Contracts, months: int) -> int:
    """Return how many paths or steps are put behind one another at most, at least 1."""
    most = 1
    for rows, place, table in _groups(growth, contracts):
        if growth.banks[place].steps:
            most = max(most, int(_renewed(contracts.take(rows), months).max()))
        else:
            then = growth.table(_next(growth, place), 1.0).shape[1]
            most = max(most, 1 + int(np.ceil((months - table.shape[1]) / then)))
    return most


def drawn_paths(growth: Growth, contracts: Contracts, months: int, u: Floats) -> Floats:
    """Return drawn relative mrr at the end of months 1, 2, ..., shape (n, draws, months).

    `u` of shape (1 + picks, n, draws) picks the uplift of a discount's end, then the path and those that go on where
    it ends, or the step at each renewal.
    """
    path = np.ones((*u.shape[1:], months))
    renewed = _renewed(contracts, months)
    for rows, place, table in _groups(growth, contracts):
        if growth.banks[place].steps:
            path[rows] = _stepped(table[:, 0], renewed[rows].astype(np.int64), u[1:, rows])
        else:
            then = growth.table(_next(growth, place), 1.0)
            path[rows] = _chained(
                _picked(table, then, u[1:, rows]), map(_level, _picked(table, then, u[1:, rows])), months
            )
    if growth.uplifts:
        uplifts = np.asarray(growth.uplifts)[(u[0] * len(growth.uplifts)).astype(np.int64)]
        path *= 1.0 + (uplifts[:, :, None] - 1.0) * _undiscounted(contracts, months)[:, None, :]
    return path


def _groups(growth: Growth, contracts: Contracts) -> Iterator[Group]:
    """Yield the rows whose mrr moves alike, the place of their bank, and its paths or steps for their cycle."""
    groups, cycles = growth.groups(contracts), contracts.months
    for place in np.unique(groups[groups >= 0]):
        for cycle in np.unique(cycles[groups == place]):
            yield np.flatnonzero((groups == place) & (cycles == cycle)), int(place), growth.table(place, float(cycle))


def _next(growth: Growth, place: int) -> int:
    """Return the bank that goes on where the paths of one end: that of grown customers of the plan."""
    plan = growth.banks[place].plan
    grown = [other for other, bank in enumerate(growth.banks) if bank.kind == GROWN and bank.plan == plan]
    return grown[0] if grown else place


def _stepped(steps: Floats, renewed: NDArray[np.int64], u: Floats) -> Floats:
    """Return paths with a step of its own at each renewal, shape (n, draws, months); `renewed` is (n, months)."""
    most = int(renewed.max())
    level = np.ones((*u.shape[1:], most + 1))
    for renewal in range(most):
        level[:, :, renewal + 1] = level[:, :, renewal] * _chosen(steps, u[renewal])
    at = np.broadcast_to(renewed[:, None, :], (*u.shape[1:], renewed.shape[1]))
    return np.asarray(np.take_along_axis(level, at, axis=2))


def _picked(first: Floats, then: Floats, u: Floats) -> Iterator[Floats]:
    """Yield the first paths, then others of a bank, each of shape (n, draws, its months)."""
    yield _chosen(first, u[0])
    for place in u[1:]:
        yield _chosen(then, place)


def _chosen(table: Floats, u: Floats) -> Floats:
    """Return the rows of a table that numbers in [0, 1) pick."""
    return np.asarray(table[(u * len(table)).astype(np.int64)])


def _level(paths: Floats) -> Floats:
    """Return the level at which another path goes on, shape (...,): after a lapse in the last month, the first."""
    return np.where(paths[..., -1] > 0, paths[..., -1], 1.0)


def _chained(blocks: Iterator[Floats], levels: Iterator[Floats], months: int) -> Floats:
    """Put paths of shape (n, draws, their months) behind one another to `months`; the levels are (n, draws)."""
    parts = [next(blocks)]
    reach, level = parts[0].shape[2], next(levels)
    while reach < months:
        block = next(blocks)
        parts.append(level[:, :, None] * block)
        reach += block.shape[2]
        level = level * next(levels) if reach < months else level
    return np.concatenate(parts, axis=2)[:, :, :months]


def _renewed(contracts: Contracts, months: int) -> Floats:
    """Return how many renewals of a contract lie before the end of each month ahead, shape (n, months)."""
    ahead, _ = renewal_positions(contracts)
    ends = np.arange(1.0, months + 1)[None, :]
    return np.maximum(np.ceil((ends - ahead[:, None]) / contracts.months[:, None]), 0.0)


def _undiscounted(contracts: Contracts, months: int) -> Floats:
    """Return 1 at month ends after a running discount's end, else 0, shape (n, months)."""
    ends = np.arange(1.0, months + 1)[None, :] * DAYS_PER_MONTH
    return (ends > contracts.days_to_discount_end[:, None]).astype(np.float64)
