"""What this machine knows to have been told of what the warehouse holds: for when the warehouse can't be asked.

A cause that is open there and known to a channel is not told again from here. What was sent while the warehouse broke
off, before it could keep that, is entered there later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from churn.alerts import offline
from churn.alerts.book import RECOVERED

FILE = "alerts-told.json"
BELIEVED = timedelta(days=2)
"""How long it is believed that a cause which was open is so still; another machine may have ended it."""


@dataclass(frozen=True)
class Mark:
    """That a channel was told of a row of `ops.alerts`, which the row may not say.

    Attributes
    ----------
    alert_id : int
    cause : str
    word : str
        What `sent_to` of the row is to have.
    """

    alert_id: int
    cause: str
    word: str


@dataclass(frozen=True)
class Memory:
    """What is known.

    Attributes
    ----------
    at : datetime or None
        When the warehouse was asked last, UTC.
    causes : mapping of str to tuple of str
        Causes that were open in the warehouse then, with the channels that knew of them.
    marks : tuple of Mark
    """

    at: datetime | None = None
    causes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()

    def knowing(self, cause: str, at: datetime) -> tuple[str, ...]:
        """Return the channels that know of a cause."""
        is_fresh = self.at is not None and at - self.at <= BELIEVED
        sent = [mark.word for mark in self.marks if mark.cause == cause and not mark.word.endswith(RECOVERED)]
        return (*(self.causes.get(cause, ()) if is_fresh else ()), *sent)

    def with_marks(self, marks: Iterable[Mark]) -> Memory:
        """Return it with more marks, each once."""
        return Memory(self.at, self.causes, tuple(dict.fromkeys([*self.marks, *marks])))


def remembered(home: Path) -> Memory:
    """Return what the file holds; nothing where there is none, or none that can be read."""
    try:
        found = json.loads((home / FILE).read_text(encoding="utf-8"))
        causes = {str(cause): tuple(map(str, channels)) for cause, channels in found["causes"].items()}
        marks = tuple(Mark(int(number), str(cause), str(word)) for number, cause, word in found["marks"])
        return Memory(datetime.fromisoformat(found["at"]) if found["at"] else None, causes, marks)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Memory()


def remember(home: Path, memory: Memory) -> None:
    """Write the file whole, or take it away where there is nothing to remember."""
    if not memory.causes and not memory.marks:
        (home / FILE).unlink(missing_ok=True)
        return
    content = {
        "at": memory.at.isoformat() if memory.at else None,
        "causes": {cause: list(channels) for cause, channels in memory.causes.items()},
        "marks": [astuple(mark) for mark in memory.marks],
    }
    offline.write_whole(home / FILE, content)
