"""The scheduler's loop: what it looks for, what it starts, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from churn.config import Settings
from churn.scheduling import run
from churn.scheduling.bell import Bell
from churn.scheduling.process import JOB_COMMAND, JobProcess, starter
from churn.scheduling.run import HealthKeeper, Lookout, add_jobs
from churn.scheduling.times import Firing
from churn.scheduling.work import Worker
from tests.unit.scheduling.fakes import NOW, FakeChild, World

SLEEPER = (
    "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
)


class Looks:
    """A lookout with a clock that a test sets."""

    def __init__(self, **schedule: object) -> None:
        self.now = NOW
        self.offered: list[Firing] = []
        self.lookout = Lookout(Settings(schedule=schedule), lambda: self.now, self.offered.append)

    def look(self, now: datetime) -> list[str]:
        self.now, self.offered[:] = now, []
        self.lookout.look()
        return [f"{firing.job} {firing.due:%d %H:%M}" for firing in self.offered]


# ---------------------------------------------------------------- what is due


def test_a_job_is_handed_on_once_for_each_time_that_it_is_due():
    looks = Looks()
    assert looks.look(NOW - timedelta(seconds=1)) == []
    assert looks.look(NOW) == ["nightly 22 03:15"]
    assert looks.look(NOW + timedelta(seconds=15)) == []
    assert looks.look(NOW + timedelta(days=1)) == ["nightly 23 03:15"]


def test_several_missed_times_are_one():
    looks = Looks(nightly="0 * * * *")
    assert looks.look(NOW.replace(hour=0, minute=0)) == ["nightly 22 00:00"]
    assert looks.look(NOW.replace(hour=5, minute=30)) == ["nightly 22 05:00"]


def test_a_start_that_was_missed_by_more_than_the_grace_is_left_for_the_next_time():
    assert Looks().look(NOW + timedelta(hours=6)) == ["nightly 22 03:15"]
    assert Looks().look(NOW + timedelta(hours=6, seconds=1)) == []
    assert Looks(misfire_grace_seconds=60).look(NOW + timedelta(seconds=61)) == []


def test_a_clock_that_was_wrong_by_years_and_is_put_right_loses_no_night():
    looks = Looks()
    assert looks.look(NOW.replace(year=2031)) == ["nightly 22 03:15"]
    assert looks.look(NOW) == ["nightly 22 03:15"]
    assert looks.look(NOW + timedelta(days=1)) == ["nightly 23 03:15"]


def test_apscheduler_looks_at_the_configured_times_and_loses_no_late_look():
    scheduler = BackgroundScheduler(timezone="UTC")
    settings = Settings(business={"timezone": "Europe/Paris"}, schedule={"nightly": "0 4 * * *"})
    add_jobs(scheduler, settings, print)
    jobs = {job.id: job for job, _, _ in scheduler._pending_jobs}
    assert set(jobs) == {"nightly", "train"}
    for job in jobs.values():
        assert (job.misfire_grace_time, job.coalesce, job.max_instances, job.func) == (None, True, 1, print)
    start = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert jobs["nightly"].trigger.get_next_fire_time(None, start).isoformat() == "2026-11-23T04:00:00+01:00"


# ---------------------------------------------------------------- a process


def test_a_job_is_started_as_the_command_that_a_person_would_type(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    show = "import os, sys; print(*sys.argv[1:], os.getcwd(), os.getpgid(0) == os.getpid(), flush=True)"
    for config, options in ((None, ""), (Path("there/my.toml"), f" --config {tmp_path}/there/my.toml")):
        with (tmp_path / "out").open("w+") as out:
            monkeypatch.setattr(
                subprocess, "Popen", lambda *args, real=subprocess.Popen, to=out, **kw: real(*args, stdout=to, **kw)
            )
            child = starter([sys.executable, "-c", show], config, tmp_path)(["train"])
            assert child.wait() == 0
            monkeypatch.undo()
            monkeypatch.chdir(tmp_path)
            out.seek(0)
            assert out.read() == f"train{options} {tmp_path} True\n"


def test_the_jobs_are_those_of_this_installation():
    assert (sys.executable, "-m", "churn") == JOB_COMMAND


def test_a_wait_with_an_end_gives_none_and_a_signal_is_a_negative_code(tmp_path):
    child = JobProcess([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)
    assert child.wait(0.01) is None
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def test_what_will_not_end_is_killed_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr("churn.scheduling.process.ABORT_SECONDS", 0.2)
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    parent = (
        "import subprocess, sys\n" + "p = subprocess.Popen([sys.executable, 'sleeper.py'], stdout=subprocess.PIPE)\n"
    )
    parent += "p.stdout.readline()\nopen('pid', 'w').write(str(p.pid))\n" + SLEEPER
    child = JobProcess([sys.executable, "-c", parent], tmp_path)
    waiting = threading.Thread(target=child.wait)
    waiting.start()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    child.abort()
    waiting.join()
    assert child.wait() == -signal.SIGKILL
    assert is_gone(int((tmp_path / "pid").read_text()))


def is_gone(pid: int) -> bool:
    """Whether a process has ended; whoever inherits it may not have noticed yet."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


