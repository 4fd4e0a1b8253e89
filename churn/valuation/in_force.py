"""The CLV model in force: found in the registry, or fitted, backtested and adopted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from churn import clv, registry
from churn.clv.backtest import MODEL, MethodScore
from churn.clv.naive import OWN_RATE, SEGMENT_AVERAGE, SegmentAverages
from churn.config import Settings
from churn.valuation.backtest import Backtest, SegmentsAt, latest_averages, no_segments, run_backtest
from churn.valuation.fitting import fit_model
from churn.valuation.storage import store_backtest

METHOD_WORDS = {
    MODEL: "the model",
    OWN_RATE: "each customer's own rate",
    SEGMENT_AVERAGE: "the segments' averages",
}


@dataclass(frozen=True)
class ClvInForce:
    """A CLV model with what the registry keeps beside it.

    Attributes
    ----------
    model_version : str
    model : ClvModel
    details : mapping
        `parameters`, `backtest` (or None), `segment_averages` (or None) and `notes`, as JSON holds them.
    is_new : bool
        This run fitted it.
    """

    model_version: str
    model: clv.ClvModel
    details: Mapping[str, Any]
    is_new: bool = False

    @property
    def averages(self) -> SegmentAverages | None:
        """What customers brought a month, by segment, when it was fitted; None where that is not known."""
        found = self.details.get("segment_averages")
        return None if found is None else SegmentAverages(found["months"], found["everybody"], found["segments"])

    def method(self, settings: Settings) -> str:
        """Return what values come from: `clv.method`, or the model where segments have no averages yet."""
        wanted = settings.clv.method
        return MODEL if wanted == SEGMENT_AVERAGE and self.averages is None else wanted

    def notes(self, settings: Settings) -> list[str]:
        """Return what a run says of it: of the fit where this run made it, and whether another method does better."""
        said = list(self.details.get("notes", ())) if self.is_new else []
        verdict = self._verdict(self.method(settings))
        if self.method(settings) != settings.clv.method:
            said.append("CLV: there is no period to average over yet, so values come from the model.")
        return [*said, verdict] if verdict else said

    def summary(self, settings: Settings) -> tuple[str, ...]:
        """Return the model and its backtest in one or two lines, for a terminal."""
        kind = "contracts" if isinstance(self.model, clv.ContractualModel) else "purchases"
        head = f"CLV of {kind} over {settings.clv.horizon_months} months: {self.model_version}."
        backtest = self.details.get("backtest")
        if not backtest:
            return (head,)
        tested = backtest["methods"].get(settings.clv.method) or backtest["methods"][MODEL]
        ranked = tested["rank_correlation"]
        return (
            head,
            f"CLV out of time, {backtest['from_date']} to {backtest['to_date']}: {tested['predicted']:,.0f} "
            f"{settings.business.currency} of margin predicted, {tested['realised']:,.0f} realised "
            f"({_error_text(tested)}{'' if ranked is None else f', rank correlation {ranked:.2f}'}); "
            f"nearest: {METHOD_WORDS[backtest['best']]}.",
        )

    def _verdict(self, used: str) -> str:
        backtest = self.details.get("backtest")
        if not backtest or backtest["best"] == used:
            return ""
        best = backtest["best"]
        errors = {method: _error_text(score) for method, score in backtest["methods"].items()}
        return (
            f"CLV: from {backtest['from_date']} to {backtest['to_date']}, {METHOD_WORDS[best]} came nearer "
            f"({errors[best]}) than {METHOD_WORDS[used]}, which is in use "
            f'({errors.get(used, "not tested")}). clv.method = "{best}" in churn.toml chooses it.'
        )


@dataclass(frozen=True)
class FittedClv:
    """A CLV model that was fitted and backtested, and is not in the registry yet.

    Attributes
    ----------
    new : NewModel
    model : ClvModel
    backtest : Backtest or None
    """

    new: registry.NewModel
    model: clv.ClvModel
    backtest: Backtest | None

    @property
    def in_force(self) -> ClvInForce:
        """The model as it will be once adopted."""
        return ClvInForce(self.new.model_version, self.model, self.new.details, is_new=True)


def clv_model_in_force(
    connection: Connection, settings: Settings, author: registry.Author, *, as_of: date
) -> ClvInForce:
    """Return the CLV model in force as of a date, fitting one where there is none or it is older than `clv.refit_days`.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction: a new model is stored.
    settings : Settings
    author : Author
        Who is said to have fitted it.
    as_of : date
        Nothing dated on or after it is used.
    """
    before = _before(connection, settings, as_of)
    if before is not None:
        stored, model = before
        if stored.trained_as_of > as_of - timedelta(days=settings.clv.refit_days):
            return ClvInForce(stored.model_version, model, stored.details)
    fitted = fit_clv(connection, settings, as_of=as_of)
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
        Gives segments as of past dates.

    Raises
    ------
    ModelError
        There is too little to fit.
    """
    before = None if panel is not None else _before(connection, settings, as_of)
    model = fit_model(connection, settings, as_of, panel=panel, before=None if before is None else before[1])
    backtest, why_not = run_backtest(connection, settings, as_of, panel=panel, segments_at=segments_at)
    averages = latest_averages(connection, settings, as_of, segments_at)
    text = clv.model_to_text(model)
    notes = _fit_notes(model, panel, before is not None)
    details: dict[str, Any] = {
        "parameters": json.loads(text),
        "segment_averages": None if averages is None else asdict(averages),
        "backtest": None if backtest is None else _told(backtest),
        "notes": [*notes, *([why_not] if why_not else [])],
    }
    if backtest is None and before is not None and before[0].details.get("backtest"):
        # Curves were renewed; what training found of the method stays known, as its own.
        details["backtest"] = before[0].details["backtest"]
        details["notes"] = [*notes, f"CLV was backtested when {before[0].model_version} was fitted."]
    return FittedClv(registry.NewModel(registry.CLV, text, as_of, details=details), model, backtest)


