"""What a night says, and that it is what anybody gets from the views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn.campaigns import store_results
from churn.insights.findings import BEHAVIOUR, CAMPAIGN, QUESTIONS, SEGMENTS, plain
from churn.partitions import ensure_month
from churn.schema import campaign_members, campaign_outcomes
from tests.sql.insights.company import CUSTOMERS, SETTINGS, WEEK, Company, claims, the
from tests.sql.nights import AT
from tests.sql.staging_tables import AS_OF, Staging


@pytest.fixture
def company(staging: Staging) -> Company:
    return Company(staging)


def recomputed(company: Company, evidence: dict[str, Any]) -> dict[str, Any]:
    """What the evidence's query gives whoever reads `bi`."""
    connection = company.connection
    connection.exec_driver_sql("set local role bi_reader")
    (row,) = connection.exec_driver_sql(evidence["query"].replace("%", "%%")).mappings().all()
    connection.exec_driver_sql("reset role")
    return {name: plain(value) for name, value in row.items()}


# ---------------------------------------------------------------- five answers, whatever the night


@pytest.mark.parametrize("has_model", [True, False])
@pytest.mark.parametrize("segments", [1, 4])
def test_a_first_night_answers_all_five_questions_without_a_claim(
    company: Company, segments: int, has_model: bool
) -> None:
    found = company.speak(company.night(segments=segments, has_model=has_model, is_published=False))
    assert {row["question"] for row in found} == set(QUESTIONS)
    assert claims(found) == []
    assert [row["priority"] for row in found] == list(range(1, len(found) + 1))
    assert the(found, "no_campaign")["evidence"]["numbers"] == {"campaigns": 0}
    assert the(found, "contact_nobody")["recommendation"].startswith("See cost")


def test_without_a_model_the_night_says_to_train_one(company: Company) -> None:
    found = company.speak(company.night(has_model=False))
    assert "churn train" in the(found, "no_behaviour_known")["recommendation"]
    assert the(found, "valuable_at_risk")["evidence"]["numbers"]["at_risk"] == CUSTOMERS // 10


def test_a_rerun_of_the_night_says_the_same_to_the_letter(company: Company) -> None:
    company.weeks(10)
    first, second = (company.night(raised=0.05) for _ in range(2))
    company.realised(first, [60, 20, 20, 20])
    company.realised(second, [60, 20, 20, 20])
    said = [[row | {"run_id": None} for row in company.speak(run_id)] for run_id in (first, second)]
    assert said[0] == said[1]
    assert len(claims(said[0])) >= 2


# ---------------------------------------------------------------- who leaves more often


def test_a_segment_that_leaves_more_often_is_claimed_with_its_counts(company: Company) -> None:
    run_id = company.night()
    company.realised(run_id, [60, 20, 20, 20])
    found = company.speak(run_id)
    assert claims(found) == [("segment_churns_more", "Segment 1")]
    row = the(found, "segment_churns_more")
    numbers = row["evidence"]["numbers"]
    assert (numbers["customers"], numbers["churned"], numbers["others"], numbers["others_churned"]) == (
        200,
        60,
        600,
        60,
    )
    assert row["effect"] == pytest.approx(3.0)
    assert row["p_value"] < 1e-9
    assert "30% left within 30 days against 10.0% of all others (3.0 times)" in row["finding"]
    assert row["question"] == SEGMENTS


@pytest.mark.parametrize(("churned", "customers"), [([26, 20, 20, 20], 200), ([3, 1, 1, 1], 10)], ids=["chance", "few"])
def test_what_chance_explains_is_not_claimed(company: Company, churned: list[int], customers: int) -> None:
    run_id = company.night()
    company.realised(run_id, churned, customers=customers)
    found = company.speak(run_id)
    assert claims(found) == []
    assert the(found, "segments_not_told_apart")["question"] == SEGMENTS


