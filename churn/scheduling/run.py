"""`churn scheduler`: the loop that looks what is due, and the way it ends."""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from churn.alerts import tell_died
from churn.config import Settings, triggers
from churn.errors import ChurnError
from churn.ledger import Clock
from churn.scheduling.asking import WarehouseLedger, asking, open_without_starting
from churn.scheduling.bell import Bell
from churn.scheduling.bench import Hands, Note
from churn.scheduling.board import Board
from churn.scheduling.figures import read_figures
from churn.scheduling.healthfile import REFRESH_SECONDS, read_health, write_health
from churn.scheduling.process import JOB_COMMAND, starter
from churn.scheduling.times import Firing, latest_due
from churn.scheduling.web import serving
from churn.scheduling.work import Stopping, Worker
from churn.terminal import LogProgress

FIGURES_SECONDS = 30.0


class Lookout:
    """Looks what is due, and hands it on once.

    It compares times rather than counting calls: a look too many does nothing, and a look too late, after the machine
    was asleep or the clock was set, still finds the last time that a job was due. Several missed times are one.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Gives the current UTC time.
    offer : callable
        Takes what is due.
    """

    def __init__(self, settings: Settings, clock: Clock, offer: Callable[[Firing], None]) -> None:
        self._triggers = triggers(settings)
        self._grace = timedelta(seconds=settings.schedule.misfire_grace_seconds)
        self._clock = clock
        self._offer = offer
        self._offered: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def look(self) -> None:
        """Hand on each job that was due within `schedule.misfire_grace_seconds` and has not been handed on for it."""
        now = self._clock()
        with self._lock:
            for job, trigger in self._triggers.items():
                due = latest_due(trigger, now, self._grace)
                if due is not None and due != self._offered.get(job):
                    self._offered[job] = due
                    self._offer(Firing(job, due))


def add_jobs(scheduler: BaseScheduler, settings: Settings, look: Callable[[], None]) -> None:
    """Let a scheduler look at the times of `[schedule]`, each in the business's zone; a late look is no lost one."""
    for job, trigger in triggers(settings).items():
        scheduler.add_job(
            look,
            trigger,
            id=job,
            name=job,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
            replace_existing=True,
        )


class HealthKeeper:
    """Keeps the health file fresh; where it can't be written, says so once."""

    def __init__(self, board: Board, clock: Clock, note: Note) -> None:
        self._board, self._clock, self._note = board, clock, note
        self._failed = False
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Write the file, and in it that the loop came by."""
        self._board.beat(self._clock())
        self.write()

    def say_stopping(self) -> float:
        """Say that the scheduler stops, and return the seconds that a job at work has to finish."""
        grace_seconds = self._board.settings.schedule.stop_grace_seconds
        self._note(f"stopping; a job at work has {grace_seconds} s to finish")
        self._board.stopping = True
        return grace_seconds

    def close(self) -> None:
        """Write for the last time: the scheduler has stopped."""
        self._board.stopped = True
        self.write()

    def write(self) -> None:
        """Write the file."""
        with self._lock:
            try:
                write_health(self._board.settings, self._board.health(self._clock()))
            except OSError as error:
                if not self._failed:
                    self._note(f"the health file can't be written: {error}")
                self._failed = True
            else:
                self._failed = False


def read_again_and_again(board: Board, clock: Clock, stopping: Stopping) -> None:
    """Keep the board's figures of the warehouse fresh until the scheduler stops."""
    while True:
        try:
            with asking(open_without_starting(board.settings)) as connection:
                board.read(read_figures(connection, clock()))
        except ChurnError as error:
            board.unread(str(error))
        if stopping.pause(FIGURES_SECONDS):
            return


def run_forever(settings: Settings, config: Path | None, clock: Clock, *, command: Sequence[str] = JOB_COMMAND) -> None:
    """Run the scheduler until SIGTERM, SIGINT or SIGHUP.

    The job at work may then go on for `schedule.stop_grace_seconds`; after that, or on a second signal, it is ended.

    Parameters
    ----------
    settings : Settings
    config : Path, optional
        Configuration file that the jobs are given.
    clock : callable
        Gives the current UTC time.
    command : sequence of str
        What a job's words are put behind.

    Raises
    ------
    ConfigError
        `schedule.port` can't be opened.
    """
    note = LogProgress(sys.stderr, clock).note
    board = Board(settings, started_at=clock(), pid=os.getpid(), host=platform.node())
    before = read_health(settings)
    board.last = {} if before is None else before.last
    stopping = Stopping()
    start = starter(command, config, settings.base_dir)
    hands = Hands(settings, clock, start, WarehouseLedger(settings), tell_died, note)
    worker = Worker(hands, board, stopping)
    keeper = HealthKeeper(board, clock, note)
    board.changed = keeper.write
    lookout = Lookout(settings, clock, worker.offer)
    with closing(Bell()) as bell, bell.at_signals(), serving(board, clock) as opened, _looking(settings, lookout):
        note(f"scheduler started: nightly at {settings.schedule.nightly}, train at {settings.schedule.train}")
        if opened is not None:
            note(f"/healthz and /metrics on {opened[0]} port {opened[1]}")
        watching = (board, clock, stopping)
        threading.Thread(target=read_again_and_again, args=watching, name="figures", daemon=True).start()
        _work(worker, bell, keeper, lookout)
    note("scheduler stopped")


def _work(worker: Worker, bell: Bell, keeper: HealthKeeper, lookout: Lookout) -> None:
    """Let the worker work until the bell rings and its last job has ended; raise what it died of."""
    with ThreadPoolExecutor(1, thread_name_prefix="worker") as threads:
        working = threads.submit(worker.work)
        working.add_done_callback(lambda _: bell.ring())
        try:
            _loop(bell, keeper, lookout)
        finally:
            worker.close()
            _end(working, bell, worker, keeper)
    keeper.close()
    working.result()


def _loop(bell: Bell, keeper: HealthKeeper, lookout: Lookout) -> None:
    """Come by every few seconds until the bell rings: for a signal, or because the worker has died of a defect."""
    while True:
        keeper.keep()
        lookout.look()
        if bell.wait(REFRESH_SECONDS):
            return


def _end(working: Future[None], bell: Bell, worker: Worker, keeper: HealthKeeper) -> None:
    """Let the job at work finish in its time, else end it; a second signal ends it at once."""
    left = keeper.say_stopping()
    while left > 0 and not working.done():
        keeper.keep()
        began = time.monotonic()
        if bell.wait(min(left, REFRESH_SECONDS)):
            break
        left -= time.monotonic() - began
    worker.abort()
    wait([working])


@contextmanager
def _looking(settings: Settings, lookout: Lookout) -> Iterator[None]:
    """Look the moment that a job is due.

    The clock of APScheduler waits for a span of time; where the machine sleeps or its clock is set, that is the wrong
    one, and the looks of the loop make up for it.
    """
    scheduler = BackgroundScheduler(timezone=settings.business.timezone)
    add_jobs(scheduler, settings, lookout.look)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)
