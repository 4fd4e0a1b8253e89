"""The clock: runs each night and each training once, in order, and says how it is.

`churn scheduler` is a process that starts the others: it holds no connection of its own while a job is at work, and
what it knows of nights it asks the warehouse.
"""

from __future__ import annotations

from churn.config import next_runs
from churn.scheduling.healthfile import HEALTH_FILE, Health, read_health
from churn.scheduling.run import run_forever

__all__ = ["HEALTH_FILE", "Health", "next_runs", "read_health", "run_forever"]
