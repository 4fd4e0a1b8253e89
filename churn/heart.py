"""A run's sign of life in the ledger, beside the work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from churn.errors import ChurnError
from churn.ledger import Run, beat
from churn.progress import Progress
from churn.warehouse import Database

HEARTBEAT_SECONDS = 15.0


@dataclass
class Heart:
    """Says in the ledger, every so often, that a run is alive; in a thread, beside the work."""

    warehouse: Database
    run: Run
    progress: Progress
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat as long as the block lasts."""
        thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _beat(self) -> None:
        is_told = False
        while not self._stop.wait(HEARTBEAT_SECONDS):
            try:
                beat(self.warehouse, self.run.run_id, self.run.clock())
            except ChurnError as error:
                # The work itself meets the same trouble, and acts on it; this only has to be heard of.
                if not is_told:
                    self.progress.note(f"No sign of life could be given: {error.message}")
                is_told = True
