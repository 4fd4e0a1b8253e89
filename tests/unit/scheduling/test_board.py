"""What the scheduler says of itself: the health file, /healthz, /metrics."""

from __future__ import annotations

import http.client
import json
import stat
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from churn.config import Settings
from churn.errors import ConfigError
from churn.scheduling import HEALTH_FILE, read_health
from churn.scheduling.board import Board
from churn.scheduling.figures import Figures, Stage
from churn.scheduling.healthfile import AtWork, Outcome
from churn.scheduling.metrics import registry_of
from churn.scheduling.run import HealthKeeper
from churn.scheduling.web import serving

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FIGURES = Figures(
    read_at=NOW,
    published=date(2026, 11, 21),
    successes={"nightly": NOW - DAY, "backfill": NOW - 2 * DAY},
    stages=(Stage("extract", 120, 3.5), Stage("checks", 30, 0.25)),
    checks={("fail", "passed"): 20, ("warn", "failed"): 2, ("warn", "passed"): 9},
    alerts={"warn": 1},
)
OUTCOME = Outcome(
    job="nightly",
    as_of=date(2026, 11, 22),
    started_at=NOW - timedelta(minutes=30),
    finished_at=NOW - timedelta(minutes=10),
    exit_code=16,
)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings().model_copy(update={"base_dir": tmp_path})


@pytest.fixture
def board(settings) -> Board:
    made = Board(settings, started_at=NOW - 3 * DAY, pid=7, host="here")
    made.beat(NOW)
    return made


def shown(board: Board, now: datetime = NOW) -> dict[str, float]:
    """The metrics as Prometheus reads them, such as `churn_job_running{job="train"}`."""
    text = generate_latest(registry_of(board, lambda: now)).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


# ---------------------------------------------------------------- healthy or not


def test_a_night_is_overdue_once_the_grace_of_a_late_start_has_passed(board):
    board.saw_published(date(2026, 11, 21))
    at_nine, after_nine = NOW.replace(hour=9, minute=14), NOW.replace(hour=9, minute=15)
    board.beat(at_nine)
    assert board.overdue(at_nine) is None
    assert board.overdue(after_nine) == date(2026, 11, 22)
    (why,) = board.why_not(after_nine)
    assert "night of 2026-11-22 is overdue" in why
    board.saw_published(date(2026, 11, 22))
    assert board.why_not(after_nine) == []


def test_an_overdue_night_stays_overdue_when_the_scheduler_is_started_anew(settings):
    board = Board(settings, started_at=NOW, pid=7, host="here")
    board.saw_published(date(2026, 11, 20))
    assert board.overdue(NOW) == date(2026, 11, 22)


def test_before_anything_was_published_nights_count_from_the_start_on(settings, board):
    assert board.overdue(NOW) == date(2026, 11, 22)
    assert Board(settings, started_at=NOW, pid=7, host="here").overdue(NOW) is None


def test_a_loop_that_no_longer_comes_by_is_unhealthy(board):
    board.saw_published(date(2026, 11, 22))
    assert board.health(NOW + timedelta(seconds=60))["healthy"]
    health = board.health(NOW + timedelta(seconds=61))
    assert not health["healthy"]
    assert "12:00:00" in health["why"][0]


def test_a_warehouse_that_does_not_answer_is_a_remark_and_no_fault_of_the_scheduler(board):
    board.read(FIGURES)
    board.saw_published(date(2026, 11, 22))
    board.unread("The warehouse can't be reached.")
    health = board.health(NOW)
    assert health["healthy"]
    assert "can't be reached" in health["remark"]


# ---------------------------------------------------------------- the file


def test_the_health_file_says_what_is_and_what_will_be(board, settings, tmp_path):
    board.begin(AtWork(job="train", as_of=date(2026, 11, 22), since=NOW, pid=12))
    board.last = {"nightly": OUTCOME}
    HealthKeeper(board, lambda: NOW, pytest.fail).keep()
    health = read_health(settings)
    assert health is not None
    assert (health.pid, health.host, health.alive_at, health.stopping) == (7, "here", NOW, False)
    assert health.next_runs["nightly"] == datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
    assert health.at_work == board.at_work
    assert health.last == {"nightly": OUTCOME}
    assert not health.healthy
    assert list((tmp_path / ".churn").iterdir()) == [tmp_path / ".churn" / HEALTH_FILE]


def test_who_looks_at_the_file_sees_whether_the_scheduler_is_alive(board, settings):
    HealthKeeper(board, lambda: NOW, pytest.fail).keep()
    health = read_health(settings)
    assert health is not None
    assert health.is_alive(NOW + timedelta(seconds=60))
    assert not health.is_alive(NOW + timedelta(seconds=61))
    assert not health.model_copy(update={"stopped": True}).is_alive(NOW)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"pid": 7}', "\x00\xff"])
def test_no_health_file_or_a_broken_one_is_none(settings, tmp_path, text):
    if text is not None:
        (tmp_path / ".churn").mkdir()
        (tmp_path / ".churn" / HEALTH_FILE).write_text(text)
    assert read_health(settings) is None


