"""The scheduler with real processes: signals, two machines, a job that is killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from churn.config import load_settings
from churn.scheduling import Health, read_health
from churn.warehouse import Database

FAKE_JOB = Path(__file__).with_name("fake_job.py")
REPOSITORY = Path(__file__).resolve().parents[2]

# Runs a scheduler whose clock starts at 03:15:05 of 2026-11-22 and whose jobs are the fake ones.
DRIVER = f"""
import sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from churn.config import load_settings
from churn.scheduling import run_forever, work

work.LOOK_SECONDS = 0.2
start = time.monotonic()
def clock():
    return datetime(2026, 11, 22, 3, 15, 5, tzinfo=UTC) + timedelta(seconds=time.monotonic() - start)
config = Path(sys.argv[1])
run_forever(load_settings(config), config, clock, command=[sys.executable, {str(FAKE_JOB)!r}])
"""


class Machine:
    """A folder with a churn.toml, and a scheduler that runs in it."""

    def __init__(self, folder: Path, warehouse_url: str, *, seconds: float, **schedule: Any) -> None:
        folder.mkdir()
        self.config = folder / "churn.toml"
        keys = {"train": "0 0 1 1 *", **schedule}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        self.config.write_text(f'[warehouse]\nurl = "{warehouse_url}"\n[schedule]\n{lines}')
        self.log = folder.parent / "log"
        self.log.touch()
        url = sa.make_url(warehouse_url).set(drivername="postgresql").render_as_string(hide_password=False)
        work = {"FAKE_LOG": str(self.log), "FAKE_SECONDS": str(seconds), "FAKE_WAREHOUSE": url}
        with (folder / "stderr").open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(self.config)],
                env={**os.environ, "PYTHONPATH": str(REPOSITORY), **work},
                stderr=stderr,
                start_new_session=True,
            )

    def did(self) -> list[str]:
        """What the jobs have done, on all machines."""
        return [line.rpartition(" ")[0] for line in self.log.read_text().splitlines()]

    def pid_of(self, text: str) -> int:
        """The process that said something."""
        (line,) = [line for line in self.log.read_text().splitlines() if line.startswith(text)]
        return int(line.rpartition(" ")[2])

    def notes(self) -> str:
        """What the scheduler has said."""
        return (self.config.parent / "stderr").read_text()

    def health(self) -> Health:
        """What the health file says."""
        health = read_health(load_settings(self.config))
        assert health is not None
        return health

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the scheduler as `kill` does, and wait for its end."""
        self.process.send_signal(number)
        return self.process.wait(30)


MakeMachine = Callable[..., Machine]


@pytest.fixture
def make_machine(tmp_path: Path, warehouse_url: str, warehouse: Database) -> Iterator[MakeMachine]:
    """Machines with one warehouse, in which the night of 2026-11-19 is the latest."""
    with warehouse.begin() as connection:
        connection.execute(sa.text("insert into ops.published values ('2026-11-19', 1, 1, '2026-11-19 03:20Z', false)"))
    made: list[Machine] = []

    def make(*, seconds: float = 0.0, **schedule: Any) -> Machine:
        made.append(Machine(tmp_path / f"machine{len(made)}", warehouse_url, seconds=seconds, **schedule))
        return made[-1]

    yield make
    for machine in made:
        if machine.process.poll() is None:
            machine.process.kill()
            machine.process.wait()


def until(condition: Callable[[], Any], machine: Machine) -> None:
    """Wait until something holds."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"waited in vain: {machine.did()}\n{machine.notes()}")


def nights(warehouse: Database) -> list[str]:
    """The published nights."""
    with warehouse.begin() as connection:
        return list(connection.scalars(sa.text("select cast(as_of_date as text) from ops.published order by 1")))


def sessions(warehouse: Database) -> int:
    """Sessions of jobs that are open in the warehouse."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'fake%'"
    with warehouse.begin() as connection:
        return int(connection.scalar(sa.text(query)) or 0)