def answers(found: list[dict[str, Any]], question: str) -> list[str]:
    return [row["insight"] for row in found if row["question"] == question]


def test_what_is_real_but_too_little_to_act_on_is_said_to_be_that(company: Company) -> None:
    run_id = company.night()
    company.realised(run_id, [10_600, 10_000, 10_000, 10_000], customers=100_000)
    found = company.speak(run_id)
    assert answers(found, SEGMENTS) == ["segment_churns_little_more"]
    row = the(found, "segment_churns_little_more")
    assert row["subject"] == "Segment 1"
    assert "one would act on it (1.25 times and 1 point). 'Segment 1' churns more: 10.6%" in row["finding"]
    assert "+0.6 points, 95 % interval +0.4 points to +0.8 points" in row["finding"]
    assert row["p_value"] < 1e-6
    assert row["effect"] == pytest.approx(1.06)


def test_a_segment_that_churns_less_is_not_said_to_be_untold(company: Company) -> None:
    run_id = company.night()
    company.realised(run_id, [1_000, 1_100, 1_100, 1_100], customers=10_000)
    row = the(company.speak(run_id), "segment_churns_less")
    assert "'Segment 1' churns less: 10.0%" in row["finding"]


def drivers_named(company: Company, *, in_sample: bool = False, treated: bool = False) -> list[dict[str, Any]]:
    """A night two months ago named usage for 100 of 200 with reasons; half of them left, and hardly anybody else."""
    before = AS_OF - timedelta(days=60)
    past = company.night(before)
    named(company, past, "driver_1", "price", "customer_key between 101 and 200")
    named(company, past, "driver_2", "usage", "customer_key <= 100")
    company.connection.execute(sa.text("update ops.published set in_sample = :s"), {"s": in_sample})
    for key in range(1, CUSTOMERS + 1):
        company.staging.subscription(key, -400, -50 if key <= 50 or 190 < key <= 200 or key > 390 else None)
    tonight = company.night()
    for as_of, run_id in ((before, past), (AS_OF, tonight)):
        ensure_month(company.connection, "churn_drivers", as_of)
        company.nights.insert("scores.churn_drivers", driver(as_of, run_id))
    if treated:
        ensure_month(company.connection, "at_risk_list", before)
        company.nights.insert("scores.at_risk_list", *(listed(before, past, key) for key in range(1, 101)))
    return company.speak(tonight)


def named(company: Company, run_id: int, place: str, driver_: str, where: str) -> None:
    statement = sa.text(f"update scores.customer_scores set {place} = :driver where run_id = :r and {where}")
    company.connection.execute(statement, {"r": run_id, "driver": driver_})


def driver(as_of: Any, run_id: int) -> dict[str, Any]:
    return {
        "as_of_date": as_of, "run_id": run_id, "segment": "", "driver": "usage", "direction": "raises",
        "importance": 0.4, "customers_affected": 90, "description": "Words.",
    }  # fmt: skip


def listed(as_of: Any, run_id: int, key: int) -> dict[str, Any]:
    return {
        "as_of_date": as_of, "run_id": run_id, "priority_rank": key, "customer_key": key, "segment_id": 1,
        "segment": "Segment 1", "risk_score": 0.0, "risk_percentile": 99.0, "risk_band": "high", "campaign": "nightly",
        "campaign_group": "treatment",
    }  # fmt: skip


def test_a_behaviour_that_the_model_had_named_is_claimed_by_who_left(company: Company) -> None:
    found = drivers_named(company)
    assert ("behaviour_goes_with_churn", "usage") in claims(found)
    numbers = the(found, "behaviour_goes_with_churn")["evidence"]["numbers"]
    assert (numbers["customers"], numbers["churned"]) == (100, 50)
    assert (numbers["others"], numbers["others_churned"]) == (100, 10)
    assert numbers["customers_affected"] == 90
    assert "10.0% of those with other reasons" in the(found, "behaviour_goes_with_churn")["finding"]


