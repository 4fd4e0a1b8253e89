"""The risk stage: the champion, or the recency rule while there is none."""

from __future__ import annotations

from datetime import UTC

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import registry, risk
from churn.errors import ModelError
from churn.features.store import read_batches
from churn.risk.scoring import churn_predicted, refuse_other_churn, refuse_redefined
from churn.schema import attempt_risk, runs
from churn.scoring.night import RECENCY_RULE, ScoredNight, names_of, refill


def score_risk(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Score every customer by the champion, or by days since the last activity while there is none.

    Raises
    ------
    ModelError
        The champion is damaged, it predicts another churn than is configured, or the night lacks a feature that it
        uses or computes it differently.
    """
    names = names_of(connection, night.snapshot)
    stored = registry.champion(connection, registry.CHURN)
    model = None if stored is None else _loaded(stored, night)
    batches = read_batches(reader, night.snapshot, names)
    if model is None:
        told, mend = no_model(connection)
        night.notes.append(f"{told}: the list is ranked by recency. {mend}")
        scored = risk.recency_batches(names, batches)
    else:
        scored = risk.score_batches(model, names, batches, as_of=night.as_of)
    return refill(
        connection,
        attempt_risk,
        (
            {
                "customer_key": part.customer_keys,
                "risk_score": part.risk_score,
                "churn_probability": part.churn_probability,
            }
            for part in scored
        ),
    )


def recall_reference(connection: Connection, night: ScoredNight) -> None:
    """Read again what the night's model learned from, where the risk stage was done by an earlier try of the run."""
    if night.reference is None and night.churn_version != RECENCY_RULE:
        stored = registry.stored(connection, night.churn_version)
        night.reference = risk.RiskModel.from_text(stored.artifact, stored.sha256).reference


def no_model(connection: Connection) -> tuple[str, str]:
    """Say why there is no champion, and what to do: no training was ever tried, or none made a model good enough."""
    tried = runs.c.job == "train", runs.c.status.in_(("succeeded", "failed"))
    query = sa.select(runs.c.run_id, runs.c.started_at, runs.c.status, runs.c.exit_code, runs.c.error)
    last = connection.execute(query.where(*tried).order_by(runs.c.run_id.desc()).limit(1)).first()
    if last is None:
        return "No model has been trained", "Run `churn train`."
    when = f"was tried at {last.started_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC (run {last.run_id})"
    why = " ".join((last.error or "").split())
    if last.exit_code == ModelError.exit_code:
        return f"No model was good enough: training {when} and refused", f"{why} `churn train` tries again.".strip()
    if last.status == "failed":
        return (
            f"No model has been trained: training {when} and failed",
            f"{why} Mend it, then run `churn train`.".strip(),
        )
    return (
        f"No model was good enough: training {when} and none was promoted",
        "`churn models list` shows them; `churn train` tries again.",
    )


def _loaded(stored: registry.StoredModel, night: ScoredNight) -> risk.RiskModel:
    """Load the champion, refuse it where churn or the night's features mean something else, and note what it is."""
    model = risk.RiskModel.from_text(stored.artifact, stored.sha256)
    refuse_other_churn(model, stored.details.get("churn", {}), churn_predicted(night.settings))
    refuse_redefined(model, night.snapshot.feature_set.definitions)
    night.churn_version = stored.model_version
    night.in_sample = stored.labels_end_date is not None and stored.labels_end_date > night.as_of
    night.reference = model.reference
    if model.reference is None:
        night.notes.append("This model kept nothing to measure drift by. Train again with `churn train`.")
    return model
