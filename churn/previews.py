"""`--dry-run`: what a job would do, having tried the source and the warehouse; nothing is written."""

from __future__ import annotations

from churn import monitoring, publish, registry, training
from churn.connections import open_source, open_warehouse
from churn.extract import EntityPreview, preview
from churn.features.snapshot import find_snapshot
from churn.migrate import require_current
from churn.running import Job


def preview_extract(job: Job) -> tuple[list[str], list[list[object]]]:
    """Count what an extraction would read now; columns and rows of a table."""
    previews = _preview(job)
    rows: list[list[object]] = [[found.entity, found.mode, found.rows, found.first_day or "all"] for found in previews]
    return ["entity", "mode", "rows", "from day"], rows


def _preview(job: Job) -> list[EntityPreview]:
    job.refuse_the_future()
    warehouse, source = open_warehouse(job.settings), open_source(job.settings)
    with warehouse.begin() as connection:
        require_current(connection)
        return preview(source, connection, job.settings, started_at=job.clock())


def preview_nightly(job: Job) -> list[str]:
    """Say what a night would do, having tried the source and the warehouse."""
    rows = sum(found.rows for found in _preview(job))
    with open_warehouse(job.settings).begin() as connection:
        kept = monitoring.reusable_snapshot(connection, job.as_of, job.settings.churn.definition)
        model = registry.champion(connection, registry.CHURN)
        worth = registry.in_force(connection, registry.CLV, job.as_of)
        night = publish.published_night(connection, job.as_of)
        due = len(monitoring.due_nights(connection, job.settings, job.as_of))
    return [
        f"extract: would read {rows:,} source rows",
        f"features: would {'use the snapshot kept' if kept else 'compute a snapshot'} for {job.as_of}",
        f"risk: would score by {model.model_version if model else 'the recency rule, since there is no model'}",
        f"clv: would value by {_clv_words(job, worth)}",
        f"retention: would {_list_words(job, night)}",
        f"monitoring: would compare {due} past nights with what became of them",
        f"publish: would {'take over from run ' + str(night.run_id) if night else 'publish the first run'}",
    ]


def _list_words(job: Job, night: publish.PublishedNight | None) -> str:
    """Say which list a night would show, and within which limits a new one is chosen."""
    if night is not None:
        return f"keep the list frozen by run {night.list_run_id} (--replace-list freezes a new one)"
    retention = job.settings.retention
    offers = ", ".join(offer.name for offer in retention.all_offers)
    budget = (
        "" if retention.budget is None else f", for at most {retention.budget:,.2f} {job.settings.business.currency}"
    )
    return (
        f"freeze a list of at most {retention.list_size:,} customers of campaign {retention.campaign}{budget}, "
        f"with the offers {offers}"
    )


def _clv_words(job: Job, stored: registry.StoredModel | None) -> str:
    """Say what a night would take CLV from: the model in force, or one that it fits itself."""
    refit_days = job.settings.clv.refit_days
    if stored is None or (job.as_of - stored.trained_as_of).days >= refit_days:
        return "a model fitted that night, since none is in force that is younger than clv.refit_days"
    by = "" if job.settings.clv.method == "model" else f", method {job.settings.clv.method}"
    return f"{stored.model_version}{by}"


def preview_train(job: Job) -> list[str]:
    """Say which snapshots training would use."""
    rows = sum(found.rows for found in _preview(job))
    with open_warehouse(job.settings).begin() as connection:
        first = training.first_staged_date(connection)
        dates = [] if first is None else training.wanted_dates(job.settings, first, min(job.as_of, job.today))
        kept = [day for day in dates if find_snapshot(connection, day, job.settings.churn.definition)]
    span = f", {dates[0]} to {dates[-1]}" if dates else ""
    return [
        f"extract: would read {rows:,} source rows",
        f"features: {len(dates)} matured month-end snapshots of what is staged now{span}; {len(kept)} are kept",
        f"risk: would train on at most {job.settings.train.max_rows:,} customer-months, then fit CLV and backtest it",
    ]
