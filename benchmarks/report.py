"""What `make bench` says: the table, the ratios, and whether the targets hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from benchmarks.clv_speed import speed_criteria, speed_table
from benchmarks.tables import machine, number, table, verdicts, versions
from benchmarks.views_speed import views_criteria, views_table

MOST_RATIO = 2.0
MOST_BYTES = 2**30
MOST_GROWTH = 0.3
MOST_TRAINING_RATIO = 5.0
_YEAR_DAYS = 365
_WORDS = (
    "`make bench` makes a company by SQL in an embedded Postgres, loads it for the first time (extract, train, night), "
    "then adds one day at a time and runs that day's night in a process of its own. Floors are measured after each "
    "night on the same data. The night shown is the one of median length; a floor is the median of its measurements, "
    "three a night."
)


@dataclass(frozen=True)
class BenchReport:
    """Everything that was measured.

    Attributes
    ----------
    measured_on : date
    written : mapping of table to int
        Rows of the source before the nights.
    session_events : int
        Events of a customer in a day with any.
    train, nightly : mapping of stage to seconds
        The first load.
    notes : sequence of str
        Of the training.
    nights : sequence of mapping
        What `benchmarks.one_night` prints, by night, and `added`: source rows of the day.
    floors : mapping of (stage, words) to list of seconds
    late_days : int
        Whole days of usage that a night reads again.
    fifth_customers, fifth_peak_bytes : int
        Size of the smaller company, and the peak memory of its night.
    naive, training : mapping or None
        What `benchmarks.naive` and `benchmarks.train_speed` print.
    lifetime_value : mapping or None
        What `benchmarks.clv_speed` found, by task.
    views : mapping or None
        What `benchmarks.views_speed` prints.
    """

    measured_on: date
    written: Mapping[str, int]
    session_events: int
    train: Mapping[str, float]
    nightly: Mapping[str, float]
    notes: Sequence[str]
    nights: Sequence[Mapping[str, Any]]
    floors: Mapping[tuple[str, str], Sequence[float]]
    late_days: int
    fifth_customers: int
    fifth_peak_bytes: int
    naive: Mapping[str, Any] | None
    training: Mapping[str, Any] | None
    lifetime_value: dict[str, dict[str, Any]] | None
    views: Mapping[str, Any] | None = None

    @property
    def median_night(self) -> Mapping[str, Any]:
        """The night of median length (of an even number, the longer of the two in the middle)."""
        ordered = sorted(self.nights, key=lambda night: float(night["seconds"]))
        return ordered[len(ordered) // 2]

    @property
    def night_seconds(self) -> float:
        """A whole incremental night."""
        return float(self.median_night["seconds"])

    @property
    def floor_seconds(self) -> float:
        """All floors together."""
        return sum(median(seconds) for seconds in self.floors.values())

    @property
    def peak_bytes(self) -> float:
        """Peak memory of the Python process of a night."""
        return float(median(night["peak_bytes"] for night in self.nights))

    def stage_seconds(self, stage: str) -> float:
        """One stage of an incremental night."""
        return float(self.median_night["stages"][stage])


def report(found: BenchReport) -> str:
    """Return the report in Markdown."""
    customers, events = found.written["customers"], found.written["usage_events"]
    parts = [
        "# What a night costs",
        _WORDS,
        f"{found.measured_on}; {customers:,} customers, {events:,} usage events in sessions of "
        f"{found.session_events}, "
        f"{found.written['payments']:,} payments; {machine()}; {versions()}.",
        "## An incremental night beside its floors\n\n" + _night_table(found),
        "## First load\n\n" + _first_load(found),
        "## Extraction follows the days that are read\n\n" + _extraction(found),
        "## Memory and the naive way\n\n" + _memory(found),
        "## Verdict\n\n" + _verdict(found),
    ]
    if found.training is not None:
        parts.insert(-1, "## Training beside LightGBM alone\n\n" + _training(found.training))
    if found.lifetime_value is not None:
        parts.insert(-1, "## Customer lifetime value beside lifetimes\n\n" + speed_table(found.lifetime_value))
    if found.views is not None:
        parts.insert(-1, "## Views on two years of nights\n\n" + views_table(found.views))
    if found.notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {note}" for note in found.notes))
    return "\n\n".join(parts)


def _night_table(found: BenchReport) -> str:
    rows = []
    for stage in found.median_night["stages"]:
        seconds = found.stage_seconds(stage)
        floors = {words: median(values) for (of, words), values in found.floors.items() if of == stage}
        below = sum(floors.values()) if floors else None
        rows.append([stage, *_seconds_and_floor(seconds, below), " + ".join(floors) or "–"])
    stages = sum(found.stage_seconds(stage) for stage in found.median_night["stages"])
    rows.append(["start, lock, ledger, sweep", number(found.night_seconds - stages, 2), "–", "–", "–"])
    rows.append(["**night**", *_seconds_and_floor(found.night_seconds, found.floor_seconds), "sum of the floors"])
    return table(["stage", "seconds", "floor", "ratio", "the floor is"], rows)


def _seconds_and_floor(seconds: float, floor: float | None) -> list[str]:
    ratio = seconds / floor if floor else None
    return [number(seconds, 2), number(floor, 2), number(ratio, 2)]


def _first_load(found: BenchReport) -> str:
    rows = [[f"train: {stage}", number(seconds, 1)] for stage, seconds in found.train.items()]
    rows += [[f"nightly: {stage}", number(seconds, 1)] for stage, seconds in found.nightly.items()]
    rows.append(["**in all**", number(sum(found.train.values()) + sum(found.nightly.values()), 1)])
    return table(["stage", "seconds"], rows)


def _extraction(found: BenchReport) -> str:
    days = found.late_days + 2
    whole, again = found.train["extract"], found.stage_seconds("extract")
    rows = [
        ["first load, all history", f"{_YEAR_DAYS}", number(whole, 2), number(whole / _YEAR_DAYS, 3)],
        ["incremental night", f"{days}", number(again, 2), number(again / days, 3)],
    ]
    return table(["extraction", "days of usage read", "seconds", "seconds a day"], rows)


def _memory(found: BenchReport) -> str:
    customers = found.written["customers"]
    rows = [
        ["night", f"{customers:,}", number(found.night_seconds, 2), _mib(found.peak_bytes)],
        ["night", f"{found.fifth_customers:,}", "–", _mib(found.fifth_peak_bytes)],
    ]
    if found.naive is not None:
        seconds, peak = found.naive["seconds"], found.naive["peak_bytes"]
        rows.append(["naive: read_sql, groupby, predict, to_sql", f"{customers:,}", number(seconds, 2), _mib(peak)])
        ratios = [f"{seconds / found.night_seconds:.2f} ×", f"{peak / found.peak_bytes:.2f} ×"]
        rows.append(["naive over ours", "", *ratios])
    return table(["way", "customers", "seconds", "peak memory of Python, MiB"], rows)


def _training(training: Mapping[str, Any]) -> str:
    size = f"{training['rows']:,} rows × {training['features']} features, {training['months']} month ends"
    rows = [[f"train_model: {size}", number(training["seconds"], 1), str(training["trees"]), "–"]]
    for threads, seconds in training["lightgbm_seconds"].items():
        words = f"lightgbm.train on the matrix, threads: {threads}"
        ratio = number(training["seconds"] / seconds, 2)
        rows.append([words, number(seconds, 1), str(training["trees"]), ratio])
    return table(["way", "seconds", "trees", "train_model over it"], rows)


def _training_verdict(training: Mapping[str, Any]) -> tuple[str, bool]:
    """Compare with the fastest way of LightGBM's own: on a busy machine that may be one thread."""
    ratio = training["seconds"] / min(training["lightgbm_seconds"].values())
    words = f"training takes {ratio:.2f} × LightGBM's own `train` of as many trees (at most {MOST_TRAINING_RATIO:g})"
    return words, ratio <= MOST_TRAINING_RATIO


