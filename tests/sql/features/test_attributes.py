from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from tests.sql.staging_tables import AS_OF

PATH = "features/attributes.sql"
NEXT_DAY = AS_OF + timedelta(days=1)


@pytest.mark.parametrize(("changed", "expected"), [(-1, "FR"), (0, "DE"), (1, "DE")])
def test_an_attribute_has_the_value_in_force_at_as_of(staging, changed, expected):
    staging.attribute(1, "country", "DE", valid_to=changed)
    staging.attribute(1, "country", "FR", valid_from=changed)
    assert [row["text_value"] for row in staging.run(PATH)] == [expected]


def test_a_change_at_the_first_moment_of_as_of_is_in_the_future(staging):
    midnight = datetime.combine(AS_OF, time.min)
    staging.attribute(1, "country", "DE", valid_to=midnight)
    staging.attribute(1, "country", "FR", valid_from=midnight)
    assert [row["text_value"] for row in staging.run(PATH)] == ["DE"]
    assert [row["text_value"] for row in staging.run(PATH, as_of=NEXT_DAY)] == ["FR"]


@pytest.mark.parametrize(("learned", "known"), [(-1, True), (0, True), (1, False)])
def test_a_first_value_says_nothing_of_the_past_before_it_was_learned(staging, learned, known):
    staging.attribute(1, "size", 3.5, learned=learned)
    found = staging.run(PATH, learned_before=NEXT_DAY)
    assert [row["number_value"] for row in found] == [3.5] * known


def test_a_later_version_says_from_when_it_held(staging):
    staging.attribute(1, "size", 3.5, valid_from=-5, learned=10)
    assert len(staging.run(PATH, learned_before=NEXT_DAY)) == 1
