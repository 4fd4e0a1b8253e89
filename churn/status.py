"""`churn status`: the last runs, what is published, what comes next, which model is in use."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from churn import registry
from churn.config import Settings, cron_trigger
from churn.connections import open_warehouse
from churn.ledger import last_runs
from churn.migrate import require_current
from churn.publish import latest_published
from churn.sqlfiles import read_sql

SHOWN_RUNS = 5
SHOWN_FEATURES = 3


def status_lines(settings: Settings, now: datetime) -> list[str]:
    """Return what `churn status` prints, the most urgent first.

    Raises
    ------
    WarehouseError
        The warehouse can't be reached or is not migrated.
    """
    warehouse = open_warehouse(settings, job="status")
    with warehouse.begin() as connection:
        require_current(connection)
        return [
            *_published(connection),
            *_model(connection),
            *_realised(connection),
            *_drift(connection),
            *_runs(connection, settings),
            *_next_runs(settings, now),
        ]


def _published(connection: Connection) -> list[str]:
    night = latest_published(connection)
    if night is None:
        return ["Published: nothing yet. Run `churn nightly`."]
    return [f"Published: {night.as_of}, run {night.run_id}, at {night.published_at:%Y-%m-%d %H:%M} UTC."]


def _model(connection: Connection) -> list[str]:
    model = registry.champion(connection, registry.CHURN)
    if model is None:
        return ["Model: none; nights are ranked by recency. Run `churn train`."]
    figures = model.details.get("figures", {}).get("model", {})
    auc = f", AUC-ROC {figures['auc_roc']:.3f} out of time" if "auc_roc" in figures else ""
    return [f"Model: {model.model_version}, trained as of {model.trained_as_of}{auc}."]


def _realised(connection: Connection) -> list[str]:
    """Say in one line whether the latest night whose outcome is known turned out as the model had promised."""
    found = connection.execute(read_sql("monitoring/latest_realised.sql").statement).all()
    if not found:
        return ["Realised: nothing yet; a night is compared with what became of it once its horizon has passed."]
    breached = [
        f"{row.figure} {row.value:.3f} ({row.low:.3f} to {row.high:.3f} expected)"
        for row in found
        if row.status in ("outside", "warning")
    ]
    if not breached:
        return [f"Realised: the night of {found[0].as_of_date} turned out as expected."]
    warned = any(row.status == "warning" for row in found)
    advice = "; the month before, too: run `churn train`" if warned else ""
    return [
        f"Realised: {'WARNING, ' if warned else ''}the night of {found[0].as_of_date} did not turn out as expected: "
        f"{', '.join(breached)}{advice}."
    ]


def _drift(connection: Connection) -> list[str]:
    """Say in one line what has moved away from training on the latest published night."""
    found = connection.execute(read_sql("monitoring/latest_drift.sql").statement).all()
    if not found:
        return ["Drift: not measured."]
    moved = [f"{row.feature} ({row.psi:.2f})" for row in found if row.status != "ok"]
    shown = ", ".join(moved[:SHOWN_FEATURES]) + (", …" if len(moved) > SHOWN_FEATURES else "")
    what = f"{len(moved)} have moved: {shown}" if moved else "none has moved"
    return [f"Drift: of {len(found)} features and scores {what}."]


def _runs(connection: Connection, settings: Settings) -> list[str]:
    zone = ZoneInfo(settings.business.timezone)
    lines = ["Last runs:"]
    for run in last_runs(connection, SHOWN_RUNS):
        started = run["started_at"].astimezone(zone)
        seconds = (run["finished_at"] - run["started_at"]).total_seconds() if run["finished_at"] else None
        took = f"{seconds:,.0f} s" if seconds is not None else f"in stage {run['stage']}"
        error = f"  {run['error']}" if run["error"] else ""
        lines.append(
            f"  {run['run_id']:>5}  {run['job']:<8} {run['as_of_date']}  {run['status']:<9} "
            f"{started:%Y-%m-%d %H:%M} ({took}){error}"
        )
    return lines if len(lines) > 1 else ["Last runs: none yet."]


def _next_runs(settings: Settings, now: datetime) -> list[str]:
    zone = ZoneInfo(settings.business.timezone)
    lines = []
    for job, cron in (("nightly", settings.schedule.nightly), ("train", settings.schedule.train)):
        due = cron_trigger(cron, settings.business.timezone).get_next_fire_time(None, now.astimezone(zone))
        lines.append(f"Next {job}: {due:%Y-%m-%d %H:%M %Z}, where `churn scheduler` runs.")
    return lines
