"""CLV models as text: canonical JSON with a digest, so that what is loaded is what was fitted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from churn.clv.bg_nbd import BgNbdParams
from churn.clv.contractual import RetentionCurve
from churn.clv.gamma_gamma import GammaGammaParams
from churn.errors import ModelError


@dataclass(frozen=True)
class ContractualModel:
    """CLV where churn is the end of a contract."""

    curve: RetentionCurve


@dataclass(frozen=True)
class InactivityModel:
    """CLV where churn is inactivity."""

    purchases: BgNbdParams
    spend: GammaGammaParams


ClvModel = ContractualModel | InactivityModel


def text_sha256(text: str) -> str:
    """Return the digest under which an artifact is registered, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def model_to_text(model: ClvModel) -> str:
    """Return canonical JSON: sorted keys, no spaces, shortest decimals that restore the same floats.

    Its key `kind` is `clv_contractual` or `clv_inactivity`.
    """
    kind = "clv_contractual" if isinstance(model, ContractualModel) else "clv_inactivity"
    return json.dumps({"kind": kind, **asdict(model)}, sort_keys=True, separators=(",", ":"), allow_nan=False)


def model_from_text(text: str, expected_sha256: str) -> ClvModel:
    """Return the model that `model_to_text` wrote.

    Raises
    ------
    ModelError
        The text is not the one that was registered, or is no CLV model.
    """
    if text_sha256(text) != expected_sha256:
        raise ModelError(
            "The stored CLV model is not the one that was registered: its digest differs.",
            "Train again with `churn train`, or roll back with `churn models rollback`.",
        )
    try:
        return _from_fields(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The stored CLV model can't be read: {error!r}.", "Train again with `churn train`."
        ) from error


def _from_fields(fields: dict[str, Any]) -> ClvModel:
    """Build the model that the key `kind` names; KeyError, TypeError or ValueError where it can't."""
    if fields["kind"] == "clv_contractual":
        curve = fields["curve"]
        hazards = tuple(float(hazard) for hazard in curve["hazards"])
        return ContractualModel(RetentionCurve(hazards, float(curve["overall_hazard"])))
    if fields["kind"] == "clv_inactivity":
        return InactivityModel(BgNbdParams(**fields["purchases"]), GammaGammaParams(**fields["spend"]))
    raise ValueError(f"kind {fields['kind']}")
