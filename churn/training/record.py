"""What the registry keeps of a trained model beside its artifact, for people to read."""

from __future__ import annotations

import dataclasses
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import churn
from churn.config import Settings
from churn.features.snapshot import Snapshot
from churn.performance_store import json_safe, plain
from churn.risk import RiskModel, TrainSettings
from churn.training.data import LabelledSnapshots
from churn.training.judging import Judged

LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "scipy", "pandas")


def model_details(
    settings: Settings,
    snapshots: Sequence[Snapshot],
    learned: LabelledSnapshots,
    model: RiskModel,
    train_settings: TrainSettings,
    judged: Judged,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return what a reader of the registry wants to know, as JSON holds it.

    Returns
    -------
    dict
        `figures` (by predictor), `threshold`, `terms`, `expected` (figures of later nights), `features`,
        `definitions`, `snapshots` (counts by origin), `snapshot_dates`, `data` (counts), `churn` (what is predicted),
        `method`, `parameters`, `versions` (code and libraries), `notes`.
    """
    judgement = judged.judgement
    return {
        "figures": {found.predictor: json_safe(asdict(found)) for found in judgement.evaluations},
        "threshold": plain(judgement.threshold),
        "terms": json_safe(asdict(judged.terms)) | {"currency": settings.business.currency},
        "expected": {name: found.to_json() for name, found in judged.expected.items()},
        "features": [*model.names.numbers, *model.names.categories],
        "definitions": dict(model.definitions),
        "snapshots": dict(Counter(snapshot.origin for snapshot in snapshots)),
        "snapshot_dates": [
            {"as_of": snapshot.as_of.isoformat(), "origin": snapshot.origin, "customers": snapshot.customers}
            for snapshot in snapshots
        ],
        "data": {
            "customer_months": len(learned.data),
            "churners": int(learned.data.churned.sum()),
            "share_of_customers": plain(learned.share),
            "treated_left_out": learned.treated_left_out,
        },
        "churn": {
            "definition": settings.churn.definition,
            "horizon_days": settings.churn.horizon_days,
            "grace_days": settings.grace_days,
            "inactivity_days": settings.churn.inactivity_days,
        },
        "method": {
            "kind": model.kind,
            "trees": model.trees,
            "calibrator": model.calibrator.kind,
            "season": model.season.kind,
            "base_rate": plain(model.base_rate),
        },
        "parameters": json_safe(dataclasses.asdict(train_settings)),
        "versions": {
            "churn": churn.__version__,
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
        "notes": list(notes),
    }
