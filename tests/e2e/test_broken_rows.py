"""A night with rows broken in every way that the extraction knows publishes the rest, and accounts for each row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from churn.extract.contract import ENTITIES
from churn.extract.report import MENDS
from churn.sqlfiles import read_sql
from tests.conftest import MakeDatabase, MakeTemplate
from tests.e2e.bad_input_source import SELECTS, Shop, fill_shop

CUSTOMERS = 240
BROKEN_SHARE = 0.05

# The shop's own tables hold no rows as broken as these.
WIDER = """
alter table subscriptions alter subscription_id type text;
alter table payments alter payment_id type text;
alter table support_tickets alter ticket_id type text, alter satisfaction type double precision;
alter table usage_events add event_id text;
update usage_events set event_id = cast(ctid as text);
insert into support_tickets
select 'm' || n, 'c' || (1 + n % 200), timestamptz '2025-06-01 08:00+00', null, 'low', 3 from generate_series(1, 200) n;
"""
MAPPED = {
    **SELECTS,
    "usage_events": "select event_id, customer_id, occurred_at, event_type, quantity from usage_events",
}
COLUMNS = {
    "customers": "customer_id, signed_up_at, contactable",
    "subscriptions": "subscription_id, customer_id, plan, mrr, started_at, ended_at",
    "payments": "payment_id, customer_id, paid_at, amount, status",
    "support_tickets": "ticket_id, customer_id, opened_at, closed_at, satisfaction",
    "usage_events": "event_id, customer_id, occurred_at, event_type, quantity",
}
TOO_LONG = "repeat('x', 201)"
# A row of each kind; :n makes it differ from the next of its kind.
BROKEN = {
    "customers": {
        "customer_missing": "null, '2025-01-01', true",
        "customer_id_too_long": f"{TOO_LONG} || :n, '2025-01-01', true",
        "time_missing": "'x1' || :n, null, true",
        "time_out_of_range": "'x2' || :n, 'infinity', true",
        "time_in_future": "'x3' || :n, '2999-01-01', true",
        "duplicate_key": "'c' || :n, '2025-06-01', true",
    },
    "subscriptions": {
        "key_missing": "'', 'c1', 'pro', 1, '2025-01-01', null",
        "key_too_long": f"{TOO_LONG} || :n, 'c1', 'pro', 1, '2025-01-01', null",
        "customer_missing": "'x1' || :n, null, 'pro', 1, '2025-01-01', null",
        "customer_id_too_long": f"'x2' || :n, {TOO_LONG}, 'pro', 1, '2025-01-01', null",
        "customer_unknown": "'x3' || :n, 'nobody', 'pro', 1, '2025-01-01', null",
        "time_missing": "'x4' || :n, 'c1', 'pro', 1, null, null",
        "time_out_of_range": "'x5' || :n, 'c1', 'pro', 1, '-infinity', null",
        "time_in_future": "'x6' || :n, 'c1', 'pro', 1, '2999-01-01', null",
        "ends_before_start": "'x7' || :n, 'c1', 'pro', 1, '2025-01-02', '2025-01-01'",
        "mrr_missing": "'x8' || :n, 'c1', 'pro', null, '2025-01-01', null",
        "not_finite": "'x9' || :n, 'c1', 'pro', 'NaN', '2025-01-01', null",
        "duplicate_key": "cast(:n as text), 'c1', 'pro', 1, '2019-01-01', null",
    },
    "payments": {
        "key_missing": "null, 'c1', '2025-01-01', 1, 'paid'",
        "key_too_long": f"{TOO_LONG} || :n, 'c1', '2025-01-01', 1, 'paid'",
        "customer_missing": "'x1' || :n, '', '2025-01-01', 1, 'paid'",
        "customer_id_too_long": f"'x2' || :n, {TOO_LONG}, '2025-01-01', 1, 'paid'",
        "customer_unknown": "'x3' || :n, 'nobody', '2025-01-01', 1, 'paid'",
        "time_missing": "'x4' || :n, 'c1', null, 1, 'paid'",
        "time_out_of_range": "'x5' || :n, 'c1', '1890-01-01', 1, 'paid'",
        "time_in_future": "'x6' || :n, 'c1', '2999-01-01', 1, 'paid'",
        "amount_missing": "'x7' || :n, 'c1', '2025-01-01', null, 'paid'",
        "not_finite": "'x8' || :n, 'c1', '2025-01-01', 'NaN', 'paid'",
        "status_unknown": "'x9' || :n, 'c1', '2025-01-01', 1, 'settled'",
        "duplicate_key": "cast(:n as text), 'c1', '2019-01-01', 1, 'paid'",
    },
    "support_tickets": {
        "key_missing": "'', 'c1', '2025-01-01', null, 3",
        "key_too_long": f"{TOO_LONG} || :n, 'c1', '2025-01-01', null, 3",
        "customer_missing": "'x1' || :n, null, '2025-01-01', null, 3",
        "customer_id_too_long": f"'x2' || :n, {TOO_LONG}, '2025-01-01', null, 3",
        "customer_unknown": "'x3' || :n, 'nobody', '2025-01-01', null, 3",
        "time_missing": "'x4' || :n, 'c1', null, null, 3",
        "time_out_of_range": "'x5' || :n, 'c1', 'infinity', null, 3",
        "time_in_future": "'x6' || :n, 'c1', '2999-01-01', null, 3",
        "ends_before_start": "'x7' || :n, 'c1', '2025-01-02', '2025-01-01', 3",
        "not_finite": "'x8' || :n, 'c1', '2025-01-01', null, 'Infinity'",
        "duplicate_key": "'m' || :n, 'c1', '2019-01-01', null, 3",
    },
    "usage_events": {
        "customer_missing": "'x1' || :n, null, '2025-06-01', 'login', 1",
        "customer_id_too_long": f"'x2' || :n, {TOO_LONG}, '2025-06-01', 'login', 1",
        "customer_unknown": "'x3' || :n, 'nobody', '2025-06-01', 'login', 1",
        "time_missing": "'x4' || :n, 'c1', null, 'login', 1",
        "time_out_of_range": "'x5' || :n, 'c1', '-infinity', 'login', 1",
        "time_in_future": "'x6' || :n, 'c1', '2999-01-01', 'login', 1",
        "event_type_missing": "'x7' || :n, 'c1', '2025-06-01', null, 1",
        "event_type_too_long": f"'x8' || :n, 'c1', '2025-06-01', {TOO_LONG}, 1",
        "not_finite": "'x9' || :n, 'c1', '2025-06-01', 'login', 'Infinity'",
        "duplicate_key": "e.event_id, e.customer_id, e.occurred_at, e.event_type, e.quantity",
    },
}


def reasons_in(entity: str) -> set[str]:
    """The reasons for which the statement of an entity puts rows aside, as it says itself."""
    said = read_sql(f"staging/{entity}.sql").body
    found = re.findall(r"then '(\w+)'|\('(\w+)', case|reason, '(\w+)'\)", said)
    return {word for words in found for word in words if word}


def test_there_is_a_broken_row_for_every_reason():
    assert set(BROKEN) == set(ENTITIES)
    for entity, rows in BROKEN.items():
        assert rows.keys() == reasons_in(entity), entity
    assert set().union(*BROKEN.values()) == set(MENDS)


@pytest.fixture(scope="module")
def shops(make_template: MakeTemplate, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template of a shop whose tables are wide enough for rows of any kind."""

    def fill(url: str) -> None:
        folder = tmp_path_factory.mktemp("fill")
        fill_shop(url, folder, customers=CUSTOMERS, night=None)
        Shop(folder, url).execute(WIDER)

    return make_template("wide_shop", fill)