# ---------------------------------------------------------------- the end


class SlowChild(FakeChild):
    """A job that ends when it is ended, or when a test lets it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.over = threading.Event()

    def wait(self, _seconds: float | None = None) -> int:
        self.over.wait(10)
        return -signal.SIGTERM if self.aborted else self.code

    def abort(self) -> None:
        self.aborted = True
        self.over.set()


def end(tmp_path, bell: Bell, grace_seconds: float, *, finishes: bool) -> tuple[World, SlowChild]:
    """Stop a worker that has a job at work."""
    world = World(published={NOW.date() - timedelta(days=3)})
    schedule = world.settings.schedule.model_copy(update={"stop_grace_seconds": grace_seconds})
    world.board.settings = world.settings.model_copy(update={"base_dir": tmp_path, "schedule": schedule})
    begun, children = threading.Event(), []

    def child(code: int) -> SlowChild:
        children.append(SlowChild(code))
        begun.set()
        return children[-1]

    world.child = child
    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(world.worker.work)
        working.add_done_callback(lambda _: bell.ring())
        world.worker.offer(Firing("nightly", NOW))
        begun.wait(10)
        world.worker.close()
        if finishes:
            children[0].over.set()
        run._end(working, bell, world.worker, HealthKeeper(world.board, world.clock, print))
        assert working.done()
    assert len(children) == 1
    return world, children[0]


@pytest.fixture
def bell() -> Iterator[Bell]:
    with closing(Bell()) as made:
        yield made


def test_a_job_that_finishes_in_its_grace_is_let_be(tmp_path, bell):
    world, child = end(tmp_path, bell, 30, finishes=True)
    assert (child.aborted, world.board.last["nightly"].exit_code, world.nights()) == (False, 0, ["2026-11-20"])


def test_a_job_that_outlasts_its_grace_is_ended(tmp_path, bell):
    world, child = end(tmp_path, bell, 0.05, finishes=False)
    assert child.aborted
    assert (world.board.last["nightly"].aborted, world.told) == (True, [])


def test_a_second_signal_ends_the_job_at_once(tmp_path, bell):
    bell.ring()
    _, child = end(tmp_path, bell, 3600, finishes=False)
    assert child.aborted


def test_a_bell_rings_once_for_each_ring(bell):
    assert not bell.wait(0)
    bell.ring()
    bell.ring()
    assert [bell.wait(0), bell.wait(0), bell.wait(0)] == [True, True, False]


def test_a_signal_rings_the_bell_whenever_it_arrives_and_one_that_is_ignored_stays_so(bell):
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with bell.at_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not bell.wait(0.05)
            for number in (signal.SIGTERM, signal.SIGINT):
                os.kill(os.getpid(), number)
                assert bell.wait(5)
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
            assert bell.wait(5)
    finally:
        signal.signal(signal.SIGHUP, former)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.set_wakeup_fd(-1) == -1


def test_a_defect_of_the_worker_ends_the_scheduler_so_that_it_is_started_anew(tmp_path, monkeypatch):
    settings = Settings(schedule={"nightly": "0 0 29 2 *"}).model_copy(update={"base_dir": tmp_path})

    def broken(_worker: Worker) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Worker, "work", broken)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError):
        run.run_forever(settings, None, lambda: NOW)
    assert signal.getsignal(signal.SIGTERM) is before
    assert "APScheduler" not in {thread.name for thread in threading.enumerate()}
