"""The checks of a new list find what must not go out, whoever put it there."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from churn.sqlfiles import read_sql
from tests.sql.scores.list_nights import EMAIL, ListNights, day
from tests.sql.staging_tables import AS_OF, Staging

LIMITS: dict[str, Any] = {
    "list_size": 10, "budget": None, "minimum_value": 0, "capacities": "{}", "cooldown_days": 30, "horizon_days": 30,
}  # fmt: skip


@pytest.fixture
def nights(staging: Staging) -> ListNights:
    return ListNights(staging)


def found(nights: ListNights, check: str, run_id: int, **limits: Any) -> list[str]:
    file = read_sql(f"checks/{check}.sql")
    params = {"as_of": AS_OF, "run_id": run_id, "list_run_id": run_id} | LIMITS | limits
    return sorted(nights.connection.scalars(file.statement, {name: params[name] for name in file.params}))


def change(nights: ListNights, statement: str) -> None:
    nights.connection.execute(sa.text(statement))


@pytest.fixture
def run_id(nights: ListNights) -> int:
    """A list of c1 and c2, in that order, that nothing is wrong with."""
    night = nights.list_night({1: {"value": 900}, 2: {"value": 800}}, offers=[EMAIL], publish=False)
    for check in ("at_risk_list", "list_limits", "customer_offers", "campaign_balance"):
        assert found(nights, check, night.run_id) == []
    return int(night.run_id)


def test_a_severe_ticket_that_is_open(nights, run_id):
    nights.staging.ticket(2, -1, is_severe=True)
    assert found(nights, "at_risk_list", run_id) == ["customer_key 2: on the list with a severe ticket open"]


def test_a_customer_who_may_not_be_contacted(nights, run_id):
    change(nights, "update staging.customers set contactable = false where customer_key = 1")
    assert found(nights, "at_risk_list", run_id) == ["customer_key 1: on the list but not to be contacted"]


def test_a_customer_of_another_nights_list(nights, run_id):
    nights.list_night({2: {}}, offset=-30)
    assert found(nights, "at_risk_list", run_id) == [f"customer_key 2: on the list of {day(-30)} too"]
    assert found(nights, "at_risk_list", run_id, cooldown_days=29) == []


def test_a_customer_of_a_rehearsal_is_on_no_other_list(nights, run_id):
    nights.list_night({2: {}}, offset=-3)
    change(nights, f"update scores.campaign_lists set is_rehearsal = true where as_of_date = date '{day(-3)}'")
    assert found(nights, "at_risk_list", run_id) == []


def test_a_contact_of_the_same_day(nights, run_id):
    nights.contact(1, 0)
    nights.contact(2, 1)
    assert found(nights, "at_risk_list", run_id) == [f"customer_key 1: on the list, but contacted on {day(0)}"]


def test_who_entered_another_campaign_on_the_same_day(nights, run_id):
    nights.member(1, 0)
    assert found(nights, "at_risk_list", run_id) == ["customer_key 1: on the list, but new in campaign spring"]


def test_a_contact_within_the_cooldown(nights, run_id):
    nights.contact(1, -2)
    assert found(nights, "at_risk_list", run_id) == [f"customer_key 1: on the list, but contacted on {day(-2)}"]


def test_a_member_of_another_campaign(nights, run_id):
    nights.member(1, -2, "spring")
    assert found(nights, "at_risk_list", run_id) == ["customer_key 1: on the list, but new in campaign spring"]


def test_a_side_that_has_changed(nights, run_id):
    nights.member(1, -40, "nightly", "holdout")
    assert found(nights, "at_risk_list", run_id) == ["customer_key 1: treatment, was holdout"]


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"list_size": 1}, "2 customers on a list of at most 1"),
        ({"budget": 1.5}, "offers for 2.00 with a budget of 1.5"),
        ({"capacities": '{"email": 1, "call": 5}'}, "email: made to 2, over its capacity"),
        ({"minimum_value": 40}, "customer_key 2: email is not expected to pay"),
    ],
)
def test_a_list_over_its_limits(nights, run_id, limits, problem):
    assert found(nights, "list_limits", run_id, **limits) == [problem]


@pytest.mark.parametrize("column", ["expected_net_value", "save_rate"])
def test_an_offer_that_costs_more_than_it_brings_or_does_harm(nights, run_id, column):
    change(nights, f"update scores.at_risk_list set {column} = -0.01 where customer_key = 1")
    assert found(nights, "list_limits", run_id) == ["customer_key 1: email is not expected to pay"]


def test_offers_that_disagree_with_the_list(nights, run_id):
    change(nights, "delete from scores.customer_offers where customer_key = 1")
    change(nights, "update scores.customer_offers set list_status = 'who knows' where customer_key = 2")
    assert found(nights, "customer_offers", run_id) == [
        "customer_key 1: listed or not?",
        "customer_key 2: listed or not?",
        "customer_key 2: status who knows is unknown",
    ]


def test_customers_that_are_neither_listed_nor_counted(nights, run_id):
    change(nights, "delete from scores.at_risk_list where customer_key = 1")
    assert found(nights, "customer_offers", run_id) == [
        "2 scored, but 1 listed and 0 left alone", "customer_key 1: listed or not?",
    ]  # fmt: skip


def test_a_holdout_that_chance_does_not_explain(nights, run_id):
    change(nights, "update scores.campaign_lists set smallest_balance_p = 0.0009")
    (problem,) = found(nights, "campaign_balance", run_id)
    assert problem.startswith("campaign nightly: the holdout is unevenly drawn (p 0.0009)")
