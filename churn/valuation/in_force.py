"""A CLV model in force, what values come from, and what a run says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn import clv
from churn.clv.backtest import MODEL
from churn.clv.naive import OWN_RATE, SEGMENT_AVERAGE, SegmentAverages
from churn.config import Settings

NO_MODEL = "none"
"""Stands for the version, and for the method, where nothing could be fitted yet."""

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
        `none` where there is no model.
    model : ClvModel or None
        None where there is too little to fit, and nothing was fitted before.
    details : mapping
        `parameters`, `backtest` (or None), `segment_averages` (or None) and `notes`, as JSON holds them.
    is_new : bool
        This run fitted it.
    why_not : str
        Why this run could not fit a new one; empty where it did or need not.
    """

    model_version: str
    model: clv.ClvModel | None
    details: Mapping[str, Any]
    is_new: bool = False
    why_not: str = ""

    @property
    def averages(self) -> SegmentAverages | None:
        """What customers brought a month, by segment, when that was last known; None where it never was."""
        found = self.details.get("segment_averages")
        if not found or not found["segments"]:
            return None
        return SegmentAverages(found["months"], found["everybody"], found["segments"])

    def method(self, settings: Settings) -> str:
        """Return what values come from: `clv.method`, the model where segments have no averages, `none` without one."""
        wanted = settings.clv.method
        if self.model is None:
            return OWN_RATE if wanted == OWN_RATE else NO_MODEL
        return MODEL if wanted == SEGMENT_AVERAGE and self.averages is None else wanted

    def notes(self, settings: Settings) -> list[str]:
        """Return what a run says of it: of the fit where this run made it, and whether another method does better."""
        said = [self.why_not] if self.why_not else []
        if self.is_new:
            said += self.details.get("notes", ())
        if self.model is None:
            nobody = "Until then nobody has a CLV, and the at-risk list goes by risk alone."
            return [*said, *([nobody] if self.method(settings) == NO_MODEL else [])]
        verdict = self._verdict(self.method(settings))
        if self.method(settings) != settings.clv.method:
            said.append(
                "CLV: no averages by segment are known yet (`churn train` finds them), so values come from the model."
            )
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


def _error_text(figures: Mapping[str, Any]) -> str:
    """Return how far a method was off, as in `total +3 %, deciles 12 %`."""
    parts = []
    if figures["realised"] > 0:
        parts.append(f"total {figures['predicted'] / figures['realised'] - 1:+.1%}")
    if figures["decile_error"] is not None:
        parts.append(f"deciles {figures['decile_error']:.1%}")
    return ", ".join(parts) or "nothing realised"
