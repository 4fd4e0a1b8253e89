"""CLV models travel as text and come back the same, or not at all."""

from __future__ import annotations

import json

import pytest

from churn.clv import (
    BgNbdParams,
    ClvModel,
    ContractualModel,
    GammaGammaParams,
    InactivityModel,
    RetentionCurve,
    model_from_text,
    model_to_text,
    text_sha256,
)
from churn.errors import ModelError

CONTRACTUAL = ContractualModel(RetentionCurve((0.1, 1 / 3), 0.2))
INACTIVITY = InactivityModel(BgNbdParams(0.1, 1 / 3, 2.0, 3.0), GammaGammaParams(6.25, 3.74, 15.44))


@pytest.mark.parametrize("model", [CONTRACTUAL, INACTIVITY])
def test_a_model_comes_back_the_same_under_its_kind(model: ClvModel) -> None:
    text = model_to_text(model)
    assert model_from_text(text, text_sha256(text)) == model
    assert model_to_text(model_from_text(text, text_sha256(text))) == text
    assert json.loads(text)["kind"] in ("clv_contractual", "clv_inactivity")


def test_a_changed_text_is_refused() -> None:
    text = model_to_text(CONTRACTUAL)
    with pytest.raises(ModelError, match="digest differs"):
        model_from_text(text.replace("0.2", "0.3"), text_sha256(text))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind":"segments"}', '{"kind":"clv_inactivity","purchases":{}}'])
def test_a_text_that_is_no_clv_model_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        model_from_text(text, text_sha256(text))
