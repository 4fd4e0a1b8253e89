"""How a job begins: whether it is done already, what it goes on from, the source read, the features at hand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

import churn
from churn import campaigns, monitoring, publish, registry, scoring
from churn.connections import open_warehouse
from churn.errors import DataContractError, DoneMeanwhileError
from churn.extract import ExtractionReport, QuarantineError, extract, read_past, record_quarantine
from churn.features.snapshot import Snapshot, SnapshotRequest, build_snapshot, kept_snapshot
from churn.ledger import State, succeeded_runs
from churn.migrate import require_current
from churn.running import Admit, Job, JobRun
from churn.scoring import NightSummary
from churn.windows import business_today

_REPORT = TypeAdapter(ExtractionReport)


@dataclass(frozen=True)
class NightOptions:
    """How a night is to be run.

    Attributes
    ----------
    recompute : bool
        Compute the features of the night anew, even where they were kept.
    replace_list : bool
        Freeze a new at-risk list, even where the night has one; refused where that one was sent.
    fresh : bool
        Start over, even where a run of the night was cut off and could go on.
    unless_published : bool
        Do nothing where the night is published by the time that the lock is ours.
    """

    recompute: bool = False
    replace_list: bool = False
    fresh: bool = False
    unless_published: bool = False


def inputs_digest(connection: Connection, job: Job, options: NightOptions) -> str:
    """Return what a night comes from: code, configuration, mapping, options, champion."""
    champion = registry.champion(connection, registry.CHURN)
    parts = {
        "code": churn.__version__,
        "settings": job.settings.digest(),
        "mapping": {file.name: file.read_text(encoding="utf-8") for file in sorted(job.settings.sql_dir.glob("*.sql"))},
        "recompute": options.recompute,
        "replace_list": options.replace_list,
        "champion": None if champion is None else champion.model_version,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class PublishedAlreadyError(Exception):
    """The night is out, and was to be run only if it were not.

    Attributes
    ----------
    night : NightSummary
    """

    def __init__(self, night: NightSummary) -> None:
        super().__init__(night.notes[0])
        self.night = night


class TrainedAlreadyError(Exception):
    """There is a training of that date, and another was wanted only if there were not."""


def unless_published(job: Job, options: NightOptions) -> Admit | None:
    """Return what keeps a night from being run that is out by the time that the lock is ours; None where nothing does.

    It raises `PublishedAlreadyError`.
    """
    if not options.unless_published:
        return None

    def admit(connection: Connection) -> None:
        night = publish.published_night(connection, job.as_of)
        if night is not None:
            note = f"The night of {night.as_of} is published already, by run {night.run_id}."
            raise PublishedAlreadyError(NightSummary(night.as_of, night.run_id, 0, "", (note,), is_new=False))

    return admit


def unless_trained(job: Job, *, ever: bool) -> Admit:
    """Return what keeps two processes that are started at once from training twice.

    Under the lock it raises `DoneMeanwhileError` where another has trained for the same date since now; where any
    training of that date will do (`ever`), it raises `TrainedAlreadyError`.
    """
    with open_warehouse(job.settings, job="train").begin() as connection:
        require_current(connection)
        known = set() if ever else succeeded_runs(connection, "train", job.as_of)

    def admit(connection: Connection) -> None:
        done = succeeded_runs(connection, "train", job.as_of) - known
        if not done:
            return
        told = f"The training as of {job.as_of} is done already, by run {max(done)}"
        if ever:
            raise TrainedAlreadyError(f"{told}.")
        raise DoneMeanwhileError(f"{told}, while this one waited.", "Run the same command again for another.")

    return admit


def prepare(current: JobRun, options: NightOptions) -> None:
    """Refuse what can't be done, and clear what earlier runs have left."""
    if current.run.states:
        return

    def work(connection: Connection) -> None:
        if options.replace_list:
            campaigns.refuse_replacing_sent(connection, current.job.as_of)
        for run in monitoring.withdraw_abandoned(connection):
            scoring.withdraw_month_segments(connection, run.run_id)
            if run.as_of == current.job.as_of and _is_started_over(current, run):
                monitoring.withdraw_features(connection, run.run_id, run.as_of)
        publish.sweep(connection)

    current.transaction(work, what="Clearing what earlier runs left")


