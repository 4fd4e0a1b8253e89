"""Point-in-time features: what `sql/features/` computes, kept by name as computed that night."""

from __future__ import annotations
