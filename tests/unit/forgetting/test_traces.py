"""Which ids can be nothing else than a customer's; what the search needs of the others."""

from __future__ import annotations

import pytest

from churn.forgetting.traces import Traces


@pytest.mark.parametrize(
    "customer_id",
    ["C-1042", "8f1c2f6e-3f0e-4b5f-9c1d-0123456789ab", "anna@example.org", "cus_QxLwPZ3", "averylongcustomerid"],
)
def test_an_id_that_can_be_nothing_else_is_sought_everywhere(customer_id: str) -> None:
    assert Traces(customer_id, 7).is_distinctive


@pytest.mark.parametrize("customer_id", ["7", "104200", "2025-11-03", "1.5", "anna", "all", "p10"])
def test_a_number_or_a_word_is_sought_where_a_customer_is_spoken_of(customer_id: str) -> None:
    traces = Traces(customer_id, 7)
    assert not traces.is_distinctive
    assert "customer" in traces.pattern.split("|")[0]


def test_every_sign_of_an_id_stands_for_itself() -> None:
    assert r"a\.b\*\(1\)\\\|" in Traces("a.b*(1)\\|", None).pattern


def test_json_writes_quotes_and_backslashes_in_its_own_way() -> None:
    traces = Traces('o"neil\\42', 3)
    assert traces.needles == ['o"neil\\42', r"o\"neil\\42", "3"]
    assert r"o\\\"neil\\\\42" in traces.json_pattern


def test_ids_of_rows_are_sought_where_a_row_is_spoken_of() -> None:
    traces = Traces("C-1042", 7).of_rows(["5"])
    assert traces.needles == ["C-1042", "7", "5"]
    assert "payment" in traces.pattern.split("|", 2)[2]


@pytest.mark.parametrize(("customer_id", "is_sought"), [("10427", True), ("C-7", True), ("7", False), ("anna", False)])
def test_a_whole_value_is_the_customer_where_it_tells_enough(customer_id: str, is_sought: bool) -> None:
    traces = Traces(customer_id, 7)
    assert (traces.value_pattern != traces.pattern) is is_sought
    assert (traces.json_value_pattern != traces.json_pattern) is is_sought
