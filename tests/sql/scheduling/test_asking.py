"""What the scheduler learns from the warehouse: nights, trainings, and the figures for monitoring."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from churn.config import Settings
from churn.errors import TransientError, WarehouseError
from churn.scheduling.asking import WarehouseLedger, asking, open_without_starting
from churn.scheduling.board import Board
from churn.scheduling.figures import Stage, read_figures
from churn.scheduling.run import read_again_and_again
from churn.scheduling.work import Stopping
from churn.schema import alerts, check_results, published, run_stages, runs
from churn.warehouse import Database

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
DUE = NOW - timedelta(hours=1)


@pytest.fixture
def settings(warehouse_url: str) -> Settings:
    return Settings(warehouse={"url": warehouse_url})


@pytest.fixture
def ledger(settings: Settings) -> WarehouseLedger:
    return WarehouseLedger(settings)


def enter(warehouse: Database, table: sa.Table, *rows: dict[str, Any]) -> None:
    with warehouse.begin() as connection:
        for row in rows:
            connection.execute(sa.insert(table).values(**row))


def run(job: str, status: str, started_at: datetime, **values: Any) -> dict[str, Any]:
    return {
        "job": job,
        "status": status,
        "as_of_date": started_at.date(),
        "started_at": started_at,
        "config_digest": "",
        **values,
    }


def night(day: int, run_id: int) -> dict[str, Any]:
    return {
        "as_of_date": date(2026, 11, day),
        "run_id": run_id,
        "list_run_id": run_id,
        "published_at": NOW,
        "in_sample": False,
    }


# ---------------------------------------------------------------- nights and trainings


def test_an_empty_warehouse_has_no_night_and_no_training(ledger):
    assert ledger.latest_published() is None
    assert not ledger.is_published(date(2026, 11, 22))
    assert ledger.training_since(DUE, NOW) == "none"


def test_the_latest_night_is_that_of_the_latest_date(warehouse, ledger):
    enter(warehouse, published, night(21, 1), night(20, 2))
    assert ledger.latest_published() == date(2026, 11, 21)
    assert ledger.is_published(date(2026, 11, 20))
    assert not ledger.is_published(date(2026, 11, 22))


def test_a_training_counts_where_it_began_since_it_was_due(warehouse, ledger):
    minutes = timedelta(minutes=1)
    for row, expected in (
        (run("train", "succeeded", DUE), "succeeded"),
        (run("train", "succeeded", DUE - timedelta(seconds=1)), "none"),
        (run("nightly", "succeeded", DUE), "none"),
        (run("train", "failed", DUE), "none"),
        (run("train", "died", DUE), "none"),
        (run("train", "running", NOW - 4 * minutes), "running"),
        (run("train", "running", NOW - 6 * minutes), "none"),
        (run("train", "running", DUE, heartbeat_at=NOW - 4 * minutes), "running"),
        (run("train", "running", DUE, heartbeat_at=NOW - 6 * minutes), "none"),
    ):
        with warehouse.begin() as connection:
            connection.execute(sa.delete(runs))
        enter(warehouse, runs, row)
        assert ledger.training_since(DUE, NOW) == expected, row


def test_a_training_that_succeeded_outweighs_one_that_failed_before(warehouse, ledger):
    enter(warehouse, runs, run("train", "failed", DUE), run("train", "succeeded", DUE + timedelta(minutes=5)))
    assert ledger.training_since(DUE, NOW) == "succeeded"


def test_one_scheduler_at_a_time_trains(ledger):
    with ledger.training_alone() as first, ledger.training_alone() as second:
        assert (first, second) == (True, False)
    with ledger.training_alone() as again:
        assert again


# ---------------------------------------------------------------- asking


def test_an_answer_is_not_waited_for_for_ever(warehouse, monkeypatch):
    monkeypatch.setattr("churn.scheduling.asking.ASK_TIMEOUT_MS", 50)
    with pytest.raises((TransientError, WarehouseError)), asking(warehouse) as connection:
        connection.execute(sa.text("select pg_sleep(5)"))


def test_who_asks_writes_nothing(warehouse):
    with pytest.raises(WarehouseError, match="read-only"), asking(warehouse) as connection:
        connection.execute(sa.insert(published).values(night(21, 1)))


def test_looking_on_starts_no_embedded_postgres(tmp_path):
    settings = Settings().model_copy(update={"base_dir": tmp_path})
    with pytest.raises(WarehouseError, match="isn't running"):
        open_without_starting(settings)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- figures


def figures_of(warehouse: Database) -> Any:
    with asking(warehouse) as connection:
        return read_figures(connection, NOW)


def test_an_empty_warehouse_has_figures(warehouse):
    found = figures_of(warehouse)
    assert (found.published, found.successes, found.stages, found.checks, found.alerts) == (None, {}, (), {}, {})


def test_figures_are_those_of_the_latest_night_and_the_last_checks(warehouse):
    minute = timedelta(minutes=1)
    enter(
        warehouse,
        runs,
        run("nightly", "succeeded", NOW - 9 * minute, finished_at=NOW - 5 * minute),
        run("nightly", "succeeded", NOW - 4 * minute, finished_at=NOW - 3 * minute),
        run("nightly", "failed", NOW - 2 * minute, finished_at=NOW),
    )
    enter(warehouse, published, night(22, 1), night(21, 2))
    stages = [(1, "extract", 3, 40), (1, "publish", 4, None), (2, "extract", 9, 70), (3, "extract", 9, 80)]
    for run_id, stage, seconds, rows in stages:
        ended = None if rows is None else NOW + timedelta(seconds=seconds)
        enter(
            warehouse,
            run_stages,
            {"run_id": run_id, "stage": stage, "started_at": NOW, "finished_at": ended, "rows": rows},
        )
    for run_id, name, severity, status in [
        (1, "old", "fail", "failed"),
        (3, "a", "fail", "failed"),
        (3, "b", "warn", "passed"),
    ]:
        check = {"run_id": run_id, "check_name": name, "severity": severity, "status": status, "rows": 1}
        enter(warehouse, check_results, check)
    for cause, severity, closed_at in [
        ("a", "fail", None),
        ("b", "warn", None),
        ("c", "warn", None),
        ("d", "warn", NOW),
    ]:
        alert = {"cause": cause, "severity": severity, "title": "", "detail": "", "opened_at": NOW}
        enter(warehouse, alerts, {**alert, "last_seen_at": NOW, "closed_at": closed_at})
    found = figures_of(warehouse)
    assert found.published == date(2026, 11, 22)
    assert found.successes == {"nightly": NOW - 3 * minute}
    assert found.stages == (Stage("extract", 40, 3.0),)
    assert found.checks == {("fail", "failed"): 1, ("warn", "passed"): 1}
    assert found.alerts == {"fail": 1, "warn": 2}


class Once(Stopping):
    """Lets a loop come by once."""

    def pause(self, _seconds: float) -> bool:
        return True


def test_the_board_gets_the_figures_or_why_there_are_none(warehouse, settings, tmp_path):
    enter(warehouse, published, night(22, 1))
    board = Board(settings, started_at=NOW, pid=1, host="here")
    read_again_and_again(board, lambda: NOW, Once())
    assert (board.warehouse_up(NOW), board.published) == (True, date(2026, 11, 22))
    board.settings = Settings().model_copy(update={"base_dir": tmp_path})
    read_again_and_again(board, lambda: NOW, Once())
    assert not board.warehouse_up(NOW)
    assert "isn't running" in str(board.warehouse_error)
