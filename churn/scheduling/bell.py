"""A bell that signals ring: none is missed, however the moment falls."""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Bell:
    """Rings once for each signal and each call of `ring`.

    A handler in Python runs between two steps of the main thread: one that is due just before that thread begins to
    wait runs only after the wait. A byte in a socket, written by the interpreter as the signal arrives, ends the wait.
    """

    def __init__(self) -> None:
        self._heard, self._rung = socket.socketpair()
        self._heard.setblocking(False)
        self._rung.setblocking(False)

    def ring(self) -> None:
        """Ring, from any thread."""
        self._rung.send(b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait for a ring; false where there was none in that time."""
        if not select.select([self._heard], [], [], seconds)[0]:
            return False
        self._heard.recv(1)
        return True

    @contextmanager
    def at_signals(self) -> Iterator[None]:
        """Ring when we are asked to stop, for as long as the block runs.

        A signal that we were started to ignore, as by nohup, stays ignored.
        """
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = signal.set_wakeup_fd(self._rung.fileno(), warn_on_full_buffer=False)
        former = {number: signal.signal(number, lambda *_: None) for number in heard}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        """Give the sockets back."""
        self._heard.close()
        self._rung.close()
