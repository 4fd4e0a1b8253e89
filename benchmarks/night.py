"""`make bench`: a first load, then incremental nights, each stage beside its floor measured on the same data.

Beside them the peak memory at N customers and at a fifth of them, the same night as a notebook would do it, and
training beside LightGBM alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.clv_speed import CUSTOMERS, side_by_side
from benchmarks.floors import floors
from benchmarks.measured import in_its_own_process
from benchmarks.place import (
    StageTimes,
    exit_code_of,
    fresh_databases,
    job_of,
    kept_or_not,
    report_to,
    say,
    writable_source,
)
from benchmarks.report import BenchReport, report
from benchmarks.source import MAPPING, BenchCompany, tell_a_day, tell_the_year
from benchmarks.views_speed import CUSTOMERS as VIEWS_CUSTOMERS
from churn.config import Settings
from churn.errors import ModelError
from churn.pipeline import run_nightly, run_train

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
AS_OF = date(2025, 11, 1)
_FIFTH = 5
_FLOOR_MEASUREMENTS = 3
_VALUES = {
    "train.snapshots": 6,
    "train.max_rows": 100_000,
    "features.usage": [
        {"name": "logins", "event_type": "login", "measure": "count"},
        {"name": "exported", "event_type": "export", "measure": "sum"},
        {"name": "searching", "event_type": "search", "measure": "active_days"},
    ],
}


@dataclass(frozen=True)
class Loaded:
    """A company that has been loaded for the first time.

    Attributes
    ----------
    name : str
        Of its databases and its configuration file.
    company : BenchCompany
    settings : Settings
    written : dict of str to int
        Source rows by table.
    train, nightly : StageTimes
        What the first load took.
    """

    name: str
    company: BenchCompany
    settings: Settings
    written: dict[str, int]
    train: StageTimes
    nightly: StageTimes


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line says; the verdict is in the text, not in the exit code."""
    options = _parser().parse_args(arguments)
    return exit_code_of(lambda: report_to(DOCUMENT if options.write else None, run(options)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.night", description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--session-events", type=int, default=4, help="Events of a customer in a day with any.")
    parser.add_argument("--nights", type=int, default=3, help="Incremental nights; the one of median length is shown.")
    parser.add_argument("--home", type=Path, default=Path("build/bench"), help="Folder for the databases.")
    parser.add_argument("--keep", action="store_true", help="Leave the databases there.")
    parser.add_argument("--no-naive", dest="naive", action="store_false", help="Leave the notebook's way out.")
    parser.add_argument("--train-rows", type=int, default=500_000, help="Rows of the training bench; 0 leaves it out.")
    parser.add_argument("--clv-customers", type=int, default=CUSTOMERS, help="Of the CLV bench; 0 leaves it out.")
    parser.add_argument(
        "--views-customers", type=int, default=VIEWS_CUSTOMERS, help="Of the views' bench; 0 leaves it."
    )
    parser.add_argument("--write", action="store_true", help="Write docs/performance.md too.")
    return parser


def run(options: argparse.Namespace) -> str:
    """Load, run the nights, measure the floors, and return the report in Markdown."""
    with kept_or_not(options.home, keep=options.keep):
        loaded = first_load(options.home, "bench", BenchCompany(options.customers, AS_OF, options.session_events))
        nights, below = incremental_nights(options.home, loaded, options.nights)
        naive = None
        if options.naive:
            say("the notebook's way")
            naive = in_its_own_process("benchmarks.naive", *_arguments(options.home, loaded, options.nights))
        company = replace(loaded.company, customers=max(1, options.customers // _FIFTH))
        fifth = first_load(options.home, "bench_fifth", company)
        small, _ = incremental_nights(options.home, fifth, 1)
        found = BenchReport(
            measured_on=datetime.now(UTC).date(),
            written=loaded.written,
            session_events=options.session_events,
            train=loaded.train.seconds,
            nightly=loaded.nightly.seconds,
            notes=loaded.train.notes,
            nights=nights,
            floors=below,
            late_days=loaded.settings.extract.late_days,
            fifth_customers=fifth.company.customers,
            fifth_peak_bytes=small[0]["peak_bytes"],
            naive=naive,
            training=_training(options.train_rows),
            lifetime_value=_lifetime_value(options.clv_customers),
            views=_views(options.home, options.views_customers),
        )
        return report(found)


def _training(rows: int) -> dict[str, Any] | None:
    if not rows:
        return None
    say(f"training on {rows:,} rows")
    return in_its_own_process("benchmarks.train_speed", "--rows", str(rows))


def _lifetime_value(customers: int) -> dict[str, dict[str, Any]] | None:
    if not customers:
        return None
    say(f"CLV of {customers:,} customers")
    return side_by_side(customers)


def _views(home: Path, customers: int) -> dict[str, Any] | None:
    if not customers:
        return None
    say(f"views over two years of nights of {customers:,} customers")
    place = ["--home", str(home.resolve() / "views")]
    return in_its_own_process("benchmarks.views_speed", "--customers", str(customers), *place)


def first_load(home: Path, name: str, company: BenchCompany) -> Loaded:
    """Make a company and a warehouse; extract, train, and score the first night."""
    settings = fresh_databases(home, name, sql_dir=MAPPING, values=_VALUES)
    written = tell_the_year(writable_source(settings, name), company)
    say("source: " + ", ".join(f"{rows:,} {table}" for table, rows in written.items()))
    train, nightly = StageTimes(), StageTimes()
    try:
        run_train(job_of(settings, AS_OF, train))
    except ModelError as error:
        train.note(f"No model, so the nights rank by recency: {error}")
    run_nightly(job_of(settings, AS_OF, nightly))
    return Loaded(name, company, settings, written, train, nightly)


def incremental_nights(
    home: Path, loaded: Loaded, count: int
) -> tuple[list[dict[str, Any]], dict[tuple[str, str], list[float]]]:
    """Add a day and run its night, `count` times; measure the floors after each.

    Returns
    -------
    list of dict
        What `benchmarks.one_night` prints, by night.
    dict of (stage, words) to list of float
        Seconds of each floor, every measurement.
    """
    nights: list[dict[str, Any]] = []
    below: dict[tuple[str, str], list[float]] = {}
    source = writable_source(loaded.settings, loaded.name)
    for number in range(1, count + 1):
        night = AS_OF + timedelta(days=number)
        added = tell_a_day(source, loaded.company, night - timedelta(days=1))
        found = in_its_own_process("benchmarks.one_night", *_arguments(home, loaded, number))
        nights.append(found | {"added": added})
        say(f"night of {night}: {found['seconds']:.2f} s, peak {found['peak_bytes'] / 2**20:.0f} MiB: {_stages(found)}")
        for floor in floors(loaded.settings, night, found["run_id"]):
            seconds = [floor.measure() for _ in range(_FLOOR_MEASUREMENTS)]
            below.setdefault((floor.stage, floor.words), []).extend(seconds)
            say(f"  floor {floor.words:<45} {median(seconds):8.2f} s")
    return nights, below


def _stages(found: dict[str, Any]) -> str:
    return ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in found["stages"].items())


def _arguments(home: Path, loaded: Loaded, number: int) -> list[str]:
    file = home.resolve() / f"{loaded.name}.toml"
    return ["--config", str(file), "--as-of", str(AS_OF + timedelta(days=number))]


if __name__ == "__main__":
    sys.exit(main())