def answer(port: int, path: str) -> tuple[int, str]:
    """What the scheduler's port says."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_two_machines_run_each_night_and_the_training_once_and_in_order(make_machine, warehouse):
    one, other = (make_machine(seconds=0.5, train="10 3 * * *") for _ in range(2))
    begun = [f"begin {job}" for job in ("2026-11-20", "2026-11-21", "2026-11-22", "train")]
    until(lambda: "end train" in one.did(), one)
    until(lambda: "training of 2026-11-22 is done" in one.notes() + other.notes(), other)
    assert [line for line in one.did() if line.startswith("begin")] == begun
    assert nights(warehouse) == ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"]
    assert (one.stop(), other.stop()) == (0, 0)
    for machine in (one, other):
        assert machine.health().last["nightly"].exit_code == 0
        assert '"ended' not in machine.notes()


def test_ctrl_c_lets_the_job_at_work_finish_and_starts_no_other(make_machine, warehouse):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    machine = make_machine(seconds=2, port=port)
    until(machine.did, machine)
    work = machine.health().at_work
    assert work is not None
    assert (work.as_of.isoformat(), work.pid) == ("2026-11-20", machine.pid_of("begin"))
    until(lambda: "churn_warehouse_up 1.0" in answer(port, "/metrics")[1], machine)
    status, body = answer(port, "/healthz")
    assert (status, json.loads(body)["why"][0].partition(":")[0]) == (503, "The night of 2026-11-21 is overdue")
    assert "churn_published_age_days 3.0" in answer(port, "/metrics")[1]
    # The terminal tells everybody in the foreground.
    os.killpg(machine.process.pid, signal.SIGINT)
    assert machine.process.wait(30) == 0
    assert machine.did() == ["begin 2026-11-20", "end 2026-11-20"]
    assert nights(warehouse) == ["2026-11-19", "2026-11-20"]
    assert machine.health().stopped


def test_a_job_that_outlasts_its_grace_is_rolled_back_and_leaves_nothing_behind(make_machine, warehouse):
    machine = make_machine(seconds=60, stop_grace_seconds=1)
    until(machine.did, machine)
    began = time.monotonic()
    assert machine.stop() == 0
    assert time.monotonic() - began < 30
    assert not Path(f"/proc/{machine.pid_of('begin')}").exists()
    until(lambda: sessions(warehouse) == 0, machine)
    assert nights(warehouse) == ["2026-11-19"]
    assert machine.health().last["nightly"].aborted
    with warehouse.begin() as connection:
        assert connection.scalar(sa.text("select count(*) from ops.alerts")) == 0


def test_a_job_that_is_killed_is_told_and_the_next_night_is_run(make_machine, warehouse):
    machine = make_machine(seconds=1)
    until(machine.did, machine)
    os.kill(machine.pid_of("begin 2026-11-20"), signal.SIGKILL)
    until(lambda: "end 2026-11-22" in machine.did(), machine)
    assert machine.stop() == 0
    assert nights(warehouse) == ["2026-11-19", "2026-11-21", "2026-11-22"]
    assert "nightly as of 2026-11-20 ended with exit code -9" in machine.notes()
    with warehouse.begin() as connection:
        told = connection.execute(sa.text("select severity, title from ops.alerts")).all()
    assert [row.severity for row in told] == ["fail"]
    assert "2026-11-20" in told[0].title


def test_the_command_waits_for_its_time_and_stops_when_told(tmp_path):
    (tmp_path / "churn.toml").write_text('[schedule]\nnightly = "0 0 29 2 *"\ntrain = "0 0 29 2 *"\n')
    command = [sys.executable, "-m", "churn", "scheduler"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "scheduler started" in process.stderr.readline()
        process.terminate()
        rest = process.stderr.read()
    assert (process.returncode, rest.count("scheduler stopped")) == (0, 1)
    assert json.loads((tmp_path / ".churn/scheduler.json").read_text())["stopped"]