def _fit_notes(model: clv.ClvModel, panel: clv.Panel | None, was_there: bool) -> list[str]:
    """Return what whoever reads the run should know of the fit."""
    if isinstance(model, clv.InactivityModel):
        return list(model.notes)
    if panel is None and not was_there:
        return [
            "CLV knows how contracts end, not yet how a customer's own risk lives on: `churn train` teaches it that."
        ]
    return []


def adopt_clv(
    connection: Connection, settings: Settings, author: registry.Author, fitted: FittedClv, reason: str
) -> ClvInForce:
    """Enter a fitted model into the registry with its backtest and put it in force."""
    version = registry.adopt(connection, fitted.new, author, reason).model_version
    store_backtest(connection, version, fitted.backtest, settings.clv.method)
    return fitted.in_force


def _before(
    connection: Connection, settings: Settings, as_of: date
) -> tuple[registry.StoredModel, clv.ClvModel] | None:
    """Return the model in force as of a date where it is of the configured kind."""
    stored = registry.in_force(connection, registry.CLV, as_of)
    if stored is None:
        return None
    model = clv.model_from_text(stored.artifact, stored.sha256)
    wanted = clv.ContractualModel if settings.churn.definition == "contractual" else clv.InactivityModel
    return (stored, model) if isinstance(model, wanted) else None


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


def _error_text(figures: Mapping[str, Any]) -> str:
    """Return how far a method was off, as in `total +3 %, deciles 12 %`."""
    parts = []
    if figures["realised"] > 0:
        parts.append(f"total {figures['predicted'] / figures['realised'] - 1:+.1%}")
    if figures["decile_error"] is not None:
        parts.append(f"deciles {figures['decile_error']:.1%}")
    return ", ".join(parts) or "nothing realised"