def test_a_health_file_that_cannot_be_written_is_said_once_and_stops_nothing(board, tmp_path):
    (tmp_path / ".churn").write_text("in the way")
    notes: list[str] = []
    keeper = HealthKeeper(board, lambda: NOW, notes.append)
    keeper.keep()
    keeper.keep()
    assert len(notes) == 1
    (tmp_path / ".churn").unlink()
    keeper.keep()
    (tmp_path / ".churn" / HEALTH_FILE).unlink()
    (tmp_path / ".churn").rmdir()
    (tmp_path / ".churn").write_text("again in the way")
    keeper.keep()
    assert len(notes) == 2


# ---------------------------------------------------------------- metrics


def test_metrics_have_jobs_nights_checks_and_alerts(board):
    board.last = {"nightly": OUTCOME}
    board.begin(AtWork(job="train", as_of=date(2026, 11, 22), since=NOW, pid=12))
    board.read(FIGURES)
    found = shown(board)
    assert {
        "churn_warehouse_up": 1.0,
        "churn_published_age_days": 1.0,
        'churn_job_running{job="train"}': 1.0,
        'churn_job_running{job="nightly"}': 0.0,
        'churn_job_last_exit_code{job="nightly"}': 16.0,
        'churn_job_last_duration_seconds{job="nightly"}': 1200.0,
        'churn_job_next_run_timestamp_seconds{job="nightly"}': datetime(2026, 11, 23, 3, 15, tzinfo=UTC).timestamp(),
        'churn_job_last_success_timestamp_seconds{job="backfill"}': (NOW - 2 * DAY).timestamp(),
        'churn_night_stage_duration_seconds{stage="extract"}': 3.5,
        'churn_night_stage_rows{stage="checks"}': 30.0,
        'churn_checks_failed{severity="warn"}': 2.0,
        'churn_checks_failed{severity="fail"}': 0.0,
        "churn_checks": 31.0,
        'churn_alerts_open{severity="fail"}': 0.0,
        'churn_alerts_open{severity="warn"}': 1.0,
        "churn_healthy": 0.0,
        "churn_scheduler_alive_timestamp_seconds": NOW.timestamp(),
    }.items() <= found.items()


def test_what_the_warehouse_said_long_ago_is_not_shown_as_the_truth_of_now(board):
    board.read(FIGURES)
    assert shown(board, NOW + timedelta(minutes=2))["churn_warehouse_up"] == 1.0
    stale = shown(board, NOW + timedelta(minutes=2, seconds=1))
    assert stale["churn_warehouse_up"] == 0.0
    assert not [name for name in stale if name.startswith(("churn_checks", "churn_alerts", "churn_night"))]
    assert stale["churn_published_age_days"] == 1.0


def test_a_warehouse_that_never_answered_is_down_and_the_rest_is_shown(board):
    board.unread("no")
    found = shown(board)
    assert found["churn_warehouse_up"] == 0.0
    assert "churn_published_age_days" not in found
    assert found['churn_job_running{job="nightly"}'] == 0.0


# ---------------------------------------------------------------- the port


def with_port(board: Board, port: int) -> Board:
    schedule = board.settings.schedule.model_copy(update={"port": port})
    board.settings = board.settings.model_copy(update={"schedule": schedule})
    return board


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()


def test_without_a_port_nothing_is_opened(board):
    with serving(board, lambda: NOW) as opened:
        assert opened is None


def test_healthz_and_metrics_are_answered(board, free_port):
    with serving(with_port(board, free_port), lambda: NOW) as opened:
        assert opened == ("127.0.0.1", free_port)
        status, kind, body = get(free_port, "/healthz")
        assert (status, kind, json.loads(body)["why"]) == (503, "application/json", board.why_not(NOW))
        board.saw_published(date(2026, 11, 22))
        status, _, body = get(free_port, "/healthz?from=docker")
        assert (status, json.loads(body)["healthy"]) == (200, True)
        status, kind, body = get(free_port, "/metrics")
        assert (status, kind.split(";")[0]) == (200, "text/plain")
        assert b"\nchurn_warehouse_up 0.0\n" in body
        assert get(free_port, "/metrics", "HEAD")[::2] == (200, b"")
        assert get(free_port, "/")[0] == 404
        assert get(free_port, "/healthz", "POST")[0] == 501


def test_a_port_that_is_taken_is_refused_with_its_key(board, free_port):
    with (
        serving(with_port(board, free_port), lambda: NOW),
        pytest.raises(ConfigError, match=r"schedule\.port"),
        serving(board, lambda: NOW),
    ):
        pass


def test_only_its_owner_can_write_the_health_file(board, tmp_path: Path):
    HealthKeeper(board, lambda: NOW, pytest.fail).keep()
    mode = (tmp_path / ".churn" / HEALTH_FILE).stat().st_mode
    assert stat.S_IMODE(mode) & 0o022 == 0
