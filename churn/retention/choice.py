"""Who is contacted with what: the list that is expected to earn most within its size, its budget and capacities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn.errors import ModelError
from churn.retention.assignment import assigned_offers
from churn.retention.sifting import NOBODY

LISTED = "listed"
BELOW_MINIMUM = "below minimum"
OVER_BUDGET = "over budget"
OVER_CAPACITY = "over capacity"
LEFT_ALONE = ""


@dataclass(frozen=True)
class Choice:
    """A night's list, and what becomes of everybody else.

    Attributes
    ----------
    offer : ndarray of int64, shape (n,)
        Of those listed, the offer made; of those with another status, the one worth most; else -1.
    listed : ndarray of intp, shape (k,)
        Positions of those listed, the first to contact first.
    status : ndarray of str, shape (n,)
        `listed`; `below minimum`: an offer pays, but less than wanted; `over budget`: listed if money were no object;
        `over capacity`: an offer pays, but others earn more in the places there are; empty: no offer is known to pay.
    """

    offer: NDArray[np.int64]
    listed: NDArray[np.intp]
    status: NDArray[np.str_]


def choose(
    net_value: ArrayLike,
    costs: ArrayLike,
    *,
    list_size: int,
    budget: float | None,
    capacities: Sequence[int | None],
    minimum_value: float,
    customer_ids: Sequence[str],
    risk_score: ArrayLike,
) -> Choice:
    """Return the list with the highest total of expected net value, each customer with at most one offer.

    Exact without a budget; with one, at most a customer's worth below the best, or a few customers' where capacities
    bind as well; greedy where a large programme doesn't settle (`assigned_offers`). Only offers worth more than 0 and
    at least `minimum_value` are made. Where nothing is known of any customer's worth, the riskiest are listed, each
    with the cheapest offer there is. Ties go to the higher risk score, then to the customer_id first by code point; the
    order of the input does not matter.

    Parameters
    ----------
    net_value : array_like, shape (n, offers)
        Expected net value; -inf: not eligible; NaN: eligible, but worth unknown.
    costs : array_like, shape (offers,)
        Expected cost per customer, >= 0.
    list_size : int
        Most customers, >= 0.
    budget : float or None
        Most that the offers made may cost; None: no limit.
    capacities : sequence of int or None, length offers
        Most customers by offer.
    minimum_value : float
    customer_ids : sequence of str, length n
        Unique.
    risk_score : array_like, shape (n,)
        NaN = unknown, ranked last.

    Raises
    ------
    ModelError
        Lengths differ, or a value or cost is infinite.
    """
    net, cost = np.asarray(net_value, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    risk = np.asarray(risk_score, dtype=np.float64)
    shapes = (net.shape, cost.shape, risk.shape, len(capacities))
    if shapes != ((len(customer_ids), len(cost)), (len(cost),), (len(customer_ids),), len(cost)):
        raise ModelError(f"Offers and customers differ in number: {len(customer_ids)} customers, shapes {shapes}.")
    if np.isposinf(net).any() or not (np.isfinite(cost) & (cost >= 0)).all():
        raise ModelError("An offer is worth or costs what no offer can.", "Give finite values and costs of at least 0.")
    most = np.array([np.inf if capacity is None else capacity for capacity in capacities])
    money = np.inf if budget is None else budget
    order = _priority(risk, customer_ids)
    is_known = np.isfinite(net)
    if not is_known.any():
        offer, status = _by_risk(np.isnan(net[order]), cost, list_size, money, most)
        listed = np.flatnonzero(offer != NOBODY)
    else:
        offer, status, listed = _by_value(net[order], cost, list_size, money, most, minimum_value)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return Choice(offer[back], order[listed], status[back])


def _priority(risk: NDArray[np.float64], customer_ids: Sequence[str]) -> NDArray[np.intp]:
    """Return the customers in the order in which ties are decided: the riskiest first, then by name."""
    by_name = np.array(sorted(range(len(customer_ids)), key=customer_ids.__getitem__), dtype=np.intp)
    last = np.where(np.isnan(risk), np.inf, -risk)
    return by_name[np.argsort(last[by_name], kind="stable")]


def _by_value(
    net: NDArray[np.float64],
    cost: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: NDArray[np.float64],
    minimum_value: float,
) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.intp]]:
    """Return offer, status and list; customers come, and ties go, in order of priority."""
    paying = np.where(np.nan_to_num(net, nan=-np.inf) > 0, net, -np.inf)
    worth = np.where(paying >= minimum_value, paying, -np.inf)
    made = assigned_offers(worth, cost, list_size, budget, capacities)
    pays, is_enough = np.isfinite(paying).any(axis=1), np.isfinite(worth).any(axis=1)
    status = np.full(len(net), LEFT_ALONE, dtype="U13")
    status[pays & ~is_enough] = BELOW_MINIMUM
    status[is_enough] = OVER_CAPACITY
    if np.isfinite(budget):
        status[assigned_offers(worth, cost, list_size, np.inf, capacities) != NOBODY] = OVER_BUDGET
    status[made != NOBODY] = LISTED
    best = np.where(pays, np.argmax(paying, axis=1), NOBODY)
    members = np.flatnonzero(made != NOBODY)
    earned = net[members, made[members]]
    return np.where(made != NOBODY, made, best), status, members[np.argsort(-earned, kind="stable")]


def _by_risk(
    is_eligible: NDArray[np.bool_],
    cost: NDArray[np.float64],
    list_size: int,
    budget: float,
    capacities: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    """Return offer and status where nothing is known of worth: down the ranks, each the cheapest offer that is left."""
    offer = np.full(len(is_eligible), NOBODY, dtype=np.int64)
    status = np.full(len(is_eligible), LEFT_ALONE, dtype="U13")
    cheapest_first = np.argsort(cost, kind="stable").tolist()
    left, money, places = capacities.copy(), budget, list_size
    for customer in np.flatnonzero(is_eligible.any(axis=1)).tolist():
        if places <= 0:
            break
        fitting = [o for o in cheapest_first if is_eligible[customer, o] and left[o] >= 1 and cost[o] <= money]
        if fitting:
            offer[customer], status[customer] = fitting[0], LISTED
            left[fitting[0]] -= 1
            money -= cost[fitting[0]]
            places -= 1
    return offer, status
