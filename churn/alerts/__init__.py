"""Telling people: that a night failed, that something looks wrong, that it is well again; never twice for one cause.

`ops.alerts` holds one open row for each cause. Whoever opens it tells it; whoever finds it open says nothing. A channel
that could not be reached is tried again with the next run. Where the warehouse can't be reached, a file of this
machine stands in for the table until it can.
"""

from __future__ import annotations

from churn.alerts.book import OpenAlert, open_alerts
from churn.alerts.causes import command_after
from churn.alerts.channels import channels_of
from churn.alerts.offline import KeptAlert, kept_alerts
from churn.alerts.redaction import redacted_text
from churn.alerts.watch import tell_died, watching

__all__ = [
    "KeptAlert",
    "OpenAlert",
    "channels_of",
    "command_after",
    "kept_alerts",
    "open_alerts",
    "redacted_text",
    "tell_died",
    "watching",
]
