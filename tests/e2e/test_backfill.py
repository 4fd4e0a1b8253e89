"""`churn backfill`: past nights, each as it would have been run, in order, and on from where it ended."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from churn.backfill import BackfillReport, run_backfill
from churn.cli import main
from churn.errors import ChurnError, TransientError
from churn.progress import Silence
from tests.e2e.company import AS_OF, Office, night_of
from tests.e2e.conftest import MakeOffice

FIRST, LAST = date(2025, 9, 29), date(2025, 10, 3)
NIGHTS = [FIRST + timedelta(days=number) for number in range(5)]
NOW = night_of(AS_OF) + timedelta(hours=1)


def backfill(office: Office, progress: Silence | None = None, **options: Any) -> BackfillReport:
    job = office.job(LAST, now=NOW, progress=progress)
    return run_backfill(job, options.pop("first", FIRST), options.pop("last", LAST), **options)


@pytest.fixture(scope="module")
def one_by_one(make_office: MakeOffice) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """What is shown, and kept, after each night was run by hand."""
    office = make_office()
    for night in NIGHTS:
        office.nightly(night, now=NOW)
    return office.shown(), kept(office)


def kept(office: Office) -> dict[str, Any]:
    """Features of each night, whoever computed them."""
    return {night.isoformat(): office.features(night) for night in NIGHTS}


@pytest.mark.parametrize("jobs", [1, 3])
def test_nights_by_backfill_equal_nights_run_one_by_one(
    office: Office, one_by_one: tuple[dict[str, list[str]], dict[str, Any]], jobs: int
) -> None:
    report = backfill(office, jobs=jobs)
    assert [night.as_of for night in report.nights] == NIGHTS
    assert (office.shown(), kept(office)) == one_by_one
    ledger = office.rows("select job, status from ops.runs where job = 'backfill' order by run_id")
    assert [row["status"] for row in ledger] == ["succeeded"] * (len(NIGHTS) + 1)


class Broken(Silence):
    """Breaks a night's stage, once."""

    def __init__(self, night: int) -> None:
        self.left = night

    def stage_started(self, stage: str) -> None:
        if stage == "kpis":
            self.left -= 1
            if self.left == 0:
                raise TransientError("The line was cut.", "Run the same command again.")


def test_a_backfill_that_broke_off_goes_on_where_it_ended(
    office: Office, one_by_one: tuple[dict[str, list[str]], dict[str, Any]]
) -> None:
    office.configure(retry__attempts=1)
    with pytest.raises(ChurnError):
        backfill(office, Broken(3))
    assert office.column("select as_of_date from ops.published order by 1") == [*NIGHTS[:2], AS_OF]
    report = backfill(office)
    assert [night.as_of for night in report.nights] == NIGHTS[2:]
    assert report.left_alone == 2
    assert report.notes == (), "a later night is out: all are rehearsals"
    assert (office.shown(), kept(office)) == one_by_one
    assert backfill(office) == BackfillReport((), 5, ())


def test_lists_before_the_first_night_that_is_sent_are_rehearsals(office: Office) -> None:
    """Without a night after them published, so that nothing else makes them rehearsals."""
    office.change_warehouse("delete from ops.published")
    office.change_warehouse("delete from ops.campaign_members")
    report = backfill(office, last=NIGHTS[1])
    assert "retention.live_from" in report.notes[0]
    assert office.value("select count(*) from ops.campaign_members") > 0
    office.configure(retention__live_from=str(AS_OF))
    report = backfill(office, last=NIGHTS[1], fresh=True, replace_lists=True)
    assert report.notes == ()
    assert office.value("select count(*) from ops.campaign_members") == 0
    shown = office.rows("select as_of_date, is_rehearsal from bi.campaign_lists where as_of_date < :live", live=AS_OF)
    assert {row["as_of_date"]: row["is_rehearsal"] for row in shown} == dict.fromkeys(NIGHTS[:2], True)


def test_the_command_says_what_is_left_to_do(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.tell(NOW)
    span = ["--from", str(AS_OF - timedelta(days=1)), "--to", str(AS_OF)]
    main_quietly(["backfill", *span, "--dry-run", "--config", str(office.config)])
    assert capsys.readouterr().out == "Would run 1 nights, 2025-11-02 to 2025-11-02.\n"
    main_quietly(["backfill", *span, "--config", str(office.config)])
    heard = capsys.readouterr()
    assert "Night 2025-11-02 is published, 1 of 1" in heard.err
    assert heard.out.endswith("Published 1 nights; 1 were published already.\n")
    with pytest.raises(SystemExit) as stopped:
        main(["backfill", "--from", "2025-11-03", "--to", "2025-11-02", "--config", str(office.config)])
    assert stopped.value.code == 2


def main_quietly(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
