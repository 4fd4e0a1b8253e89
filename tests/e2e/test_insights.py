"""What a whole night has to say."""

from __future__ import annotations

import sqlalchemy as sa

from churn.insights.findings import QUESTIONS, plain
from tests.e2e.company import AS_OF, Office


def test_a_night_answers_the_five_questions_and_readers_can_recompute_every_number(published: Office) -> None:
    with published.reading() as connection:
        found = connection.execute(sa.text("select * from bi.insights")).mappings().all()
        assert set(QUESTIONS) <= {row["question"] for row in found}
        assert [row["priority"] for row in found] == list(range(1, len(found) + 1))
        assert {row["as_of_date"] for row in found} == {AS_OF}
        for row in found:
            query = row["evidence"]["query"].replace("%", "%%")
            (numbers,) = connection.exec_driver_sql(query).mappings().all()
            assert {name: plain(value) for name, value in numbers.items()} == row["evidence"]["numbers"], row["insight"]


def test_the_simulated_company_s_segments_are_told_apart(published: Office) -> None:
    claims = published.rows("select * from bi.insights where insight = 'segment_churns_more'")
    assert claims
    for row in claims:
        numbers = row["evidence"]["numbers"]
        assert row["p_value"] <= 0.05
        assert row["effect"] >= 1.25
        assert numbers["churn_rate"] == numbers["churned"] / numbers["customers"]
        shown = published.value(
            "select realised_churn_rate from bi.segments where segment = :segment", segment=row["subject"]
        )
        assert numbers["churn_rate"] == shown
