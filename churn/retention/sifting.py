"""The linear programme behind a list, solved through its prices: only close calls go to the solver."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from churn.errors import ModelError

NOBODY = -1
"""Stands for no offer."""

CENT_SHARE = 1e-9
"""Room for the rounding of sums, as a share of what there is."""

_WHOLE = 1 - 1e-6
_OPEN = (4_000, 4_000, 8_000)
_FAR_ABOVE = 100.0
_MOST_STEPS = 50_000
_OUT_OF_STEPS = 1
_PRICE_ERROR = 1e-6


@dataclass(frozen=True)
class Limits:
    """What there is: places, each offer's capacity, money; only what is limited.

    Attributes
    ----------
    use : ndarray of float64, shape (offers, limits)
        What one offer made takes of each; money as a share of the dearest offer.
    most : ndarray of float64, shape (limits,)
    """

    use: NDArray[np.float64]
    most: NDArray[np.float64]

    @classmethod
    def of(cls, cost: NDArray[np.float64], list_size: int, budget: float, capacities: NDArray[np.float64]) -> Limits:
        """Return the limits of a list; inf in `budget` and `capacities` is none."""
        dearest = max(cost.max(), 1e-300)
        use = np.column_stack([np.ones(len(cost)), np.eye(len(cost)), cost / dearest])
        most = np.concatenate([[float(max(list_size, 0))], capacities, [budget / dearest]])
        return cls(use[:, np.isfinite(most)], most[np.isfinite(most)])


def sifted(worth: NDArray[np.float64], limits: Limits) -> NDArray[np.int64]:
    """Return what is whole in a best corner of the linear programme, shape (n,), without solving it for everybody.

    The programme's prices (what one more place, offer or unit of money would earn) say of nearly everybody what they
    get: the offer with the most worth above its price. Only those for whom it is close are left to the solver; where
    its prices then bear out what all the others got, that is the answer for all. Otherwise more are left to it, with
    its prices.
    """
    prices = np.zeros(len(limits.most)) if len(worth) <= _OPEN[0] else _sample_prices(worth, limits)
    for few in _OPEN:
        made, is_open, left = _settled(worth, limits, prices, few)
        if (left < 0).any():
            prices = _affordable(worth, limits, prices)
            made, is_open, left = _settled(worth, limits, prices, few)
        found = _solved(worth[is_open], replace(limits, most=left)) if (left >= 0).all() else None
        if found is None:
            continue
        made[is_open], prices = found
        if _are_borne_out(worth[~is_open], made[~is_open], limits, prices):
            return made
    return _greedy(worth, limits, prices)


def _settled(
    worth: NDArray[np.float64], limits: Limits, prices: NDArray[np.float64], few: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return what each would get at the prices, for which few that is close, and what the others leave."""
    made, margin = _at_prices(worth, limits, prices)
    is_open = np.zeros(len(worth), dtype=np.bool_)
    is_open[np.argsort(margin, kind="stable")[:few]] = True
    return made, is_open, limits.most - limits.use[made[~is_open & (made != NOBODY)]].sum(axis=0)


