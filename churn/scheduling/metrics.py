"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churn.config import JOBS, next_runs
from churn.ledger import Clock
from churn.scheduling.board import Board
from churn.scheduling.figures import Figures
from churn.windows import business_today

SEVERITIES = ("fail", "warn")


class BoardCollector(Collector):
    """Reads the board when Prometheus asks: never the warehouse, so that a scrape neither waits nor fails.

    Parameters
    ----------
    board : Board
    clock : callable
        Gives the current UTC time.
    """

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Give all metrics as they are now."""
        now = self._clock()
        yield from self._scheduler(now)
        yield from self._jobs()
        up = self._board.warehouse_up(now)
        yield _gauge("churn_warehouse_up", "Whether the warehouse answered lately.", float(up))
        if self._board.published is not None:
            today = business_today(now, self._board.settings.business.timezone)
            age = (today - self._board.published).days
            yield _gauge("churn_published_age_days", "Days from the latest published night to today.", float(age))
        if up and self._board.figures is not None:
            yield from _of_warehouse(self._board.figures)

    def _scheduler(self, now: datetime) -> Iterator[Metric]:
        alive = self._board.alive_at or self._board.started_at
        yield _gauge("churn_scheduler_alive_timestamp_seconds", "When the loop came by last.", alive.timestamp())
        yield _gauge("churn_healthy", "Whether /healthz answers 200.", float(not self._board.why_not(now)))
        due = {job: when.timestamp() for job, when in next_runs(self._board.settings, now)}
        yield _by("churn_job_next_run_timestamp_seconds", "When the job is due next.", "job", due)

    def _jobs(self) -> Iterator[Metric]:
        work, last = self._board.at_work, self._board.last
        at_work = {job: float(work is not None and work.job == job) for job in JOBS}
        yield _by("churn_job_running", "Whether the scheduler has the job at work.", "job", at_work)
        codes = {job: float(outcome.exit_code) for job, outcome in last.items()}
        yield _by("churn_job_last_exit_code", "Its last exit code; below zero, the signal.", "job", codes)
        took = {job: outcome.seconds for job, outcome in last.items()}
        yield _by("churn_job_last_duration_seconds", "How long it took, here.", "job", took)
        ended = {job: outcome.finished_at.timestamp() for job, outcome in last.items()}
        yield _by("churn_job_last_end_timestamp_seconds", "When it ended, here.", "job", ended)


def registry_of(board: Board, clock: Clock) -> CollectorRegistry:
    """Make a registry of our own that shows a board."""
    registry = CollectorRegistry()
    registry.register(BoardCollector(board, clock))
    return registry


def _of_warehouse(figures: Figures) -> Iterator[Metric]:
    successes = {job: when.timestamp() for job, when in figures.successes.items()}
    yield _by("churn_job_last_success_timestamp_seconds", "When it succeeded last, anywhere.", "job", successes)
    seconds = {stage.name: stage.seconds for stage in figures.stages}
    yield _by("churn_night_stage_duration_seconds", "Of the latest published night.", "stage", seconds)
    rows = {stage.name: float(stage.rows) for stage in figures.stages}
    yield _by("churn_night_stage_rows", "Rows made by a stage of the latest published night.", "stage", rows)
    text = "Checks of the last checked run that found rows."
    failed = {severity: float(figures.checks.get((severity, "failed"), 0)) for severity in SEVERITIES}
    yield _by("churn_checks_failed", text, "severity", failed)
    checks = float(sum(figures.checks.values()))
    yield _gauge("churn_checks", "Checks of the last checked run.", checks)
    alerts = {severity: float(figures.alerts.get(severity, 0)) for severity in SEVERITIES}
    yield _by("churn_alerts_open", "Alerts that are open.", "severity", alerts)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
