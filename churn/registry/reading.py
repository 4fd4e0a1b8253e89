"""Models by version, by artifact, by the place that they hold, and what happened to them."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.errors import ModelError
from churn.registry.records import Event, StoredModel
from churn.schema import model_events, models


def stored(connection: Connection, model_version: str) -> StoredModel:
    """Return a model by its version.

    Raises
    ------
    ModelError
        There is none.
    """
    row = connection.execute(_selected().where(models.c.model_version == model_version)).first()
    if row is None:
        raise ModelError(f"There is no model {model_version}.", "`churn models list` shows what there is.")
    return StoredModel(*row)


def champion(connection: Connection, kind: str) -> StoredModel | None:
    """Return the champion of a kind, or None."""
    row = connection.execute(_selected().where(models.c.kind == kind, models.c.status == "champion")).first()
    return None if row is None else StoredModel(*row)


def same_artifact(connection: Connection, kind: str, sha256: str) -> StoredModel | None:
    """Return the first registered model of a kind with this artifact, whatever date it was trained as of, or None."""
    row = connection.execute(
        _selected()
        .where(models.c.kind == kind, models.c.sha256 == sha256)
        .order_by(models.c.trained_as_of, models.c.model_version)
        .limit(1)
    ).first()
    return None if row is None else StoredModel(*row)


def in_force(connection: Connection, kind: str, as_of: date) -> StoredModel | None:
    """Return the newest adopted model of a kind that was trained as of `as_of` or before, or None.

    Of models trained as of the same date the champion is in force, else the one that was registered last.
    """
    row = connection.execute(
        _selected()
        .where(models.c.kind == kind, models.c.status != "challenger", models.c.trained_as_of <= as_of)
        .order_by(
            models.c.trained_as_of.desc(),
            (models.c.status == "champion").desc(),
            models.c.created_at.desc(),
            models.c.model_version,
        )
        .limit(1)
    ).first()
    return None if row is None else StoredModel(*row)


def events_of(connection: Connection, model_version: str) -> list[Event]:
    """Return what happened to a model, in order."""
    return [Event(*row) for row in connection.execute(_events().where(model_events.c.model_version == model_version))]


def previous_champion(connection: Connection, kind: str) -> str | None:
    """Return the version of the champion before the present one, or None.

    Read from the events as a stack: a promotion puts a model on top, a rollback takes it off; so rolling back twice
    goes back two champions. A model promoted before events were kept shows by its retirement.
    """
    stack: list[str] = []
    for row in connection.execute(_events().where(model_events.c.kind == kind)):
        event = Event(*row)
        if event.event in ("promoted", "retired") and stack[-1:] != [event.model_version]:
            stack.append(event.model_version)
        elif event.event == "rolled_back" and stack[-1:] == [event.model_version]:
            stack.pop()
    current = champion(connection, kind)
    if current is None or stack[-1:] != [current.model_version]:
        return None
    return stack[-2] if len(stack) > 1 else None


def _events() -> sa.Select[Any]:
    events = model_events.c
    return sa.select(events.model_version, events.event, events.at, events.actor, events.reason).order_by(
        events.event_id
    )


def _selected() -> sa.Select[Any]:
    return sa.select(*(models.c[field.name] for field in fields(StoredModel)))
