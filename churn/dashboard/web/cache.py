"""Answers that are given again as they were: for a few seconds, and not beyond a newly published night."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

from churn.errors import ChurnError, TransientError
from churn.ledger import Clock

MOST_BYTES = 64 * 1024**2
EDITION_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 12.0
_OVERHEAD_BYTES = 500

T = TypeVar("T")


@dataclass(frozen=True)
class Made:
    """A whole answer.

    Attributes
    ----------
    body : bytes
    mimetype : str
    headers : mapping
        More of them.
    """

    body: bytes
    mimetype: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def etag(self) -> str:
        """Differs where the body does."""
        return hashlib.sha256(self.body).hexdigest()[:32]


@dataclass(frozen=True)
class _Kept:
    made: Made
    at: datetime
    size: int


class Flights(Generic[T]):
    """Work that is done once for all who ask for it at the same time; a failure is theirs together too.

    Parameters
    ----------
    longest_wait_seconds : float
        How long those wait for it who do not do it.
    """

    def __init__(self, longest_wait_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        self._longest_wait = longest_wait_seconds
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[T]] = {}

    def do(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returns, called here or by another thread that asked for the same before it ended.

        Raises
        ------
        TransientError
            The other thread took too long.
        """
        with self._lock:
            found = self._under_way.get(key)
            mine: Future[T] | None = None
            if found is None:
                found = mine = self._under_way[key] = Future()
        if mine is None:
            return self._waited_for(found)
        try:
            mine.set_result(make())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return mine.result()

    def _waited_for(self, found: Future[T]) -> T:
        wait([found], self._longest_wait)
        if not found.done():
            raise TransientError("The warehouse does not answer.", "Load the page again in a moment.")
        return found.result()


class Edition:
    """Which published night readers see, looked up at most once a second.

    Parameters
    ----------
    look : callable
        Reads it.
    clock : callable
    longest_wait_seconds : float
        How long one who asks waits for another who looks.
    """

    def __init__(
        self, look: Callable[[], Hashable], clock: Clock, longest_wait_seconds: float = LONGEST_WAIT_SECONDS
    ) -> None:
        self._look, self._clock = look, clock
        self._flights: Flights[Hashable] = Flights(longest_wait_seconds)
        self._known: tuple[datetime, Hashable] | None = None
        self._failed: tuple[datetime, ChurnError] | None = None

    def now(self) -> Hashable:
        """Return it as it was within the last second; what failed within the last second fails again.

        Raises
        ------
        ChurnError
            It can't be looked up.
        """
        known, failed, now = self._known, self._failed, self._clock()
        if known is not None and _is_recent(known[0], now):
            return known[1]
        if failed is not None and _is_recent(failed[0], now):
            raise failed[1].with_traceback(None)
        try:
            return self._flights.do(None, lambda: self._looked_up(now))
        except ChurnError as error:
            self._failed = (self._clock(), error)
            raise

    def _looked_up(self, now: datetime) -> Hashable:
        found = self._look()
        self._known = (now, found)
        return found


def _is_recent(then: datetime, now: datetime) -> bool:
    return timedelta() <= now - then < timedelta(seconds=EDITION_SECONDS)


class Answers:
    """Whole answers by what was asked, the latest used kept longest.

    Parameters
    ----------
    edition : Edition
        An answer is neither given nor kept beyond the night of which it is.
    clock : callable
    seconds : float
        How long one is given again.
    most_bytes : int
        Of all that is kept together.
    longest_wait_seconds : float
        How long one who asks waits for another who makes the same answer.
    """

    def __init__(
        self,
        edition: Edition,
        clock: Clock,
        seconds: float,
        most_bytes: int = MOST_BYTES,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        self._edition, self._clock = edition, clock
        self._age, self._most_bytes = timedelta(seconds=seconds), most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._kept_of: Hashable = None
        self._bytes = 0
        self._flights: Flights[Made] = Flights(longest_wait_seconds)

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return a kept answer, or make it; many who ask for the same at once wait for one."""
        edition = self._edition.now()
        with self._lock:
            if edition != self._kept_of:
                self._kept.clear()
                self._kept_of, self._bytes = edition, 0
            kept = self._kept.get(key)
            if kept is not None and timedelta() <= self._clock() - kept.at < self._age:
                self._kept.move_to_end(key)
                return kept.made
        return self._flights.do((key, edition), lambda: self._make(key, edition, make))

    def _make(self, key: Hashable, edition: Hashable, make: Callable[[], Made]) -> Made:
        at = self._clock()
        made = make()
        size = len(made.body) + len(repr(key)) + _OVERHEAD_BYTES
        if self._age and size <= self._most_bytes:
            with self._lock:
                if edition == self._kept_of:
                    self._keep(key, _Kept(made, at, size))
        return made

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        self._forget(key)
        self._kept[key] = kept
        self._bytes += kept.size
        while self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Hashable) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= gone.size
