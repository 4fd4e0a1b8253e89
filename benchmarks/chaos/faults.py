"""The faults: what is done to a night while it runs. Each draws its moment from the night's own random numbers."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.chaos.adversary import deadlock, hold
from benchmarks.chaos.child import AFTER, BEFORE, Child
from benchmarks.chaos.ground import superuser
from benchmarks.chaos.night import Night

_JUMPS = (-timedelta(days=2), -timedelta(hours=30), -timedelta(hours=1), timedelta(hours=1), timedelta(hours=30))
_SOURCE_TABLES = ("customers", "subscriptions", "payments", "usage_events", "support_tickets")
_WRITTEN_TABLES = (
    "staging.customers",
    "staging.subscriptions",
    "staging.payments",
    "ops.watermarks",
    "ops.snapshots",
    "scores.customer_scores",
    "scores.segment_nights",
    "scores.at_risk_list",
    "scores.kpi_months",
    "scores.insights",
    "ops.check_results",
    "ops.published",
)


@dataclass(frozen=True)
class Fault:
    """A kind of disturbance.

    Attributes
    ----------
    name : str
    words : str
        What is done, for the report.
    share : int
        How many of a hundred nights it is let loose on.
    strike : callable
        Runs the night and disturbs it; returns when all its commands have ended.
    needs_small_disk, stops_server : bool
    """

    name: str
    words: str
    share: int
    strike: Callable[[Night], None]
    needs_small_disk: bool = False
    stops_server: bool = False


def _kill(night: Night) -> None:
    child = night.begin()
    night.wait_until(child, night.instant())
    child.send(signal.SIGKILL)
    night.end(child)


def _cut(night: Night) -> None:
    """Cut the connections to the warehouse at any moment, or those to the source while it is read."""
    is_source = night.chance(0.3)
    child = night.begin()
    night.wait_until(child, night.instant("extract" if is_source else None))
    (night.ground.source_network if is_source else night.ground.warehouse_network).cut()
    night.end(child)


def _outage(night: Night) -> None:
    """Cut everything, and let nobody through for a while."""
    child = night.begin()
    night.wait_until(child, night.instant())
    networks = (night.ground.source_network, night.ground.warehouse_network)
    for network in networks:
        network.refuse()
    child.wait(float(night.rng.uniform(0.2, 3.0)))
    for network in networks:
        network.heal()
    night.end(child)


def _lost_answer(night: Night) -> None:
    """Let the server commit, and cut before the client hears of it."""
    network = night.ground.warehouse_network
    child = night.begin()
    assert night.known is not None
    network.swallow_commit(int(night.rng.integers(1, night.known.commits + 1)))
    while child.is_alive and not network.has_swallowed:
        time.sleep(0.002)
    night.note_stage(child)
    night.end(child)
    network.heal()


def _restart(mode: str) -> Callable[[Night], None]:
    def strike(night: Night) -> None:
        child = night.begin()
        night.wait_until(child, night.instant())
        night.ground.stop(mode)
        child.wait(float(night.rng.uniform(0.0, 1.0)))
        night.ground.start()
        night.end(child)

    return strike


def _full_disk(night: Night) -> None:
    """Leave no room at any moment; make room again soon, or only when the command has given up."""
    child = night.begin()
    night.wait_until(child, night.instant())
    with night.ground.full_disk():
        if night.chance(0.3):
            child.wait(float(night.rng.uniform(0.2, 2.0)))
        else:
            night.end(child)
    if not night.exits:
        night.end(child)


def _clock_jump(night: Night) -> None:
    moment, jump = night.instant(), _JUMPS[night.rng.integers(len(_JUMPS))]
    child = night.begin(jump=(moment, jump))
    night.wait_until(child, moment)
    night.end(child)


def _two_at_once(night: Night) -> None:
    """Start the command a second time while the first is at work."""
    child = night.begin()
    night.wait_until(child, night.instant())
    other = night.begin(later=timedelta(minutes=1))
    night.end(child)
    night.end(other)


def _frozen(night: Night) -> None:
    """Stop a process for longer than its connections live; another takes over; then the first wakes up."""
    child = night.begin()
    night.wait_until(child, night.instant())
    child.send(signal.SIGSTOP)
    night.ground.warehouse_network.cut()
    night.ground.source_network.cut()
    is_over = not child.is_alive
    other = night.begin(later=timedelta(minutes=30))
    # The other is at work, or through, when the first one wakes.
    other.wait(float(night.rng.uniform(0.5, 6.0)))
    child.send(signal.SIGCONT)
    code = night.end(child)
    # One that had not begun had no lock to lose: it waits, and does the night again.
    if code == 0 and not is_over and night.stage not in (BEFORE, AFTER, "publish"):
        night.complaints.append(f"a run that had lost its lock in {night.stage} said that it succeeded")
    night.end(other)


def _slow_source(night: Night) -> None:
    """Slow down what the source sends; hold it back for a while; or lock a table that is to be read."""
    network = night.ground.source_network
    child = night.begin()
    choice = int(night.rng.integers(3))
    if choice == 0:
        network.delay_seconds = float(night.rng.uniform(0.01, 0.06))
        night.wait_until(child, night.instant("extract"))
        night.end(child)
    elif choice == 1:
        night.wait_until(child, night.instant("extract"))
        network.stall()
        child.wait(float(night.rng.uniform(0.3, 2.0)))
        if night.chance(0.5):
            network.cut()
        network.heal()
        night.end(child)
    else:
        table = f"public.{_SOURCE_TABLES[night.rng.integers(len(_SOURCE_TABLES))]}"
        with hold(superuser(night.office.source_url), table, "access exclusive"):
            child.wait(float(night.rng.uniform(1.5, 4.0)))
            night.note_stage(child)
        night.end(child)
    network.heal()


def _deadlock(night: Night) -> None:
    """Take locks in the opposite order, so that Postgres has to end one of two transactions."""
    table = _WRITTEN_TABLES[night.rng.integers(len(_WRITTEN_TABLES))]
    is_victim = night.chance(0.75)
    child = night.begin()
    deadlock(night, child, table, is_victim=is_victim)
    night.end(child)


def _locked_table(night: Night) -> None:
    """Hold a table for longer than the job's patience."""
    table = _WRITTEN_TABLES[night.rng.integers(len(_WRITTEN_TABLES))]
    child = night.begin(lock_timeout="500ms")
    with hold(superuser(night.office.warehouse_url), table, "share row exclusive"):
        _until_it_waits(night, child)
        child.wait(float(night.rng.uniform(0.6, 2.5)))
    night.end(child)


