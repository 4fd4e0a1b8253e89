"""`churn doctor`: is everything there that a night needs? One finding a line, with the mend; it never stops early."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from churn.config import Settings
from churn.doctor.emptied import rows_before
from churn.doctor.findings import Finding, guarded
from churn.doctor.ground import ground_findings
from churn.doctor.source import source_findings
from churn.doctor.warehouse import warehouse_findings
from churn.ledger import Clock

__all__ = ["Finding", "examine"]


def examine(settings: Settings, now: datetime) -> list[Finding]:
    """Look at the configuration and this machine, the source, the warehouse and the model.

    Nothing is changed and nobody is told anything; the first trouble hides no other.

    Parameters
    ----------
    settings : Settings
    now : datetime
        UTC; what passes while it looks is added.
    """
    clock = _running(now)
    return [
        *ground_findings(settings),
        *guarded("source", lambda: source_findings(settings, clock, rows_before(settings)), settings),
        *guarded("warehouse", lambda: warehouse_findings(settings, clock), settings),
    ]


def _running(now: datetime) -> Clock:
    """Return a clock that goes on from a moment, since servers may take their time to answer."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)
