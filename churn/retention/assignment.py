"""Offers to customers at the highest total worth, within a number of places, a budget and each offer's capacity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.retention.sifting import CENT_SHARE, NOBODY, Limits, sifted


def assigned_offers(
    worth: NDArray[np.float64],
    cost: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return each customer's offer, or -1, shape (n,), so that the total worth is highest.

    If everybody's best offer fits, that is the answer. Otherwise a linear programme is solved. Places and capacities
    alone make a network, whose corners are whole (so the answer is exact); the budget adds one row, which leaves at
    most one customer's place in parts, or with capacities those of as many customers as there are offers. What is not
    whole is dropped, and what then still fits is added: by no more than those customers' worth is the total below the
    best. Of more than 4,000 candidates only the close calls are solved (`sifting`); where that doesn't settle, a greedy
    list is made, without a bound (decision 0015).

    Parameters
    ----------
    worth : ndarray of float64, shape (n, offers)
        -inf where the offer may not be made, else > 0. Of equals, the customer who comes first is chosen.
    cost : ndarray of float64, shape (offers,)
        >= 0.
    list_size : int
    budget : float
        inf for none.
    capacities : ndarray of float64, shape (offers,)
        inf for none.

    Raises
    ------
    ModelError
        The solver gives up.
    """
    made = _best_alone(worth, cost, list_size)
    if _fits(made, cost, budget, capacities):
        return made
    rows = _candidates(worth, list_size)
    made = np.full(len(worth), NOBODY, dtype=np.int64)
    made[rows] = sifted(worth[rows], Limits.of(cost, list_size, budget, capacities))
    _fill(made, worth, cost, list_size, budget, capacities)
    return _first_of_equals(made, worth)


def _best_alone(worth: NDArray[np.float64], cost: NDArray[np.float64], list_size: int) -> NDArray[np.int64]:
    """Return everybody's best offer, the cheapest of equals, for the `list_size` customers worth most."""
    cheapest_first = np.argsort(cost, kind="stable")
    made = np.full(len(worth), NOBODY, dtype=np.int64)
    if worth.size == 0:
        return made
    best = cheapest_first[np.argmax(worth[:, cheapest_first], axis=1)]
    value = worth[np.arange(len(worth)), best]
    first = np.argsort(-value, kind="stable")[: max(list_size, 0)]
    first = first[np.isfinite(value[first])]
    made[first] = best[first]
    return made


def _fits(made: NDArray[np.int64], cost: NDArray[np.float64], budget: float, capacities: NDArray[np.float64]) -> bool:
    counts = np.bincount(made[made != NOBODY], minlength=len(cost))
    return bool((counts <= capacities).all() and counts @ cost <= _allowed(budget))


def _allowed(budget: float) -> float:
    """Return the budget with room for the rounding of sums."""
    return budget * (1 + CENT_SHARE)


def _candidates(worth: NDArray[np.float64], list_size: int) -> NDArray[np.intp]:
    """Return who can be on a best list: the `list_size` customers worth most with each offer, in order of priority.

    Whoever else had an offer could hand it, at the same cost, to one of these who has none.
    """
    wanted = np.zeros(len(worth), dtype=np.bool_)
    for column in worth.T:
        first = np.argsort(-column, kind="stable")[: max(list_size, 0)]
        wanted[first[np.isfinite(column[first])]] = True
    return np.flatnonzero(wanted)


def _fill(
    made: NDArray[np.int64],
    worth: NDArray[np.float64],
    cost: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: NDArray[np.float64],
) -> None:
    """Give offers, or better ones, as long as one fits: down the order of gain, again and again; changes `made`."""
    is_changed = True
    while is_changed:
        is_changed = False
        has = made != NOBODY
        counts, places = np.bincount(made[has], minlength=len(cost)), list_size - np.count_nonzero(has)
        paid = np.where(has, cost[made], 0.0)
        room = _allowed(budget) - counts @ cost
        fits = (cost[None, :] - paid[:, None] <= room) & (counts < capacities)[None, :] & (has | (places > 0))[:, None]
        gain = np.where(fits, worth - np.where(has, worth[np.arange(len(made)), made], 0.0)[:, None], -np.inf)
        customer, offer = np.nonzero(gain > 0)
        order = np.argsort(-gain[customer, offer], kind="stable")
        is_done = np.zeros(len(made), dtype=np.bool_)
        for one, better in zip(customer[order].tolist(), offer[order].tolist(), strict=True):
            before = made[one]
            more = cost[better] - paid[one]
            if is_done[one] or counts[better] >= capacities[better] or more > room:
                continue
            if before == NOBODY:
                if places <= 0:
                    continue
                places -= 1
            else:
                counts[before] -= 1
            made[one], is_done[one], is_changed = better, True, True
            counts[better] += 1
            room -= more


def _first_of_equals(made: NDArray[np.int64], worth: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give each offer, of the customers worth the same with it who have it or nothing, to those who come first."""
    chosen = made.copy()
    for offer in range(worth.shape[1]):
        pool = np.flatnonzero((chosen == offer) | ((chosen == NOBODY) & np.isfinite(worth[:, offer])))
        _, group = np.unique(worth[pool, offer], return_inverse=True)
        places = np.bincount(group[chosen[pool] == offer], minlength=len(pool) + 1)
        by_group = np.argsort(group, kind="stable")
        begins = np.searchsorted(group[by_group], group[by_group])
        is_first = np.arange(len(pool)) - begins < places[group[by_group]]
        chosen[pool[by_group]] = np.where(is_first, offer, NOBODY)
    return chosen
