"""The jobs: which stages there are, and in which order."""

from __future__ import annotations

from churn import campaigns, checks, insights, kpis, monitoring, publish, scoring, training
from churn.errors import ChecksFailedError, DataContractError
from churn.extract import ExtractionReport, QuarantineError, extract, record_quarantine
from churn.feature_view import refresh_feature_view
from churn.features.snapshot import Snapshot, SnapshotRequest, build_snapshot
from churn.running import Job, JobRun, running
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


def extract_stage(current: JobRun) -> ExtractionReport:
    """Read the source into staging, in one transaction; rows left out are told whatever becomes of it."""
    with current.stage("extract") as report:
        try:
            with current.warehouse.begin() as connection:
                extraction = extract(
                    current.source,
                    connection,
                    current.job.settings,
                    run_id=current.run.run_id,
                    started_at=current.run.started_at,
                    progress=current.job.progress.advanced,
                )
        except QuarantineError as error:
            with current.warehouse.begin() as connection:
                record_quarantine(connection, current.run.run_id, error.quarantine)
            raise
        report(sum(counts.rows_used for counts in extraction.entities.values()))
    return extraction


# --- features -----------------------------------------------------------------------------------------------------


def snapshot_of(current: JobRun, extraction: ExtractionReport, *, recompute: bool) -> Snapshot:
    """Return the night's snapshot: the kept one, or a new one.

    Raises
    ------
    DataContractError
        Nobody is there to score.
    """
    settings, as_of = current.job.settings, current.job.as_of
    with current.warehouse.begin() as connection:
        kept = None if recompute else monitoring.reusable_snapshot(connection, as_of, settings.churn.definition)
        if kept is not None:
            current.job.progress.note(f"Using the snapshot kept for {as_of} (--recompute makes it anew).")
            return kept
        snapshot = build_snapshot(
            connection,
            SnapshotRequest.of(settings, extraction, as_of),
            run_id=current.run.run_id,
            origin="captured" if as_of == current.job.today else "reconstructed",
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


def run_nightly(job: Job, *, recompute: bool = False, replace_list: bool = False) -> NightSummary:
    """Take a night from the source to published views.

    Parameters
    ----------
    job : Job
    recompute : bool
        Compute the features of the night anew, even where they were kept.
    replace_list : bool
        Freeze a new at-risk list, even where the night has one; refused where that one was sent.

    Raises
    ------
    ChurnError
        Of the kind that fits; what was published stays published.
    """
    with running(job, "nightly") as current:
        with current.warehouse.begin() as connection:
            if replace_list:
                campaigns.refuse_replacing_sent(connection, job.as_of)
            publish.sweep(connection)
        extraction = extract_stage(current)
        with current.stage("features") as report:
            snapshot = snapshot_of(current, extraction, recompute=recompute)
            report(snapshot.customers)
        night = ScoredNight(job.settings, current.run.run_id, current.run.started_at, snapshot)
        score(current, night, replace_list=replace_list)
        summarise(current, night)
        findings = monitor(current, night)
        find_insights(current, night)
        check(current, night)
        with current.stage("publish") as report, current.warehouse.begin() as connection:
            current.require_lock()
            publish.publish(
                connection,
                publish.PublishedNight(night.as_of, night.run_id, night.list_run_id, job.clock(), night.in_sample),
                expected_customers=snapshot.customers,
            )
            campaigns.admit(connection, job.settings, night.as_of, night.list_run_id, at=job.clock())
            campaigns.store_results(connection, job.settings, night.as_of, night.run_id, at=job.clock())
            night.notes.extend(monitoring.store_findings(connection, night.run_id, findings))
            report(snapshot.customers)
        if note := refresh_feature_view(current.warehouse, job.settings):
            night.notes.append(note)
        for note in night.notes:
            job.progress.note(note)
        return NightSummary(night.as_of, night.run_id, snapshot.customers, night.churn_version, tuple(night.notes))


def score(current: JobRun, night: ScoredNight, *, replace_list: bool) -> None:
    """Run the scoring stages, each in a transaction of its own."""
    scorers = {"segments": scoring.score_segments, "risk": scoring.score_risk, "clv": scoring.score_clv}
    for name, scorer in scorers.items():
        with (
            current.stage(name) as report,
            current.warehouse.begin() as reader,
            current.warehouse.begin() as connection,
        ):
            report(scorer(reader, connection, night))
    current.run.note_versions(night.versions)
    with current.stage("retention") as report, current.warehouse.begin() as connection:
        campaigns.measure_outcomes(connection, night.settings, night.as_of, night.run_id)
        report(scoring.assemble(connection, night, replace_list=replace_list))


def summarise(current: JobRun, night: ScoredNight) -> None:
    """Work out the business's figures by month and its cohorts, as known at `as_of`."""
    with (
        current.stage("kpis") as report,
        current.warehouse.begin() as reader,
        current.warehouse.begin() as connection,
    ):
        scoring.keep_month_segments(reader, connection, night)
        report(kpis.store_kpis(connection, night.settings, night.as_of, night.run_id))


def find_insights(current: JobRun, night: ScoredNight) -> None:
    """Say what the night has to say."""
    with current.stage("insights") as report, current.warehouse.begin() as connection:
        report(insights.store_insights(connection, night.settings, night.as_of, night.run_id, night.list_run_id))


def monitor(current: JobRun, night: ScoredNight) -> monitoring.Findings:
    """Measure how far the night has moved from training, and compare past nights with what became of them."""
    with (
        current.stage("monitoring") as report,
        current.warehouse.begin() as reader,
        current.warehouse.begin() as connection,
    ):
        moved = monitoring.watch_drift(reader, connection, night)
        findings = monitoring.evaluate_matured(connection, night.settings, night.as_of)
        report(moved + sum(found.counts.customers for found in findings.nights))
    return findings


def check(current: JobRun, night: ScoredNight) -> None:
    """Check what is about to be published; the findings are kept whether it is or not."""
    with current.stage("checks") as report:
        with current.warehouse.begin() as connection:
            keys = {"as_of": night.as_of, "run_id": night.run_id, "snapshot_id": night.snapshot.snapshot_id}
            limits = {"psi_fail": night.settings.monitoring.psi_fail} | scoring.list_limits(night)
            results = checks.run_checks(connection, keys | limits)
            checks.store(connection, night.run_id, results)
        report(len(results))
        for result in results:
            if not result.passed:
                night.notes.append(f"Check {result.name} ({result.severity}): {result.rows} found: {result.detail}.")
        try:
            checks.refuse_failures(results)
        except ChecksFailedError:
            failed = {result.name for result in results if not result.passed and result.severity == "fail"}
            with current.warehouse.begin() as connection:
                monitoring.drop_refused(connection, night.snapshot, run_id=night.run_id, failed=failed)
                monitoring.withdraw_models(connection, night.author, night.as_of, outcomes=night.counted_outcomes)
                campaigns.withdraw_outcomes(connection, night.run_id)
            raise


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
        with current.stage("features") as report:
            snapshots = training.prepare_snapshots(
                current.warehouse, job.settings, extraction, current.run, job.progress
            )
            report(sum(snapshot.customers for snapshot in snapshots))
        with current.stage("risk") as report:
            result = training.train(current.warehouse, job.settings, snapshots, current.run, search=search)
            report(result.rows)
        return result
