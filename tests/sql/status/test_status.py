"""`churn status` on a warehouse: the causes are in the first lines, whatever state it is in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn.alerts import watching
from churn.cli import main
from churn.config import Settings
from churn.errors import SourceError
from churn.status import status_of
from churn.warehouse import Claim, Database, writer_lock

NIGHT = date(2026, 11, 3)
NOW = datetime(2026, 11, 3, 8, tzinfo=UTC)
NOBODY = "postgresql://clerk:s3cret-word@127.0.0.1:1/warehouse"


@pytest.fixture
def settings(ledger_url: str, tmp_path: Path) -> Settings:
    return Settings(warehouse={"url": ledger_url}).model_copy(update={"base_dir": tmp_path})


def enter(warehouse: Database, statement: str, **values: object) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text(statement), values)


def enter_run(warehouse: Database, status: str, *, as_of: date = NIGHT, job: str = "nightly", **values: object) -> None:
    known = {"stage": "extract", "error": None, "exit_code": None, "heartbeat_at": None}
    enter(
        warehouse,
        "insert into ops.runs (job, as_of_date, status, stage, started_at, config_digest, error, exit_code, "
        "heartbeat_at, host, pid) values (:job, :as_of, :status, :stage, :at, '', :error, :exit_code, :heartbeat_at, "
        "'night-1', 4711)",
        **known | {"as_of": as_of, "status": status, "job": job, "at": NOW - timedelta(hours=5)} | values,
    )


def test_an_empty_warehouse_says_so(ledger, settings):
    found = status_of(settings, NOW)
    assert found.error is None
    assert [line.split(":")[0] for line in found.lines] == [
        "EMPTY", "Published", "Do next", "Writing", "Open alerts", "Model", "Realised", "Drift", "Last runs",
        "Scheduler", "Next nightly", "Next train",
    ]  # fmt: skip


def test_a_failed_night_its_alert_and_what_was_missed_are_shown(ledger, settings):
    enter_run(ledger, "succeeded", as_of=NIGHT - timedelta(days=3))
    enter(
        ledger,
        "insert into ops.published values (:as_of, 1, 1, :at, false)",
        as_of=NIGHT - timedelta(days=3),
        at=NOW - timedelta(days=3),
    )
    enter_run(ledger, "failed", error="The source can't be reached. Check it.", exit_code=11)
    with pytest.raises(SourceError), watching(settings, lambda: NOW, "nightly", NIGHT):
        raise SourceError("The source can't be reached.", "Check it.")
    lines = status_of(settings, NOW).lines
    assert lines[0].endswith("run 2 failed in stage extract with exit code 11: The source can't be reached. Check it.")
    assert lines[1].startswith("Published: 2026-10-31, run 1, at 2026-10-31 08:00 UTC, 3 days ago.")
    assert lines[2] == "Do next: churn doctor, mend what it names, then churn nightly --as-of 2026-11-03"
    text = "\n".join(lines)
    assert "Missed nights: 2 (2026-11-01, 2026-11-02): churn backfill --from 2026-11-01 --to 2026-11-02" in text
    assert "fail  since 2026-11-03 08:00 UTC: The night of 2026-11-03 was not published (exit code 11)" in text


def test_a_silent_run_and_another_job_at_work_are_shown(ledger, settings):
    enter_run(ledger, "running", heartbeat_at=NOW - timedelta(minutes=7))
    enter_run(ledger, "running", job="train", heartbeat_at=NOW - timedelta(seconds=5))
    with writer_lock(ledger, Claim("nightly", NIGHT)):
        lines = status_of(settings, NOW).lines
    assert "run 1 has been silent for 7 min in stage extract, night-1 (process 4711): it died or hangs" in lines[0]
    assert "At work: train for 2026-11-03, run 2, stage extract, alive 5 s ago, on night-1." in lines


def test_a_run_that_holds_no_lock_or_has_no_process_here_died(ledger, settings):
    enter_run(ledger, "running", heartbeat_at=NOW - timedelta(seconds=2))
    lines = status_of(settings, NOW).lines
    assert lines[0].startswith("BROKEN: the night of 2026-11-03: run 1 died in stage extract")
    assert lines[2].startswith("Do next: churn nightly --as-of 2026-11-03 (it goes on")
    with writer_lock(ledger, Claim("nightly", NIGHT)):
        assert status_of(settings, NOW).lines[0].startswith("AT WORK")
        child = subprocess.Popen(["true"])
        child.wait()
        for pid, word in ((child.pid, "BROKEN"), (os.getpid(), "AT WORK")):
            enter(ledger, "update ops.runs set host = :host, pid = :pid", host=socket.gethostname(), pid=pid)
            assert status_of(settings, NOW).lines[0].startswith(word)


@pytest.mark.parametrize("job", ["train", "extract"])
def test_another_job_whose_process_is_gone_died_and_is_not_at_work(ledger, settings, job):
    enter_run(ledger, "running", job=job, heartbeat_at=NOW - timedelta(seconds=5))
    lines = status_of(settings, NOW).lines
    assert (
        f"DIED: {job} for 2026-11-03, run 1, in stage extract; alive 5 s ago, on night-1: churn {job} "
        "--as-of 2026-11-03" in lines
    )
    assert not any(line.startswith("At work") for line in lines)
    with writer_lock(ledger, Claim(job, NIGHT)):
        assert any(line.startswith("At work") for line in status_of(settings, NOW).lines)


def test_the_key_that_lets_a_night_pass_is_that_of_the_check_that_stopped_it(ledger, settings):
    enter_run(ledger, "failed", stage="checks", exit_code=16, error="Checks failed.")
    for check, severity, found in (
        ("volume", "fail", "failed"),
        ("payments", "fail", "passed"),
        ("x", "warn", "failed"),
    ):
        enter(
            ledger,
            "insert into ops.check_results values (1, :check, :severity, :found, 1, 'x')",
            check=check, severity=severity, found=found,
        )  # fmt: skip
    command = status_of(settings, NOW).lines[2]
    assert "run_id = 1 and status = 'failed', mend the feed" in command
    assert "CHURN_QUALITY__VOLUME_FAIL=0.9 churn nightly --as-of 2026-11-03" in command
    assert "correct the rows" not in command


def test_the_command_ends_with_0_wherever_it_could_look_and_else_as_documented(ledger, settings, tmp_path, capsys):
    enter_run(ledger, "failed", error="The source can't be reached.", exit_code=11)
    assert settings.warehouse.url is not None
    ended = {}
    for name, url in (("looked", settings.warehouse.url.get_secret_value()), ("away", NOBODY), ("typo", "mysql://x")):
        config = tmp_path / f"{name}.toml"
        config.write_text(f'[warehouse]\nurl = "{url}"\n')
        with pytest.raises(SystemExit) as stopped:
            main(["status", "--config", str(config)])
        ended[name] = (stopped.value.code, capsys.readouterr().out.split(":")[0])
    assert ended == {"looked": (0, "BROKEN"), "away": (15, "BROKEN"), "typo": (10, "BROKEN")}
    for page in ("commands", "runbook"):
        text = (Path(__file__).parents[3] / "docs" / f"{page}.md").read_text()
        (told,) = [part for part in text.split("\n\n") if "BROKEN" in part]
        assert all(code in told for code in ("0", "10", "15", "75"))


def test_a_failed_training_and_an_open_alert_spoil_a_good_night(ledger, settings):
    enter_run(ledger, "succeeded")
    enter(ledger, "insert into ops.published values (:as_of, 1, 1, :at, false)", as_of=NIGHT, at=NOW)
    assert status_of(settings, NOW).lines[0].startswith("OK")
    enter_run(ledger, "failed", job="extract", exit_code=11, error="It is down.")
    assert "churn extract as of 2026-11-03: run 2 failed" in status_of(settings, NOW).lines[0]
    enter_run(ledger, "succeeded")
    assert status_of(settings, NOW).lines[0].startswith("OK")
    with pytest.raises(SourceError), watching(settings, lambda: NOW, "nightly", NIGHT):
        raise SourceError("The source can't be reached.", "Check it.")
    lines = status_of(settings, NOW).lines
    assert lines[0].startswith("LOOK: the night of 2026-11-03 is published, but an alert is open: ")
    assert lines[2].startswith("Do next: churn doctor, mend what it names")
    enter_run(ledger, "failed", job="train", exit_code=14, error="No signal: nothing.")
    assert "churn train as of 2026-11-03: run 4 failed" in status_of(settings, NOW).lines[0]


def test_a_long_error_is_one_short_line_among_the_last_runs(ledger, settings):
    enter_run(ledger, "failed", exit_code=16, error="Checks failed:\n" + "much " * 100)
    (line,) = [line for line in status_of(settings, NOW).lines if line.startswith("      1  nightly")]
    assert "\n" not in line
    assert len(line) < 180
    assert line.endswith("… (see bi.job_runs)")


def test_a_training_that_was_refused_is_told_with_its_reason(ledger, settings):
    (line,) = [line for line in status_of(settings, NOW).lines if line.startswith("Model")]
    assert line == "Model: none; nights are ranked by recency. No model has been trained. Run `churn train`."
    enter_run(ledger, "failed", job="train", exit_code=14, error="No signal: nothing.")
    (line,) = [line for line in status_of(settings, NOW).lines if line.startswith("Model")]
    assert "No model was good enough: training was tried at 2026-11-03 03:00 UTC (run 1) and refused. No signal" in line


def test_the_holder_of_the_lock_is_shown(ledger, settings):
    with writer_lock(ledger, Claim("train", NIGHT, lambda: NOW - timedelta(minutes=30))):
        (line,) = [line for line in status_of(settings, NOW).lines if line.startswith("Writing")]
    assert line.startswith("Writing: churn train for 2026-11-03, process ")
    assert line.endswith("for 30 min.")
    assert "Writing: nobody." in status_of(settings, NOW).lines


def test_the_scheduler_of_this_folder_is_shown(ledger, settings):
    settings.home.mkdir()
    file = settings.home / "scheduler.json"
    health = {"alive_at": NOW.isoformat(), "pid": 7, "host": "night-1", "why": ["The night of yesterday failed."]}
    file.write_text(json.dumps(health))
    assert "Scheduler: alive (process 7 on night-1). The night of yesterday failed." in status_of(settings, NOW).lines
    file.write_text(json.dumps(health | {"stopping": True}))
    (line,) = [one for one in status_of(settings, NOW).lines if one.startswith("Scheduler")]
    assert line.startswith("Scheduler: stopping, and starts nothing any more (process 7 on night-1).")
    file.write_text(json.dumps(health | {"stopping": True, "stopped": True}))
    (line,) = [one for one in status_of(settings, NOW + timedelta(seconds=9)).lines if one.startswith("Scheduler")]
    assert line == "Scheduler: STOPPED 9 s ago (process 7 on night-1): start `churn scheduler` again."
    file.write_text(json.dumps(health))
    (line,) = [one for one in status_of(settings, NOW + timedelta(hours=1)).lines if one.startswith("Scheduler")]
    assert line.startswith("Scheduler: SILENT for 60 min")
    file.write_text("{")
    assert "Scheduler: none was seen in this folder." in status_of(settings, NOW).lines


def test_without_a_warehouse_the_cause_comes_first_and_what_this_machine_knows_is_shown(settings, empty_database):
    for url, words, command in (
        (NOBODY, "The warehouse database can't be reached", "Check host, port and database in warehouse.url"),
        (empty_database, "revision none", "churn migrate"),
    ):
        there = settings.model_copy(update={"warehouse": Settings(warehouse={"url": url}).warehouse})
        with pytest.raises(SourceError), watching(there, lambda: NOW, "nightly", NIGHT):
            raise SourceError("It is down.")
        found = status_of(there, NOW)
        assert found.error is not None
        assert found.error.exit_code == 15
        assert words in found.lines[0]
        assert command in found.lines[2]
        text = "\n".join(found.lines)
        assert "Open alerts, not yet in the warehouse: 1" in text
        assert "Next nightly" in text
        assert "s3cret" not in text
