"""CLV models as text: canonical JSON with a digest, so that what is loaded is what was fitted."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from churn.clv.contractual import ContractualModel, contractual_fields, contractual_from_fields
from churn.clv.inactivity_model import InactivityModel, inactivity_fields, inactivity_from_fields
from churn.errors import ModelError

ClvModel = ContractualModel | InactivityModel


def text_sha256(text: str) -> str:
    """Return the digest under which an artifact is registered, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def model_to_text(model: ClvModel) -> str:
    """Return canonical JSON: sorted keys, no spaces, shortest decimals that restore the same floats.

    Its key `kind` is `clv_contractual` or `clv_inactivity`.
    """
    fields = (
        {"kind": "clv_contractual", **contractual_fields(model)}
        if isinstance(model, ContractualModel)
        else {"kind": "clv_inactivity", **inactivity_fields(model)}
    )
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


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
            "Train again with `churn train`.",
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
        return contractual_from_fields(fields)
    if fields["kind"] == "clv_inactivity":
        return inactivity_from_fields(fields)
    raise ValueError(f"kind {fields['kind']}")
