"""Lists over several nights of a whole company: offers by driver, cooldown, sides that stay, what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from churn.demo.run import OFFERS
from churn.errors import UsageError
from tests.e2e.company import AS_OF, LIST_SIZE, Office, night_of

NEXT = AS_OF + timedelta(days=1)
LATER = night_of(NEXT) + timedelta(hours=3)


def listed(office: Office) -> list[dict[str, Any]]:
    return office.rows("select * from bi.at_risk_customers order by priority_rank")


def test_the_demos_offers_go_to_whom_they_are_for_and_a_rerun_changes_nothing(office: Office) -> None:
    office.configure(retention__offers=OFFERS, retention__budget=2_000.0)
    summary = office.nightly(NEXT)
    found = listed(office)
    scores = {row["customer_id"]: row for row in office.rows("select * from bi.customer_scores")}
    conditions = {offer["name"]: offer.get("when", {}) for offer in OFFERS}
    assert {"training", "call", "email"} <= {row["offer"] for row in found}
    for row in found:
        score = scores[row["customer_id"]]
        drivers = {score["driver_1"], score["driver_2"], score["driver_3"]}
        for condition, allowed in conditions[row["offer"]].items():
            assert drivers & set(allowed) if condition == "driver" else score[condition] in allowed
        assert row["recommended_action"] == ("hold out" if row["campaign_group"] == "holdout" else row["offer"])
        assert row["offer"] in row["why"]
        assert ("leave alone" in row["why"]) == (row["campaign_group"] == "holdout")
    net = [row["expected_net_value"] for row in found]
    assert net == sorted(net, reverse=True)
    assert min(net) > 0
    assert sum(row["offer_cost"] for row in found) <= 2_000
    assert any(note.startswith("List of campaign nightly: With ") for note in summary.notes)
    assert any(note.startswith("Left alone tonight: ") and "cooldown" in note for note in summary.notes)

    before = office.shown()
    office.nightly(NEXT, now=LATER)
    assert office.shown() == before


def test_whoever_was_on_a_list_rests_in_either_group(office: Office) -> None:
    first = listed(office)
    assert {row["campaign_group"] for row in first} == {"treatment", "holdout"}
    office.nightly(NEXT)
    second = listed(office)
    assert len(second) == LIST_SIZE
    assert not {row["customer_id"] for row in first} & {row["customer_id"] for row in second}
    rested = office.column("select customer_id from bi.customer_scores where list_status = 'cooldown'")
    assert set(rested) <= {row["customer_id"] for row in first}
    assert len(rested) > LIST_SIZE / 2
    members = "select count(*) as members, count(distinct customer_key) as customers from ops.campaign_members"
    assert office.rows(members) == [{"members": 2 * LIST_SIZE, "customers": 2 * LIST_SIZE}]


def test_a_changed_configuration_moves_nobody_to_the_other_side(office: Office) -> None:
    arms = {row["customer_id"]: row["campaign_group"] for row in listed(office)}
    office.configure(retention__cooldown_days=0, retention__seed=99, retention__holdout_share=0.9)
    summary = office.nightly(NEXT)
    again = listed(office)
    known = [row for row in again if row["customer_id"] in arms]
    assert len(known) > LIST_SIZE / 2
    assert all(row["campaign_group"] == arms[row["customer_id"]] for row in known)
    assert {row["entered_as_of_date"] for row in known} == {AS_OF}
    assert sum(row["campaign_group"] == "holdout" for row in again) < LIST_SIZE / 2
    assert any("keeps the seed 20 and the holdout share 0.2" in note for note in summary.notes)


def test_a_replaced_list_leaves_only_its_own_members_and_one_that_was_sent_stays(office: Office) -> None:
    before = {row["customer_id"]: row["campaign_group"] for row in listed(office)}
    office.configure(retention__list_size=10, retention__minimum_value=50.0)
    office.nightly(now=night_of(AS_OF) + timedelta(hours=3), replace_list=True)
    now = [row["customer_id"] for row in listed(office)]
    of_members = (
        "select k.customer_id from ops.campaign_members as m inner join staging.customer_keys as k using (customer_key)"
    )
    assert len(now) == 10
    assert sorted(office.column(of_members)) == sorted(now)
    assert all(before.get(row["customer_id"], row["campaign_group"]) == row["campaign_group"] for row in listed(office))
    assert office.value("select members_to_date from bi.campaign_lists") == len(now)

    office.change_warehouse(
        "insert into ops.campaign_contacts (campaign, customer_key, sent_date, offer, recording_id) "
        "select 'nightly', customer_key, cast(:d as date), 'contact', 1 "
        "from staging.customer_keys where customer_id = :c",
        d=AS_OF,
        c=now[0],
    )
    extractions = office.value("select count(*) from ops.extractions")
    with pytest.raises(UsageError, match=f"The list of {AS_OF} was sent: 1 contacts are recorded"):
        office.nightly(now=night_of(AS_OF) + timedelta(hours=5), replace_list=True)
    assert office.value("select count(*) from ops.extractions") == extractions
    assert [row["customer_id"] for row in listed(office)] == now
    assert sorted(office.column(of_members)) == sorted(now)


def test_a_withdrawn_night_that_is_run_again_keeps_its_frozen_list(office: Office) -> None:
    """`[keep]` has withdrawn the night; another list would be shorter now."""
    before, (night,) = [row["customer_id"] for row in listed(office)], office.rows("select * from ops.published")
    office.change_warehouse(
        "with gone as (delete from ops.published returning as_of_date, run_id, list_run_id, published_at, in_sample) "
        "insert into ops.past_nights (as_of_date, run_id, list_run_id, published_at, in_sample, withdrawn_at) "
        "select as_of_date, run_id, list_run_id, published_at, in_sample, published_at from gone"
    )
    assert listed(office) == []
    office.configure(retention__list_size=10)
    office.nightly(now=LATER)
    assert [row["customer_id"] for row in listed(office)] == before
    assert office.column("select list_run_id from ops.published") == [night["list_run_id"]]


def test_a_night_that_nobody_is_eligible_on_publishes_an_empty_list(office: Office) -> None:
    office.configure(retention__offers=[{"name": "fax", "cost": 1.0, "save_rate": 0.5, "when": {"plan": ["gone"]}}])
    summary = office.nightly(NEXT)
    assert listed(office) == []
    assert (
        office.value("select statement from bi.campaign_lists where as_of_date = :d", d=NEXT)
        == "Nobody is on this list."
    )
    left = office.value("select sum(customers) from bi.list_exclusions")
    assert left == summary.customers == office.value("select count(*) from bi.customer_scores")
    assert {row["list_status"] for row in office.rows("select list_status from bi.high_value_at_risk")} <= {
        None, "cooldown", "open severe ticket",
    }  # fmt: skip
