"""Offers to customers at the highest total worth, within a number of places, a budget and each offer's capacity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from churn.errors import ModelError

NOBODY = -1
"""Stands for no offer."""

_WHOLE = 1 - 1e-6
_CENT_SHARE = 1e-9


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
    best.

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
    made[rows] = _solved(worth[rows], cost, list_size, budget, capacities)
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
    return budget * (1 + _CENT_SHARE)


def _candidates(worth: NDArray[np.float64], list_size: int) -> NDArray[np.intp]:
    """Return who can be on a best list: the `list_size` customers worth most with each offer, in order of priority.

    Whoever else had an offer could hand it, at the same cost, to one of these who has none.
    """
    wanted = np.zeros(len(worth), dtype=np.bool_)
    for column in worth.T:
        first = np.argsort(-column, kind="stable")[: max(list_size, 0)]
        wanted[first[np.isfinite(column[first])]] = True
    return np.flatnonzero(wanted)


def _solved(
    worth: NDArray[np.float64],
    cost: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return what is whole in the best corner of the linear programme, shape (n,)."""
    customer, offer = np.nonzero(np.isfinite(worth))
    value, count = worth[customer, offer], len(customer)
    made = np.full(len(worth), NOBODY, dtype=np.int64)
    if count == 0:
        return made
    one, pair = np.ones(count), np.arange(count)
    of_offer = sparse.csr_array((one, (offer, pair)), shape=(len(cost), count))
    limits = np.concatenate([np.ones(len(worth)), capacities, [float(list_size), budget / max(cost.max(), 1e-300)]])
    rows = sparse.vstack(
        [
            sparse.csr_array((one, (customer, pair)), shape=(len(worth), count)),
            of_offer,
            sparse.csr_array(one[None, :]),
            sparse.csr_array((cost / max(cost.max(), 1e-300))[offer][None, :]),
        ],
        format="csr",
    )
    binds = np.isfinite(limits)
    solution = linprog(-value / value.max(), A_ub=rows[binds], b_ub=limits[binds], bounds=(0, 1), method="highs-ds")
    if solution.status != 0:
        raise ModelError(f"The list could not be chosen: {solution.message}", "Look for offers with absurd costs.")
    whole = solution.x >= _WHOLE
    made[customer[whole]] = offer[whole]
    return made


def _fill(
    made: NDArray[np.int64],
    worth: NDArray[np.float64],
    cost: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: NDArray[np.float64],
) -> None:
    """Give offers, or better ones, as long as one fits, the largest gain first; changes `made`."""
    while True:
        has = made != NOBODY
        counts = np.bincount(made[has], minlength=len(cost))
        now = np.where(has, worth[np.arange(len(made)), made], 0.0)
        paid = np.where(has, cost[made], 0.0)
        room = _allowed(budget) - counts @ cost
        fits = (cost[None, :] - paid[:, None] <= room) & (counts < capacities)[None, :]
        fits &= (has | (np.count_nonzero(has) < list_size))[:, None]
        gain = np.where(fits, worth - now[:, None], -np.inf)
        customer, offer = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if not gain[customer, offer] > 0:
            return
        made[customer] = offer


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