@pytest.fixture
def whole_and_broken(shops: str, make_database: MakeDatabase, tmp_path: Path) -> tuple[Shop, Shop]:
    """Two shops of the same rows, mapped the same."""
    made = []
    for name in ("whole", "broken"):
        made.append(Shop(tmp_path / name, make_database(shops)))
        made[-1].map(**MAPPED)
    return made[0], made[1]


def break_rows(shop: Shop, entity: str) -> dict[str, int]:
    """Add broken rows of every kind until they are their share of the table; return how many of each."""
    rows = int(shop.value(f"select count(*) from {entity}"))
    each, more = divmod(int(rows * BROKEN_SHARE / (1 - BROKEN_SHARE)), len(BROKEN[entity]))
    assert each >= 1, entity
    made = {}
    for place, (reason, values) in enumerate(BROKEN[entity].items()):
        made[reason] = each + (place < more)
        numbers = f"from generate_series(1, {made[reason]}) as n"
        if values.startswith("e."):
            numbers = f"from (select * from {entity} where event_id like '(%' limit {made[reason]}) as e"
        shop.execute(f"insert into {entity} ({COLUMNS[entity]}) select {values.replace(':n', 'n')} {numbers}")
    return made


def test_a_night_with_broken_rows_of_every_kind_publishes_the_rest(whole_and_broken):
    whole, broken = whole_and_broken
    expected = {entity: break_rows(broken, entity) for entity in BROKEN}
    good = {entity: int(whole.value(f"select count(*) from {entity}")) for entity in BROKEN}
    for shop in whole_and_broken:
        done = shop.nightly()
        assert done.code == 0, done.err
    assert broken.published() == whole.published()
    assert len(broken.published()["customer_scores"]) >= 100
    for row in broken.rows("select * from ops.extractions"):
        entity = row["entity"]
        told = broken.rows(f"select reason, rows from ops.quarantine where entity = '{entity}'")
        assert {one["reason"]: one["rows"] for one in told} == expected[entity], entity
        assert row["rows_read"] == int(broken.value(f"select count(*) from {entity}"))
        assert (row["rows_used"], row["rows_quarantined"]) == (good[entity], sum(expected[entity].values()))
        assert row["rows_read"] == row["rows_used"] + row["rows_quarantined"] + row["rows_forgotten"]
        assert 0.04 < row["rows_quarantined"] / row["rows_read"] <= BROKEN_SHARE + 0.001, entity
