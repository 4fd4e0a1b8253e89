"""The clock: runs the nightly and the training job by cron, one at a time, without losing a night to a late start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from churn.config import Settings, cron_trigger
from churn.ledger import Clock
from churn.terminal import LogProgress

JOBS = ("nightly", "train")


def add_jobs(scheduler: BaseScheduler, settings: Settings, config: Path | None, log: LogProgress) -> None:
    """Add the jobs of `[schedule]` to a scheduler.

    APScheduler's default grace for a late start is one second, which silently loses a night whenever the machine
    is busy: here it is `schedule.misfire_grace_seconds`, several missed starts become one, and a job never runs
    beside itself.
    """
    crons = {"nightly": settings.schedule.nightly, "train": settings.schedule.train}
    for job in JOBS:
        scheduler.add_job(
            run_job,
            cron_trigger(crons[job], settings.business.timezone),
            args=(job, config, settings.base_dir, log),
            id=job,
            name=job,
            misfire_grace_time=settings.schedule.misfire_grace_seconds,
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )


def run_job(job: str, config: Path | None, folder: Path, log: LogProgress) -> int:
    """Run one job in a process of its own, so that what it holds is given back; return its exit code."""
    command = [sys.executable, "-m", "churn", job]
    if config is not None:
        command += ["--config", str(config.resolve())]
    log.note(f"starting {job}")
    code = subprocess.run(command, cwd=folder, check=False).returncode  # noqa: S603 - our own command
    log.note(f"{job} ended with exit code {code}")
    return code


def run_forever(settings: Settings, config: Path | None, clock: Clock) -> None:
    """Run the scheduler until it is interrupted."""
    log = LogProgress(sys.stderr, clock)
    scheduler = BlockingScheduler(timezone=settings.business.timezone, executors={"default": ThreadPoolExecutor(1)})
    add_jobs(scheduler, settings, config, log)
    log.note(f"scheduler started: nightly at {settings.schedule.nightly}, train at {settings.schedule.train}")
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        log.note("scheduler stopped")
