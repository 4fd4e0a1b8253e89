from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from churn.config import Settings
from churn.errors import DataContractError
from churn.labels import label_query
from tests.sql.staging_tables import AS_OF


def churned(staging: Any) -> dict[int, bool]:
    rows = staging.run("labels/inactivity.sql", horizon_days=30, inactivity_days=90)
    return {row["customer_key"]: row["churned"] for row in rows}


@pytest.mark.parametrize(
    ("paid", "expected"), [(-91, {}), (-90, {1: True}), (-89, {1: True}), (-1, {1: True}), (0, {})]
)
def test_a_buyer_of_the_inactivity_window_has_a_label(staging, paid, expected):
    staging.payment(1, paid)
    assert churned(staging) == expected


@pytest.mark.parametrize(
    ("paid", "expected"), [(-1, True), (0, False), (1, False), (29, False), (30, True), (31, True)]
)
def test_a_purchase_within_the_horizon_is_no_churn(staging, paid, expected):
    staging.payment(1, -10)
    staging.payment(1, paid)
    assert churned(staging) == {1: expected}


@pytest.mark.parametrize("columns", [{"status": "failed"}, {"status": "refunded"}, {"amount": 0}, {"amount": -1}])
def test_only_a_positive_paid_payment_is_a_purchase(staging, columns):
    staging.payment(1, -10)
    staging.payment(1, 5, **columns)
    assert churned(staging) == {1: True}


@pytest.mark.parametrize(("refunded", "expected"), [(-1, {}), (0, {1: True}), (1, {1: True})])
def test_who_is_eligible_was_known_at_as_of(staging, refunded, expected):
    staging.payment(1, -10, payment_id="p", valid_to=refunded)
    staging.payment(1, -10, payment_id="p", status="refunded", valid_from=refunded)
    assert churned(staging) == expected


@pytest.mark.parametrize(("refunded", "expected"), [(29, True), (30, False), (31, False)])
def test_a_refund_after_the_horizon_does_not_move_the_label(staging, refunded, expected):
    staging.payment(1, -10)
    staging.payment(1, 5, payment_id="p", valid_to=refunded)
    staging.payment(1, 5, payment_id="p", status="refunded", valid_from=refunded)
    assert churned(staging) == {1: expected}


def test_an_immature_horizon_is_not_a_negative():
    settings = Settings.model_validate({"churn": {"definition": "inactivity", "horizon_days": 30}})
    label_query(settings, AS_OF, data_through=AS_OF + timedelta(days=30))
    with pytest.raises(DataContractError, match="not known before"):
        label_query(settings, AS_OF, data_through=AS_OF + timedelta(days=29))
