"""How many requests may wait for the warehouse: fewer than the server answers, so that some threads are always free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from churn.errors import TransientError

PATIENCE_SECONDS = 2.0


class Places:
    """Places at the warehouse.

    Who finds none waits for as long as others come and go. Once nobody has for some seconds, the warehouse hangs:
    whoever comes then is told so at once, until somebody leaves.

    Parameters
    ----------
    most : int
    patience_seconds : float
        How long nobody may leave.
    """

    def __init__(self, most: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._free, self._patience = most, patience_seconds
        self._gone = 0
        self._hangs = False
        self._changed = threading.Condition()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises
        ------
        TransientError
            There is none, and nobody leaves.
        """
        self.take()
        try:
            yield
        finally:
            self.leave()

    def take(self) -> None:
        """Take a place, to be given back with `leave`.

        Raises
        ------
        TransientError
            There is none, and nobody leaves.
        """
        with self._changed:
            while self._free == 0:
                before = self._gone
                if self._hangs or not (self._changed.wait(self._patience) or self._gone != before):
                    self._hangs = True
                    raise TransientError("The warehouse does not answer.", "Load the page again in a moment.")
            self._free -= 1

    def leave(self) -> None:
        """Give a place back."""
        with self._changed:
            self._free += 1
            self._gone += 1
            self._hangs = False
            self._changed.notify()


def places_of(threads: int) -> int:
    """Return how many of the server's threads may wait for the warehouse: a quarter is left for what needs none."""
    return max(1, threads - max(1, threads // 4))
