"""A campaign as marketing operations runs it: the list, its export, what was sent, what came of it, the next list."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churn.campaigns import Request
from churn.cli import main
from churn.cli_campaign import record_sheet
from churn.warehouse import Claim, open_database, writer_lock
from tests.e2e.company import AS_OF, Office, dropped, night_of
from tests.e2e.conftest import MakeOffice

LISTED = AS_OF - timedelta(days=44)
"""Horizon 30, grace 14: what became of this night's list is known on AS_OF."""

NOW = night_of(AS_OF) + timedelta(hours=3)
LEARNED = NOW + timedelta(hours=2)
NEXT = AS_OF + timedelta(days=1)
CAMPAIGN = "autumn"


def main_code(*arguments: str) -> int:
    """Run the command line and return its exit code."""
    try:
        main(list(arguments))
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def members(office: Office) -> list[dict[str, Any]]:
    return office.rows(
        "select k.customer_id, m.campaign_group, m.segment, m.offer from ops.campaign_members as m "
        "inner join staging.customer_keys as k on m.customer_key = k.customer_key "
        "where m.campaign = :campaign order by k.customer_id",
        campaign=CAMPAIGN,
    )


def results(office: Office, arm: str = "all") -> dict[str, Any]:
    query = "select * from bi.campaign_results where campaign = :campaign and arm = :arm"
    (row,) = office.rows(query, campaign=CAMPAIGN, arm=arm)
    return row


def exported(office: Office, file: Path) -> list[dict[str, str]]:
    arguments = ["export", "at-risk", "--as-of", str(LISTED), "--output", str(file), "--config", str(office.config)]
    assert main_code(*arguments) == 0
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def leave(office: Office, customers: list[str], ended: datetime) -> None:
    """Plant what became of customers: those named leave on a day within the horizon."""
    office.change_source(
        "update subscriptions set ended_at = :ended, updated_at = :learned "
        "where customer_id = any(:customers) and started_at < :ended and (ended_at is null or ended_at > :ended)",
        ended=ended,
        customers=customers,
        learned=LEARNED,
    )


def stay(office: Office, customers: list[str]) -> None:
    """Plant that customers stay."""
    office.change_source(
        "update subscriptions set ended_at = null, updated_at = :learned "
        "where customer_id = any(:customers) and ended_at >= :listed",
        customers=customers,
        listed=night_of(LISTED),
        learned=LEARNED,
    )


@pytest.fixture(scope="module")
def office(make_office: MakeOffice, server_home: Path) -> Iterator[Office]:
    """The list of LISTED is published, of a campaign of its own; no later night is, or it were a rehearsal."""
    made = make_office(retention__campaign=CAMPAIGN, retention__list_size=300, retention__holdout_share=0.4)
    made.change_warehouse("delete from ops.published where as_of_date > :listed", listed=LISTED)
    made.nightly(LISTED, now=NOW)
    yield made
    dropped(server_home, made.source_url, made.warehouse_url)


def test_from_the_list_to_the_result_and_the_next_list(office: Office, tmp_path: Path) -> None:
    entered = members(office)
    assert {row["campaign_group"] for row in entered} == {"treatment", "holdout"}
    before = results(office)
    assert before["assigned_treatment"] + before["assigned_holdout"] == len(entered)
    assert "No contact is recorded" in before["verdict"]

    # The list as exported, and one line of the command line to say that it was sent the day after.
    file = tmp_path / "list.csv"
    rows = exported(office, file)
    assert {row["customer_id"] for row in rows} == {
        row["customer_id"] for row in entered if row["campaign_group"] == "treatment"
    }
    then = AS_OF - timedelta(days=1)
    job = office.job(then, now=night_of(then))
    request = Request(CAMPAIGN, job.today, sent_on=LISTED + timedelta(days=1))
    recording = record_sheet(job, request, file=file, table=None, dry_run=False)
    assert (recording.contacts, recording.rows_refused) == (len(rows), 0)
    again = record_sheet(job, request, file=file, table=None, dry_run=False)
    assert (again.contacts, again.rows_known) == (0, len(rows))
    assert results(office)["contacted_treatment"] == len(rows)

    # Time passes: in the largest segment all who were contacted leave, elsewhere all who were not.
    sizes = [row["segment"] for row in entered]
    hurt = max(set(sizes), key=sizes.count)
    leaving = [row for row in entered if (row["segment"] == hurt) == (row["campaign_group"] == "treatment")]
    stay(office, [row["customer_id"] for row in entered])
    leave(office, [row["customer_id"] for row in leaving], night_of(LISTED) + timedelta(days=10))
    office.nightly(NEXT, now=night_of(NEXT))

    found = results(office)
    assert found["measured_treatment"] + found["measured_holdout"] + found["not_measured"] == len(entered)
    assert found["incremental_retention_low"] <= found["incremental_retention"] <= found["incremental_retention_high"]
    rates = {row["value"]: row for row in office.rows("select * from bi.save_rates where dimension = 'segment'")}
    assert rates[hurt]["save_rate"] < 0
    assert rates[hurt]["probability_harmful"] > 0.5
    listed = office.rows("select segment from bi.at_risk_customers where as_of_date = :night", night=NEXT)
    assert hurt not in {row["segment"] for row in listed}
    scored = office.column("select distinct segment from bi.customer_scores where as_of_date = :night", night=NEXT)
    assert hurt in scored, "there are such customers, and they are left alone"


