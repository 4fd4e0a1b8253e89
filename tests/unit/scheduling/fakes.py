"""A world for the scheduler without processes, databases or waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from churn.config import Settings
from churn.errors import ChurnError
from churn.scheduling.asking import Training
from churn.scheduling.bench import Hands
from churn.scheduling.board import Board
from churn.scheduling.work import Stopping, Worker

NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)


class FakeChild:
    """A job that has ended before anybody waits for it."""

    pid = 4711

    def __init__(self, code: int) -> None:
        self.code = code
        self.aborted = False

    def wait(self, _seconds: float | None = None) -> int:
        return self.code

    def abort(self) -> None:
        self.aborted = True


class FakeStopping(Stopping):
    """Pauses take no time, but move the clock."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.pauses: list[float] = []
        self.before_pause: Callable[[], None] = lambda: None

    def pause(self, seconds: float) -> bool:
        self.before_pause()
        self.pauses.append(seconds)
        self._world.now += timedelta(seconds=seconds)
        return self.asked


@dataclass
class World:
    """Holds what the scheduler sees and does.

    `codes` are the exit codes of the jobs to come, then 0 for ever; a night that ends with 0 is published.
    """

    settings: Settings = field(default_factory=Settings)
    now: datetime = NOW
    codes: list[int | OSError] = field(default_factory=list)
    published: set[date] = field(default_factory=set)
    training: list[Training] = field(default_factory=list)
    others_train: list[bool] = field(default_factory=list)
    errors: list[ChurnError] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    told: list[tuple[str, date, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked_since: list[datetime] = field(default_factory=list)
    during: Callable[[], object] = lambda: None
    child: Callable[[int], FakeChild] = FakeChild

    def __post_init__(self) -> None:
        self.stopping = FakeStopping(self)
        self.board = Board(self.settings, started_at=self.now, pid=1, host="here")
        hands = Hands(self.settings, self.clock, self.start, self, self._tell, self.notes.append)
        self.worker = Worker(hands, self.board, self.stopping)

    def clock(self) -> datetime:
        return self.now

    # ------------------------------------------------------------ processes

    def start(self, words: Sequence[str]) -> FakeChild:
        self.started.append(" ".join(words))
        code = self.codes.pop(0) if self.codes else 0
        if isinstance(code, OSError):
            raise code
        self.during()
        self.now += timedelta(minutes=10)
        if code == 0 and words[0] == "nightly":
            self.published.add(date.fromisoformat(words[2]))
        return self.child(code)

    def nights(self) -> list[str]:
        """The nights that were started, in order."""
        return [words.split()[2] for words in self.started if words.startswith("nightly")]

    # ------------------------------------------------------------ the ledger

    def _answer(self) -> None:
        if self.errors:
            raise self.errors.pop(0)

    def is_published(self, night: date) -> bool:
        self._answer()
        return night in self.published

    def latest_published(self) -> date | None:
        self._answer()
        return max(self.published, default=None)

    def training_since(self, due: datetime, _now: datetime) -> Training:
        self._answer()
        self.asked_since.append(due)
        return self.training.pop(0) if self.training else "none"

    @contextmanager
    def training_alone(self) -> Iterator[bool]:
        self._answer()
        yield not (self.others_train.pop(0) if self.others_train else False)

    def _tell(self, _settings: Settings, _clock: Any, job: str, as_of: date, code: int) -> None:
        self.told.append((job, as_of, code))
