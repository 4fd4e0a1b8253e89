"""The risk stage: the champion, or the recency rule while there is none."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from churn import registry, risk
from churn.features.store import read_batches
from churn.schema import attempt_risk
from churn.scoring.night import ScoredNight, names_of, refill


def score_risk(reader: Connection, connection: Connection, night: ScoredNight) -> int:
    """Score every customer by the champion, or by days since the last activity while there is none."""
    names = names_of(connection, night.snapshot)
    stored = registry.champion(connection, registry.CHURN)
    batches = read_batches(reader, night.snapshot, names)
    if stored is None:
        night.notes.append("No model has been trained: the list is ranked by recency. Run `churn train`.")
        scored = risk.recency_batches(names, batches)
    else:
        night.churn_version = stored.model_version
        night.in_sample = stored.labels_end_date is not None and stored.labels_end_date > night.as_of
        scored = risk.score_batches(risk.RiskModel.from_text(stored.artifact, stored.sha256), names, batches)
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
