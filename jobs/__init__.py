"""One file a job, for cron, Airflow and friends: `python -m jobs.nightly --as-of 2026-11-21`."""

from __future__ import annotations
