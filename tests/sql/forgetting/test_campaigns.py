"""A campaign counts whoever was forgotten as it did before, now and in nights to come, and knows nobody."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from churn.sqlfiles import read_sql
from tests.sql.campaigns.office import Marketing
from tests.sql.staging_tables import Staging, day

GONE = 3


@pytest.fixture
def office(staging: Staging) -> Marketing:
    """Twenty measured members of two campaigns, one who waits, contacts on both sides."""
    made = Marketing(staging, clv={"gross_margin": 0.5})
    for campaign in ("nightly", "spring"):
        made.campaign(campaign)
        value: dict[str, Any] = {
            "churn_probability": 0.4,
            "value_at_risk": Decimal("80.5"),
            "offer_cost": 5,
            "segment": "s",
        }
        more: dict[str, Any] = {**value, "risk_band": "high", "mrr": 50, "list_run_id": 9, "revenue": Decimal("30.25")}
        made.outcomes(campaign, 1, 4, 10, group="treatment", **more)
        made.outcomes(campaign, 11, 5, 10, group="holdout", **more)
        made.contact(campaign, GONE, -58, 4.5, channel="mail")
        made.contact(campaign, 5, -58)
    made.member("nightly", 40, entered=-60, mrr=50, offer_cost=5)
    made.contact("nightly", 40, -20)
    return made


def forget(office: Marketing, key: int) -> None:
    office.connection.execute(read_sql("forget/nameless.sql").statement, {"customer_key": key})


def rate_counts(office: Marketing) -> list[sa.Row]:
    return list(office.connection.execute(read_sql("campaigns/save_rate_counts.sql").statement, {"as_of": day(0)}))


@pytest.mark.parametrize("key", [GONE, 40])
def test_results_and_what_save_rates_are_made_of_stay(office: Marketing, key: int) -> None:
    before = office.results(), office.results(campaign="spring"), rate_counts(office)
    forget(office, key)
    assert (office.results(), office.results(campaign="spring"), rate_counts(office)) == before


def test_nobody_is_left_and_nothing_that_no_result_needs(office: Marketing) -> None:
    forget(office, GONE)
    nobodies = [row for row in office.rows("ops.campaign_members") if row["customer_key"] < 0]
    assert [row["campaign"] for row in nobodies] == ["nightly", "spring"]
    assert nobodies[0]["customer_key"] != nobodies[1]["customer_key"]
    emptied = ("mrr", "recording_id", "expected_net_value", "save_rate")
    assert [row[name] for row in nobodies for name in emptied] == [None] * 8
    assert [row["channel"] for row in office.rows("ops.campaign_contacts") if row["customer_key"] < 0] == [None] * 2
    for table in ("campaign_members", "campaign_contacts", "campaign_outcomes"):
        named = sa.text(f"select count(*) from ops.{table} where customer_key = :key")
        assert office.connection.scalar(named, {"key": GONE}) == 0


def test_an_outcome_that_was_awaited_is_never_known_and_the_next_night_goes_on(office: Marketing) -> None:
    forget(office, 40)
    office.connection.execute(sa.text("update ops.campaign_outcomes set run_id = :run"), {"run": office.run()})
    assert office.measure() == 1
    found = [row["churned"] for row in office.rows("ops.campaign_outcomes") if row["customer_key"] < 0]
    assert found == [None]
    results = office.results()["all"]
    assert (results["assigned_treatment"], results["not_measured"]) == (11, 1)


def test_who_was_forgotten_leaves_with_the_list_that_is_not_shown_any_more(office: Marketing) -> None:
    office.connection.execute(sa.text("update ops.campaign_members set list_run_id = 9 where customer_key = 40"))
    forget(office, 40)
    entered = next(row for row in office.rows("ops.campaign_members") if row["customer_key"] < 0)
    leave = read_sql("campaigns/leave.sql").statement
    office.connection.execute(leave, {"as_of": entered["as_of_date"], "list_run_id": 10})
    assert [row for row in office.rows("ops.campaign_members") if row["customer_key"] < 0] == []
