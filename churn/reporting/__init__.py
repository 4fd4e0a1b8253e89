"""Pages that stand alone, on their way out: to files, to the ledger of exports, to a mailbox."""

from __future__ import annotations

from churn.reporting.files import written
from churn.reporting.nightly import nightly_report, write_report

__all__ = ["nightly_report", "write_report", "written"]
