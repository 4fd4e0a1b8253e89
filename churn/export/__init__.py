"""Exports of published nights to files or stdout, in bounded memory.

`runs` decides what is written where, `files` writes it whole or not at all, `formats` knows CSV, Parquet and JSON
lines.
"""

from __future__ import annotations

from churn.export.formats import Format
from churn.export.runs import Exported, export, export_nights

__all__ = ["Exported", "Format", "export", "export_nights"]