def _is_started_over(current: JobRun, run: monitoring.AbandonedRun) -> bool:
    """Whether this run computes anew what an abandoned one of the same night had computed.

    On a later day what was captured that night can't be captured again: it is kept where its inputs are the same.
    """
    then = business_today(run.started_at, current.job.settings.business.timezone)
    return then == current.started_on or run.inputs_digest != current.run.inputs_digest


# --- extract ------------------------------------------------------------------------------------------------------


@dataclass
class Extracted:
    """What the extraction of a run has read."""

    report: ExtractionReport | None = None

    @property
    def known(self) -> ExtractionReport:
        """The report, once there is one."""
        if self.report is None:
            raise LookupError("nothing has been extracted")
        return self.report

    def state(self) -> State:
        """Return the report as JSON."""
        return {"extraction": None if self.report is None else _REPORT.dump_python(self.report, mode="json")}

    def restore(self, state: State) -> None:
        """Take the report that an earlier try has left."""
        found = state["extraction"]
        self.report = None if found is None else _REPORT.validate_python(found)


def extract_stage(current: JobRun) -> ExtractionReport:
    """Read the source into staging, in one transaction; rows left out are told whatever becomes of it."""
    extracted = Extracted()

    def past() -> None:
        read_past(
            current.source,
            current.warehouse,
            current.job.settings,
            started_at=current.run.started_at,
            progress=current.job.progress.advanced,
        )

    def work(connection: Connection) -> int:
        extracted.report = extract(
            current.source,
            connection,
            current.job.settings,
            run_id=current.run.run_id,
            started_at=current.run.started_at,
            progress=current.job.progress.advanced,
            warehouse=current.warehouse,
            past_is_read=True,
        )
        return sum(counts.rows_used for counts in extracted.known.entities.values())

    try:
        current.step("extract", work, extracted, before=past)
    except QuarantineError as error:
        counts = error.quarantine
        current.transaction(
            lambda connection: record_quarantine(connection, current.run.run_id, counts),
            what="Telling what was left out",
        )
        raise
    return extracted.known


# --- features -----------------------------------------------------------------------------------------------------


@dataclass
class Taken:
    """The snapshot that a night scores; after an earlier try its id alone is known."""

    snapshot_id: int | None = None
    snapshot: Snapshot | None = None

    def state(self) -> State:
        """Return its id."""
        return {"snapshot_id": None if self.snapshot is None else self.snapshot.snapshot_id}

    def restore(self, state: State) -> None:
        """Know its id; the snapshot itself is read again."""
        self.snapshot_id = state["snapshot_id"]


def features_stage(current: JobRun, extraction: ExtractionReport, *, recompute: bool) -> Snapshot:
    """Return the night's snapshot: the kept one, or a new one."""
    taken = Taken()

    def work(connection: Connection) -> int:
        taken.snapshot = snapshot_of(current, connection, extraction, recompute=recompute)
        return taken.snapshot.customers

    current.step("features", work, taken)
    if taken.snapshot is None and (kept := taken.snapshot_id) is not None:
        taken.snapshot = current.transaction(
            lambda connection: kept_snapshot(connection, kept), what="Looking for the features"
        )
    if taken.snapshot is None:
        raise DataContractError(
            f"The features of {current.job.as_of}, which an earlier try of this run had made, are in use no more.",
            "Run the same command with --fresh.",
        )
    return taken.snapshot


def snapshot_of(current: JobRun, connection: Connection, extraction: ExtractionReport, *, recompute: bool) -> Snapshot:
    """Return the night's snapshot: the kept one, or a new one.

    Raises
    ------
    DataContractError
        Nobody is there to score.
    """
    settings, as_of = current.job.settings, current.job.as_of
    kept = None if recompute else monitoring.reusable_snapshot(connection, as_of, settings.churn.definition)
    if kept is not None:
        current.job.progress.note(f"Using the snapshot kept for {as_of} (--recompute makes it anew).")
        return kept
    snapshot = build_snapshot(
        connection,
        SnapshotRequest.of(settings, extraction, as_of),
        run_id=current.run.run_id,
        origin="captured" if as_of == current.started_on else "reconstructed",
        created_at=current.run.started_at,
    )
    if snapshot.customers == 0:
        first, last = extraction.first_date, extraction.last_date
        span = f"the data run from {first} to {last}" if first else "the source holds no usable row"
        raise DataContractError(
            f"No customer is active as of {as_of}; {span}.",
            "Give an --as-of within the data, or check churn.definition and the mapping with `churn doctor`.",
        )
    return snapshot
