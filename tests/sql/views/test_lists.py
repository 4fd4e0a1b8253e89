"""What `bi` shows of the list: whom to contact, who is valuable and at risk, who is left alone and why."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.sql.scores.list_nights import CALL, EMAIL, ListNights, day
from tests.sql.staging_tables import Staging

HIGH = {"value_tier": "high", "risk_band": "high"}


@pytest.fixture
def nights(staging: Staging) -> ListNights:
    return ListNights(staging)


def valuable(nights: ListNights, *columns: str) -> list[tuple[Any, ...]]:
    return nights.shown("high_value_at_risk", "customer_id", *columns)


def opt_out(nights: ListNights, key: int) -> None:
    statement = "update staging.customers set contactable = false where customer_key = :key"
    nights.connection.execute(sa.text(statement), {"key": key})


def test_only_the_highest_tier_in_the_riskiest_tenth_is_valuable_and_at_risk(nights):
    nights.list_night({1: HIGH, 2: {"value_tier": "high"}, 3: {"risk_band": "high"}, 4: HIGH | {"value_tier": None}})
    assert valuable(nights, "list_status", "priority_rank") == [("c1", "listed", 1)]


def test_who_opts_out_after_the_night_is_in_neither_view(nights):
    nights.list_night({1: HIGH, 2: HIGH})
    opt_out(nights, 1)
    assert valuable(nights) == [("c2",)]
    assert nights.shown("at_risk_customers", "customer_id") == [("c2",)]
    assert nights.shown("customer_scores", "customer_id") == [("c1",), ("c2",)]


def test_a_valuable_customer_off_the_list_is_left_alone_tonight_with_the_best_offer_told(nights):
    nights.people(4, 5)
    nights.staging.ticket(4, -3, is_severe=True)
    nights.member(5, -3, "spring")
    people = {key: HIGH | {"value": 2000 - key} for key in (1, 2, 3, 4, 5)}
    nights.list_night(people | {6: HIGH | {"value": 1}}, offers=[EMAIL, CALL], list_size=2)
    assert valuable(nights, "list_status", "recommended_action", "offer", "priority_rank", "campaign_group") == [
        ("c1", "listed", "call", "call", 1, "treatment"),
        ("c2", "listed", "call", "call", 2, "treatment"),
        ("c3", "over capacity", None, "call", None, None),
        ("c4", "open severe ticket", None, "call", None, None),
        ("c5", "other campaign", None, "call", None, None),
        ("c6", None, None, None, None, None),
    ]


def test_the_held_out_are_on_the_list_to_be_left_alone(nights):
    nights.list_night({1: HIGH}, holdout_share=1.0)
    assert valuable(nights, "recommended_action", "campaign_group") == [("c1", "hold out", "holdout")]
    shown = nights.shown("at_risk_customers", "recommended_action", "offer", "campaign_group", "entered_as_of_date")
    assert shown == [("hold out", "contact", "holdout", day(0))]


def test_scores_say_what_became_of_each_customer(nights):
    nights.list_night({1: {"plan": "basic", "value": 900}, 2: {"value": 800}, 3: {"value": 1}}, list_size=1)
    for view in ("customer_scores", "customer_scores_history"):
        assert nights.shown(view, "customer_id", "plan", "list_status", "offer", "expected_net_value") == [
            ("c1", "basic", "listed", "contact", 40), ("c2", None, "over capacity", "contact", 35),
            ("c3", None, None, None, None),
        ]  # fmt: skip


def test_every_scored_customer_is_listed_or_counted_once(nights):
    nights.people(1, contactable=False)
    nights.list_night({1: {}, 2: {}, 3: {"value": 900}, 4: {"value": 1}}, list_size=1)
    assert nights.shown("list_exclusions", "list_status", "customers", "value_at_risk", "expected_net_value") == [
        ("no offer pays", 1, 1, None), ("not contactable", 1, 1000, 45), ("over capacity", 1, 900, 40),
    ]  # fmt: skip


def test_a_rerun_shows_the_list_that_was_frozen_with_its_own_exclusions(nights):
    nights.list_night({1: {"value": 900}, 2: {"value": 800}}, list_size=1)
    nights.list_night({1: {"value": 900}, 2: {"value": 800}, 3: {}}, list_size=1)
    assert nights.shown("campaign_lists", "as_of_date", "listed", "members_to_date") == [(day(0), 1, 1)]
    assert nights.shown("list_exclusions", "list_status", "customers") == [("list frozen", 1), ("over capacity", 1)]
    assert {row[0] for row in nights.shown("campaign_balance", "dimension")} == {"all", "segment", "risk_band"}


def test_lists_of_all_nights_are_shown_and_balance_of_the_latest(nights):
    nights.list_night({1: {}}, offset=-1)
    nights.list_night({2: {}})
    assert nights.shown("campaign_lists", "as_of_date", "entering", "members_to_date") == [
        (day(-1), 1, 1), (day(0), 1, 2),
    ]  # fmt: skip
    shown = nights.shown(
        "campaign_balance", "as_of_date", "dimension", "treatment", "holdout", where="dimension = 'all'"
    )
    assert shown == [(day(0), "all", 2, 0)]


def test_a_rehearsal_is_shown_as_one(nights):
    nights.list_night({1: {}})
    nights.list_night({2: {}}, offset=-1)
    assert nights.shown("campaign_lists", "as_of_date", "entering", "is_rehearsal") == [
        (day(-1), 0, True), (day(0), 1, False),
    ]  # fmt: skip
