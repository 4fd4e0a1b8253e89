"""What the figures of the published night are worth: the model, how past nights turned out, what has moved."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from churn import registry
from churn.scoring.risk import no_model
from churn.sqlfiles import read_sql

SHOWN_FEATURES = 3


def model_lines(connection: Connection) -> list[str]:
    """Say in one line which model ranks customers."""
    model = registry.champion(connection, registry.CHURN)
    if model is None:
        told, mend = no_model(connection)
        return [f"Model: none; nights are ranked by recency. {told}. {mend}"]
    figures = model.details.get("figures", {}).get("model", {})
    auc = f", AUC-ROC {figures['auc_roc']:.3f} out of time" if "auc_roc" in figures else ""
    return [f"Model: {model.model_version}, trained as of {model.trained_as_of}{auc}."]


def realised_lines(connection: Connection) -> list[str]:
    """Say in one line whether the latest night whose outcome is known turned out as the model had promised."""
    found = connection.execute(read_sql("monitoring/latest_realised.sql").statement).all()
    if not found:
        return ["Realised: nothing yet; a night is compared with what became of it once its horizon has passed."]
    breached = [
        f"{row.figure} {row.value:.3f} ({row.low:.3f} to {row.high:.3f} expected)"
        for row in found
        if row.status in ("outside", "warning")
    ]
    if not breached:
        return [f"Realised: the night of {found[0].as_of_date} turned out as expected."]
    warned = any(row.status == "warning" for row in found)
    advice = "; the month before, too: run `churn train`" if warned else ""
    return [
        f"Realised: {'WARNING, ' if warned else ''}the night of {found[0].as_of_date} did not turn out as expected: "
        f"{', '.join(breached)}{advice}."
    ]


def drift_lines(connection: Connection) -> list[str]:
    """Say in one line what has moved away from training on the latest published night."""
    found = connection.execute(read_sql("monitoring/latest_drift.sql").statement).all()
    if not found:
        return ["Drift: not measured."]
    moved = [f"{row.feature} ({row.psi:.2f})" for row in found if row.status != "ok"]
    shown = ", ".join(moved[:SHOWN_FEATURES]) + (", …" if len(moved) > SHOWN_FEATURES else "")
    what = f"{len(moved)} have moved: {shown}" if moved else "none has moved"
    return [f"Drift: of {len(found)} features and scores {what}."]
