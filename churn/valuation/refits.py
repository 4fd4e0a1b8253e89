"""CLV models fitted, backtested and adopted, and the one in force found or made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from math import log
from typing import Any

from sqlalchemy.engine import Connection

from churn import clv, registry
from churn.clv.backtest import MODEL, MethodScore
from churn.config import Settings
from churn.errors import ModelError
from churn.valuation.backtest import Backtest, SegmentsAt, latest_averages, no_segments, run_backtest
from churn.valuation.fitting import fit_model
from churn.valuation.in_force import NO_MODEL, ClvInForce
from churn.valuation.storage import copy_backtest, store_backtest

LEVEL_SD = 0.1
"""How far the level of CLV by inactivity is taken to be off, in logarithms, where no backtest has shown it."""


@dataclass(frozen=True)
class FittedClv:
    """A CLV model that was fitted and backtested, and is not in the registry yet.

    Attributes
    ----------
    new : NewModel
    model : ClvModel
    backtest : Backtest or None
    tested_as : str
        Version whose backtest stands for it where it has none of its own; empty where none does.
    """

    new: registry.NewModel
    model: clv.ClvModel
    backtest: Backtest | None
    tested_as: str = ""

    @property
    def in_force(self) -> ClvInForce:
        """The model as it will be once adopted."""
        return ClvInForce(self.new.model_version, self.model, self.new.details, is_new=True)


def clv_model_in_force(
    connection: Connection, settings: Settings, author: registry.Author, *, as_of: date
) -> ClvInForce:
    """Return the CLV model in force as of a date, fitting one where there is none or it is older than `clv.refit_days`.

    Where fitting fails, the model before stays in force; without one there is none, and the notes say what is missing.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction: a new model is stored.
    settings : Settings
    author : Author
        Who is said to have fitted it.
    as_of : date
        Nothing dated on or after it is used.

    Raises
    ------
    ModelError
        The stored model that is to be used is damaged.
    """
    before = _before(connection, settings, as_of)
    if before is not None and before.trained_as_of > as_of - timedelta(days=settings.clv.refit_days):
        return _loaded(before)
    try:
        fitted = fit_clv(connection, settings, as_of=as_of)
    except ModelError as error:
        why_not = f"CLV could not be fitted as of {as_of}: {error}"
        if before is None:
            return ClvInForce(NO_MODEL, None, {}, why_not=why_not)
        return replace(_loaded(before), why_not=f"{why_not} {before.model_version} stays in use.")
    return adopt_clv(connection, settings, author, fitted, f"fitted as of {as_of}, by the first run that needed it")


def fit_clv(
    connection: Connection,
    settings: Settings,
    *,
    as_of: date,
    panel: clv.Panel | None = None,
    segments_at: SegmentsAt = no_segments,
) -> FittedClv:
    """Fit a CLV model on what is known as of a date, and backtest it.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
    as_of : date
        Nothing dated on or after it is used.
    panel : Panel, optional
        Month-end snapshots with walk-forward probabilities, from training. Without one, what an earlier training
        taught the model in force stays, and only its curves are renewed.
    segments_at : callable
        Gives segments as of past dates; where it knows none, the averages of the model before stay.

    Raises
    ------
    ModelError
        There is too little to fit.
    """
    before = _before(connection, settings, as_of)
    taught, lost = _taught(before, settings, panel)
    model = fit_model(connection, settings, as_of, panel=panel, before=taught)
    backtest, why_not = run_backtest(connection, settings, as_of, panel=panel, segments_at=segments_at)
    tested, tested_as = None if backtest is None else _told(backtest), ""
    if tested is None and before is not None and panel is None and before.details.get("backtest"):
        # What was found of the method before stays known, as what it is.
        tested, tested_as = before.details["backtest"], before.model_version
        why_not = f"CLV was backtested when {before.model_version} was fitted."
    if isinstance(model, clv.InactivityModel):
        model = replace(model, level_sd=_level_sd(tested))
    text = clv.model_to_text(model)
    averages = latest_averages(connection, settings, as_of, segments_at)
    kept = None if before is None else before.details.get("segment_averages")
    details: dict[str, Any] = {
        "parameters": json.loads(text),
        "segment_averages": kept if averages is None else asdict(averages),
        "backtest": tested,
        "notes": [*lost, *_fit_notes(model, panel, taught), *([why_not] if why_not else [])],
    }
    return FittedClv(registry.NewModel(registry.CLV, text, as_of, details=details), model, backtest, tested_as)


def adopt_clv(
    connection: Connection, settings: Settings, author: registry.Author, fitted: FittedClv, reason: str
) -> ClvInForce:
    """Enter a fitted model into the registry with its backtest and put it in force."""
    version = registry.adopt(connection, fitted.new, author, reason).model_version
    if fitted.tested_as:
        copy_backtest(connection, fitted.tested_as, version)
    else:
        store_backtest(connection, version, fitted.backtest, settings.clv.method)
    return fitted.in_force


def _before(connection: Connection, settings: Settings, as_of: date) -> registry.StoredModel | None:
    """Return what the registry holds as in force as of a date, where it is of the configured kind."""
    stored = registry.in_force(connection, registry.CLV, as_of)
    wanted = f"clv_{settings.churn.definition}"
    return stored if stored is not None and stored.details.get("parameters", {}).get("kind") == wanted else None


def _loaded(stored: registry.StoredModel) -> ClvInForce:
    return ClvInForce(stored.model_version, clv.model_from_text(stored.artifact, stored.sha256), stored.details)


def _taught(
    before: registry.StoredModel | None, settings: Settings, panel: clv.Panel | None
) -> tuple[clv.ClvModel | None, list[str]]:
    """Return the model that curves are renewed in, only where they are, and a note where it is damaged."""
    if before is None or panel is not None or settings.churn.definition != "contractual":
        return None, []
    try:
        return clv.model_from_text(before.artifact, before.sha256), []
    except ModelError as error:
        return None, [f"CLV starts without what {before.model_version} had learned: {error}"]


def _level_sd(tested: Mapping[str, Any] | None) -> float:
    """Return how far the model's total was off in a backtest, in logarithms."""
    if tested is None:
        return LEVEL_SD
    figures = tested["methods"][MODEL]
    if min(figures["predicted"], figures["realised"]) <= 0:
        return LEVEL_SD
    return abs(log(figures["predicted"] / figures["realised"]))


def _fit_notes(model: clv.ClvModel, panel: clv.Panel | None, taught: clv.ClvModel | None) -> list[str]:
    """Return what whoever reads the run should know of the fit."""
    if isinstance(model, clv.InactivityModel):
        return list(model.notes)
    if panel is None and taught is None:
        return [
            "CLV knows how contracts end, not yet how a customer's own risk lives on: `churn train` teaches it that."
        ]
    return []


def _told(backtest: Backtest) -> dict[str, Any]:
    """Return a backtest as JSON holds it."""
    return {
        "from_date": backtest.from_date.isoformat(),
        "to_date": backtest.to_date.isoformat(),
        "best": backtest.best,
        "methods": {score.method: _figures(score) for score in backtest.scores},
    }


def _figures(score: MethodScore) -> dict[str, Any]:
    return {
        "customers": score.customers,
        "predicted": score.predicted,
        "realised": score.realised,
        "mean_absolute_error": score.mean_absolute_error,
        "decile_error": score.decile_error,
        "rank_correlation": score.rank_correlation,
    }