def _affordable(worth: NDArray[np.float64], limits: Limits, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lowest multiple of the prices, to one part in 1,000, at which what everybody wants is there."""

    def fits(times: float) -> bool:
        wanted, _ = _at_prices(worth, limits, times * prices)
        return bool((limits.use[wanted[wanted != NOBODY]].sum(axis=0) <= limits.most).all())

    low, high = 0.0, 1.0
    while not fits(high) and high < _FAR_ABOVE:
        low, high = high, 2 * high
    while high - low > high / 1000:
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return prices * high


def _sample_prices(worth: NDArray[np.float64], limits: Limits) -> NDArray[np.float64]:
    """Return the prices where one customer stands for many: every k-th by worth, with a k-th of what there is.

    Whoever is worth far more than most gets something anyway; their worth is lowered, all offers alike, since the
    solver's arithmetic does not bear such a range.
    """
    by_worth = np.argsort(-worth.max(axis=1), kind="stable")
    step = -(-len(worth) // _OPEN[0])
    few = worth[by_worth[step // 2 :: step]]
    best = few.max(axis=1)
    lowered = few - np.maximum(best - _FAR_ABOVE * np.median(best), 0.0)[:, None]
    found = _solved(np.where(lowered > 0, lowered, -np.inf), replace(limits, most=limits.most / step))
    return np.zeros(len(limits.most)) if found is None else found[1]


def _at_prices(
    worth: NDArray[np.float64], limits: Limits, prices: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each one's offer with the most worth above its price, or -1, and by how much it beats the next best."""
    nothing = np.zeros((len(worth), 1))
    above = np.hstack([nothing, worth - limits.use @ prices])
    first, second = np.partition(-above, 1, axis=1)[:, :2].T
    return np.argmax(above, axis=1) - 1, second - first


def _are_borne_out(
    worth: NDArray[np.float64], made: NDArray[np.int64], limits: Limits, prices: NDArray[np.float64]
) -> bool:
    """Tell whether no other offer would be worth more above its price, but for rounding."""
    if len(worth) == 0:
        return True
    above = worth - limits.use @ prices
    got = np.where(made == NOBODY, 0.0, above[np.arange(len(made)), made])
    lost = np.maximum(above.max(axis=1), 0.0) - got
    return bool((lost <= _PRICE_ERROR * max(np.median(worth[np.isfinite(worth)]), 1e-300)).all())


def _solved(worth: NDArray[np.float64], limits: Limits) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return what is whole in the best corner of the linear programme, and its prices; None without an answer.

    The number of the solver's steps is limited, not its time: so every machine gives the same answer.
    """
    customer, offer = np.nonzero(np.isfinite(worth))
    value, count = worth[customer, offer], len(customer)
    made = np.full(len(worth), NOBODY, dtype=np.int64)
    if count == 0:
        return made, np.zeros(len(limits.most))
    pair, scale = np.arange(count), np.median(value)
    rows = sparse.vstack(
        [
            sparse.csr_array((np.ones(count), (customer, pair)), shape=(len(worth), count)),
            sparse.csr_array(limits.use[offer].T),
        ],
        format="csr",
    )
    most = np.concatenate([np.ones(len(worth)), limits.most])
    steps = {"maxiter": _MOST_STEPS}
    solution = linprog(-value / scale, A_ub=rows, b_ub=most, bounds=(0, 1), method="highs-ds", options=steps)
    if solution.status == _OUT_OF_STEPS:
        return None
    if solution.status != 0:
        raise ModelError(f"The list could not be chosen: {solution.message}", "Look for offers with absurd costs.")
    whole = solution.x >= _WHOLE
    made[customer[whole]] = offer[whole]
    return made, -scale * solution.ineqlin.marginals[len(worth) :]


def _greedy(worth: NDArray[np.float64], limits: Limits, prices: NDArray[np.float64]) -> NDArray[np.int64]:
    """Make offers down the order of worth per price of what they take, each that fits, one to a customer.

    Where nothing has a price, what an offer takes of all there is stands for it.
    """
    price = limits.use @ (prices if prices.any() else 1 / np.maximum(limits.most, 1.0))
    customer, offer = np.nonzero(np.isfinite(worth))
    ratio = worth[customer, offer] / np.maximum(price[offer], CENT_SHARE * price.max())
    made = np.full(len(worth), NOBODY, dtype=np.int64)
    left = limits.most * (1 + CENT_SHARE)
    for place in np.argsort(-ratio, kind="stable").tolist():
        one, made_to = offer[place], customer[place]
        if made[made_to] == NOBODY and (limits.use[one] <= left).all():
            made[made_to] = one
            left -= limits.use[one]
    return made
