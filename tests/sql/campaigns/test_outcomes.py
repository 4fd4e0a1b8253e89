"""What became of a campaign's members: within the horizon of their entry, once it is known, once and for all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from churn import campaigns, schema
from churn.config import Settings
from tests.sql.campaigns.office import AT, RUN, Marketing
from tests.sql.staging_tables import Staging, day

ENTRY = -44  # horizon 30, grace 14: known on AS_OF


@pytest.fixture
def office(staging: Staging) -> Marketing:
    return Marketing(staging)


def outcome(office: Marketing, key: int) -> dict[str, Any]:
    (row,) = [row for row in office.rows("ops.campaign_outcomes") if row["customer_key"] == key]
    return row


def test_who_left_and_who_stayed_is_the_churn_label_of_the_day_they_entered(office: Marketing) -> None:
    for key, ended in [(1, None), (2, ENTRY), (3, ENTRY + 29), (4, ENTRY + 30)]:
        office.staging.subscription(key, -400, ended)
        office.member("nightly", key, entered=ENTRY)
    assert office.measure() == 4
    assert {row["customer_key"]: row["churned"] for row in office.rows("ops.campaign_outcomes")} == {
        1: False, 2: True, 3: True, 4: False,
    }  # fmt: skip
    assert outcome(office, 1)["matured_date"] == day(0)


@pytest.mark.parametrize(("offset", "known"), [(-1, 0), (0, 1), (1, 1)])
def test_an_outcome_is_measured_on_the_day_it_is_known_and_not_before(
    office: Marketing, offset: int, known: int
) -> None:
    office.staging.subscription(1, -400)
    office.member("nightly", 1, entered=ENTRY)
    assert office.measure(offset) == known


def test_revenue_is_what_was_paid_in_the_window_less_what_was_paid_back(office: Marketing) -> None:
    office.staging.subscription(1, -400)
    office.staging.subscription(2, -400)
    for paid, amount, status in [
        (ENTRY - 1, 1, "paid"), (ENTRY, 10, "paid"), (ENTRY + 29, 20, "paid"), (ENTRY + 30, 100, "paid"),
        (ENTRY + 5, -4, "refunded"), (ENTRY + 5, 50, "refunded"), (ENTRY + 5, 60, "failed"), (ENTRY + 6, -2, "paid"),
    ]:  # fmt: skip
        office.staging.payment(1, paid, amount, status)
    office.member("nightly", 1, entered=ENTRY)
    office.member("nightly", 2, entered=ENTRY)
    office.measure()
    assert outcome(office, 1)["revenue"] == Decimal(24)
    assert outcome(office, 2)["revenue"] == 0


def test_without_payments_revenue_is_the_mrr_earned_day_by_day(office: Marketing) -> None:
    office.staging.subscription(1, -400, ENTRY + 10, mrr=304.375)
    office.staging.subscription(1, ENTRY + 20, mrr=30.4375)
    office.member("nightly", 1, entered=ENTRY)
    office.measure()
    assert outcome(office, 1)["revenue"] == Decimal(100 + 10)


@pytest.mark.parametrize(
    ("used", "is_active"), [(ENTRY - 1, False), (ENTRY, True), (ENTRY + 29, True), (ENTRY + 30, False)]
)
def test_active_is_who_used_anything_in_the_window(office: Marketing, used: int, is_active: bool) -> None:
    office.staging.subscription(1, -400)
    office.staging.usage(1, used)
    office.member("nightly", 1, entered=ENTRY)
    office.measure()
    assert outcome(office, 1)["is_active"] is is_active


def test_without_any_usage_nobody_knows_who_was_active(office: Marketing) -> None:
    office.staging.subscription(1, -400)
    office.member("nightly", 1, entered=ENTRY)
    office.measure()
    assert outcome(office, 1)["is_active"] is None


def test_who_was_no_customer_on_the_day_of_entry_is_told_and_not_measured(office: Marketing) -> None:
    office.staging.subscription(1, -400)
    office.staging.subscription(2, ENTRY + 1)
    office.member("nightly", 1, entered=ENTRY)
    office.member("nightly", 2, entered=ENTRY)
    assert office.measure() == 2
    assert outcome(office, 2)["churned"] is None
    found = office.results()["all"]
    assert (found["measured_treatment"], found["not_measured"]) == (1, 1)
    assert "1 were no customers on the day they entered" in found["verdict"]
    assert office.measure(1) == 0, "looked at once"


def test_an_outcome_never_changes(office: Marketing) -> None:
    office.staging.subscription(1, -400, subscription_id="s")
    office.member("nightly", 1, entered=ENTRY)
    office.measure(run_id=office.run())
    office.connection.execute(
        sa.update(schema.subscriptions)
        .values(ended_date=day(ENTRY + 3))
        .where(schema.subscriptions.c.customer_key == 1)
    )
    before = office.rows("ops.campaign_outcomes")
    assert office.measure(5) == 0
    assert office.rows("ops.campaign_outcomes") == before


def test_what_a_run_that_did_not_succeed_measured_is_measured_anew(office: Marketing) -> None:
    office.staging.subscription(1, -400)
    office.member("nightly", 1, entered=ENTRY)
    office.measure(run_id=office.run("died"))
    again = office.run("running")
    assert office.measure(run_id=again) == 1
    assert outcome(office, 1)["run_id"] == again


@pytest.mark.parametrize("status", ["running", "failed", "died"])
@pytest.mark.parametrize("shown", [("ops.published", {}), ("ops.past_nights", {"withdrawn_at": AT})])
def test_what_a_published_night_measured_stays_whatever_the_ledger_says_of_its_run(
    office: Marketing, status: str, shown: tuple[str, dict[str, Any]]
) -> None:
    office.staging.subscription(1, -400)
    office.member("nightly", 1, entered=ENTRY)
    run_id = office.run(status)
    office.measure(run_id=run_id)
    table, columns = shown
    night = {"as_of_date": day(0), "run_id": run_id, "list_run_id": run_id, "published_at": AT, "in_sample": False}
    office.connection.execute(sa.insert(schema.metadata.tables[table]), {**night, **columns})
    assert office.measure(run_id=office.run("running")) == 0
    assert outcome(office, 1)["run_id"] == run_id


def test_a_refused_run_takes_its_outcomes_back_and_no_others(office: Marketing) -> None:
    good, refused = office.run(), office.run("running")
    for key, entered, run_id in [(1, ENTRY - 1, good), (2, ENTRY, refused)]:
        office.staging.subscription(key, -400)
        office.member("nightly", key, entered=entered)
        office.measure(run_id=run_id)
    assert campaigns.withdraw_outcomes(office.connection, refused) == 1
    assert [row["customer_key"] for row in office.rows("ops.campaign_outcomes")] == [1]


def test_the_outcome_of_who_left_the_campaign_and_entered_anew_is_of_the_new_entry(office: Marketing) -> None:
    office.staging.subscription(1, -400)
    office.member("nightly", 1, entered=ENTRY - 10)
    run_id = office.run()
    office.measure(run_id=run_id)
    office.connection.execute(sa.update(schema.campaign_members).values(as_of_date=day(ENTRY)))
    assert office.measure(run_id=run_id) == 1
    assert outcome(office, 1)["as_of_date"] == day(ENTRY)


def test_by_inactivity_who_bought_within_the_horizon_stayed(staging: Staging) -> None:
    office = Marketing(staging, churn={"definition": "inactivity", "horizon_days": 14})
    for key, paid in [(1, -14), (2, -1), (3, 0), (4, -15)]:
        staging.payment(key, -50)
        staging.payment(key, paid, 7)
        office.member("nightly", key, entered=-14)
    office.measure()
    found = {row["customer_key"]: (row["churned"], row["revenue"]) for row in office.rows("ops.campaign_outcomes")}
    assert found == {1: (False, 7), 2: (False, 7), 3: (True, 0), 4: (True, 0)}


@pytest.mark.parametrize(("as_of", "started", "expected"), [(0, None, None), (0, 3, 0), (5, 3, 3), (0, -3, -3)])
def test_a_run_that_does_not_extract_knows_what_the_last_extraction_knew(
    office: Marketing, as_of: int, started: int | None, expected: int | None
) -> None:
    run_id = office.run()
    if started is not None:
        moment = sa.text("cast(:day as timestamp) at time zone 'UTC' + interval '3 hours'").bindparams(day=day(started))
        row = {"run_id": run_id, "stage": "extract", "started_at": moment, "finished_at": moment}
        office.connection.execute(sa.insert(schema.run_stages).values(row))
    known = campaigns.data_through(office.connection, Settings(), day(as_of))
    assert known == (type(known).min if expected is None else day(expected))


def test_nothing_is_measured_before_anything_was_extracted(office: Marketing) -> None:
    office.member("nightly", 1, entered=ENTRY)
    known = campaigns.data_through(office.connection, office.settings, day(0))
    assert campaigns.measure_outcomes(office.connection, office.settings, known, RUN) == 0
