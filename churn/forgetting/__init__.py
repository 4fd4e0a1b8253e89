"""Erasing a customer: `run` does it, `catalogue` knows every column, `traces` what names a customer in a text."""

from __future__ import annotations

from churn.forgetting.run import Exported, Forgotten, forget, preview
from churn.forgetting.telling import forgotten_lines, preview_lines

__all__ = ["Exported", "Forgotten", "forget", "forgotten_lines", "preview", "preview_lines"]
