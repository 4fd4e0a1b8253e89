"""What a campaign did, by assignment: counts, effects, money, and what is said of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from churn import schema
from tests.sql.campaigns.office import Marketing
from tests.sql.staging_tables import Staging, day


@pytest.fixture
def office(staging: Staging) -> Marketing:
    made = Marketing(staging, clv={"gross_margin": 0.5}, retention={"saved_value_share": 0.5})
    made.campaign("nightly")
    return made


def test_everybody_counts_on_the_side_they_were_assigned_to(office: Marketing) -> None:
    """100 to contact, 20 of whom left; 50 held out, 20 of whom left; who was reached changes nothing."""
    after = office.outcomes("nightly", 1, 20, 100, group="treatment")
    office.outcomes("nightly", after, 20, 50, group="holdout")
    before = office.results()["all"]
    office.contact("nightly", 1, -50)
    office.contact("nightly", after, -50)
    found = office.results()["all"]
    assert (found["assigned_treatment"], found["assigned_holdout"]) == (100, 50)
    assert (found["contacted_treatment"], found["contacted_holdout"]) == (1, 1)
    assert (found["retained_rate_treatment"], found["retained_rate_holdout"]) == pytest.approx((0.8, 0.6))
    assert found["incremental_retention"] == before["incremental_retention"] == pytest.approx(0.2)
    # Newcombe's method 10 for 80/100 less 30/50.
    assert found["incremental_retention_low"] == pytest.approx(0.0475, abs=1e-4)
    assert found["incremental_retention_high"] == pytest.approx(0.3534, abs=1e-4)
    assert found["save_rate"] == pytest.approx(0.5)
    assert found["verdict"].startswith("It kept customers: 20.0 points more stayed")
    assert "1 of 50 held out were reached all the same" in found["verdict"]
    assert "1% of those to be contacted were; all of them count." in found["verdict"]


def test_strata_at_entry_are_compared_within(office: Marketing) -> None:
    """The holdout has more of the risky: plain shares say that it works, within strata it does nothing."""
    key = 1
    for band, group, left, n in [
        ("high", "treatment", 50, 100), ("high", "holdout", 50, 100),
        ("low", "treatment", 10, 100), ("low", "holdout", 2, 20),
    ]:  # fmt: skip
        key = office.outcomes("nightly", key, left, n, group=group, segment="s", risk_band=band)
    found = office.results()["all"]
    assert found["retained_rate_treatment"] - found["retained_rate_holdout"] > 0.1
    assert found["incremental_retention"] == pytest.approx(0)
    assert "No effect can be shown yet: the interval runs from −" in found["verdict"]


def test_an_arm_is_an_offer_with_the_holdout_that_would_have_got_it(office: Marketing) -> None:
    key = 1
    for offer, group, left, n in [
        ("call", "treatment", 1, 10), ("call", "holdout", 4, 10),
        ("mail", "treatment", 5, 10), ("mail", "holdout", 2, 5),
    ]:  # fmt: skip
        key = office.outcomes("nightly", key, left, n, group=group, offer=offer)
    found = office.results()
    assert set(found) == {"all", "call", "mail"}
    assert {arm: (row["assigned_treatment"], row["assigned_holdout"]) for arm, row in found.items()} == {
        "all": (20, 15), "call": (10, 10), "mail": (10, 5),
    }  # fmt: skip
    assert found["call"]["incremental_retention"] == pytest.approx(0.3)


def test_a_holdout_without_an_offer_stands_against_every_arm_and_counts_once(office: Marketing) -> None:
    office.campaign("spring", "recorded")
    after = office.outcomes("spring", 1, 1, 10, group="treatment", offer="mens")
    after = office.outcomes("spring", after, 2, 10, group="treatment", offer="womens")
    office.outcomes("spring", after, 5, 10, group="holdout", offer=None)
    found = office.results(campaign="spring")
    assert {arm: (row["assigned_treatment"], row["assigned_holdout"]) for arm, row in found.items()} == {
        "all": (20, 10), "mens": (10, 10), "womens": (10, 10),
    }  # fmt: skip


def test_only_outcomes_known_by_then_count(office: Marketing) -> None:
    after = office.outcomes("nightly", 1, 1, 10, group="treatment", entered=-44, matured=0)
    office.outcomes("nightly", after, 1, 10, group="holdout", entered=-44, matured=0)
    found = office.results(-1)["all"]
    assert (found["measured_treatment"], found["measured_holdout"], found["incremental_retention"]) == (0, 0, None)
    assert found["verdict"].startswith(f"Nothing is measured yet; the first outcomes are known on {day(0)}.")
    assert office.results(0)["all"]["measured_treatment"] == 10


def test_results_do_not_go_back_in_time(office: Marketing) -> None:
    office.outcomes("nightly", 1, 1, 10, group="treatment", entered=-44, matured=0)
    office.results(0)
    found = office.results(-1)["all"]
    assert (found["as_of_date"], found["measured_treatment"]) == (day(0), 10)


def test_results_of_a_campaign_that_lost_its_members_are_gone(office: Marketing) -> None:
    office.member("nightly", 1)
    assert office.results()
    office.connection.execute(sa.delete(schema.campaign_members))
    assert office.results() == {}


def test_revenue_is_that_of_the_treated_less_what_the_holdout_lets_expect(office: Marketing) -> None:
    key = 1
    for group, revenue in [("treatment", 30), ("treatment", 50), ("holdout", 20), ("holdout", 30)]:
        key = office.outcomes("nightly", key, 0, 5, group=group, revenue=revenue)
    found = office.results()["all"]
    assert (found["revenue_per_treatment"], found["revenue_per_holdout"]) == (40, 25)
    assert found["incremental_revenue_each"] == 15
    assert found["incremental_revenue"] == 150
    # Welch: variances 111.11 and 27.78 over ten each, 13.2 degrees of freedom.
    assert float(found["incremental_revenue_each_low"]) == pytest.approx(15 - 2.1574 * 3.7268, abs=0.02)


def test_the_return_is_margin_less_cost_over_cost_of_those_measured(office: Marketing) -> None:
    after = office.outcomes("nightly", 1, 0, 10, group="treatment", revenue=40)
    after = office.outcomes("nightly", after, 0, 10, group="holdout", revenue=20)
    for key in range(1, 11):
        office.contact("nightly", key, -55, cost=4)
    office.member("nightly", after, entered=-3)
    office.contact("nightly", after, -2, cost=100)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"], found["cost_basis"]) == (140, 40, "as recorded")
    assert found["incremental_revenue"] == 200
    assert found["roi"] == pytest.approx((0.5 * 200 - 40) / 40)
    assert "For 40.00 USD (as recorded) that is a return of +150%" in found["verdict"]


@pytest.mark.parametrize(("sent", "counted"), [(-60, 4), (-31, 4), (-30, 0), (-2, 0)])
def test_the_return_sets_the_cost_of_the_horizon_against_its_revenue(
    office: Marketing, sent: int, counted: int
) -> None:
    """Entered 60 days ago, horizon 30: what was sent from day 30 on brings nothing that is counted."""
    after = office.outcomes("nightly", 1, 0, 10, group="treatment", revenue=40)
    office.outcomes("nightly", after, 0, 10, group="holdout", revenue=20)
    office.contact("nightly", 1, -59, cost=6)
    office.contact("nightly", 2, sent, cost=4)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"]) == (10, 6 + counted)
    assert found["roi"] == pytest.approx((0.5 * 200 - 6 - counted) / (6 + counted))


def paid(office: Marketing, **columns: Any) -> None:
    """Ten to contact who bring 40 each, ten held out who bring 20."""
    after = office.outcomes("nightly", 1, 0, 10, group="treatment", revenue=40, **columns)
    office.outcomes("nightly", after, 0, 10, group="holdout", revenue=20)


def test_a_cost_of_nothing_is_not_an_unknown_one(office: Marketing) -> None:
    paid(office)
    office.contact("nightly", 1, -55, cost=0)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"], found["roi"]) == (0, 0, None)
    assert "It cost nothing (as recorded)" in found["verdict"]
    assert "No cost is known" not in found["verdict"]


def test_without_any_cost_none_is_known(office: Marketing) -> None:
    paid(office)
    office.contact("nightly", 1, -55)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"]) == (None, None)
    assert "No cost is known, so there is no return to tell." in found["verdict"]


def test_where_only_others_have_a_cost_that_of_the_measured_is_unknown(office: Marketing) -> None:
    paid(office)
    office.contact("nightly", 1, -55)
    office.member("nightly", 99, entered=-3)
    office.contact("nightly", 99, -2, cost=5)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"]) == (5, None)
    assert "No cost is known of those measured" in found["verdict"]


def test_where_a_plan_is_known_of_others_only_that_of_the_measured_is_unknown(office: Marketing) -> None:
    paid(office)
    office.member("nightly", 99, entered=-3, offer_cost=5)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"]) == (5, None)


@pytest.mark.parametrize("sent", [-30, -2])
def test_figures_of_whom_nobody_contacted_describe_no_campaign(office: Marketing, sent: int) -> None:
    paid(office)
    office.contact("nightly", 1, sent, cost=5)
    found = office.results()["all"]
    assert (found["cost"], found["cost_measured"], found["roi"]) == (5, 0, None)
    assert found["verdict"].startswith("None of the 10 measured who were to be contacted was, within 30 days")
    assert "describe no campaign" in found["verdict"]
    assert "Revenue" not in found["verdict"]
    assert "cost" not in found["verdict"]
    assert "10% of those to be contacted were, of those measured 0% within the horizon" in found["verdict"]


def test_the_share_contacted_of_those_measured_is_told(office: Marketing) -> None:
    paid(office)
    for key in range(1, 4):
        office.contact("nightly", key, -55, cost=5)
    for key in range(90, 100):
        office.member("nightly", key, entered=-3)
        office.contact("nightly", key, -2, cost=5)
    verdict = office.results()["all"]["verdict"]
    assert "65% of those to be contacted were, of those measured 30% within the horizon; all of them count." in verdict


@pytest.mark.parametrize(
    ("costs", "planned", "expected"),
    [
        ([3, 4], 2, (7, "as recorded")),
        ([3, None], 2, (5, "as recorded, and as planned where no cost was recorded")),
        ([3, None], None, (3, "as far as recorded")),
        ([None], 2, (2, "as planned for each contact recorded")),
        ([], 2, (6, "as planned for everyone assigned, since no contact is recorded")),
        ([None], None, (None, None)),
        ([], None, (None, None)),
    ],
)
def test_cost_is_as_recorded_else_as_planned_and_says_which(
    office: Marketing, costs: list[float | None], planned: float | None, expected: tuple[float | None, str | None]
) -> None:
    for key in (1, 2, 3):
        office.member("nightly", key, offer_cost=planned)
    for key, cost in enumerate(costs, 1):
        office.contact("nightly", key, -50, cost=cost)
    found = office.results()["all"]
    assert (found["cost"], found["cost_basis"]) == expected


def test_what_the_kept_are_worth_is_what_was_at_stake_times_their_share(office: Marketing) -> None:
    columns: dict[str, Any] = {"churn_probability": 0.5, "value_at_risk": Decimal(100), "clv_if_retained": Decimal(300)}
    after = office.outcomes("nightly", 1, 20, 100, group="treatment", **columns)
    office.outcomes("nightly", after, 20, 50, group="holdout", **columns)
    found = office.results()["all"]
    # 0.2 more × 100 treated × (100 / 0.5 at stake) × 0.5
    assert found["incremental_value"] == pytest.approx(Decimal(2000))
    assert found["detectable_effect"] == pytest.approx(0.24, abs=0.01)


def test_without_a_holdout_nobody_can_say_what_it_did(office: Marketing) -> None:
    office.outcomes("nightly", 1, 1, 10, group="treatment")
    found = office.results()["all"]
    assert found["incremental_retention"] is None
    assert found["verdict"].startswith("Nobody was held out")


def test_a_campaign_that_hurts_says_so(office: Marketing) -> None:
    after = office.outcomes("nightly", 1, 60, 100, group="treatment")
    office.outcomes("nightly", after, 20, 100, group="holdout")
    assert office.results()["all"]["verdict"].startswith("It drove customers away: 40.0 points fewer stayed")


def test_usage_is_compared_where_there_is_any(office: Marketing) -> None:
    key = 1
    for group, is_active, n in [
        ("treatment", True, 60),
        ("treatment", False, 40),
        ("holdout", True, 30),
        ("holdout", False, 70),
    ]:
        key = office.outcomes("nightly", key, 0, n, group=group, is_active=is_active)
    found = office.results()["all"]
    assert (found["active_rate_treatment"], found["active_rate_holdout"]) == (0.6, 0.3)
    assert found["incremental_active_rate"] == pytest.approx(0.3)
    assert found["incremental_active_rate_low"] > 0.15


def test_no_return_is_told_that_chance_explains(office: Marketing) -> None:
    key = 1
    for group, revenue in [("treatment", 0), ("treatment", 100), ("holdout", 0), ("holdout", 90)]:
        key = office.outcomes("nightly", key, 0, 5, group=group, revenue=revenue, offer_cost=1)
    verdict = office.results()["all"]["verdict"]
    assert "chance explains that, so no return can be told" in verdict
    assert "a return of" not in verdict


def test_a_side_of_one_gives_no_interval_of_revenue(office: Marketing) -> None:
    after = office.outcomes("nightly", 1, 0, 5, group="treatment", revenue=10)
    office.outcomes("nightly", after, 0, 1, group="holdout", revenue=5)
    found = office.results()["all"]
    assert (found["incremental_revenue_each"], found["incremental_revenue_each_low"]) == (5, None)
    assert "so few measured" in found["verdict"]
