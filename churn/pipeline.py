"""The jobs: which stages there are, and in which order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from churn import campaigns, checks, insights, keeping, kpis, monitoring, publish, quality, scoring, training
from churn.beginning import (
    NightOptions,
    PublishedAlreadyError,
    extract_stage,
    features_stage,
    inputs_digest,
    prepare,
    unless_published,
    unless_trained,
)
from churn.errors import ChecksFailedError
from churn.extract import ExtractionReport
from churn.feature_view import refresh_feature_view
from churn.features.snapshot import Snapshot
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

# --- extract ------------------------------------------------------------------------------------------------------


def run_extract(job: Job) -> ExtractionReport:
    """Bring staging up to date with the source."""
    with running(job, "extract") as current:
        return extract_stage(current)


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
    try:
        with running(job, "nightly", inputs=inputs, admit=unless_published(job, how)) as current:
            prepare(current, how)
            return run_night(current, extract_stage(current), how)
    except PublishedAlreadyError as done:
        return done.night


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
    before = night.state()
    try:
        _score_by_models(current, night)
        _assemble(current, night, replace_list=replace_list)
    except scoring.AttemptLostError as lost:
        night.restore(before)
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
    if found.findings is not None:
        return found.findings
    return current.transaction(
        lambda connection: monitoring.evaluate_matured(connection, night.settings, night.as_of),
        what="Finding out what became of past nights",
    )


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
    if not results:
        results[:] = current.transaction(
            lambda connection: checks.stored_results(connection, night.run_id), what="Looking for the checks"
        )
    try:
        checks.refuse_failures(results)
    except ChecksFailedError:
        failed = {result.name for result in results if not result.passed and result.severity == "fail"}
        current.transaction(lambda connection: _withdraw(connection, night, failed), what="Taking the night back")
        raise


def _withdraw(connection: Connection, night: ScoredNight, failed: Collection[str]) -> None:
    """Take back what a night has put in force that the checks have refused."""
    monitoring.drop_refused(connection, night.snapshot, run_id=night.run_id, failed=failed)
    monitoring.withdraw_models(connection, night.author, night.as_of, outcomes=night.counted_outcomes)
    campaigns.withdraw_outcomes(connection, night.run_id)
    scoring.withdraw_month_segments(connection, night.run_id)


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


def run_train(job: Job, *, search: int = 0, only_if_none: bool = False) -> training.TrainingReport:
    """Bring staging up to date, make the past snapshots that are missing, train, judge and maybe promote.

    Parameters
    ----------
    job : Job
    search : int
        Configurations to try inside the training period first.
    only_if_none : bool
        Do nothing where a training as of that date has succeeded by the time that the lock is ours.

    Raises
    ------
    DoneMeanwhileError
        Another process has trained for the same date while this one waited for the lock.
    TrainedAlreadyError
        There is a training of that date, and `only_if_none`.
    """
    training.require_optimiser(search)
    job.refuse_the_future()
    with running(job, "train", admit=unless_trained(job, ever=only_if_none)) as current:
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
