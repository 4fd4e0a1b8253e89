"""The worker: one job at a time, each night once, missed nights before tonight's."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from churn.config import triggers
from churn.errors import ChurnError
from churn.scheduling.bench import LOCKED, NOT_STARTED, TRANSIENT, Bench, Hands
from churn.scheduling.board import Board
from churn.scheduling.times import Firing, missed_nights
from churn.windows import business_today

# A job that says "try again in a moment" is tried again after these; it has tried for itself before.
PAUSES_SECONDS = (60.0, 300.0, 900.0)
# Between looks at a job of another machine.
LOOK_SECONDS = 60.0

# Codes that the nights to come would end with as well: they are left for the next time.
_NO_USE_GOING_ON = {2, 10, 11, 15, LOCKED, TRANSIENT, NOT_STARTED}


@dataclass(frozen=True)
class Latest:
    """The latest published night; None where nothing was ever published."""

    night: date | None


class Stopping:
    """Says whether the scheduler is to stop; pauses end when it is."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self) -> None:
        """Let the scheduler stop."""
        self._event.set()

    @property
    def asked(self) -> bool:
        """Whether it is to stop."""
        return self._event.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait; true where it is to stop."""
        return self._event.wait(seconds)


class Worker:
    """Runs what is due, one job after the other.

    Parameters
    ----------
    hands : Hands
    board : Board
        Is told what happens.
    stopping : Stopping
    """

    def __init__(self, hands: Hands, board: Board, stopping: Stopping) -> None:
        self._hands = hands
        self._board = board
        self._stopping = stopping
        self._lock = threading.Lock()
        self._waiting: dict[str, Firing] = {}
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._bench = Bench(hands, board)

    # ------------------------------------------------------------ the queue

    def offer(self, firing: Firing) -> None:
        """Put a job in line; one that stands there already is due for the last time that it was."""
        with self._lock:
            stands_there = firing.job in self._waiting
            self._waiting[firing.job] = firing
        if not stands_there:
            self._queue.put(firing.job)

    def work(self) -> None:
        """Work until told to stop."""
        while (job := self._queue.get()) is not None and not self._stopping.asked:
            with self._lock:
                firing = self._waiting.pop(job)
            self.run(firing)

    def close(self) -> None:
        """Start nothing any more; the job at work goes on."""
        self._stopping.ask()
        self._queue.put(None)

    def abort(self) -> None:
        """End the job at work."""
        self._bench.abort()

    # ------------------------------------------------------------ the jobs

    def run(self, firing: Firing) -> None:
        """Run what was due: a training, or tonight's night after the missed ones."""
        if firing.job == "train":
            self._train(firing.due)
            return
        for night in self._nights(firing.due):
            code = self._night(night, firing.due)
            if code is None or code in _NO_USE_GOING_ON:
                return

    def _nights(self, due: datetime) -> list[date]:
        """List the nights to run: what was missed, oldest first, then tonight's; none where that can't be known."""
        found = self._latest_published(due)
        if found is None:
            return []
        latest = found.night
        if latest is None and due < self._board.started_at:
            self._hands.note("nothing is published yet: the first night is the next one, or run `churn nightly`")
            return []
        self._board.saw_published(latest)
        return [*self._missed(latest, due.date()), due.date()]

    def _missed(self, latest: date | None, tonight: date) -> list[date]:
        most = self._hands.settings.schedule.catch_up_nights
        missed = missed_nights(triggers(self._hands.settings)["nightly"], latest, tonight, most + 1)
        if len(missed) > most:
            missed = missed[1:]
            self._hands.note(
                f"more than {most} nights were missed since {latest}: the earlier ones are left out; "
                "make them up with `churn backfill --from --to`"
            )
        if missed:
            self._hands.note(f"missed nights to make up for: {', '.join(map(str, missed))}")
        return missed

    def _latest_published(self, due: datetime) -> Latest | None:
        """Ask for the latest published night, as long as tonight's may still start; None where there is no answer.

        Without it no night is run: were tonight's published, those that were missed before it would be made up for
        no more. A machine may be up before its database, so it is told only after some tries, and once.
        """
        pauses, is_told = iter(PAUSES_SECONDS), False
        while True:
            try:
                return Latest(self._hands.ledger.latest_published())
            except ChurnError as error:
                self._hands.note(f"the published nights can't be asked for, so that none is run: {error}")
                code = error.exit_code
            pause = next(pauses, None)
            if pause is None and not is_told:
                self._hands.tell(self._hands.settings, self._hands.clock, "nightly", due.date(), code)
                is_told = True
            if pause is None and self._is_late(due):
                return None
            if self._stopping.pause(pause or PAUSES_SECONDS[-1]):
                return None

    def _is_late(self, due: datetime) -> bool:
        """Say whether a job was due longer ago than it may be made up for."""
        return self._hands.clock() - due > timedelta(seconds=self._hands.settings.schedule.misfire_grace_seconds)

    def _night(self, night: date, due: datetime) -> int | None:
        """Run one night until it is published or has failed; return its exit code, None where told to stop."""
        words = ("nightly", "--as-of", night.isoformat(), "--wait", "--unless-published")
        pauses = iter(PAUSES_SECONDS)
        while not self._stopping.asked:
            if self._is_published(night):
                self._hands.note(f"the night of {night} is published")
                self._board.saw_published(night)
                return 0
            code = self._bench.run("nightly", night, words)
            if code == 0:
                self._board.saw_published(night)
            pause = self._pause(code, pauses, due)
            if pause is None or self._stopping.pause(pause):
                return code
        return None

    def _is_published(self, night: date) -> bool:
        """Ask whether a night is published; where there is no answer, the job finds out, and tells why."""
        try:
            return self._hands.ledger.is_published(night)
        except ChurnError as error:
            self._hands.note(f"it can't be asked whether the night of {night} is published: {error}")
            return False

    def _train(self, due: datetime) -> None:
        """Train until it is done or has failed, on this machine or another."""
        pauses = iter(PAUSES_SECONDS)
        while not self._stopping.asked:
            pause = self._pause(self._training_alone(due), pauses, due)
            if pause is None or self._stopping.pause(pause):
                return

    def _training_alone(self, due: datetime) -> int | None:
        """Train unless the scheduler of another machine is at it; where it can't be asked, the job tells why."""
        try:
            with self._hands.ledger.training_alone() as is_ours:
                if is_ours:
                    return self._training(due)
        except ChurnError as error:
            self._hands.note(f"it can't be asked whether another machine trains: {error}")
            return self._training(due)
        self._hands.note("the scheduler of another machine trains")
        return LOCKED

    def _training(self, due: datetime) -> int | None:
        """Train unless somebody has since it was due, or is at it; return the exit code."""
        try:
            state = self._hands.ledger.training_since(due, self._hands.clock())
        except ChurnError as error:
            self._hands.note(f"it can't be asked whether a training is done: {error}")
            state = "none"
        if state == "succeeded":
            self._hands.note(f"the training of {due:%Y-%m-%d} is done")
            return 0
        if state == "running":
            self._hands.note("a training is at work elsewhere")
            return LOCKED
        today = business_today(self._hands.clock(), self._hands.settings.business.timezone)
        return self._bench.run("train", today, ("train", "--as-of", today.isoformat(), "--unless-trained"))

    def _pause(self, code: int | None, pauses: Iterator[float], due: datetime) -> float | None:
        """Return how long to wait before trying again; None where the job is done with."""
        if code == TRANSIENT:
            return next(pauses, None)
        if code == LOCKED and not self._is_late(due):
            return LOOK_SECONDS
        return None