def past_outcome(company: Company, churned: Any, *drivers: dict[str, Any]) -> dict[str, Any]:
    """The night's answer on behaviour, two months after 200 of 400 were given reasons: noise for every other."""
    before = AS_OF - timedelta(days=60)
    past = company.night(before)
    named(company, past, "driver_1", "price", "customer_key <= 200")
    named(company, past, "driver_2", "noise", "customer_key <= 200 and customer_key % 2 = 0")
    for key in range(1, CUSTOMERS + 1):
        company.staging.subscription(key, -400, -50 if churned(key) else None)
    tonight = company.night()
    for as_of, run_id in ((before, past), (AS_OF, tonight)):
        ensure_month(company.connection, "churn_drivers", as_of)
        rows = drivers or ({},)
        company.nights.insert("scores.churn_drivers", *(driver(as_of, run_id) | row for row in rows))
    (row,) = [row for row in company.speak(tonight) if row["question"] == BEHAVIOUR]
    return row


def test_a_behaviour_that_is_noise_among_those_with_reasons_is_not_claimed(company: Company) -> None:
    """Whoever has reasons leaves more often than whoever has none, whatever the reasons are."""
    row = past_outcome(company, lambda key: key <= 200 and key % 20 < 10)
    assert (row["insight"], row["p_value"]) == ("behaviour_the_model_weighs", None)


def test_the_model_is_said_to_go_by_what_weighs_most_whatever_its_direction(company: Company) -> None:
    lowers = {"driver": "tenure", "direction": "lowers", "importance": 0.9, "customers_affected": 3}
    row = past_outcome(company, lambda _: False, {}, lowers)
    assert row["subject"] == "tenure"
    assert row["finding"].startswith(
        "The model's scores move most with 'tenure'. It raises the risk of 3 customers, but lowers that of more."
    )


def test_a_behaviour_that_raises_nobody_s_risk_is_not_said_to_raise_that_of_0(company: Company) -> None:
    row = past_outcome(company, lambda _: False, {"customers_affected": 0, "direction": "mixed"})
    assert "'usage'. It raises nobody's risk by much. That is what" in row["finding"]
    assert "0 customers" not in row["finding"]


def test_a_claimed_behaviour_says_nothing_of_tonight_where_it_raises_nobody_s_risk(company: Company) -> None:
    noise = {"driver": "noise", "customers_affected": 0}
    row = past_outcome(company, lambda key: key <= 200 and key % 2 == 0, noise)
    assert (row["insight"], row["subject"]) == ("behaviour_goes_with_churn", "noise")
    assert "Tonight" not in row["finding"]


@pytest.mark.parametrize("why", ["in_sample", "treated"])
def test_a_behaviour_without_fair_outcomes_is_said_to_be_the_model_s_only(company: Company, why: str) -> None:
    found = drivers_named(company, **{why: True})
    assert claims(found) == []
    row = the(found, "behaviour_the_model_weighs")
    assert (row["question"], row["subject"]) == (BEHAVIOUR, "usage")
    assert "what the model goes by" in row["finding"]


def test_the_next_night_takes_over_the_counts_unless_the_night_counted_was_published_anew(company: Company) -> None:
    def published_later(days: int) -> None:
        company.connection.execute(
            sa.text(
                "update ops.published set published_at = published_at + make_interval(days => :days) "
                "where as_of_date = :before"
            ),
            {"days": days, "before": AS_OF - timedelta(days=60)},
        )

    def churned(day: int) -> int:
        as_of = AS_OF + timedelta(days=day)
        row = the(company.speak(company.night(as_of), as_of), "behaviour_goes_with_churn")
        return int(row["evidence"]["numbers"]["churned"])

    drivers_named(company)
    company.connection.execute(sa.text("update scores.group_outcomes set churned = 77 where value = 'usage'"))
    published_later(-1)
    assert churned(day=1) == 77
    published_later(2)
    assert churned(day=2) == 50


