"""CLV models travel as text and come back the same, or not at all."""

from __future__ import annotations

import json

import pytest

from churn.clv import (
    BdwParams,
    BgNbdParams,
    ClvModel,
    ContractualModel,
    GammaGammaParams,
    InactivityModel,
    model_from_text,
    model_to_text,
    text_sha256,
)
from churn.clv.clock import Clock
from churn.clv.cohorts import Cohort, Cohorts
from churn.clv.growth import Bank, Growth
from churn.clv.returns import Returns
from churn.clv.splice import Splice
from churn.errors import ModelError

CONTRACTUAL = ContractualModel(
    Cohorts(
        (Cohort("basic", 12, 0.2, BdwParams(0.1, 1 / 3, 1.2), (), 70.0, -0.1), Cohort("", 0, 0.2, None, (0.1, 1 / 3)))
    ),
    Splice((0.1, -0.2), (0.3, 0.0), 2, 7, -0.1, 0.05, (("", 4.0), ("basic", 3.5))),
    Clock((0.4, 0.0, 0.0, 0.0), (0.0,) * 4, 0.01),
    Growth(
        (Bank("basic", "grown", ((1.0, 1.1), (1.0, 1.0))), Bank("", "pooled", ((1.0,), (1.1,)), 7.5)), (1.25, 1.4), 0.02
    ),
    Returns((0.0, 0.1), (), 1.1, 1.0),
    0.07,
)
FIRST_FORMAT = '{"curve":{"hazards":[0.1,0.05],"overall_hazard":0.2},"kind":"clv_contractual"}'
INACTIVITY = InactivityModel(BgNbdParams(0.1, 1 / 3, 2.0, 3.0), GammaGammaParams(6.25, 3.74, 15.44))


@pytest.mark.parametrize("model", [CONTRACTUAL, INACTIVITY])
def test_a_model_comes_back_the_same_under_its_kind(model: ClvModel) -> None:
    text = model_to_text(model)
    assert model_from_text(text, text_sha256(text)) == model
    assert model_to_text(model_from_text(text, text_sha256(text))) == text
    assert json.loads(text)["kind"] in ("clv_contractual", "clv_inactivity")


def test_a_contractual_model_of_the_first_format_still_loads() -> None:
    model = model_from_text(FIRST_FORMAT, text_sha256(FIRST_FORMAT))
    assert model == ContractualModel(Cohorts((Cohort("", 0, 0.2, None, (0.1, 0.05)),)))
    assert model_from_text(model_to_text(model), text_sha256(model_to_text(model))) == model


def test_banks_stored_without_a_cycle_stand_for_all_cycles() -> None:
    fields = json.loads(model_to_text(CONTRACTUAL))
    for bank in fields["growth"]["banks"]:
        del bank["cycle"]
    text = json.dumps(fields)
    model = model_from_text(text, text_sha256(text))
    assert isinstance(model, ContractualModel)
    assert [bank.cycle for bank in model.growth.banks] == [0.0, 0.0]


def test_a_contractual_model_of_a_later_format_is_refused() -> None:
    text = model_to_text(CONTRACTUAL).replace('"format":2', '"format":3')
    with pytest.raises(ModelError, match="format 3"):
        model_from_text(text, text_sha256(text))


def test_a_changed_text_is_refused() -> None:
    text = model_to_text(CONTRACTUAL)
    with pytest.raises(ModelError, match="digest differs"):
        model_from_text(text.replace("0.2", "0.3"), text_sha256(text))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind":"segments"}', '{"kind":"clv_inactivity","purchases":{}}'])
def test_a_text_that_is_no_clv_model_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        model_from_text(text, text_sha256(text))
