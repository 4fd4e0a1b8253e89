"""Which customers will leave, what each is worth, and whom to contact first: a nightly batch job on Postgres."""

from __future__ import annotations

__version__ = "0.1.0"
