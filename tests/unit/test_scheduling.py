"""The clock: which job is due when, that a late start loses no night, and what is started."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from churn.config import Settings, cron_trigger, load_settings
from churn.errors import ConfigError
from churn.scheduling import add_jobs, run_job
from churn.terminal import LogProgress

REPOSITORY = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def log() -> LogProgress:
    return LogProgress(io.StringIO(), lambda: NOON)


def jobs_of(settings: Settings, log: LogProgress, config: Path | None = None):
    scheduler = BackgroundScheduler(timezone="UTC")
    add_jobs(scheduler, settings, config, log)
    return {job.id: job for job, _, _ in scheduler._pending_jobs}


def due(expression: str, zone: str, start: datetime, times: int = 3) -> list[str]:
    trigger = cron_trigger(expression, zone)
    previous, now, found = None, start.replace(tzinfo=ZoneInfo(zone)), []
    for _ in range(times):
        previous = now = trigger.get_next_fire_time(previous, now)
        found.append(now.isoformat())
    return found


def test_a_missed_start_is_made_up_for_once_and_a_job_never_runs_beside_itself(log):
    jobs = jobs_of(Settings(), log)
    assert set(jobs) == {"nightly", "train"}
    for name, job in jobs.items():
        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (6 * 3600, True, 1)
        assert job.func is run_job
        assert job.args[0] == name


def test_the_grace_and_the_times_come_from_the_configuration(log):
    settings = Settings(
        business={"timezone": "Europe/Paris"}, schedule={"nightly": "0 4 * * *", "misfire_grace_seconds": 60}
    )
    job = jobs_of(settings, log, Path("churn.toml"))["nightly"]
    assert job.misfire_grace_time == 60
    assert str(job.trigger.timezone) == "Europe/Paris"
    assert job.args[1:3] == (Path("churn.toml"), settings.base_dir)
    start = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("Europe/Paris"))
    assert job.trigger.get_next_fire_time(None, start).isoformat() == "2026-11-23T04:00:00+01:00"


def test_a_night_keeps_its_local_time_when_clocks_change():
    assert due("15 3 * * *", "Europe/Paris", datetime(2026, 3, 28, 12)) == [
        "2026-03-29T03:15:00+02:00",
        "2026-03-30T03:15:00+02:00",
        "2026-03-31T03:15:00+02:00",
    ]
    assert due("15 3 * * *", "Europe/Paris", datetime(2026, 10, 24, 12)) == [
        "2026-10-25T03:15:00+01:00",
        "2026-10-26T03:15:00+01:00",
        "2026-10-27T03:15:00+01:00",
    ]


def test_a_night_in_the_hour_that_clocks_skip_is_not_lost():
    first, second = (
        datetime.fromisoformat(text) for text in due("30 2 * * *", "Europe/Paris", datetime(2026, 3, 28, 12), 2)
    )
    assert first.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert second.astimezone(UTC) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("1", ["Mon"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri"]),
        ("5-7", ["Sun", "Fri", "Sat"]),
        ("0,3", ["Sun", "Wed"]),
        ("*/3", ["Sun", "Wed", "Sat"]),
        ("mon-wed,SAT", ["Mon", "Tue", "Wed", "Sat"]),
    ],
)
def test_weekdays_are_counted_as_crontab_counts_them(field, days):
    # 2026-11-22 is a Sunday.
    found = due(f"0 5 * * {field}", "UTC", datetime(2026, 11, 22), len(days))
    assert [datetime.fromisoformat(time).strftime("%a") for time in found] == days


@pytest.mark.parametrize("expression", ["0 5 * *", "0 5 * * 8", "0 5 * * 5-2", "0 5 * * */0", "61 5 * * *", "daily"])
def test_what_is_no_cron_expression_is_refused_with_its_key(expression, tmp_path):
    file = tmp_path / "churn.toml"
    file.write_text(f'[schedule]\nnightly = "{expression}"\n')
    with pytest.raises(ConfigError, match=r"schedule\.nightly"):
        load_settings(file)


def test_a_job_is_started_as_the_command_that_a_person_would_type(log, tmp_path, monkeypatch):
    started = []

    def run(command, *, cwd, check):
        started.append((command, cwd, check))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.chdir(tmp_path)
    assert run_job("train", None, tmp_path, log) == 0
    assert run_job("nightly", Path("there/my.toml"), tmp_path / "there", log) == 0
    assert started == [
        ([sys.executable, "-m", "churn", "train"], tmp_path, False),
        (
            [sys.executable, "-m", "churn", "nightly", "--config", str(tmp_path / "there/my.toml")],
            tmp_path / "there",
            False,
        ),
    ]


def test_a_job_that_fails_gives_its_exit_code_and_leaves_the_clock_running(log, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    config = tmp_path / "churn.toml"
    config.write_text("[chrun]\n")
    assert run_job("nightly", config, tmp_path, log) == 10
    events = [json.loads(line)["text"] for line in log._stream.getvalue().splitlines()]
    assert events == ["starting nightly", "nightly ended with exit code 10"]
