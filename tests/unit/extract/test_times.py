"""Bounds on the source's own clock, and the one SELECT of a mapping file; no database needed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from churn.config import Settings
from churn.errors import DataContractError
from churn.extract.contract import ENTITIES, REQUIRED_ENTITIES
from churn.extract.mapping import one_select
from churn.extract.times import Clocks, Days
from churn.sqlfiles import resource_folder
from churn.warehouse import literal_sql

CLOCKS = Clocks("America/New_York", "Asia/Tokyo", datetime(2026, 11, 1, 7, tzinfo=UTC))


def test_the_run_is_told_on_the_businesss_clock():
    assert CLOCKS.learned_at == datetime(2026, 11, 1, 2)
    assert CLOCKS.latest_at == datetime(2026, 11, 2, 2)


def test_of_an_hour_that_comes_twice_the_earlier_is_meant():
    assert CLOCKS.instant(datetime(2026, 11, 1, 1, 30)) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("timestamptz", "CAST('2026-11-01T04:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)"),
        ("timestamp", "CAST('2026-11-01T13:00:00' AS TIMESTAMP WITHOUT TIME ZONE)"),
        ("date", "CAST('2026-11-01' AS DATE)"),
    ],
)
def test_a_bound_is_a_constant_of_the_columns_own_type(kind, expected):
    bound = CLOCKS.raw_bound(datetime(2026, 11, 1, 4, tzinfo=UTC), kind)
    assert literal_sql(sa.select(bound)) == f"SELECT {expected} AS anon_1"


def test_a_date_never_passes_through_a_time_with_zone():
    column: sa.ColumnElement = sa.column("d", sa.Date())
    query = sa.select(CLOCKS.local_time(column, "date")).where(CLOCKS.lies_in(column, "date", Days(date(2026, 1, 1))))
    assert "timezone" not in literal_sql(query)


def test_a_start_without_zone_is_refused():
    with pytest.raises(ValueError, match="timezone"):
        Clocks.of(Settings(), datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "text",
    ["select 1", "select 1;", "-- a;b\nselect 1 ; \n-- end", "/* ; */ with a as (select ';') select 1", "(select 1)"],
)
def test_one_select_is_taken_with_or_without_semicolon_and_comments(text):
    assert one_select(text, "f.sql").rstrip("; ").endswith(("1", "1)"))


@pytest.mark.parametrize("text", ["", ";", "-- x", "select 1; select 2", "update t set a = 1", "call p()"])
def test_anything_else_than_one_select_is_refused(text):
    with pytest.raises(DataContractError, match=r"f\.sql"):
        one_select(text, "f.sql")


def test_there_is_a_template_for_each_entity_that_names_every_column():
    for name, entity in ENTITIES.items():
        text = (resource_folder("sql") / "source" / f"{name}.sql").read_text(encoding="utf-8")
        assert one_select(text, name)
        assert all(f"-- {column.name} " in text for column in entity.columns)
    assert set(REQUIRED_ENTITIES) == {"contractual", "inactivity"}
