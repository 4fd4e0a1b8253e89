"""Choosing the champion by hand: promotion and rollback, of models that the next night can really be scored by."""

from __future__ import annotations

from datetime import date

from sqlalchemy.engine import Connection

from churn import registry
from churn.config import Settings
from churn.errors import ModelError
from churn.features.snapshot import latest_snapshot
from churn.risk import RiskModel
from churn.risk.scoring import churn_predicted, raw_scorer, refuse_other_churn, refuse_redefined


def promote_by_hand(
    connection: Connection, settings: Settings, model_version: str, author: registry.Author, reason: str, *, today: date
) -> str:
    """Make a stored churn model the champion and say so in a sentence.

    Nothing is touched unless the model can be loaded and the latest snapshot holds the features it needs, computed
    as in its training.

    Raises
    ------
    ModelError
        There is no such model, it is damaged, or no night could be scored by it.
    """
    stored = registry.stored(connection, model_version)
    if stored.kind != registry.CHURN:
        raise ModelError(
            f"{model_version} is a model of {stored.kind}, which is fitted and put in use by itself.",
            "`churn models list` shows the churn models.",
        )
    if stored.status == "champion":
        return f"{model_version} is in use already."
    require_usable(connection, settings, stored, today=today)
    before = registry.champion(connection, registry.CHURN)
    registry.promote(connection, model_version, registry.CHURN, author, reason)
    return f"{model_version} is in use from the next night on{f', after {before.model_version}' if before else ''}."


def roll_back_by_hand(
    connection: Connection, settings: Settings, author: registry.Author, reason: str, *, today: date
) -> str:
    """Put the champion before the present one back in use and say so in a sentence.

    Raises
    ------
    ModelError
        There is none before it, or no night could be scored by that one.
    """
    before = registry.previous_champion(connection, registry.CHURN)
    if before is not None:
        require_usable(connection, settings, registry.stored(connection, before), today=today)
    out, back = registry.roll_back(connection, registry.CHURN, author, reason)
    return f"{back} is in use again from the next night on; {out} is out of use."


def require_usable(
    connection: Connection, settings: Settings, stored: registry.StoredModel, *, today: date
) -> RiskModel:
    """Load a churn model as a night would, and refuse one that the next night could not be scored by.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    stored : StoredModel
    today : date
        The latest snapshot up to this business date is what the model must fit.

    Raises
    ------
    ModelError
        The artifact is damaged or of another format, it predicts another churn than is configured, or it needs
        features that the latest snapshot lacks or computes differently.
    """
    model = RiskModel.from_text(stored.artifact, stored.sha256)
    raw_scorer(model)
    refuse_other_churn(model, stored.details.get("churn", {}), churn_predicted(settings))
    snapshot = latest_snapshot(connection, until=today, population=settings.churn.definition)
    if snapshot is None:
        return model
    here = {*snapshot.feature_set.numbers, *snapshot.feature_set.categories}
    lacking = [name for name in (*model.names.numbers, *model.names.categories) if name not in here]
    if lacking:
        raise ModelError(
            f"{stored.model_version} needs features that the snapshot of {snapshot.as_of} lacks: {', '.join(lacking)}.",
            "Map the entity they come from, or train again with `churn train`.",
        )
    refuse_redefined(model, snapshot.feature_set.definitions)
    return model
