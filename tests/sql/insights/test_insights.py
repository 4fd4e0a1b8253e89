"""What a night says, and that it is what anybody gets from the views."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn.campaigns import store_results
from churn.insights.findings import BEHAVIOUR, CAMPAIGN, QUESTIONS, SEGMENTS, plain
from churn.partitions import ensure_month
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
    assert the(found, "no_campaign_matured")["evidence"]["numbers"] == {"campaigns": 0, "measured_campaigns": 0}
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


@pytest.mark.parametrize(
    ("churned", "customers"),
    [([26, 20, 20, 20], 200), ([3, 1, 1, 1], 10), ([10_600, 10_000, 10_000, 10_000], 100_000)],
    ids=["chance", "few", "small"],
)
def test_what_chance_explains_or_nobody_would_act_on_is_not_claimed(
    company: Company, churned: list[int], customers: int
) -> None:
    run_id = company.night()
    company.realised(run_id, churned, customers=customers)
    found = company.speak(run_id)
    assert claims(found) == []
    assert the(found, "segments_not_told_apart")["question"] == SEGMENTS


def drivers_named(company: Company, *, in_sample: bool = False, treated: bool = False) -> list[dict[str, Any]]:
    """A night two months ago named usage for 100 customers; half of them left, and hardly anybody else did."""
    before = AS_OF - timedelta(days=60)
    past = company.night(before)
    company.connection.execute(
        sa.text("update scores.customer_scores set driver_2 = 'usage' where run_id = :r and customer_key <= 100"),
        {"r": past},
    )
    company.connection.execute(sa.text("update ops.published set in_sample = :s"), {"s": in_sample})
    for key in range(1, CUSTOMERS + 1):
        company.staging.subscription(key, -400, -50 if key <= 50 or key > 390 else None)
    tonight = company.night()
    for as_of, run_id in ((before, past), (AS_OF, tonight)):
        ensure_month(company.connection, "churn_drivers", as_of)
        company.nights.insert("scores.churn_drivers", driver(as_of, run_id))
    if treated:
        ensure_month(company.connection, "at_risk_list", before)
        company.nights.insert("scores.at_risk_list", *(listed(before, past, key) for key in range(1, 101)))
    return company.speak(tonight)


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
    assert (numbers["others"], numbers["others_churned"]) == (300, 10)
    assert numbers["customers_affected"] == 90


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
    company.connection.execute(sa.text("update scores.group_outcomes set churned = 77 where dimension = 'driver'"))
    published_later(-1)
    assert churned(day=1) == 77
    published_later(2)
    assert churned(day=2) == 50


# ---------------------------------------------------------------- campaigns


def campaign(company: Company, *, left_treated: int, left_held_out: int, each: int = 200) -> None:
    """A campaign of 2 × `each` customers that has matured."""
    company.nights.insert(
        "ops.campaigns",
        {"campaign": "spring", "kind": "list", "seed": 1, "holdout_share": 0.5, "started_as_of_date": AS_OF,
         "created_at": AT, "run_id": 1},
    )  # fmt: skip
    for key in range(1, 2 * each + 1):
        treated, place = key <= each, (key - 1) % each
        left = place < (left_treated if treated else left_held_out)
        before = AS_OF - timedelta(days=60)
        member = {
            "campaign": "spring", "customer_key": key, "as_of_date": before, "offer": "call", "segment": "Segment 1",
            "campaign_group": "treatment" if treated else "holdout", "risk_band": "high",
        }  # fmt: skip
        outcome = {
            "campaign": "spring", "customer_key": key, "as_of_date": before, "matured_date": AS_OF, "churned": left,
            "run_id": 1,
        }  # fmt: skip
        company.nights.insert("ops.campaign_members", member)
        company.nights.insert("ops.campaign_outcomes", outcome)


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
