"""Who may get which offer, and what it is expected to earn."""

from __future__ import annotations

import numpy as np
import pytest

from churn.config import Offer
from churn.errors import ModelError
from churn.retention import eligible, expected_net_value


def _offer(**when: tuple[str, ...]) -> Offer:
    return Offer(name="call", cost=5.0, save_rate=0.1, when=when, capacity=None)


def _column(*values: str | None) -> np.ndarray:
    return np.array(values, dtype=object)


NOBODYS = np.full((3, 3), None, dtype=object)


def test_an_offer_without_conditions_suits_everybody() -> None:
    assert eligible([_offer()], {}, NOBODYS).tolist() == [[True]] * 3


def test_each_condition_must_hold_by_any_of_its_values() -> None:
    attributes = {"segment": _column("new", "loyal", "new"), "plan": _column("pro", "pro", "basic")}
    offers = [_offer(segment=("new",)), _offer(segment=("new", "loyal"), plan=("pro",)), _offer(plan=("none",))]

    found = eligible(offers, attributes, NOBODYS)

    assert found.tolist() == [[True, True, False], [False, True, False], [True, False, False]]


def test_any_of_a_customers_drivers_will_do() -> None:
    drivers = np.array([["price", "usage", None], ["tickets", None, None], [None, None, None]], dtype=object)

    assert eligible([_offer(driver=("usage", "tickets"))], {}, drivers).ravel().tolist() == [True, True, False]


def test_an_unknown_value_is_never_allowed() -> None:
    assert not eligible([_offer(plan=("None", "nan"))], {"plan": _column(None, None, None)}, NOBODYS).any()


def test_an_offer_on_what_the_night_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="'call' is limited by plan"):
        eligible([_offer(plan=("pro",))], {}, NOBODYS)


def test_attributes_of_other_customers_are_refused() -> None:
    with pytest.raises(ModelError, match="3 customers"):
        eligible([_offer(plan=("pro",))], {"plan": _column("pro")}, NOBODYS)


def test_nobody_gives_no_rows() -> None:
    assert eligible([_offer()], {}, np.empty((0, 3), dtype=object)).shape == (0, 1)


def test_net_value_is_what_is_saved_of_what_is_at_stake_less_the_cost() -> None:
    found = expected_net_value([1000.0, 10.0, float("nan")], [[0.1, -0.2], [0.1, 0.2], [0.1, 0.2]], [5.0, 0.0], 0.5)

    assert found[:2] == pytest.approx(np.array([[45.0, -100.0], [-4.5, 1.0]]))
    assert np.isnan(found[2]).all()