# ---------------------------------------------------------------- campaigns


@dataclass(frozen=True)
class Sides:
    """Who was in a campaign, who left, and what each brought: treated customers paid `paid`, those held out 100."""

    left_treated: int = 0
    left_held_out: int = 0
    each: int = 200
    held_out: bool = True
    paid: Any = None
    is_known: bool = True
    days_ago: int = 60


def campaign(company: Company, name: str = "spring", **sides: Any) -> None:
    """A campaign of `each` customers a side; they have matured unless said otherwise."""
    is_ = Sides(**sides)
    before = AS_OF - timedelta(days=is_.days_ago)
    company.nights.insert(
        "ops.campaigns",
        {"campaign": name, "kind": "list", "seed": 1, "holdout_share": 0.5, "started_as_of_date": before,
         "created_at": AT, "run_id": 1},
    )  # fmt: skip
    members, outcomes = [], []
    for key in range(1, is_.each * (2 if is_.held_out else 1) + 1):
        treated, place = key <= is_.each, (key - 1) % is_.each
        noise = 5 * (-1) ** place
        key_of = {"campaign": name, "customer_key": key, "as_of_date": before}
        members.append(key_of | {
            "offer": "call", "segment": "Segment 1", "campaign_group": "treatment" if treated else "holdout",
            "risk_band": "high", "offer_cost": 2, "clv_if_retained": 500, "churn_probability": 0.2,
        })  # fmt: skip
        outcomes.append(key_of | {
            "matured_date": AS_OF, "churned": place < (is_.left_treated if treated else is_.left_held_out),
            "revenue": None if is_.paid is None else (is_.paid if treated else 100) + noise, "run_id": 1,
        })  # fmt: skip
    company.connection.execute(sa.insert(campaign_members), members)
    if is_.is_known:
        company.connection.execute(sa.insert(campaign_outcomes), outcomes)


def test_a_campaign_that_kept_customers_is_claimed(company: Company) -> None:
    campaign(company, left_treated=20, left_held_out=70)
    row = the(company.speak(company.night()), "campaign_worked")
    assert row["effect"] == pytest.approx(0.25)
    assert row["p_value"] < 1e-6
    assert "90% of 200 assigned stayed against 65% of 200 held out" in row["finding"]


def test_a_campaign_that_drove_customers_away_is_claimed(company: Company) -> None:
    campaign(company, left_treated=70, left_held_out=20)
    row = the(company.speak(company.night()), "campaign_hurt")
    assert row["recommendation"].startswith("Stop it")


def test_a_campaign_that_chance_explains_cannot_be_told_yet(company: Company) -> None:
    campaign(company, left_treated=30, left_held_out=36)
    found = company.speak(company.night())
    assert claims(found) == []
    row = the(found, "campaign_not_told_yet")
    assert (row["question"], row["p_value"], row["effect"]) == (CAMPAIGN, None, None)
    assert "cannot be told yet" in row["finding"]


@pytest.mark.parametrize(
    ("paid", "said"),
    [
        (130, "They brought 6,000 EUR more revenue within 30 days than without it (95 % interval"),
        (70, "They brought 6,000 EUR less revenue within 30 days than without it (95 % interval"),
        (100, "Whether it changed their revenue within 30 days is not shown (95 % interval"),
    ],
)
def test_revenue_is_told_as_earned_or_lost_only_where_its_interval_excludes_0(
    company: Company, paid: int, said: str
) -> None:
    campaign(company, left_treated=20, left_held_out=70, paid=paid)
    row = the(company.speak(company.night()), "campaign_worked")
    assert said in row["finding"]
    numbers = row["evidence"]["numbers"]
    assert {"incremental_revenue_low", "incremental_revenue_high", "cost_measured"} <= set(numbers)


