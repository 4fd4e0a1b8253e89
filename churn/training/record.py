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
from churn.risk import RiskModel
from churn.risk.scoring import churn_predicted
from churn.training.data import LabelledSnapshots
from churn.training.judging import Judged
from churn.training.recipe import Chosen

LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "scipy", "pandas")


def model_details(
    settings: Settings,
    snapshots: Sequence[Snapshot],
    learned: LabelledSnapshots,
    model: RiskModel,
    chosen: Chosen,
    judged: Judged,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return what a reader of the registry wants to know, as JSON holds it.

    Returns
    -------
    dict
        `figures` (by predictor), `threshold`, `terms`, `expected` (figures of later nights), `features`,
        `definitions`, `snapshots` (counts by origin), `snapshot_dates`, `data` (counts), `churn` (what is predicted),
        `method`, `parameters`, `searched` (whether a search found them), `versions` (code and libraries), `notes`.
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
        "data": _counts(learned),
        "churn": churn_predicted(settings),
        "method": {
            "kind": model.kind,
            "trees": model.trees,
            "calibrator": model.calibrator.kind,
            "season": model.season.kind,
            "base_rate": plain(model.base_rate),
        },
        "parameters": json_safe(dataclasses.asdict(chosen.settings)),
        "searched": chosen.searched,
        "versions": _versions(),
        "notes": list(notes),
    }


def _counts(learned: LabelledSnapshots) -> dict[str, Any]:
    return {
        "customer_months": len(learned.data),
        "churners": int(learned.data.churned.sum()),
        "share_of_customers": plain(learned.share),
        "treated_left_out": learned.treated_left_out,
    }


def _versions() -> dict[str, str]:
    libraries = {library: version(library) for library in LIBRARIES}
    return {"churn": churn.__version__, "python": platform.python_version(), **libraries}
