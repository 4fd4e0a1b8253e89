"""The registry of models: text artifacts with their SHA-256, one champion of each kind, and who made it so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.errors import ModelError
from churn.schema import model_events, models

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


# --- writing ------------------------------------------------------------------------------------------------------


def register(connection: Connection, model: NewModel, author: Author) -> str:
    """Store a model as a challenger and return its version.

    The same artifact trained as of the same date is the same model: it keeps its version, its status and its
    history; `details` are renewed, and so is the stored text, lest a damaged one stay.
    """
    new = connection.execute(
        insert(models)
        .values(
            model_version=model.model_version,
            kind=model.kind,
            status="challenger",
            artifact=model.artifact,
            sha256=model.sha256,
            trained_as_of=model.trained_as_of,
            labels_end_date=model.labels_end_date,
            created_at=author.at,
            run_id=author.run_id,
            reason="stored",
            details=dict(model.details),
        )
        .on_conflict_do_nothing()
        .returning(models.c.model_version)
    ).first()
    if new is None:
        mended = {"artifact": model.artifact, "sha256": model.sha256}
        _renew(connection, model.model_version, details=dict(model.details), **mended)
    else:
        _record(
            connection, model.model_version, model.kind, "registered", author, f"trained as of {model.trained_as_of}"
        )
    return model.model_version


def promote(connection: Connection, model_version: str, kind: str, author: Author, reason: str) -> None:
    """Make a model the champion of its kind; the one before it is retired. The champion itself stays as it is."""
    before = champion(connection, kind)
    if before is not None and before.model_version == model_version:
        return
    if before is not None:
        followed = f"followed by {model_version}"
        _renew(connection, before.model_version, status="retired")
        _record(connection, before.model_version, kind, "retired", author, followed)
    _renew(connection, model_version, status="champion", reason=reason)
    _record(connection, model_version, kind, "promoted", author, reason)


def roll_back(connection: Connection, kind: str, author: Author, reason: str) -> tuple[str, str]:
    """Take the champion out and put the one before it back; return their versions, (taken out, put back).

    Raises
    ------
    ModelError
        There is no champion, or none before it.
    """
    current, before = champion(connection, kind), previous_champion(connection, kind)
    if current is None or before is None:
        raise ModelError(
            f"There is no {kind} model before {current.model_version}." if current else f"There is no {kind} model.",
            "`churn models list` shows what there is; `churn models promote` puts one of them in use.",
        )
    _renew(connection, current.model_version, status="retired", reason=f"rolled back: {reason}")
    _record(connection, current.model_version, kind, "rolled_back", author, reason)
    again = f"again in use: {current.model_version} was rolled back ({reason})"
    _renew(connection, before, status="champion", reason=again)
    _record(connection, before, kind, "promoted", author, again)
    return current.model_version, before


def withdraw(connection: Connection, model_version: str, author: Author, reason: str) -> None:
    """Take a model back with which nothing was published: a challenger again, which a later run may adopt.

    Where it is the champion, the one before it, if there is any, is put back.
    """
    taken = stored(connection, model_version)
    if taken.status == "champion" and previous_champion(connection, taken.kind) is not None:
        roll_back(connection, taken.kind, author, reason)
    else:
        _record(connection, model_version, taken.kind, "rolled_back", author, reason)
    _renew(connection, model_version, status="challenger", reason=f"withdrawn: {reason}")


def keep_aside(connection: Connection, model_version: str, reason: str) -> None:
    """Note why a challenger stays one."""
    connection.execute(
        sa.update(models)
        .where(models.c.model_version == model_version, models.c.status == "challenger")
        .values(reason=reason)
    )


def adopt(connection: Connection, model: NewModel, author: Author, reason: str) -> StoredModel:
    """Register a model that needs no contest (segments, CLV): the champion where it is the newest, else retired."""
    version = register(connection, model, author)
    current = champion(connection, model.kind)
    if current is None or current.trained_as_of <= model.trained_as_of:
        promote(connection, version, model.kind, author, reason)
    elif current.model_version != version:
        _renew(connection, version, status="retired", reason=reason)
    return stored(connection, version)


def _renew(connection: Connection, model_version: str, **values: Any) -> None:
    connection.execute(sa.update(models).where(models.c.model_version == model_version).values(**values))


def _record(connection: Connection, model_version: str, kind: str, event: str, author: Author, reason: str) -> None:
    connection.execute(
        sa.insert(model_events).values(
            model_version=model_version,
            kind=kind,
            event=event,
            at=author.at,
            actor=author.actor,
            reason=reason,
            run_id=author.run_id,
        )
    )


# --- reading ------------------------------------------------------------------------------------------------------


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