def test_commands_say_what_is_wrong_by_their_exit_codes(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "sent.csv"
    file.write_text(f"customer_id,sent_date\nnobody,{LISTED}\n", encoding="utf-8")
    config = ("--config", str(office.config))
    record = ("campaign", "record", "--campaign", CAMPAIGN, *config)
    assert main_code(*record) == 2
    assert main_code(*record, "--file", str(file), "--table", "a.b") == 2
    assert main_code(*record, "--file", str(tmp_path / "nowhere.csv")) == 2
    assert main_code(*record, "--file", str(file), "--sent-on", "yesterday") == 2
    assert main_code("campaign", "results", "--campaign", "spring", *config) == 2
    assert main_code(*record, "--file", str(file)) == 12
    database = open_database(office.warehouse_url, "warehouse", role="churn_job")
    with writer_lock(database, Claim("test")):
        assert main_code(*record, "--file", str(file)) == 17
    database.dispose()


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    someone = next(row["customer_id"] for row in members(office) if row["campaign_group"] == "holdout")
    file = tmp_path / "sent.csv"
    file.write_text(f"customer_id,sent_date\n{someone},{LISTED + timedelta(days=3)}\n", encoding="utf-8")
    before = office.fingerprints("ops")
    arguments = ["campaign", "record", "--campaign", CAMPAIGN, "--file", str(file), "--dry-run"]
    assert main_code(*arguments, "--config", str(office.config)) == 0
    assert office.fingerprints("ops") == before
    printed = capsys.readouterr().out
    assert "Would record 1 contacts" in printed
    assert "1 customers who were held out were contacted" in printed


def test_results_are_printed_and_while_another_job_runs_as_last_computed(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("campaign", "results", "--campaign", CAMPAIGN, "--config", str(office.config))
    assert main_code(*arguments) == 0
    printed = capsys.readouterr().out
    assert f"Campaign {CAMPAIGN}, as of" in printed
    assert f"- all: {results(office)['verdict']}" in printed.replace("\n", " ").replace("  ", " ")
    database = open_database(office.warehouse_url, "warehouse", role="churn_job")
    with writer_lock(database, Claim("test")):
        assert main_code(*arguments, "--format", "json") == 0
    database.dispose()
    told = capsys.readouterr()
    assert "not renewed: Another job is writing" in told.err
    rows = json.loads(told.out)
    assert rows[0]["arm"] == "all"
    assert rows[0]["assigned_treatment"] == results(office)["assigned_treatment"]


def test_a_campaign_of_a_table_is_recorded_by_the_command(office: Office) -> None:
    customers = [row["customer_id"] for row in members(office)][:4]
    office.change_warehouse(
        "create table if not exists staging.mailing (customer_id text, campaign_group text, offer text)"
    )
    office.change_warehouse("grant select on staging.mailing to churn_job")
    for customer, group in zip(customers, ("treatment", "holdout") * 2, strict=True):
        office.change_warehouse(
            "insert into staging.mailing values (:customer, :group, 'card')", customer=customer, group=group
        )
    arguments = ["campaign", "record", "--campaign", "mailing", "--table", "staging.mailing", "--as-of", str(LISTED)]
    assert main_code(*arguments, "--config", str(office.config)) == 0
    found = office.rows("select * from bi.campaign_results where campaign = 'mailing' and arm = 'card'")
    assert [(row["assigned_treatment"], row["assigned_holdout"]) for row in found] == [(2, 2)]
    strata = office.column("select segment from ops.campaign_members where campaign = 'mailing'")
    assert all(strata), "the published night of the entry tells the segment"
    runs = office.rows("select job, status from bi.job_runs order by run_id desc limit 1")
    assert runs == [{"job": "campaign", "status": "succeeded"}]


def test_our_own_export_under_a_mistyped_name_begins_no_campaign(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    exported(office, file)
    before = office.rows("select campaign, kind from ops.campaigns order by campaign")
    arguments = ["campaign", "record", "--campaign", "autum", "--file", str(file), "--sent-on", str(LISTED)]
    assert main_code(*arguments, "--config", str(office.config)) == 12
    assert f"Say --campaign {CAMPAIGN}." in " ".join(capsys.readouterr().err.split())
    assert office.rows("select campaign, kind from ops.campaigns order by campaign") == before


def test_a_campaign_drawn_elsewhere_is_withdrawn_under_the_lock(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sent.csv"
    someone = members(office)[0]["customer_id"]
    file.write_text(f"customer_id,campaign_group\n{someone},treatment\n", encoding="utf-8")
    config = ("--config", str(office.config))
    record = ("campaign", "record", "--campaign", "mistake", "--file", str(file), "--as-of", str(LISTED), *config)
    withdraw = ("campaign", "withdraw", "--campaign", "mistake", *config)
    assert main_code(*record) == 2
    assert main_code(*record, "--drawn-elsewhere") == 0
    database = open_database(office.warehouse_url, "warehouse", role="churn_job")
    with writer_lock(database, Claim("test")):
        assert main_code(*withdraw) == 17
    database.dispose()
    capsys.readouterr()
    assert main_code(*withdraw) == 0
    assert "Withdrew campaign mistake: 1 members, 0 contacts, 1 recordings." in capsys.readouterr().out
    assert office.column("select campaign from bi.campaign_results where campaign = 'mistake'") == []
    assert main_code(*withdraw) == 2
    assert main_code("campaign", "withdraw", "--campaign", CAMPAIGN, *config) == 2
