"""What contracts pay while they last: the mean path of the mrr, and drawn ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from churn.clv.clock import renewal_positions
from churn.clv.growth import GROWN, LONG, Growth
from churn.clv.panel import Contracts
from churn.clv.values import DAYS_PER_MONTH, Floats

_TURN = 0.3819660112501051
"""By how much the number that picks a path moves from one block to the next, so that blocks differ."""


def mean_paths(growth: Growth, contracts: Contracts, months: int) -> Floats:
    """Return the mean mrr at the end of months 0, 1, ... over today's, of those who stay; shape (n, months + 1)."""
    path = np.ones((len(contracts), months + 1))
    groups, renewed = growth.groups(contracts), _renewed(contracts, months)
    for place in np.unique(groups[groups >= 0]):
        rows, table = groups == place, growth.table(int(place))
        if growth.banks[place].kind == LONG:
            path[rows, 1:] = table.mean() ** renewed[rows]
        else:
            then = growth.table(_next(growth, int(place)))
            means = (block.mean(axis=0)[None, None] for block in _repeated(table, then))
            levels = (_level(block).mean()[None, None] for block in _repeated(table, then))
            path[rows, 1:] = _chained(means, levels, months)[0, 0]
    path[:, 1:] *= 1.0 + (growth.uplift - 1.0) * _undiscounted(contracts, months)
    return path


def drawn_paths(growth: Growth, contracts: Contracts, months: int, u: Floats) -> Floats:
    """Return drawn relative mrr at the end of months 1, 2, ..., shape (n, draws, months).

    `u` of shape (3, n, draws) picks the path, those that go on where it ends, and the uplift of a discount's end.
    """
    n, draws = u.shape[1:]
    path = np.ones((n, draws, months))
    groups, renewed = growth.groups(contracts), _renewed(contracts, months)
    for place in np.unique(groups[groups >= 0]):
        rows, table = np.flatnonzero(groups == place), growth.table(int(place))
        first = table[(u[0][rows] * len(table)).astype(np.int64)]
        if growth.banks[place].kind == LONG:
            path[rows] = first ** renewed[rows][:, None, :]
        else:
            then = growth.table(_next(growth, int(place)))
            path[rows] = _chained(
                _picked(first, then, u[1][rows]), map(_level, _picked(first, then, u[1][rows])), months
            )
    if growth.uplifts:
        uplifts = np.asarray(growth.uplifts)[(u[2] * len(growth.uplifts)).astype(np.int64)]
        path *= 1.0 + (uplifts[:, :, None] - 1.0) * _undiscounted(contracts, months)[:, None, :]
    return path


def _next(growth: Growth, place: int) -> int:
    """Return the bank that goes on where the paths of one end: that of grown customers of the plan."""
    plan = growth.banks[place].plan
    grown = [other for other, bank in enumerate(growth.banks) if bank.kind == GROWN and bank.plan == plan]
    return grown[0] if grown else place


def _repeated(first: Floats, then: Floats) -> Iterator[Floats]:
    """Yield the first bank, then the other for ever."""
    yield first
    while True:
        yield then


def _picked(first: Floats, then: Floats, u: Floats) -> Iterator[Floats]:
    """Yield the first paths, then others of a bank for ever, each of shape (n, draws, its months)."""
    yield first
    turn = 0.0
    while True:
        yield then[(np.mod(u + turn, 1.0) * len(then)).astype(np.int64)]
        turn += _TURN


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
