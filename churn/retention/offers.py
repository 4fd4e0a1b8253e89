"""Which offers may be made to whom, and what each is expected to earn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn.config import Offer
from churn.errors import ModelError

_DRIVER = "driver"


def eligible(
    offers: Sequence[Offer], attributes: Mapping[str, NDArray[np.object_]], drivers: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Return to whom each offer may be made, shape (n, len(offers)).

    Every condition of an offer's `when` must hold, by any of its allowed values; an offer without conditions suits
    everybody. A condition on `driver` holds if any of a customer's drivers is allowed. An unknown value (None) is
    never allowed.

    Parameters
    ----------
    offers : sequence of Offer
    attributes : mapping of str to ndarray of object, shape (n,)
        By condition, `driver` apart: each customer's value or None. Those that no offer asks for may be left out.
    drivers : ndarray of object, shape (n, 3)
        Each customer's churn drivers, or None.

    Raises
    ------
    ModelError
        An offer asks for an attribute that is not given, or lengths differ.
    """
    found = np.ones((len(drivers), len(offers)), dtype=np.bool_)
    for place, offer in enumerate(offers):
        for condition, allowed in offer.when.items():
            if condition == _DRIVER:
                holds = _is_allowed(drivers.ravel(), allowed).reshape(drivers.shape).any(axis=1)
            else:
                holds = _is_allowed(_attribute(attributes, condition, offer, len(drivers)), allowed)
            found[:, place] &= holds
    return found


def expected_net_value(
    value_at_risk: ArrayLike, save_rates: ArrayLike, costs: ArrayLike, saved_value_share: float
) -> NDArray[np.float64]:
    """Return what each offer is expected to earn with each customer, shape (n, offers) (methods.md B).

    value at risk × save rate × saved value share − cost; NaN where any of them is unknown.

    Parameters
    ----------
    value_at_risk : array_like, shape (n,)
        p · (V^S − V^L), in the business's currency.
    save_rates : array_like, shape (n, offers)
        Share of the customers about to leave whom the offer keeps; below 0 it drives them away.
    costs : array_like, shape (offers,)
        Expected cost per customer assigned.
    saved_value_share : float
        What the saved are worth beside those who would have stayed anyway, in [0, 1].
    """
    at_stake = np.asarray(value_at_risk, dtype=np.float64)[:, None]
    saved = at_stake * np.asarray(save_rates, dtype=np.float64) * saved_value_share
    return np.asarray(saved - np.asarray(costs, dtype=np.float64), dtype=np.float64)


def _attribute(
    attributes: Mapping[str, NDArray[np.object_]], condition: str, offer: Offer, count: int
) -> NDArray[np.object_]:
    if condition not in attributes:
        raise ModelError(
            f"Offer '{offer.name}' is limited by {condition}, which this night does not know.",
            f"Leave {condition} out of its `when` in churn.toml.",
        )
    values = attributes[condition]
    if values.shape != (count,):
        raise ModelError(f"Offers got {values.shape} values of {condition} for {count} customers.")
    return values


def _is_allowed(values: NDArray[np.object_], allowed: Sequence[str]) -> NDArray[np.bool_]:
    wanted = frozenset(allowed)
    return np.fromiter((value in wanted for value in values), dtype=np.bool_, count=len(values))
