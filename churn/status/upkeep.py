"""Who holds the lock, what is open, which runs there were, and how the scheduler of this machine is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from churn.alerts import KeptAlert, channels_of, open_alerts
from churn.config import Settings
from churn.ledger import NIGHT_JOBS, last_runs
from churn.sqlfiles import read_sql
from churn.status.causes import dead_runs
from churn.status.commands import again
from churn.status.headline import SILENT
from churn.status.times import ago

SHOWN_RUNS = 5
SHOWN_CHARACTERS = 80
_SCHEDULER_FILE = "scheduler.json"
_SCHEDULER_SILENT = timedelta(seconds=60)


def lock_lines(connection: Connection, now: datetime) -> list[str]:
    """Say who holds the writer lock, and which other jobs say that they are at work, or did until they died."""
    holders = [_holder(row, now) for row in connection.execute(read_sql("status/lock_holder.sql").statement)]
    running, dead = dead_runs(connection)
    others = [_at_work(run, now, is_dead=run.run_id in dead) for run in running if run.job not in NIGHT_JOBS]
    return [*holders, *others] or ["Writing: nobody."]


def _holder(row: Any, now: datetime) -> str:
    job = f"churn {row.job}" if row.job else row.application_name or "a session"
    told = [
        f"{job} for {row.as_of_date}" if row.as_of_date else job,
        f"run {row.run_id}" if row.run_id else "",
        f"process {row.pid} on {row.host}" if row.host else f"login {row.usename}",
        f"for {ago((now - row.since).total_seconds())}" if row.since else "",
    ]
    return f"Writing: {', '.join(one for one in told if one)}."


def _at_work(run: Any, now: datetime, *, is_dead: bool) -> str:
    silent = now - run.alive_at
    state = "SILENT, died or hangs; alive" if silent > SILENT else "alive"
    where = f", on {run.host}" if run.host else ""
    if is_dead:
        return (
            f"DIED: {run.job} for {run.as_of_date}, run {run.run_id}, in stage {run.stage or 'none yet'}; alive "
            f"{ago(silent.total_seconds())} ago{where}: {again(run)}"
        )
    return (
        f"At work: {run.job} for {run.as_of_date}, run {run.run_id}, stage {run.stage or 'none yet'}, "
        f"{state} {ago(silent.total_seconds())} ago{where}."
    )


def alert_lines(connection: Connection, settings: Settings) -> list[str]:
    """List the causes that are open, with the channels that do not know of them."""
    found = open_alerts(connection)
    if not found:
        return ["Open alerts: none."]
    channels = [channel.name for channel in channels_of(settings)]
    lines = [f"Open alerts: {len(found)}"]
    for alert in found:
        lacking = [name for name in channels if alert.word_for(name)]
        untold = f" (not told yet: {', '.join(lacking)})" if lacking else ""
        lines.append(f"  {alert.severity}  since {alert.opened_at:%Y-%m-%d %H:%M} UTC: {alert.title}{untold}")
    return lines


def kept_lines(kept: Sequence[KeptAlert]) -> list[str]:
    """List the causes that only this machine knows of."""
    lines = [f"Open alerts, not yet in the warehouse: {len(kept)}" if kept else "Open alerts: unknown."]
    return lines + [
        f"  {one.alert.severity}  since {one.opened_at:%Y-%m-%d %H:%M} UTC: {one.alert.title}" for one in kept
    ]


def run_lines(connection: Connection, settings: Settings) -> list[str]:
    """List the last runs."""
    zone = ZoneInfo(settings.business.timezone)
    lines = ["Last runs:"]
    for run in last_runs(connection, SHOWN_RUNS):
        started = run["started_at"].astimezone(zone)
        seconds = (run["finished_at"] - run["started_at"]).total_seconds() if run["finished_at"] else None
        took = f"{seconds:,.0f} s" if seconds is not None else f"in stage {run['stage']}"
        tries = f", {run['attempts']} tries" if run["attempts"] > 1 else ""
        error = f"  {_cut(run['error'])}" if run["error"] else ""
        lines.append(
            f"  {run['run_id']:>5}  {run['job']:<8} {run['as_of_date']}  {run['status']:<9} "
            f"{started:%Y-%m-%d %H:%M} ({took}{tries}){error}"
        )
    return lines if len(lines) > 1 else ["Last runs: none yet."]


def _cut(error: str) -> str:
    """Return an error in one short line."""
    told = " ".join(error.split())
    if len(told) <= SHOWN_CHARACTERS:
        return told
    return f"{told[:SHOWN_CHARACTERS].rstrip()} … (see bi.job_runs)"


def scheduler_lines(settings: Settings, now: datetime) -> list[str]:
    """Say whether the scheduler of this folder is alive, as its health file has it."""
    try:
        health: dict[str, Any] = json.loads((settings.home / _SCHEDULER_FILE).read_text(encoding="utf-8"))
        silent = now - datetime.fromisoformat(health["alive_at"])
        who = f"process {health['pid']} on {health['host']}"
        why = "; ".join(map(str, health.get("why", ())))
        ended, ending = bool(health.get("stopped")), bool(health.get("stopping"))
    except (OSError, ValueError, KeyError, TypeError):
        return ["Scheduler: none was seen in this folder."]
    if ended:
        return [f"Scheduler: STOPPED {ago(silent.total_seconds())} ago ({who}): start `churn scheduler` again."]
    if abs(silent) > _SCHEDULER_SILENT:
        return [f"Scheduler: SILENT for {ago(silent.total_seconds())} ({who}): start `churn scheduler` again."]
    state = "stopping, and starts nothing any more" if ending else "alive"
    return [f"Scheduler: {state} ({who}).{f' {why}' if why else ''}"]
