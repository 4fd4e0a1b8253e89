"""Models come in, are put in use, taken out and put back; every change is an event with its author."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from churn.errors import ModelError
from churn.registry.reading import champion, previous_champion, stored
from churn.registry.records import Author, NewModel, StoredModel
from churn.schema import model_events, models


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
