"""The night's list: who is left alone, which offer is made, within which limits, and what stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from churn.errors import ConfigError, UsageError
from churn.retention import assign_arms
from tests.sql.scores.list_nights import CALL, EMAIL, ListNights, day
from tests.sql.staging_tables import Staging


@pytest.fixture
def nights(staging: Staging) -> ListNights:
    return ListNights(staging)


def offer(**changes: Any) -> dict[str, Any]:
    return EMAIL | changes


# ---------------------------------------------------------------- who is left alone


@pytest.mark.parametrize(
    ("columns", "status"),
    [({"contactable": False}, "not contactable"), ({"contactable": None}, None), ({"contactable": True}, None)],
)
def test_who_said_no_is_left_alone_and_who_said_nothing_is_not(nights, columns, status):
    nights.people(1, **columns)
    night = nights.list_night({1: {}, 2: {}})
    assert night.status() == {1: status or "listed", 2: "listed"}


def test_whom_the_source_no_longer_knows_is_left_alone(nights):
    nights.people(1, valid_to=0)
    assert nights.list_night({1: {}}).status() == {1: "not contactable"}


@pytest.mark.parametrize(
    ("ticket", "is_open"),
    [
        ({"opened": -3, "is_severe": True}, True),
        ({"opened": -3, "is_severe": False}, False),
        ({"opened": -3, "closed": -1, "is_severe": True}, False),
        ({"opened": -3, "closed": 0, "is_severe": True}, True),
        ({"opened": 0, "is_severe": True}, False),
        ({"opened": -3, "is_severe": True, "valid_to": -1}, False),
    ],
)
def test_a_severe_ticket_keeps_a_customer_off_the_list_while_it_is_open(nights, ticket, is_open):
    nights.people(1)
    nights.staging.ticket(1, **ticket)
    assert nights.list_night({1: {}}).status() == {1: "open severe ticket" if is_open else "listed"}


@pytest.mark.parametrize(("days", "rests"), [(1, True), (30, True), (31, False)])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_cooldown_binds_both_groups_for_its_days(nights, days, rests, share):
    first = nights.list_night({1: {}}, offset=-days, holdout_share=share)
    assert first.listed("campaign_group") == ["treatment" if share == 0 else "holdout"]
    assert nights.list_night({1: {}}, holdout_share=share).status() == {1: "cooldown" if rests else "listed"}


def test_a_list_that_was_never_published_binds_nobody(nights):
    nights.list_night({1: {}}, offset=-1, publish=False)
    assert nights.list_night({1: {}}).status() == {1: "listed"}


@pytest.mark.parametrize(("offset", "rests"), [(0, True), (-1, True), (-30, True), (-31, False), (1, False)])
def test_a_recorded_contact_begins_the_cooldown(nights, offset, rests):
    nights.people(1)
    nights.contact(1, offset, campaign="elsewhere")
    assert nights.list_night({1: {}}).status() == {1: "cooldown" if rests else "listed"}


def test_without_a_cooldown_a_customer_may_be_listed_every_night(nights):
    nights.list_night({1: {}}, offset=-1, cooldown_days=0)
    assert nights.list_night({1: {}}, cooldown_days=0).status() == {1: "listed"}


@pytest.mark.parametrize(
    ("campaign", "offset", "group", "is_other"),
    [
        ("spring", 0, "treatment", True),
        ("spring", 1, "treatment", False),
        ("spring", -1, "treatment", True),
        ("spring", -1, "holdout", True),
        ("spring", -30, "treatment", True),
        ("spring", -31, "treatment", False),
        ("nightly", -1, "treatment", False),
    ],
)
def test_who_is_new_in_another_campaign_is_left_alone(nights, campaign, offset, group, is_other):
    nights.people(1)
    nights.member(1, offset, campaign, group)
    assert nights.list_night({1: {}}).status() == {1: "other campaign" if is_other else "listed"}


def test_a_list_replaced_under_another_campaigns_name_may_name_the_same_customers(nights):
    nights.list_night({1: {}})
    assert nights.list_night({1: {}}, campaign="summer", replace_list=True).status() == {1: "listed"}
    assert nights.members("campaign", "customer_key") == [("summer", 1)]


def test_the_first_of_several_reasons_is_told_with_what_is_forgone(nights):
    nights.people(1, contactable=False)
    nights.staging.ticket(1, -3, is_severe=True)
    night = nights.list_night({1: {"value": 1000}}, offers=[EMAIL, CALL])
    row = night.row("customer_offers")
    assert (row["list_status"], row["offer"], row["expected_net_value"]) == ("not contactable", "call", 140)
    left = night.row("list_exclusions")
    assert (left["customers"], left["value_at_risk"], left["expected_net_value"]) == (1, 1000, 140)


# ---------------------------------------------------------------- which offer


def test_the_offer_that_earns_most_is_made_and_the_list_is_in_that_order(nights):
    night = nights.list_night({1: {"value": 100}, 2: {"value": 50}, 3: {"value": 400}}, offers=[EMAIL, CALL])
    assert night.listed("customer_key", "offer", "expected_net_value", "offer_cost", "save_rate") == [
        (3, "call", 50, 10, 0.3), (1, "call", 5, 10, 0.3), (2, "email", 1.5, 1, 0.1),
    ]  # fmt: skip
    assert night.listed("priority_rank") == [1, 2, 3]


def test_who_costs_more_than_they_bring_is_left_alone(nights):
    night = nights.list_night({1: {"value": 19}, 2: {"value": 20}, 3: {"value": 21}}, offers=[EMAIL])
    assert night.status() == {3: "listed"}
    assert night.count("list_exclusions") == {"no offer pays": 2}


def test_a_group_that_an_offer_hurts_is_left_alone_and_another_offer_may_be_made(nights):
    people = {1: {}, 2: {"segment": "Quiet"}}
    hurts = offer(name="push", save_rate=-0.2)
    assert nights.list_night(people, offers=[hurts]).status() == {}
    rows = nights.list_night(people, offers=[hurts, CALL | {"when": {"segment": ["Quiet"]}}], replace_list=True)
    assert rows.listed("customer_key", "offer") == [(2, "call")]


def test_a_negative_value_at_risk_makes_no_harmful_offer_pay(nights):
    assert nights.list_night({1: {"value": -1000}}, offers=[offer(save_rate=-0.5)]).status() == {}


def test_a_measured_save_rate_of_a_segment_takes_the_place_of_the_configured_one(nights, monkeypatch):
    class Measured:
        def of(self, offers: list[str], segments: np.ndarray) -> np.ndarray:
            return np.array([[-0.1 if name == "Quiet" else 0.2] * len(offers) for name in segments])

    monkeypatch.setattr("churn.campaigns.save_rates", lambda *_: Measured())
    night = nights.list_night({1: {}, 2: {"segment": "Quiet"}}, offers=[EMAIL])
    assert night.listed("customer_key", "save_rate", "expected_net_value") == [(1, 0.2, 99)]


@pytest.mark.parametrize(
    ("condition", "value"),
    [("segment", "Quiet"), ("value_tier", "high"), ("plan", "business"), ("lifecycle_stage", "new"),
     ("risk_band", "high")],
)  # fmt: skip
def test_an_offer_is_made_only_to_those_whom_its_conditions_name(nights, condition, value):
    people = {1: {}, 2: {condition: value}, 3: {"plan": None, "value_tier": None}}
    night = nights.list_night(people, offers=[offer(when={condition: [value]})])
    assert night.status() == {2: "listed"}


def test_an_offer_for_a_driver_is_made_to_those_whom_it_drives(nights):
    # Without a model the one driver is silence, named for a week of it and more.
    people = {1: {"risk_score": 30}, 2: {"risk_score": 3}}
    night = nights.list_night(people, offers=[offer(when={"driver": ["days without activity", "price"]})])
    assert night.status() == {1: "listed"}
    assert night.listed("reason_1") == ["no activity for 30 days"]
    assert nights.list_night(people, offers=[offer(when={"driver": "price"})], replace_list=True).status() == {}


def test_an_offer_that_suits_nobody_is_told_with_the_value_that_nobody_has(nights):
    people = {1: {"plan": "pro", "value_tier": "high"}, 2: {"plan": "basic"}}
    gold, driven = offer(name="gift", when={"plan": "gold"}), offer(name="talk", when={"driver": "prise"})
    both = offer(name="tour", when={"plan": "basic", "value_tier": "high"})
    partly = offer(name="mail", when={"plan": ["pro", "base"]})
    notes = nights.list_night(people, offers=[gold, driven, both, partly]).notes
    assert [note for note in notes if note.startswith("Offer ")] == [
        "Offer gift suits nobody tonight: no customer has plan 'gold'.",
        "Offer talk suits nobody tonight: no customer has driver 'prise'.",
        "Offer tour suits nobody tonight: no customer meets all of its conditions.",
        "Offer mail: no customer has plan 'base' tonight.",
    ]


def test_an_offer_that_suits_somebody_leaves_no_note(nights):
    people = {1: {"plan": "pro", "risk_score": 30}}
    offers = [EMAIL, offer(name="talk", when={"driver": ["days without activity", "price"], "plan": "pro"})]
    assert not any(note.startswith("Offer ") for note in nights.list_night(people, offers=offers).notes)


def test_every_condition_must_hold(nights):
    people = {1: {"plan": "business"}, 2: {"plan": "business", "value_tier": "high"}, 3: {"value_tier": "high"}}
    night = nights.list_night(people, offers=[offer(when={"plan": "business", "value_tier": ["high"]})])
    assert night.status() == {2: "listed"}


def test_nobody_eligible_is_an_empty_list_that_says_so(nights):
    night = nights.list_night({1: {}}, offers=[offer(when={"plan": "none of ours"})])
    assert night.listed() == []
    assert night.row("campaign_lists")["statement"] == "Nobody is on this list."
    assert night.row("campaign_lists")["members_to_date"] == 0
    assert nights.members("customer_key") == []
    assert nights.connection.exec_driver_sql("select count(*) from ops.campaigns").scalar_one() == 0
    assert any("no offer pays 1" in note for note in night.notes)


def test_without_configured_offers_there_is_one_by_the_two_keys(nights):
    night = nights.list_night({1: {}}, contact_cost=4.0, save_rate=0.2)
    assert night.listed("offer", "recommended_action", "offer_cost", "expected_net_value") == [
        ("contact", "contact", 4, 96),
    ]  # fmt: skip


# ---------------------------------------------------------------- limits


def test_the_list_is_no_longer_than_its_size(nights):
    night = nights.list_night({key: {"value": 200 * key} for key in range(1, 6)}, list_size=2)
    assert night.listed() == [5, 4]
    assert night.count("list_exclusions") == {"over capacity": 3}


def test_an_offer_is_made_to_no_more_than_its_capacity(nights):
    people = {key: {"value": 1000 * key} for key in range(1, 5)}
    night = nights.list_night(people, offers=[EMAIL, CALL | {"capacity": 1}])
    assert night.listed("customer_key", "offer") == [(4, "call"), (3, "email"), (2, "email"), (1, "email")]
    only = nights.list_night(people, offers=[CALL | {"capacity": 1}], replace_list=True)
    assert only.status() == {4: "listed", 3: "over capacity", 2: "over capacity", 1: "over capacity"}


def test_the_list_costs_no_more_than_the_budget_as_if_nobody_were_held_out(nights):
    people = {key: {"value": 100 * key} for key in range(1, 5)}
    night = nights.list_night(people, offers=[CALL], budget=25.0, holdout_share=1.0)
    assert night.status() == {4: "listed", 3: "listed", 2: "over budget", 1: "over budget"}
    assert night.row("campaign_lists")["planned_cost"] == 20
    assert night.row("campaign_lists")["expected_net_value"] == 0


def test_who_would_earn_too_little_is_told_apart_from_who_would_cost(nights):
    night = nights.list_night({1: {"value": 10}, 2: {"value": 100}, 3: {"value": 500}}, offers=[EMAIL], minimum_value=9)
    assert night.status() == {2: "below minimum", 3: "listed"}


def test_without_a_model_the_riskiest_get_the_cheapest_offer_that_they_may_have(nights):
    people: dict[int, dict[str, Any]]
    people = {key: {"p": None, "value": None, "risk_score": 10.0 * key} for key in (1, 2, 3)}
    people[3]["plan"] = "business"
    offers = [CALL, EMAIL | {"when": {"plan": ["business"]}}]
    night = nights.list_night(people, offers=offers, list_size=2)
    assert night.listed("customer_key", "offer", "expected_net_value") == [(3, "email", None), (2, "call", None)]
    assert night.count("list_exclusions") == {"worth unknown": 1}
    stated = night.row("campaign_lists")
    assert (stated["expected_churn_rate"], stated["detectable_effect"]) == (None, None)
    assert "unknown" in stated["statement"] or "can't show" in stated["statement"]
    assert night.listed("why")[0].startswith("Ranked by silence until a model is trained (activity: none for 30 days)")


# ---------------------------------------------------------------- frozen, replaced, one side for good


def test_a_rerun_keeps_the_list_and_says_listed_of_those_on_it(nights):
    first = nights.list_night({1: {"value": 900}, 2: {"value": 500}}, list_size=1)
    again = nights.list_night({1: {"value": 400}, 2: {"value": 800}, 3: {"value": 700}}, list_size=1)
    assert again.listed("customer_key", "expected_net_value") == first.listed("customer_key", "expected_net_value")
    assert again.status() == {1: "listed", 2: "list frozen", 3: "over capacity"}
    assert (
        again.row("customer_offers", "customer_key = 1")["expected_net_value"] == first.listed("expected_net_value")[0]
    )
    assert nights.members("customer_key", "list_run_id") == [(1, first.run_id)]


def test_what_becomes_known_later_gives_no_place_of_a_frozen_list_away(nights):
    people = {1: {"value": 900}, 2: {"value": 800}}
    nights.list_night(people, list_size=1)
    nights.staging.ticket(1, -1, is_severe=True)
    assert nights.list_night(people, list_size=1).status() == {1: "listed", 2: "over capacity"}
    assert nights.list_night(people, list_size=1, replace_list=True).status() == {1: "open severe ticket", 2: "listed"}


def test_a_replaced_list_takes_its_members_with_it_on_either_side(nights):
    nights.list_night({1: {"value": 900}, 2: {"value": 800}, 3: {"value": 100}}, list_size=2, holdout_share=0.5)
    new = nights.list_night({1: {"value": 100}, 2: {"value": 200}, 3: {"value": 900}}, list_size=1, replace_list=True)
    assert new.listed() == [3]
    assert new.row("campaign_lists")["members_to_date"] == 1
    assert nights.members("customer_key", "list_run_id") == [(3, new.run_id)]


@pytest.mark.parametrize("sent", [0, 3])
def test_a_list_that_was_sent_is_not_replaced_and_nobody_leaves(nights, sent):
    people = {1: {"value": 900}, 2: {"value": 800}}
    nights.list_night(people, holdout_share=0.5)
    members = nights.members("customer_key", "campaign_group", "list_run_id")
    nights.contact(2, sent)
    with pytest.raises(UsageError, match=f"The list of {day(0)} was sent: 1 contacts are recorded"):
        nights.list_night(people, list_size=1, replace_list=True)
    assert nights.members("customer_key", "campaign_group", "list_run_id") == members


def test_a_list_whose_members_entered_before_and_were_contacted_by_it_was_sent(nights):
    nights.list_night({1: {}}, offset=-40)
    nights.list_night({1: {}})
    nights.contact(1, 1)
    with pytest.raises(UsageError, match="was sent"):
        nights.list_night({1: {}}, replace_list=True)


def test_contacts_before_the_night_or_of_others_do_not_make_its_list_sent(nights):
    nights.list_night({1: {}}, offset=-40)
    nights.contact(1, -39)
    nights.list_night({1: {}, 2: {}, 3: {}}, list_size=2)
    nights.contact(3, 1)
    nights.contact(1, 1, campaign="elsewhere")
    assert nights.list_night({1: {}, 2: {}}, list_size=1, replace_list=True).listed() == [1]


# ---------------------------------------------------------------- nights run late


def test_a_list_frozen_after_a_later_night_is_a_rehearsal_that_changes_nothing(nights):
    nights.list_night({1: {}, 9: {}}, offset=0, list_size=1)
    members = nights.members("customer_key", "as_of_date", "list_run_id")
    late = nights.list_night({1: {}, 2: {}, 3: {}}, offset=-5)
    assert late.listed("customer_key", "entered_as_of_date") == [(1, None), (2, None), (3, None)]
    stated = late.row("campaign_lists")
    assert (stated["is_rehearsal"], stated["entering"], stated["members_to_date"]) == (True, 0, 0)
    assert any(f"list of {day(-5)} is a rehearsal: the night of {day(0)} is out" in note for note in late.notes)
    assert nights.members("customer_key", "as_of_date", "list_run_id") == members
    assert nights.admitted == 0
    assert nights.list_night({1: {}, 2: {}, 3: {}}, offset=1).status() == {1: "cooldown", 2: "listed", 3: "listed"}


def test_a_campaign_does_not_begin_with_a_rehearsal(nights):
    nights.list_night({1: {}}, offset=0)
    nights.list_night({2: {}}, offset=-5, campaign="autumn")
    found = nights.connection.exec_driver_sql("select campaign from ops.campaigns")
    assert found.scalars().all() == ["nightly"]


def test_who_is_on_a_later_list_stays_when_an_earlier_nights_list_is_replaced(nights):
    nights.list_night({1: {"value": 900}, 2: {"value": 800}}, offset=-1, list_size=2, cooldown_days=0)
    members = nights.members("customer_key", "as_of_date", "list_run_id")
    nights.list_night({1: {}, 2: {}}, cooldown_days=0)
    late = nights.list_night({1: {}, 2: {}, 3: {}}, offset=-1, list_size=1, cooldown_days=0, replace_list=True)
    assert late.row("campaign_lists")["is_rehearsal"]
    assert late.row("campaign_lists")["members_to_date"] == 2
    assert nights.members("customer_key", "as_of_date", "list_run_id") == members


def test_neither_a_rerun_of_the_latest_night_nor_nights_in_order_are_rehearsals(nights):
    for offset in (-40, -20, -20, 0):
        night = nights.list_night({1: {}, 2: {}}, offset=offset, replace_list=offset == -20)
        assert not night.row("campaign_lists")["is_rehearsal"]
        assert not any("rehearsal" in note for note in night.notes)
    # A rerun of an earlier night keeps the list that was out in time.
    again = nights.list_night({1: {}, 2: {}}, offset=-40)
    assert not again.row("campaign_lists")["is_rehearsal"]


# ---------------------------------------------------------------- entering with a list


def test_who_is_on_the_new_list_too_enters_with_its_offer(nights):
    nights.list_night({1: {}}, offers=[EMAIL])
    nights.insert(
        "ops.campaign_outcomes",
        {"campaign": "nightly", "customer_key": 1, "as_of_date": day(0), "matured_date": day(60), "churned": True,
         "run_id": 1},
    )  # fmt: skip
    new = nights.list_night({1: {}}, offers=[CALL], replace_list=True)
    assert nights.members("customer_key", "offer", "list_run_id") == [(1, "call", new.run_id)]
    assert nights.connection.exec_driver_sql("select count(*) from ops.campaign_outcomes").scalar_one() == 0
    assert new.row("campaign_lists")["entering"] == 1


def test_a_customer_keeps_their_side_and_their_entry_for_the_campaigns_life(nights):
    first = nights.list_night({1: {}, 2: {}}, offset=-40, holdout_share=1.0)
    assert set(first.listed("campaign_group")) == {"holdout"}
    # The configured share and seed have changed; the campaign keeps its own, for those who enter now as well.
    later = nights.list_night({1: {}, 2: {}, 3: {}}, holdout_share=0.0, seed=5)
    assert later.listed("customer_key", "campaign_group", "entered_as_of_date", "recommended_action") == [
        (1, "holdout", day(-40), "hold out"), (2, "holdout", day(-40), "hold out"), (3, "holdout", day(0), "hold out"),
    ]  # fmt: skip
    assert any(
        "keeps the seed 20 and the holdout share 1" in note and "retention.campaign" in note for note in later.notes
    )
    stated = later.row("campaign_lists")
    assert (stated["entering"], stated["members_to_date"]) == (1, 3)
    assert nights.members("customer_key", "as_of_date") == [(1, day(-40)), (2, day(-40)), (3, day(0))]


def test_the_stored_side_wins_over_the_draw(nights):
    (drawn,) = assign_arms(["c1"], seed=20, campaign="nightly", holdout_share=0.5)
    other = "treatment" if drawn == "holdout" else "holdout"
    nights.people(1)
    nights.member(1, -50, "nightly", other)
    assert nights.list_night({1: {}}, holdout_share=0.5).listed("campaign_group") == [other]


def test_a_new_campaign_draws_anew_and_keeps_what_it_began_with(nights):
    nights.list_night({1: {}}, offset=-40, holdout_share=1.0)
    night = nights.list_night({1: {}}, holdout_share=0.0, campaign="summer")
    assert night.listed("campaign", "campaign_group") == [("summer", "treatment")]
    found = nights.connection.exec_driver_sql(
        "select campaign, kind, seed, holdout_share from ops.campaigns order by 1"
    )
    assert [tuple(row) for row in found] == [("nightly", "list", 20, 1.0), ("summer", "list", 20, 0.0)]


def test_a_campaign_recorded_from_outside_is_no_campaign_of_a_list(nights):
    row = {
        "campaign": "fair",
        "kind": "recorded",
        "started_as_of_date": day(-5),
        "created_at": "2025-01-01",
        "run_id": 1,
    }
    nights.insert("ops.campaigns", row)
    with pytest.raises(ConfigError, match=r"retention\.campaign is 'fair'"):
        nights.list_night({1: {}}, campaign="fair")


def test_the_holdout_is_drawn_among_those_chosen(nights):
    """Who is suppressed, too expensive or too many is never drawn: the draw is of the list alone."""
    people = {key: {"value": 1000 - key} for key in range(1, 301)}
    nights.people(*range(1, 51), contactable=False)
    night = nights.list_night(people, holdout_share=0.2, list_size=200)
    stated = night.row("campaign_lists")
    assert (stated["listed"], stated["entering"], stated["members_to_date"]) == (200, 200, 200)
    assert 20 <= stated["holdout"] <= 60
    assert stated["treatment"] + stated["holdout"] == 200
    assert sorted(night.listed()) == list(range(51, 251))
    everybody = night.row("campaign_balance", "dimension = 'all'")
    assert (everybody["treatment"], everybody["holdout"]) == (stated["treatment"], stated["holdout"])
    assert everybody["expected_holdout"] == pytest.approx(40)
    assert stated["smallest_balance_p"] > 0.001


def test_what_the_list_can_show_is_told_before_it_goes_out(nights):
    night = nights.list_night({key: {"p": 0.3} for key in range(1, 41)}, holdout_share=0.25, offers=[EMAIL])
    stated = night.row("campaign_lists")
    assert stated["expected_churn_rate"] == pytest.approx(0.3)
    assert stated["expected_save_rate"] == pytest.approx(0.1)
    assert f"{stated['treatment']} customers to contact and {stated['holdout']} held out" in stated["statement"]
    assert any(stated["statement"] in note for note in night.notes)


def test_the_effect_to_date_counts_those_who_entered_before(nights):
    first = nights.list_night({key: {"p": 0.3} for key in range(1, 201)}, offset=-1, holdout_share=0.5)
    second = nights.list_night({key: {"p": 0.3} for key in range(1, 401)}, holdout_share=0.5)
    before, after = first.row("campaign_lists"), second.row("campaign_lists")
    assert before["detectable_effect"] == before["detectable_effect_to_date"]
    assert (after["listed"], after["entering"], after["members_to_date"]) == (200, 200, 400)
    assert after["detectable_effect_to_date"] < 0.8 * after["detectable_effect"]