def test_only_what_was_spent_on_those_measured_stands_beside_their_revenue(company: Company) -> None:
    campaign(company, left_treated=20, left_held_out=70, paid=130)
    company.connection.execute(sa.text("delete from ops.campaign_outcomes where customer_key <= 50"))
    for key in range(1, 201):
        contact = {"campaign": "spring", "customer_key": key, "sent_date": AS_OF - timedelta(days=55), "cost": 2,
                   "recording_id": 1}  # fmt: skip
        company.nights.insert("ops.campaign_contacts", contact)
    row = the(company.speak(company.night()), "campaign_worked")
    assert "What was spent on those measured: 300 EUR." in row["finding"]


def test_a_campaign_that_did_too_little_to_act_on_is_said_to_have_done_that(company: Company) -> None:
    campaign(company, left_held_out=10, each=2_500)
    found = company.speak(company.night())
    row = the(found, "campaign_did_little")
    assert "kept customers, but fewer than one would act on (0.5 points)" in row["finding"]
    assert "+0.4 points at equal segment and risk (95 % interval +0.2 points to +0.7 points)" in row["finding"]
    assert row["p_value"] < 0.05
    assert answers(found, CAMPAIGN) == ["campaign_did_little"]


def test_each_campaign_has_a_row_whatever_is_claimed_of_another(company: Company) -> None:
    campaign(company, "spring", left_treated=20, left_held_out=70, days_ago=90)
    campaign(company, "summer", left_treated=30, left_held_out=36)
    campaign(company, "autumn", days_ago=10, is_known=False)
    found = [row for row in company.speak(company.night()) if row["question"] == CAMPAIGN]
    assert {(row["insight"], row["subject"]) for row in found} == {
        ("campaign_worked", "Campaign 'spring'"),
        ("campaign_not_told_yet", "Campaign 'summer'"),
        ("campaign_not_matured", "Campaign 'autumn'"),
    }


def test_campaigns_entered_long_ago_are_told_only_among_the_latest_three(company: Company) -> None:
    for days in (200, 210, 220, 230):
        campaign(company, f"of {days}", left_treated=20, left_held_out=70, days_ago=days, each=100)
    found = company.speak(company.night())
    assert sorted(row["subject"] for row in found if row["question"] == CAMPAIGN) == [
        "Campaign 'of 200'", "Campaign 'of 210'", "Campaign 'of 220'",
    ]  # fmt: skip


def test_a_campaign_that_has_matured_without_a_holdout_has_nobody_to_compare_with(company: Company) -> None:
    campaign(company, held_out=False)
    found = company.speak(company.night())
    assert answers(found, CAMPAIGN) == ["campaign_without_comparison"]
    text = the(found, "campaign_without_comparison")["finding"]
    assert "nobody was held out" in text
    assert "of whom 200 have matured" in text


def test_a_campaign_that_has_not_matured_says_when_its_first_outcome_is_known(company: Company) -> None:
    campaign(company, is_known=False, days_ago=10)
    row = the(company.speak(company.night()), "campaign_not_matured")
    known = AS_OF + timedelta(days=SETTINGS.churn.horizon_days + SETTINGS.grace_days - 10)
    assert f"the first outcome is known on {known}" in row["finding"]
    assert row["evidence"]["numbers"]["first_known_date"] == known.isoformat()


def test_a_campaign_of_which_one_side_alone_has_matured_is_not_said_to_be_waiting_for_a_past_day(
    company: Company,
) -> None:
    campaign(company)
    company.connection.execute(sa.text("delete from ops.campaign_outcomes where customer_key > 200"))
    text = the(company.speak(company.night()), "campaign_not_matured")["finding"]
    assert "of those assigned 200, of those held out 0 have matured" in text


