"""The jobs: which stages there are, and in which order."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

import churn
from churn import campaigns, checks, insights, keeping, kpis, monitoring, publish, quality, registry, scoring, training
from churn.errors import ChecksFailedError, DataContractError
from churn.extract import ExtractionReport, QuarantineError, extract, record_quarantine
from churn.feature_view import refresh_feature_view
from churn.features.snapshot import Snapshot, SnapshotRequest, build_snapshot, kept_snapshot
from churn.ledger import State
from churn.running import Inputs, Job, JobRun, running
from churn.scoring import NightSummary, ScoredNight

STAGES = (
    "extract",
    "features",
    "segments",
    "risk",
    "clv",
    "retention",
    "kpis",
    "monitoring",
    "insights",
    "checks",
    "publish",
)

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


# --- extract ------------------------------------------------------------------------------------------------------


def run_extract(job: Job) -> ExtractionReport:
    """Bring staging up to date with the source."""
    with running(job, "extract") as current:
        return extract_stage(current)


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

    def work(connection: Connection) -> int:
        extracted.report = extract(
            current.source,
            connection,
            current.job.settings,
            run_id=current.run.run_id,
            started_at=current.run.started_at,
            progress=current.job.progress.advanced,
            warehouse=current.warehouse,
        )
        return sum(counts.rows_used for counts in extracted.known.entities.values())

    try:
        current.step("extract", work, extracted)
    except QuarantineError as error:
        with current.warehouse.begin() as connection:
            record_quarantine(connection, current.run.run_id, error.quarantine)
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
    if taken.snapshot is None and taken.snapshot_id is not None:
        with current.warehouse.begin() as connection:
            taken.snapshot = kept_snapshot(connection, taken.snapshot_id)
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


# --- nightly ------------------------------------------------------------------------------------------------------


def run_nightly(job: Job, options: NightOptions | None = None) -> NightSummary:
    """Take a night from the source to published views.

    A run of the same night that was cut off goes on after its last whole stage, where nothing else has run since.

    Parameters
    ----------
    job : Job
    options : NightOptions, optional

    Raises
    ------
    ChurnError
        Of the kind that fits; what was published stays published.
    """
    how = options or NightOptions()
    inputs = None if how.fresh else Inputs(lambda connection: inputs_digest(connection, job, how))
    with running(job, "nightly", inputs=inputs) as current:
        if how.unless_published and (done := _published(current)) is not None:
            return done
        prepare(current, how)
        return run_night(current, extract_stage(current), how)


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


def _published(current: JobRun) -> NightSummary | None:
    """Return what is published of the night, if anything."""
    with current.warehouse.begin() as connection:
        night = publish.published_night(connection, current.job.as_of)
    if night is None:
        return None
    note = f"The night of {night.as_of} is published already, by run {night.run_id}."
    return NightSummary(night.as_of, night.run_id, 0, "", (note,), is_new=False)


def prepare(current: JobRun, options: NightOptions) -> None:
    """Refuse what can't be done, and clear what earlier runs have left."""
    if current.run.states:
        return

    def work() -> None:
        with current.warehouse.begin() as connection:
            if options.replace_list:
                campaigns.refuse_replacing_sent(connection, current.job.as_of)
            monitoring.withdraw_abandoned(connection)
            publish.sweep(connection)

    current.tried(work, what="Clearing what earlier runs left")


def run_night(current: JobRun, extraction: ExtractionReport, options: NightOptions) -> NightSummary:
    """Take a night from staging to published views."""
    job = current.job
    snapshot = features_stage(current, extraction, recompute=options.recompute)
    night = ScoredNight(job.settings, current.run.run_id, current.run.started_at, snapshot)
    score(current, night, replace_list=options.replace_list)
    summarise(current, night)
    findings = monitor(current, night)
    find_insights(current, night)
    check(current, night)
    publish_night(current, night, findings)
    if note := refresh_feature_view(current.warehouse, job.settings):
        night.notes.append(note)
    night.notes.extend(keeping.tidy(current.warehouse, job.settings, night.as_of, job.clock()))
    for note in night.notes:
        job.progress.note(note)
    return NightSummary(night.as_of, night.run_id, snapshot.customers, night.churn_version, tuple(night.notes))


def score(current: JobRun, night: ScoredNight, *, replace_list: bool) -> None:
    """Run the scoring stages, each in a transaction of its own."""
    try:
        _score_by_models(current, night)
        _assemble(current, night, replace_list=replace_list)
    except scoring.AttemptLostError as lost:
        current.job.progress.note(lost.message)
        current.run.forget(scoring.ATTEMPT_STAGES)
        _score_by_models(current, night)
        _assemble(current, night, replace_list=replace_list)


def _score_by_models(current: JobRun, night: ScoredNight) -> None:
    scorers = {"segments": scoring.score_segments, "risk": scoring.score_risk, "clv": scoring.score_clv}
    for name, scorer in scorers.items():

        def work(connection: Connection, name: str = name, scorer: scoring.Scorer = scorer) -> int:
            scoring.require_attempt(connection, night, before=name)
            with current.warehouse.begin() as reader:
                rows = scorer(reader, connection, night)
            current.run.note_versions(connection, night.versions)
            return rows

        current.step(name, work, night)


