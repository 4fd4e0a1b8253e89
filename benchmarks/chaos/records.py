"""What is known of an undisturbed night, and what became of a disturbed one."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.chaos.looking import Fingerprint


@dataclass(frozen=True)
class Undisturbed:
    """How a scenario's night goes and what it shows where nothing disturbs it.

    Attributes
    ----------
    seconds : float
        From the start of the process to its end.
    spans : dict of str to (float, float)
        Seconds from the start of the process, by stage.
    commits : int
        COMMITs of the job in the warehouse.
    old, new : Fingerprint
        What a reader sees before and after; without the slow views.
    shown : Fingerprint
        All views after it.
    relations : set of str
    staged : dict of str to str
    files : tuple of str
    """

    seconds: float
    spans: dict[str, tuple[float, float]]
    commits: int
    old: Fingerprint
    new: Fingerprint
    shown: Fingerprint
    relations: set[str]
    staged: dict[str, str]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a disturbed night.

    Attributes
    ----------
    number : int
    fault, scenario : str
    stage : str
        In which stage it was when it was disturbed.
    exits : tuple of int
        Exit codes of the disturbed commands; a signal's is negative.
    reruns : int
        Commands it took until one succeeded.
    seconds_to_recover : float
        That they took together.
    resumed_from : str or None
        First stage of the rerun, where it went on with the run of before.
    looks : int
        Looks of the reader.
    violations : tuple of str
    said : tuple of str
        Last words of the disturbed commands.
    """

    number: int
    fault: str
    scenario: str
    stage: str
    exits: tuple[int, ...]
    reruns: int
    seconds_to_recover: float
    resumed_from: str | None
    looks: int
    violations: tuple[str, ...]
    said: tuple[str, ...]