def test_true_facts_lend_no_campaign_their_proof(company: Company) -> None:
    """Its p-value of 0.02 would pass among twelve true facts, and does not among five campaigns."""
    for place in range(4):
        campaign(company, f"null {place}", left_treated=40, left_held_out=40)
    campaign(company, "lucky", left_treated=28, left_held_out=46)
    run_id = company.night(segments=12)
    company.realised(run_id, [70, 10] * 6, customers=200)
    found = company.speak(run_id)
    assert ("segment_churns_more", "Segment 1") in claims(found)
    lucky = next(row for row in found if row["subject"] == "Campaign 'lucky'")
    numbers = lucky["evidence"]["numbers"]
    assert numbers["incremental_retention_low"] > 0
    assert lucky["insight"] == "campaign_not_told_yet"


# ---------------------------------------------------------------- changes within a week


def test_week_changes_are_those_of_each_customer(company: Company) -> None:
    before = company.night(AS_OF - WEEK)
    now = company.night(raised=0.03, stake=1.1)
    company.connection.execute(
        sa.text("update scores.customer_scores set segment_id = 2 where run_id = :r and customer_key % 8 = 4"),
        {"r": now},
    )
    company.connection.execute(
        sa.text("delete from scores.customer_scores where run_id = :r and customer_key <= 9"), {"r": now}
    )
    company.connection.execute(
        sa.text("delete from scores.customer_scores where run_id = :r and customer_key > 395"), {"r": before}
    )
    company.speak(now)
    rows = {row["measure"] + row["value"]: row for row in changes(company, now)}
    both = {run: scores(company, run, "customer_key between 10 and 395") for run in (before, now)}
    risk = [np.array([float(row["value_at_risk"]) for row in both[run]]) for run in (before, now)]
    difference = risk[1] - risk[0]
    found = rows["value_at_riskall"]
    assert found["customers"] == 386
    assert found["change"] == pytest.approx(difference.sum() / risk[0].sum())
    assert found["standard_error"] == pytest.approx(difference.std() * np.sqrt(386) / risk[0].sum())
    places = [np.array([row["segment_id"] == 2 for row in both[run]], dtype=float) for run in (before, now)]
    moved = places[1] - places[0]
    share = rows["segment_shareSegment 2"]
    assert share["change"] == pytest.approx(moved.mean())
    assert share["standard_error"] == pytest.approx(moved.std() / np.sqrt(386))
    stayed = (places[0] == 1) & (places[1] == 1)
    p = [np.array([row["churn_probability"] for row in both[run]]) for run in (before, now)]
    inside = rows["segment_probabilitySegment 2"]
    assert inside["customers"] == stayed.sum()
    assert inside["change"] == pytest.approx((p[1] - p[0])[stayed].mean())
    assert rows["departuresall"]["figure"] == pytest.approx(9 / 395)
    assert rows["arrivalsall"]["figure"] == pytest.approx(5 / 395)


def changes(company: Company, run_id: int) -> list[dict[str, Any]]:
    query = sa.text("select * from scores.week_changes where run_id = :r")
    return [dict(row) for row in company.connection.execute(query, {"r": run_id}).mappings()]


def scores(company: Company, run_id: int, where: str) -> list[dict[str, Any]]:
    query = sa.text(f"select * from scores.customer_scores where run_id = :r and {where} order by customer_key")
    return [dict(row) for row in company.connection.execute(query, {"r": run_id}).mappings()]


def test_a_change_beyond_what_is_ordinary_is_claimed(company: Company) -> None:
    company.weeks(10)
    found = company.speak(company.night(raised=0.05))
    assert ("segment_probability_rose", "Segment 1") in claims(found)
    assert not {subject for _, subject in claims(found)} & {"Segment 2", "Segment 3", "Segment 4"}
    numbers = next(row for row in found if row["subject"] == "Segment 1")["evidence"]["numbers"]
    assert numbers["weeks"] == 9
    assert numbers["change"] > 0.04


