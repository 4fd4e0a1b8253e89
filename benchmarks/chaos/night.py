"""One night: it is run while something disturbs it, run again, and compared with the undisturbed one."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.chaos.aftermath import violations
from benchmarks.chaos.child import Child, Clock, Command, complaint, events, first_stage, run_id, stage_of
from benchmarks.chaos.ground import Ground, Scenario
from benchmarks.chaos.looking import Reader
from benchmarks.chaos.records import Outcome, Undisturbed
from tests.e2e.company import Office

if TYPE_CHECKING:
    from benchmarks.chaos.faults import Fault

MOST_RERUNS = 4
_HUNG_SECONDS = 60.0
_UNEXPECTED_EXITS = (1, 2, 10)


@dataclass
class Night:
    """A night that a fault is let loose on.

    Attributes
    ----------
    ground : Ground
    scenario : Scenario
    office : Office
    known : Undisturbed or None
        None while the undisturbed night itself is measured.
    rng : numpy.random.Generator
    reader : Reader
    """

    ground: Ground
    scenario: Scenario
    office: Office
    known: Undisturbed | None
    rng: np.random.Generator
    reader: Reader
    stage: str = ""
    children: list[Child] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    # ------------------------------------------------------------ what faults use

    def begin(
        self,
        *options: str,
        later: timedelta = timedelta(),
        jump: tuple[float, timedelta] | None = None,
        lock_timeout: str | None = None,
    ) -> Child:
        """Start `churn nightly`."""
        line = ("nightly", "--as-of", str(self.scenario.as_of), "--config", str(self.office.config), *options)
        seconds, by = jump if jump is not None else (None, timedelta())
        log = self.office.folder / f"command_{len(self.children)}.log"
        child = Child(Command(line, log, Clock(self.scenario.now + later, seconds, by), lock_timeout))
        self.children.append(child)
        return child

    def instant(self, stage: str | None = None) -> float:
        """Draw a moment, in seconds after the start of the command.

        Every moment of the stage is as likely; without one, every moment of the night in half of the cases, and in
        the other half every stage is as likely, so that the short ones are hit, too.
        """
        assert self.known is not None
        spans = self.known.spans
        if stage is None and self.chance(0.5):
            stage = list(spans)[self.rng.integers(len(spans))]
        return float(self.rng.uniform(*(spans[stage] if stage is not None else (0.0, self.known.seconds))))

    def wait_until(self, child: Child, seconds: float) -> None:
        """Wait for a moment of a command, or its end; remember the stage it is in then."""
        child.wait(max(0.0, seconds - child.elapsed()))
        self.note_stage(child)

    def note_stage(self, child: Child) -> None:
        """Remember the stage that a command is in at this moment: that is when it is disturbed."""
        self.stage = stage_of(events(child.command.log)) if child.is_alive else "it was over"

    def end(self, child: Child) -> int:
        """Wait for a command's end; one that does not end is a violation, and is killed."""
        code = child.wait(_HUNG_SECONDS)
        if code is None:
            self.complaints.append(
                f"the command hung for {_HUNG_SECONDS:.0f} seconds in {stage_of(events(child.command.log))}"
            )
            child.send(signal.SIGKILL)
            code = child.wait(_HUNG_SECONDS)
        self.exits.append(int(code or 0))
        return self.exits[-1]

    def chance(self, probability: float) -> bool:
        """Throw a coin."""
        return bool(self.rng.random() < probability)

    # ------------------------------------------------------------ after the fault

    def rerun(self) -> tuple[int, float, str | None]:
        """Run the command again until it succeeds; return how often, how long it took and where it went on."""
        begun, resumed = time.monotonic(), None
        dead = {run_id(events(child.command.log)) for child in self.children}
        for number in range(1, MOST_RERUNS + 1):
            child = self.begin(later=timedelta(hours=number))
            code = child.wait(_HUNG_SECONDS)
            logged = events(child.command.log)
            if resumed is None and run_id(logged) in dead - {None}:
                resumed = first_stage(logged) or "the end"
            if code == 0:
                return number, time.monotonic() - begun, resumed
            child.send(signal.SIGKILL)
            self.complaints += _unexpected([code or 0], "the rerun", child)
        self.complaints.append(
            f"the night does not recover: {MOST_RERUNS} reruns failed, {complaint(child.command.log)}"
        )
        return MOST_RERUNS, time.monotonic() - begun, resumed


def _unexpected(codes: Sequence[int], what: str, child: Child) -> list[str]:
    return [
        f"{what} ended with exit code {code}: {complaint(child.command.log)}"
        for code in codes
        if code in _UNEXPECTED_EXITS
    ]


def play(
    ground: Ground,
    known: dict[Scenario, Undisturbed],
    fault: Fault,
    scenario: Scenario,
    *,
    number: int,
    seed: int,
    again: bool = True,
    sabotage: Callable[[Office], None] | None = None,
) -> Outcome:
    """Disturb a night, run it again, and say what does not hold.

    Parameters
    ----------
    ground : Ground
    known : dict of Scenario to Undisturbed
    fault : Fault
    scenario : Scenario
    number, seed : int
        They decide everything that is drawn.
    again : bool
        Run the command again also where the disturbed one succeeded.
    sabotage : callable, optional
        Spoils the warehouse after the rerun, to see that it is found.
    """
    rng = np.random.default_rng([seed, number])
    wanted = known[scenario]
    with ground.opened(scenario, on_small_disk=fault.needs_small_disk) as office:
        reader = Reader(office, may_be_refused=fault.stops_server)
        night = Night(ground, scenario, office, wanted, rng, reader)
        with reader.reading():
            fault.strike(night)
            disturbed = list(night.children)
            reader.look()
            has_survived = night.exits[-1] == 0
            reruns, seconds, resumed = (0, 0.0, None) if has_survived and not again else night.rerun()
            if sabotage is not None:
                sabotage(office)
        found = [*night.complaints, *reader.violations(wanted.old, wanted.new)]
        for child, code in zip(disturbed, night.exits, strict=False):
            found += _unexpected([code], "the disturbed command", child)
        found += violations(office, wanted.shown, wanted.relations, wanted.staged, wanted.files)
        said = tuple(complaint(child.command.log) for child in disturbed)
    exits = tuple(night.exits)
    return Outcome(
        number,
        fault.name,
        scenario.name,
        night.stage,
        exits,
        reruns,
        seconds,
        resumed,
        reader.looks,
        tuple(found),
        said,
    )
