"""What the registry holds: models, what happened to them, and who did it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

CHURN = "churn"
SEGMENTS = "segments"
CLV = "clv"
KINDS = (CHURN, SEGMENTS, CLV)


@dataclass(frozen=True)
class Author:
    """Who changes the registry, and when.

    Attributes
    ----------
    actor : str
        A person's login, or the job and its run.
    at : datetime
        UTC.
    run_id : int or None
        The run that did it; None for a command by hand, which registers nothing.
    """

    actor: str
    at: datetime
    run_id: int | None = None


@dataclass(frozen=True)
class StoredModel:
    """A model as the registry holds it; whoever loads `artifact` checks it against `sha256`."""

    model_version: str
    kind: str
    status: str
    artifact: str
    sha256: str
    trained_as_of: date
    labels_end_date: date | None
    created_at: datetime
    reason: str
    details: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """What happened to a model: `registered`, `promoted`, `retired` or `rolled_back`."""

    model_version: str
    event: str
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True)
class NewModel:
    """A model about to be registered.

    Attributes
    ----------
    kind : {"churn", "segments", "clv"}
    artifact : str
        Text; the same data must give the same text.
    trained_as_of : date
    details : mapping
        What people want to read of it: figures, features, settings.
    labels_end_date : date or None
        First date on which every label it learned from was known; a night before it is `in_sample`.
    """

    kind: str
    artifact: str
    trained_as_of: date
    details: Mapping[str, Any]
    labels_end_date: date | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the artifact, in hexadecimal."""
        return hashlib.sha256(self.artifact.encode()).hexdigest()

    @property
    def model_version(self) -> str:
        """Kind, date and the beginning of the hash: the same model trained again keeps its version."""
        return f"{self.kind}-{self.trained_as_of:%Y%m%d}-{self.sha256[:8]}"
