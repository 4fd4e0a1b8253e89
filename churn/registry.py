"""The registry of models: text artifacts with their SHA-256, one champion of each kind."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.errors import ModelError
from churn.schema import models

CHURN = "churn"
SEGMENTS = "segments"
CLV = "clv"


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
    details: dict[str, Any]


@dataclass(frozen=True)
class NewModel:
    """A model about to be registered.

    Attributes
    ----------
    kind : {"churn", "segments", "clv"}
    artifact : str
        Text; the same data must give the same text.
    trained_as_of : date
    labels_end_date : date or None
        First date on which every label it learned from was known; a night before it is `in_sample`.
    details : mapping
        What people want to read of it: figures, features, settings.
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


def register(connection: Connection, model: NewModel, *, run_id: int, created_at: datetime) -> str:
    """Store a model as a challenger and return its version; storing the same one again changes nothing."""
    connection.execute(
        insert(models)
        .values(
            model_version=model.model_version,
            kind=model.kind,
            status="challenger",
            artifact=model.artifact,
            sha256=model.sha256,
            trained_as_of=model.trained_as_of,
            labels_end_date=model.labels_end_date,
            created_at=created_at,
            run_id=run_id,
            reason="stored",
            details=dict(model.details),
        )
        .on_conflict_do_nothing()
    )
    return model.model_version


def promote(connection: Connection, model_version: str, kind: str, reason: str) -> None:
    """Make a model the champion of its kind; the one before it is retired."""
    connection.execute(
        sa.update(models)
        .where(models.c.kind == kind, models.c.status == "champion", models.c.model_version != model_version)
        .values(status="retired")
    )
    connection.execute(
        sa.update(models)
        .where(models.c.model_version == model_version, models.c.status != "champion")
        .values(status="champion", reason=reason)
    )


def adopt(connection: Connection, model: NewModel, *, run_id: int, created_at: datetime, reason: str) -> StoredModel:
    """Register a model that needs no contest (segments, CLV): the champion where it is the newest, else retired."""
    version = register(connection, model, run_id=run_id, created_at=created_at)
    current = champion(connection, model.kind)
    if current is None or current.trained_as_of <= model.trained_as_of:
        promote(connection, version, model.kind, reason)
    else:
        connection.execute(
            sa.update(models).where(models.c.model_version == version).values(status="retired", reason=reason)
        )
    return stored(connection, version)


def stored(connection: Connection, model_version: str) -> StoredModel:
    """Return a model by its version.

    Raises
    ------
    ModelError
        There is none.
    """
    row = connection.execute(_selected().where(models.c.model_version == model_version)).first()
    if row is None:
        raise ModelError(f"There is no model {model_version}.", "`churn status` shows the model in use.")
    return StoredModel(*row)


def champion(connection: Connection, kind: str) -> StoredModel | None:
    """Return the champion of a kind, or None."""
    row = connection.execute(_selected().where(models.c.kind == kind, models.c.status == "champion")).first()
    return None if row is None else StoredModel(*row)


def in_force(connection: Connection, kind: str, as_of: date) -> StoredModel | None:
    """Return the newest adopted model of a kind that was trained as of `as_of` or before, or None."""
    row = connection.execute(
        _selected()
        .where(models.c.kind == kind, models.c.status != "challenger", models.c.trained_as_of <= as_of)
        .order_by(models.c.trained_as_of.desc(), models.c.model_version)
        .limit(1)
    ).first()
    return None if row is None else StoredModel(*row)


def _selected() -> sa.Select[Any]:
    return sa.select(
        models.c.model_version,
        models.c.kind,
        models.c.status,
        models.c.artifact,
        models.c.sha256,
        models.c.trained_as_of,
        models.c.labels_end_date,
        models.c.details,
    )