def test_a_fifth_more_value_at_risk_is_claimed(company: Company) -> None:
    company.weeks(10)
    row = the(company.speak(company.night(stake=1.2)), "value_at_risk_rose")
    assert row["effect"] == pytest.approx(0.2, abs=0.01)
    assert row["priority"] == 1


def test_too_few_weeks_tell_nothing(company: Company) -> None:
    company.weeks(8)
    assert claims(company.speak(company.night(raised=0.05))) == []


def test_another_model_s_figures_are_not_compared(company: Company) -> None:
    company.weeks(10)
    run_id = company.night(raised=0.05, versions={"churn": "churn-y"})
    assert claims(company.speak(run_id)) == []
    assert {row["measure"] for row in changes(company, run_id)} == {"segment_share", "arrivals", "departures"}


def test_quiet_weeks_claim_nothing(company: Company) -> None:
    company.weeks(12)
    assert claims(company.speak(company.night())) == []


# ---------------------------------------------------------------- the night as readers will see it


def test_all_evidence_is_what_readers_get_once_the_night_is_published(company: Company) -> None:
    company.weeks(10)
    campaign(company, left_treated=20, left_held_out=70)
    run_id = company.night(raised=0.05, stake=1.2)
    company.realised(run_id, [60, 20, 20, 20])
    found = company.speak(run_id)
    assert {"segment_churns_more", "campaign_worked", "value_at_risk_rose", "valuable_at_risk"} <= {
        row["insight"] for row in found
    }
    store_results(company.connection, SETTINGS, AS_OF, run_id, at=AT)
    for row in found:
        assert recomputed(company, row["evidence"]) == row["evidence"]["numbers"], row["insight"]
        assert row["evidence"]["view"] in row["evidence"]["query"]


def test_looking_ahead_leaves_what_is_published_as_it_is(company: Company) -> None:
    company.night(AS_OF + WEEK)
    before = company.night()
    query = sa.text("select * from ops.published order by as_of_date")
    shown = company.connection.execute(query).all()
    campaign(company, left_treated=20, left_held_out=70)
    rerun = company.night(is_published=False)
    company.speak(rerun)
    assert company.connection.execute(query).all() == shown
    assert before in {row.run_id for row in shown}
    assert company.connection.scalar(sa.text("select count(*) from ops.campaign_results")) == 0


def test_the_view_shows_the_latest_published_night_in_order(company: Company) -> None:
    company.speak(company.night(AS_OF - WEEK), AS_OF - WEEK)
    found = company.speak(company.night())
    shown = company.connection.execute(sa.text("select * from bi.insights")).mappings().all()
    assert [(row["priority"], row["finding"]) for row in shown] == [(row["priority"], row["finding"]) for row in found]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("question = 'x' where question like 'Did%'", "Did the campaign work? is not answered"),
        ("priority = 9 where priority = 1", "priorities run to 9"),
        ("p_value = 0.2 where priority = 1", "a chance of 0.2 is no claim"),
        ("evidence = '{}' where priority = 1", "no evidence that can be recomputed"),
    ],
)
def test_the_check_finds_what_a_night_may_not_say(company: Company, change: str, problem: str) -> None:
    run_id = company.night()
    company.speak(run_id)
    assert company.nights.problems("insights", run_id) == []
    company.connection.execute(sa.text(f"update scores.insights set {change}"))
    (found,) = company.nights.problems("insights", run_id)
    assert problem in found


def test_no_finding_names_a_customer(company: Company) -> None:
    run_id = company.night()
    ensure_month(company.connection, "at_risk_list", AS_OF)
    member = {**listed(AS_OF, run_id, 1), "recommended_action": "call", "expected_net_value": 20}
    company.nights.insert("scores.at_risk_list", member)
    company.staging.customer(1, -400)
    row = the(company.speak(run_id), "contact_the_list")
    assert row["finding"].startswith("Contact 1 customer tonight: call (1)")
    assert row["evidence"]["numbers"]["expected_net_value"] == 20
    assert "c1" not in str(row)
