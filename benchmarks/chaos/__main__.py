"""`make chaos`: a campaign of faults, with a table of what became of every night."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.chaos.dealing import chosen
from benchmarks.chaos.report import Campaign, report
from benchmarks.place import exit_code_of, report_to, say
from churn.errors import WarehouseError

_CHECKOUT = Path(__file__).resolve().parents[2]
_LANES = 2
_RESERVE_SECONDS = 15.0
_GRACE_SECONDS = 180.0
# Two lanes share two cores: nobody starts threads of their own.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 where something did not hold."""
    options = _parser().parse_args(arguments)
    campaign = Campaign(seed=options.seed, wanted_nights=options.nights)

    def run() -> None:
        chosen(options.faults)
        _run_lanes(options, campaign)
        report_to(options.write, report(campaign))

    return exit_code_of(run) or (0 if campaign.holds else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__)
    parser.add_argument("--nights", type=int, default=110)
    parser.add_argument("--minutes", type=float, default=10.0, help="No more nights begin shortly before that.")
    parser.add_argument("--seed", type=int, default=7, help="Decides faults, scenarios and moments.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first night, to play one once more.")
    parser.add_argument("--faults", nargs="*", default=[], help="Only these.")
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--write", type=Path, metavar="FILE", help="Write the report there, too: docs/chaos.md.")
    return parser


@dataclass
class _Lane:
    """A lane's process, and the thread that hears what it tells."""

    process: subprocess.Popen[str]
    told: list[dict[str, Any]] = field(default_factory=list)


def _run_lanes(options: argparse.Namespace, campaign: Campaign) -> None:
    begun = time.monotonic()
    lanes = min(_LANES, options.nights)
    running = [_start(options, place, lanes) for place in range(lanes)]
    hearing = [threading.Thread(target=_hear, args=(lane.process.stdout, campaign)) for lane in running]
    for thread in hearing:
        thread.start()
    try:
        for lane in running:
            left = options.minutes * 60 + _GRACE_SECONDS - (time.monotonic() - begun)
            if lane.process.wait(max(1.0, left)):
                raise WarehouseError("A lane of the campaign failed; what it said is above.")
    finally:
        for lane in running:
            if lane.process.poll() is None:
                lane.process.terminate()
                lane.process.wait(_GRACE_SECONDS)
        for thread in hearing:
            thread.join()
    campaign.seconds = time.monotonic() - begun


def _start(options: argparse.Namespace, place: int, lanes: int) -> _Lane:
    nights = len(range(place, options.nights, lanes))
    arguments = {
        "--seed": options.seed,
        "--first": options.first + place,
        "--step": lanes,
        "--nights": nights,
        "--customers": options.customers,
        # Two lanes measure the undisturbed nights once each, and are compared.
        "--measurements": 1 if lanes > 1 else 2,
        "--seconds": max(60.0, options.minutes * 60 - _RESERVE_SECONDS),
    }
    words = [str(word) for pair in arguments.items() for word in pair]
    if options.faults:
        words += ["--faults", *options.faults]
    return _Lane(
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.chaos.lane", *words],
            cwd=_CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_ONE_THREAD},
        )
    )


def _hear(stream: IO[str] | None, campaign: Campaign) -> None:
    assert stream is not None
    for line in stream:
        told = json.loads(line)
        if "stages" in told:
            campaign.lanes.append(told)
            continue
        campaign.outcomes.append(told)
        ended = ", ".join(map(str, told["exits"]))
        say(
            f"{len(campaign.outcomes):>4}  night {told['number']:<4} {told['fault']:<12} {told['stage']:<18} "
            f"ended with {ended:<8} recovered in {told['seconds_to_recover']:5.1f} s"
            + "".join(f"\n      VIOLATION: {text}" for text in told["violations"])
        )


if __name__ == "__main__":
    sys.exit(main())
