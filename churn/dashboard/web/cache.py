"""Answers that are given again as they were: for a few seconds, and not beyond a newly published night."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

from churn.ledger import Clock

MOST_BYTES = 64 * 1024**2
EDITION_SECONDS = 1.0

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
    edition: Hashable


class Flights(Generic[T]):
    """Work that is done once for all who ask for it at the same time; a failure is theirs together too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[T]] = {}

    def do(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returns, called here or by another thread that asked for the same before it ended."""
        with self._lock:
            found = self._under_way.get(key)
            mine: Future[T] | None = None
            if found is None:
                found = mine = self._under_way[key] = Future()
        if mine is None:
            return found.result()
        try:
            mine.set_result(make())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return mine.result()


class Edition:
    """Which published night readers see, looked up at most once a second.

    Parameters
    ----------
    look : callable
        Reads it.
    clock : callable
    """

    def __init__(self, look: Callable[[], Hashable], clock: Clock) -> None:
        self._look, self._clock = look, clock
        self._flights: Flights[Hashable] = Flights()
        self._known: tuple[datetime, Hashable] | None = None

    def now(self) -> Hashable:
        """Return it as it was within the last second."""
        known, now = self._known, self._clock()
        if known is not None and timedelta() <= now - known[0] < timedelta(seconds=EDITION_SECONDS):
            return known[1]
        return self._flights.do(None, lambda: self._looked_up(now))

    def _looked_up(self, now: datetime) -> Hashable:
        found = self._look()
        self._known = (now, found)
        return found


class Answers:
    """Whole answers by what was asked, the latest used kept longest.

    Parameters
    ----------
    edition : Edition
        An answer is not given beyond the night of which it is.
    clock : callable
    seconds : float
        How long one is given again.
    most_bytes : int
        Of all bodies together.
    """

    def __init__(self, edition: Edition, clock: Clock, seconds: float, most_bytes: int = MOST_BYTES) -> None:
        self._edition, self._clock = edition, clock
        self._age, self._most_bytes = timedelta(seconds=seconds), most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0
        self._flights: Flights[Made] = Flights()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return a kept answer, or make it; many who ask for the same at once wait for one."""
        edition = self._edition.now()
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self._is_good(kept, edition):
                self._kept.move_to_end(key)
                return kept.made
        return self._flights.do((key, edition), lambda: self._make(key, edition, make))

    def _is_good(self, kept: _Kept, edition: Hashable) -> bool:
        return kept.edition == edition and timedelta() <= self._clock() - kept.at < self._age

    def _make(self, key: Hashable, edition: Hashable, make: Callable[[], Made]) -> Made:
        at = self._clock()
        made = make()
        if self._age and len(made.body) <= self._most_bytes:
            with self._lock:
                self._forget(key)
                self._kept[key] = _Kept(made, at, edition)
                self._bytes += len(made.body)
                while self._bytes > self._most_bytes:
                    self._forget(next(iter(self._kept)))
        return made

    def _forget(self, key: Hashable) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.made.body)
