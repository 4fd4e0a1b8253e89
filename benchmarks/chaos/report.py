"""The report of a campaign, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import mean, median
from typing import Any

from benchmarks.chaos.faults import FAULTS
from benchmarks.tables import machine, number, table, verdicts, versions
from churn.pipeline import STAGES

LEAST_NIGHTS = 100
_KILL = "kill"
_EXITS = {-9: "killed", 0: "0"}


@dataclass
class Campaign:
    """What the lanes told.

    Attributes
    ----------
    seed, wanted_nights : int
    seconds : float
    lanes : list of dict
        Of each: seconds of the undisturbed night and its stages by scenario; the faults that were skipped.
    outcomes : list of dict
        One `night.Outcome` each.
    """

    seed: int
    wanted_nights: int
    seconds: float = 0.0
    lanes: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def violations(self) -> list[tuple[dict[str, Any], str]]:
        """What did not hold, and in which night."""
        return [(outcome, text) for outcome in self.outcomes for text in outcome["violations"]]

    @property
    def is_enough(self) -> bool:
        """Whether as many nights were disturbed as were asked for, or a hundred."""
        return len(self.outcomes) >= min(LEAST_NIGHTS, self.wanted_nights)

    @property
    def unlike(self) -> list[str]:
        """What two lanes' undisturbed nights differ in: then they can't be compared with."""
        first, *others = [lane["undisturbed"] for lane in self.lanes] or [{}]
        return sorted(
            f"{scenario}: {part}"
            for other in others
            for scenario, parts in first.items()
            for part, digest in parts.items()
            if other[scenario][part] != digest
        )

    @property
    def holds(self) -> bool:
        """Whether everything held, in as many nights as were wanted."""
        return self.is_enough and not self.violations and not self.unlike


def report(campaign: Campaign) -> str:
    """Return what became of the nights, by fault and by stage, and what did not hold."""
    nights, looks = len(campaign.outcomes), sum(outcome["looks"] for outcome in campaign.outcomes)
    hit = {outcome["stage"] for outcome in campaign.outcomes}
    skipped = sorted({name for lane in campaign.lanes for name in lane["skipped"]})
    criteria = [
        (f"{nights} nights were disturbed, of {min(LEAST_NIGHTS, campaign.wanted_nights)} wanted", campaign.is_enough),
        (
            f"after the rerun, all `bi` views equal the undisturbed night's, nothing is left behind, and of {looks:,} "
            f"looks none saw half a night: {len(campaign.violations)} violations",
            not campaign.violations,
        ),
        (
            "undisturbed nights are alike wherever they are run"
            + (f", but for {', '.join(campaign.unlike)}" if campaign.unlike else ""),
            not campaign.unlike,
        ),
    ]
    parts = [
        "# Faults",
        "What becomes of nights that something goes wrong in. Each row is a fault that is let loose on a night at a "
        "random instant; then `churn nightly` is run again until it succeeds, and the warehouse is compared with one "
        "that nothing disturbed: every `bi` view, every relation, staging, locks, sessions, temporary files, the "
        "ledger. A reader looks at the views all through. Written by `make chaos`.",
        f"Measured on {datetime.now(UTC).date()}: {machine()}; {versions()}. Seed {campaign.seed}, "
        f"{campaign.seconds / 60:.1f} minutes.",
        verdicts(criteria),
        "## By fault",
        _by_fault(campaign.outcomes),
        "*Ended with*: exit codes of the disturbed commands and how often. *Survived*: nights in which the command "
        "itself carried on and succeeded. *To recover*: seconds of the command run again, median and longest. "
        "*Resumed*: nights in which that continued the run of before.",
        "## By stage",
        _by_stage(campaign),
        f"Stages that were hit: {len(hit & set(STAGES))} of {len(STAGES)}. *Share of the night* is what the stage "
        "takes undisturbed.",
    ]
    if skipped:
        parts.append(f"Left out, since no file system could be mounted here: {', '.join(skipped)}.")
    if campaign.violations:
        parts += ["## What did not hold", _violations(campaign)]
    return "\n\n".join(parts)


def _by_fault(outcomes: Sequence[dict[str, Any]]) -> str:
    rows = []
    for fault in FAULTS:
        found = [outcome for outcome in outcomes if outcome["fault"] == fault.name]
        if found:
            rows.append([fault.words, *_figures(found)])
    rows.append(["all", *_figures(outcomes)])
    columns = ["Fault", "Nights", "Ended with", "Survived", "Reruns", "To recover, s", "Resumed", "Violations"]
    return table(columns, rows)


def _figures(found: Sequence[dict[str, Any]]) -> list[str]:
    if not found:
        return ["0", *["–"] * 6]
    codes = Counter(code for outcome in found for code in outcome["exits"])
    seconds = [outcome["seconds_to_recover"] for outcome in found]
    survived = sum(1 for outcome in found if outcome["exits"][0] == 0)
    return [
        str(len(found)),
        ", ".join(f"{_EXITS.get(code, code)} × {count}" for code, count in sorted(codes.items())),
        str(survived),
        number(mean(outcome["reruns"] for outcome in found), 2),
        f"{median(seconds):.1f}, {max(seconds):.1f}",
        str(sum(1 for outcome in found if outcome["resumed_from"])),
        str(sum(len(outcome["violations"]) for outcome in found)),
    ]


def _by_stage(campaign: Campaign) -> str:
    outcomes = campaign.outcomes
    shares = _shares(campaign.lanes)
    places = [*STAGES, *sorted({outcome["stage"] for outcome in outcomes} - set(STAGES))]
    rows = []
    for place in places:
        found = [outcome for outcome in outcomes if outcome["stage"] == place]
        resumed = sum(1 for outcome in outcomes if outcome["resumed_from"] == place)
        killed = sum(1 for outcome in found if outcome["fault"] == _KILL)
        share = f"{shares[place]:.0%}" if place in shares else "–"
        rows.append([place, share, str(len(found)), str(killed), str(resumed)])
    return table(["Stage", "Share of the night", "Disturbed there", "Killed there", "Resumed from there"], rows)


def _shares(lanes: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return each stage's share of the undisturbed night, over scenarios and lanes."""
    timed = [stages for lane in lanes for stages in lane["stages"].values()]
    return {stage: mean(one.get(stage, 0.0) / one["night"] for one in timed) for stage in STAGES} if timed else {}


def _violations(campaign: Campaign) -> str:
    lines = []
    for outcome, text in campaign.violations:
        again = f"python -m benchmarks.chaos --seed {campaign.seed} --first {outcome['number']} --nights 1"
        ended = ", ".join(map(str, outcome["exits"]))
        lines.append(
            f"- Night {outcome['number']} ({outcome['fault']}, {outcome['scenario']}, in {outcome['stage']}, "
            f"ended with {ended}): {text}. Again: `{again}`"
        )
    return "\n".join(lines)
