"""`churn backfill`: past nights, each as it would have been run, in order, and on from where it ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn.backfill import BackfillReport, run_backfill
from churn.cli import main
from churn.errors import ChurnError, LeakageError, TransientError
from churn.features.snapshot import Snapshot, SnapshotRequest, build_snapshot
from churn.progress import Silence
from churn.warehouse import open_database
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


class Meanwhile(Silence):
    """Does something once the first night is out."""

    def __init__(self, happening: Callable[[], object]) -> None:
        self._happening = happening

    def note(self, text: str) -> None:
        if text.startswith(f"Night {FIRST} is published"):
            self._happening()


def test_a_night_that_is_published_meanwhile_is_left_alone_and_leaves_no_run(office: Office) -> None:
    second = NIGHTS[1]
    report = backfill(office, Meanwhile(lambda: office.nightly(second, now=NOW)), last=second)
    assert ([night.as_of for night in report.nights], report.left_alone) == ([FIRST], 1)
    ledger = office.rows("select job, as_of_date from ops.runs where as_of_date < :live order by run_id", live=AS_OF)
    assert [(row["job"], row["as_of_date"]) for row in ledger] == [
        ("backfill", LAST), ("backfill", FIRST), ("nightly", second),
    ]  # fmt: skip


def test_a_pool_whose_night_fails_waits_for_no_others_and_leaves_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[date] = []

    def build(connection: sa.Connection, request: SnapshotRequest, **known: Any) -> Snapshot:
        begun.append(request.as_of)
        if request.as_of == FIRST:
            raise LeakageError("A feature knows the future.")
        return build_snapshot(connection, request, **known)

    monkeypatch.setattr("churn.backfill.build_snapshot", build)
    with pytest.raises(LeakageError):
        backfill(office, jobs=2)
    assert len(begun) < len(NIGHTS)
    assert_nothing_is_at_work(office)
    assert office.value("select status from ops.runs order by run_id desc limit 1") == "failed"


def test_a_pool_that_is_told_to_stop_ends_in_order_in_the_middle_of_its_statements(office: Office) -> None:
    office.tell(NOW)
    span = ["--from", str(FIRST), "--to", str(LAST), "--jobs", "2", "--config", str(office.config)]
    database = open_database(office.warehouse_url, "warehouse")
    with database.engine.begin() as blocker:
        blocker.exec_driver_sql("lock table ops.snapshots in share mode")
        job = subprocess.Popen([sys.executable, "-m", "churn", "backfill", *span], stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 120
        while office.value(f"{_SESSIONS} and wait_event_type = 'Lock'") < 2:
            assert time.monotonic() < until
            assert job.poll() is None
            time.sleep(0.1)
        job.send_signal(signal.SIGTERM)
        _, said = job.communicate(timeout=30)
    assert job.returncode == 75
    assert said.splitlines()[-1].startswith("churn: The job was told to stop (SIGTERM)")
    assert_nothing_is_at_work(office)


_SESSIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'churn%'"
)


def assert_nothing_is_at_work(office: Office) -> None:
    """No session, no thread, no feature of a night that is not whole."""
    until = time.monotonic() + 10
    while office.value(_SESSIONS) and time.monotonic() < until:
        time.sleep(0.1)
    assert office.value(_SESSIONS) == 0
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]
    known = set(office.column("select snapshot_id from ops.snapshots"))
    assert set(office.column("select distinct snapshot_id from scores.feature_snapshots")) <= known


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
