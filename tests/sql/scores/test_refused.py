"""Segments that a run fitted whose night the checks refused: taken back, and those before are in force again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from churn import registry
from churn.monitoring import withdraw_models
from churn.schema import segment_outcomes
from churn.segmentation import stored_segments
from tests.sql.scores.test_refit import AUTHOR, SIZE, Company, after, named
from tests.sql.staging_tables import AS_OF, Staging

REFUSED, MENDED = (replace(AUTHOR, run_id=run_id) for run_id in (801, 802))


@pytest.fixture
def company(staging: Staging) -> Company:
    return Company(staging)


def refuse(company: Company, author: registry.Author, outcomes: tuple[str, int] | None = None) -> list[str]:
    return withdraw_models(company.connection, author, after(31), outcomes=outcomes)


def in_use(company: Company) -> str | None:
    found = registry.champion(company.connection, registry.SEGMENTS)
    return None if found is None else found.model_version


def history(company: Company, version: str) -> list[str]:
    return [event.event for event in registry.events_of(company.connection, version)]


def test_what_a_refused_run_fitted_is_taken_back_and_the_mended_run_keeps_ids_and_names(company):
    first = company.fit(AS_OF)
    bad = company.fit(after(31), before=first, author=REFUSED, sizes=(2, SIZE, 5 * SIZE), lacking="mrr")
    assert in_use(company) == bad.model_version
    assert refuse(company, REFUSED) == [bad.model_version]
    assert in_use(company) == first.model_version
    assert registry.stored(company.connection, bad.model_version).status == "challenger"
    assert history(company, bad.model_version)[-1] == "rolled_back"
    assert stored_segments(company.connection, after(31)) == replace(first, notes=())
    assert {row[0] for row in company.events("model_version")} == {first.model_version}
    good = company.fit(after(31), before=stored_segments(company.connection, after(31)), author=MENDED)
    assert named(good) == named(first)
    assert {row[1:] for row in company.events("as_of_date", "event", "run_id") if row[0] == after(31)} == {
        ("kept", 802)
    }
    assert in_use(company) == good.model_version


def test_the_same_fit_is_adopted_by_the_mended_run_and_refused_again_where_need_be(company):
    first = company.fit(AS_OF)
    bad = company.fit(after(31), before=first, author=REFUSED)
    events = company.events("segment_id", "event")
    refuse(company, REFUSED)
    again = company.fit(after(31), before=first, author=MENDED)
    assert again.model_version == bad.model_version == in_use(company)
    assert company.events("segment_id", "event") == events
    assert refuse(company, MENDED) == [bad.model_version]
    assert in_use(company) == first.model_version


def test_a_first_fit_that_was_refused_leaves_no_segments_in_force(company):
    bad = company.fit(AS_OF, author=REFUSED)
    refuse(company, REFUSED)
    assert in_use(company) is None
    assert stored_segments(company.connection, AS_OF) is None
    assert company.events("segment_id") == []
    assert named(company.fit(AS_OF, author=MENDED)) == named(bad)
    assert in_use(company) == bad.model_version


def test_the_fit_of_a_past_night_that_was_refused_is_taken_back(company):
    latest = company.fit(AS_OF)
    bad = company.fit(after(-60), author=REFUSED)
    assert refuse(company, REFUSED) == [bad.model_version]
    assert stored_segments(company.connection, after(-60)) is None
    company.fit(after(-60), author=MENDED)
    assert refuse(company, MENDED) == [bad.model_version]
    assert stored_segments(company.connection, after(-60)) is None
    assert in_use(company) == latest.model_version


def test_a_refused_run_that_fitted_nothing_takes_nothing_back_and_its_outcomes_are_counted_anew(company):
    first = company.fit(AS_OF)
    counts = {"segment_id": 1, "customers": 4, "churned": 1}
    company.insert(
        "ops.segment_outcomes",
        *({"model_version": first.model_version, "snapshot_id": number, **counts} for number in (1, 2)),
    )
    events, before = company.events("segment_id"), history(company, first.model_version)
    assert refuse(company, REFUSED, outcomes=(first.model_version, 2)) == []
    assert company.connection.scalars(sa.select(segment_outcomes.c.snapshot_id)).all() == [1]
    assert (company.events("segment_id"), history(company, first.model_version)) == (events, before)
    assert in_use(company) == first.model_version


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_segments_that_a_published_night_has_used_stay_retired_whatever_became_of_its_run(company, status):
    first = company.fit(AS_OF)
    old = company.fit(after(31), before=first)
    company.run(after(31), segments=old.model_version, status=status)
    newer = company.fit(after(31), before=first, lacking="mrr")
    company.fit(after(31), before=first, author=REFUSED)
    assert in_use(company) == old.model_version
    refuse(company, REFUSED)
    assert in_use(company) == newer.model_version
    assert registry.stored(company.connection, old.model_version).status == "retired"


def test_the_ids_of_segments_that_were_taken_back_are_free_again(company):
    first = company.fit(AS_OF)
    bad = company.fit(after(31), before=first, author=REFUSED, lacking="events_28d")
    refuse(company, REFUSED)
    assert company.fit(after(31), before=first, lacking="events_28d").model_version == bad.model_version