def _until_it_waits(night: Night, child: Child) -> None:
    waiting = "select count(*) from pg_locks where not granted and locktype = 'relation'"
    while child.is_alive and not night.office.value(waiting):
        time.sleep(0.05)
    night.note_stage(child)


FAULTS = (
    Fault("kill", "SIGKILL at a random instant", 30, _kill),
    Fault("cut", "connections cut both ways at a random instant", 12, _cut),
    Fault("outage", "connections cut, and no new ones for up to 3 s", 6, _outage),
    Fault("lost-answer", "a COMMIT done, its answer cut off", 10, _lost_answer),
    Fault("crash", "the server crashes (immediate stop) and starts again", 6, _restart("immediate"), stops_server=True),
    Fault("restart", "the server is restarted (fast stop)", 4, _restart("fast"), stops_server=True),
    Fault("disk-full", "no room left for the warehouse's files", 6, _full_disk, needs_small_disk=True),
    Fault("clock", "the clock jumps by hours or days, either way", 5, _clock_jump),
    Fault("two", "a second `churn nightly` while one is at work", 5, _two_at_once),
    Fault("frozen", "a process stopped, cut off and taken over; then it wakes", 6, _frozen),
    Fault("slow-source", "the source slow, stalled, or locked by another", 5, _slow_source),
    Fault("deadlock", "locks taken in the opposite order by another session", 5, _deadlock),
    Fault("locked", "a table held by another for longer than the job waits", 3, _locked_table),
)