def _verdict(found: BenchReport) -> str:
    ratio = found.night_seconds / found.floor_seconds
    growth = found.peak_bytes / found.fifth_peak_bytes - 1
    days = found.late_days + 2
    share = found.stage_seconds("extract") / found.train["extract"]
    training = [] if found.training is None else [_training_verdict(found.training)]
    values = [] if found.lifetime_value is None else speed_criteria(found.lifetime_value)
    return verdicts(
        [
            (f"a night takes {ratio:.2f} × its floors (at most {MOST_RATIO:g})", ratio <= MOST_RATIO),
            (
                f"extraction takes {share:.1%} of the first load's for {days / _YEAR_DAYS:.1%} of its days "
                "(at most three times that share: some of it costs the same every night)",
                share <= 3 * days / _YEAR_DAYS,
            ),
            (
                f"peak memory is {_mib(found.peak_bytes)} MiB (at most {_mib(MOST_BYTES)})",
                found.peak_bytes <= MOST_BYTES,
            ),
            (
                f"five times the customers take {growth:+.0%} memory (at most {MOST_GROWTH:.0%} apart)",
                abs(growth) <= MOST_GROWTH,
            ),
            *training,
            *values,
            *([] if found.views is None else views_criteria(found.views)),
        ]
    )


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f}"
