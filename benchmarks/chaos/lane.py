"""One lane of the campaign: a process with a server of its own, which disturbs one night after the other."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.chaos.calm import digests, undisturbed
from benchmarks.chaos.child import warm_up
from benchmarks.chaos.dealing import chosen, deal
from benchmarks.chaos.ground import Ground
from benchmarks.chaos.night import play
from benchmarks.place import exit_code_of, refuse_environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the lane's nights and print one JSON object a line: what was measured undisturbed, then each outcome."""
    options = _parser().parse_args(arguments)
    # Told to stop, it still takes its server and its file system away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    return exit_code_of(lambda: run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.chaos.lane", description=__doc__)
    for name in ("--seed", "--first", "--step", "--nights", "--customers", "--measurements"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="No night begins later than that.")
    parser.add_argument("--faults", nargs="*", default=[])
    return parser


def run(options: argparse.Namespace) -> None:
    """Prepare the ground, then play until the nights or the time are over."""
    begun = time.monotonic()
    refuse_environment()
    warm_up()
    with tempfile.TemporaryDirectory(prefix="churn-chaos-", ignore_cleanup_errors=True) as folder:
        ground = Ground(Path(folder), customers=options.customers, is_trained=True)
        with ground.prepared():
            known = {
                scenario: undisturbed(ground, scenario, times=options.measurements) for scenario in ground.scenarios
            }
            faults = [fault for fault in chosen(options.faults) if ground.has_small_disk or not fault.needs_small_disk]
            skipped = [fault.name for fault in chosen(options.faults) if fault not in faults]
            stages = {
                scenario.name: {stage: last - first for stage, (first, last) in known[scenario].spans.items()}
                | {"night": known[scenario].seconds}
                for scenario in ground.scenarios
            }
            alike = {scenario.name: digests(known[scenario]) for scenario in ground.scenarios}
            _tell({"stages": stages, "skipped": skipped, "prepared": time.monotonic() - begun, "undisturbed": alike})
            for number in range(options.first, options.first + options.nights * options.step, options.step):
                if time.monotonic() - begun > options.seconds:
                    break
                dealt = deal(options.seed, number, faults)
                _tell(asdict(play(ground, known, dealt.fault, dealt.scenario, number=number, seed=options.seed)))


def _tell(found: dict[str, object]) -> None:
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.exit(main())