def _assemble(current: JobRun, night: ScoredNight, *, replace_list: bool) -> None:
    def assemble(connection: Connection) -> int:
        scoring.require_attempt(connection, night, before="retention")
        campaigns.measure_outcomes(connection, night.settings, night.as_of, night.run_id)
        return scoring.assemble(connection, night, replace_list=replace_list)

    current.step("retention", assemble, night)


def summarise(current: JobRun, night: ScoredNight) -> None:
    """Work out the business's figures by month and its cohorts, as known at `as_of`."""

    def work(connection: Connection) -> int:
        with current.warehouse.begin() as reader:
            scoring.keep_month_segments(reader, connection, night)
        return kpis.store_kpis(connection, night.settings, night.as_of, night.run_id)

    current.step("kpis", work, night)


@dataclass
class Found:
    """What monitoring has found out about past nights; an earlier try's is found out again."""

    night: ScoredNight
    findings: monitoring.Findings | None = field(default=None)

    def state(self) -> State:
        """Return what the night knows: findings are not kept until they are published."""
        return self.night.state()

    def restore(self, state: State) -> None:
        """Let the night know what it knew."""
        self.night.restore(state)


def monitor(current: JobRun, night: ScoredNight) -> monitoring.Findings:
    """Measure how far the night has moved from training, and compare past nights with what became of them."""
    found = Found(night)

    def work(connection: Connection) -> int:
        scoring.recall_reference(connection, night)
        with current.warehouse.begin() as reader:
            moved = monitoring.watch_drift(reader, connection, night)
        found.findings = monitoring.evaluate_matured(connection, night.settings, night.as_of)
        return moved + sum(finding.counts.customers for finding in found.findings.nights)

    current.step("monitoring", work, found)
    if found.findings is None:
        with current.warehouse.begin() as connection:
            found.findings = monitoring.evaluate_matured(connection, night.settings, night.as_of)
    return found.findings


def find_insights(current: JobRun, night: ScoredNight) -> None:
    """Say what the night has to say."""

    def work(connection: Connection) -> int:
        return insights.store_insights(connection, night.settings, night.as_of, night.run_id, night.list_run_id)

    current.step("insights", work, night)


def check(current: JobRun, night: ScoredNight) -> None:
    """Check what is about to be published; the findings are kept whether it is or not."""
    results: list[checks.CheckResult] = []

    def work(connection: Connection) -> int:
        quality.measure(connection, night.as_of, night.run_id, night.snapshot.snapshot_id)
        keys = {"as_of": night.as_of, "run_id": night.run_id, "snapshot_id": night.snapshot.snapshot_id}
        limits = scoring.list_limits(night) | quality.quality_limits(night.settings)
        limits["psi_fail"] = night.settings.monitoring.psi_fail
        results[:] = checks.run_checks(connection, keys | limits)
        checks.store(connection, night.run_id, results)
        night.notes.extend(
            f"Check {result.name} ({result.severity}): {result.rows} found: {result.detail}."
            for result in results
            if not result.passed
        )
        return len(results)

    current.step("checks", work, night)
    with current.warehouse.begin() as connection:
        results[:] = results or checks.stored_results(connection, night.run_id)
    try:
        checks.refuse_failures(results)
    except ChecksFailedError:
        failed = {result.name for result in results if not result.passed and result.severity == "fail"}
        with current.warehouse.begin() as connection:
            monitoring.drop_refused(connection, night.snapshot, run_id=night.run_id, failed=failed)
            monitoring.withdraw_models(connection, night.author, night.as_of, outcomes=night.counted_outcomes)
            campaigns.withdraw_outcomes(connection, night.run_id)
        raise


def publish_night(current: JobRun, night: ScoredNight, findings: monitoring.Findings) -> None:
    """Flip the pointer, with all that hangs on it, in one short transaction; done once, whatever breaks."""
    job = current.job

    def work(connection: Connection) -> int:
        publish.publish(
            connection,
            publish.PublishedNight(night.as_of, night.run_id, night.list_run_id, job.clock(), night.in_sample),
            expected_customers=night.snapshot.customers,
        )
        campaigns.admit(connection, job.settings, night.as_of, night.list_run_id, at=job.clock())
        campaigns.store_results(connection, job.settings, night.as_of, night.run_id, at=job.clock())
        night.notes.extend(monitoring.store_findings(connection, night.run_id, findings))
        return night.snapshot.customers

    current.step("publish", work, night)


# --- train --------------------------------------------------------------------------------------------------------


def run_train(job: Job, *, search: int = 0) -> training.TrainingReport:
    """Bring staging up to date, make the past snapshots that are missing, train, judge and maybe promote.

    Parameters
    ----------
    job : Job
    search : int
        Configurations to try inside the training period first.
    """
    training.require_optimiser(search)
    with running(job, "train") as current:
        extraction = extract_stage(current)

        def features() -> list[Snapshot]:
            with current.stage("features") as report:
                found = training.prepare_snapshots(
                    current.warehouse, job.settings, extraction, current.run, job.progress
                )
                report(sum(snapshot.customers for snapshot in found))
            return found

        def risk() -> training.TrainingReport:
            with current.stage("risk") as report:
                result = training.train(current.warehouse, job.settings, snapshots, current.run, search=search)
                report(result.rows)
            return result

        snapshots = current.tried(features, what="Stage features")
        return current.tried(risk, what="Stage risk")
