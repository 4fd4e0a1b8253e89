"""The ten queries of `docs/bi.md` run as they stand, as `bi_reader`, and show something."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.e2e.company import AS_OF, Office, night_of
from tests.e2e.conftest import MakeOffice

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "bi.md"
QUERIES = re.findall(r"^## \d+\. ([^\n]+)\n(?:(?!```).)*?```sql\n(.*?)```", DOCUMENT.read_text("utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def two_months(make_office: MakeOffice) -> Office:
    """Published nights of two months."""
    office = make_office()
    office.nightly(AS_OF - timedelta(days=20), now=night_of(AS_OF) + timedelta(hours=1))
    return office


def test_there_are_ten_queries():
    text = DOCUMENT.read_text("utf-8")
    assert len(QUERIES) == text.count("```sql") == 10
    assert re.findall(r"^## (\d+)\.", text, re.M) == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(("question", "query"), QUERIES, ids=[question for question, _ in QUERIES])
def test_a_query_runs_as_the_reader_and_shows_something(two_months, question, query):
    with two_months.reading() as connection:
        rows = connection.execute(sa.text(query)).all()
    assert rows, question
    for name in rows[0]._fields:
        filled = [row for row in rows if getattr(row, name) is not None]
        assert filled or name in NOT_KNOWN_YET, f"{question}: {name} is null in every row"


# What no night can know of a company that has two, the campaign of which has just begun.
NOT_KNOWN_YET = {
    "incremental_retention",
    "incremental_retention_low",
    "incremental_retention_high",
    "cost",
    "roi",
    "avg_churn_probability_change",
}
