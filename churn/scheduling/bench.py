"""One job at a time as a process of its own: its start, its end, what is kept and told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from churn.config import Settings
from churn.ledger import Clock
from churn.scheduling.asking import Ledger
from churn.scheduling.board import Board
from churn.scheduling.healthfile import AtWork, Outcome
from churn.scheduling.process import Child, Start

NOT_STARTED = 71
LOCKED, TRANSIENT = 17, 75

Tell = Callable[[Settings, Clock, str, date, int], None]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Hands:
    """What the scheduler reaches the world with.

    Attributes
    ----------
    settings : Settings
    clock : callable
        Gives the current UTC time.
    start : callable
        Starts `churn <words>` as a process.
    ledger : Ledger
    tell : callable
        Tells people of a job that ended badly, unless it has done so itself (`churn.alerts.tell_died`).
    note : callable
        Says a sentence in the log.
    """

    settings: Settings
    clock: Clock
    start: Start
    ledger: Ledger
    tell: Tell
    note: Note


class Bench:
    """Where one job is at work.

    Parameters
    ----------
    hands : Hands
    board : Board
        Is told what happens.
    """

    def __init__(self, hands: Hands, board: Board) -> None:
        self._hands = hands
        self._board = board
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._aborted = False

    def abort(self) -> None:
        """End the job at work, and start none any more."""
        with self._lock:
            self._aborted = True
            child = self._child
        if child is not None:
            child.abort()

    def run(self, job: str, as_of: date, words: Sequence[str]) -> int | None:
        """Run one process to its end.

        Parameters
        ----------
        job : {"nightly", "train"}
        as_of : date
        words : sequence of str
            The command, behind `churn`.

        Returns
        -------
        int or None
            Its exit code, negative for a signal; None where it was ended because the scheduler stops.
        """
        began = self._hands.clock()
        self._hands.note(f"starting {job} as of {as_of}")
        code = self._waited_for(job, as_of, words, began)
        if code is None:
            return None
        ended, aborted = self._hands.clock(), self._aborted and code != 0
        self._board.finish(
            Outcome(job=job, as_of=as_of, started_at=began, finished_at=ended, exit_code=code, aborted=aborted)
        )
        if aborted:
            self._hands.note(f"{job} as of {as_of} was ended, since the scheduler stops")
            return None
        self._hands.note(f"{job} as of {as_of} ended with exit code {code}")
        if code not in {0, LOCKED, TRANSIENT}:
            self._hands.tell(self._hands.settings, self._hands.clock, job, as_of, code)
        return code

    def _waited_for(self, job: str, as_of: date, words: Sequence[str], began: datetime) -> int | None:
        with self._lock:
            if self._aborted:
                return None
            try:
                child = self._child = self._hands.start(words)
            except OSError as error:
                self._hands.note(f"{job} can't be started: {error}")
                return NOT_STARTED
            self._board.begin(AtWork(job=job, as_of=as_of, since=began, pid=child.pid))
        code = child.wait()
        with self._lock:
            self._child = None
        return code
