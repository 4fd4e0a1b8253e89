"""Customers' segments as a month began: those of the night of that day, else of its snapshot, else unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from churn import registry
from churn.config import Settings
from churn.config.sections import SegmentsSection
from churn.features.snapshot import FeatureSet, Snapshot, find_snapshot
from churn.schema import feature_sets, snapshots
from churn.scoring import ScoredNight, keep_month_segments
from churn.segmentation import fit_anew
from churn.warehouse import Database
from tests.sql.nights import AT, Nights
from tests.sql.staging_tables import AS_OF, Staging

FEB, MAR, APR, MAY, JUN = (date(2025, month, 1) for month in range(2, 7))
SETTINGS = Settings(segments=SegmentsSection(most=4))
NAMES = ("mrr", "events_28d", "active_days_28d", "events_trend_28d", "tenure_days")
KINDS = np.array([[20, 2, 1, 0.0, 100], [200, 90, 20, 0.0, 900], [900, 300, 26, 0.5, 1500]])
KEYS = range(1, 121)


class Company(Nights):
    """Customers of three kinds: 1 to 40, 41 to 80, 81 to 120."""

    def kept(self, as_of: date, *, is_current: bool = True, first_kind: int = 0, **options: Any) -> None:
        """Keep a snapshot of a day, with customer 1 of some kind."""
        kinds = KINDS[[first_kind, *((key - 1) // 40 for key in KEYS[1:])]]
        rows = kinds * np.random.default_rng(1).uniform(0.8, 1.2, kinds.shape)
        features = {key: dict(zip(NAMES, map(float, row), strict=True)) for key, row in zip(KEYS, rows, strict=True)}
        snapshot_id = self.snapshot(features, as_of=as_of, **options)
        made = sa.update(snapshots).where(snapshots.c.snapshot_id == snapshot_id)
        self.connection.execute(made.values(is_current=is_current))
        self.connection.execute(sa.update(feature_sets).values(definitions=dict.fromkeys(NAMES, "x")))

    def fit(self, as_of: date) -> None:
        snapshot = find_snapshot(self.connection, as_of)
        assert snapshot is not None
        author = registry.Author("somebody", AT, 1)
        fit_anew(self.connection, self.connection, snapshot, author, before=None, why="", settings=SETTINGS)


@contextmanager
def written(warehouse: Database) -> Iterator[Company]:
    """A company whose rows are committed, for two connections to see."""
    with warehouse.begin() as connection:
        yield Company(Staging(connection))


@pytest.fixture
def company(warehouse: Database) -> Database:
    """June has a published night and a snapshot, May and April a snapshot; that of March is withdrawn."""
    with written(warehouse) as made:
        made.night(JUN, {"Loyal": [1, 2], "Quiet": [3]})
        made.kept(JUN)
        made.kept(MAY, first_kind=2)
        made.kept(APR)
        made.kept(MAR, is_current=False)
        made.kept(FEB, population="inactivity")
        made.kept(MAY + timedelta(days=1))
        made.kept(AS_OF)
        made.fit(APR)
    return warehouse


def keep(warehouse: Database, as_of: date = AS_OF) -> int:
    """Keep the months' segments on the night of `as_of`."""
    snapshot = Snapshot(0, as_of, "captured", "contractual", "x", 1, FeatureSet(0, "x", (), (), {}))
    night = ScoredNight(SETTINGS, 1, AT, snapshot)
    with warehouse.begin() as reader, warehouse.begin() as connection:
        return keep_month_segments(reader, connection, night)


def found(warehouse: Database) -> dict[date, dict[int, str]]:
    result: dict[date, dict[int, str]] = {}
    with warehouse.connect() as connection:
        rows = connection.execute(sa.text("select as_of_date, customer_key, segment from scores.month_segments"))
        for as_of, key, segment in rows:
            result.setdefault(as_of, {})[key] = segment
    return result


def test_the_night_of_the_day_comes_before_its_snapshot_and_other_days_do_not_count(company):
    assert keep(company) == 3 + 120 + 120
    months = found(company)
    assert set(months) == {APR, MAY, JUN}
    assert months[JUN] == {1: "Loyal", 2: "Loyal", 3: "Quiet"}
    names = [months[APR][key] for key in (2, 42, 82)]
    assert len(set(names)) == 3
    assert months[APR] == {key: names[(key - 1) // 40] for key in KEYS}


def test_a_snapshot_of_that_day_alone_is_looked_at(company):
    """In May customer 1 is of the third kind, before and after of the first."""
    keep(company)
    months = found(company)
    assert months[MAY][1] == months[APR][82]
    assert months[APR][1] == months[APR][2]


def test_a_month_is_kept_once(company):
    keep(company)
    before = found(company)
    with written(company) as made:
        made.night(MAY, {"Others": [7]})
        made.night(JUN, {"Others": [7]})
    assert keep(company, AS_OF + timedelta(days=5)) == 120  # AS_OF's own month begins with a snapshot
    assert {month: rows for month, rows in found(company).items() if month != AS_OF} == before


def test_the_month_that_begins_tonight_waits_for_its_night_to_be_published(company):
    keep(company)
    with written(company) as made:
        made.night(AS_OF, {"Loyal": [1]})
    assert keep(company, AS_OF + timedelta(days=1)) == 1
    assert found(company)[AS_OF] == {1: "Loyal"}


def test_later_months_are_not_looked_at(company):
    assert keep(company, date(2025, 4, 15)) == 120
    assert set(found(company)) == {APR}


def test_without_a_segmentation_only_published_nights_are_known(company):
    with written(company) as made:
        made.connection.execute(sa.text("delete from ops.model_events"))
        made.connection.execute(sa.text("delete from ops.models"))
    assert keep(company) == 3


def test_a_snapshot_without_the_segments_features_is_passed_over(company):
    with written(company) as made:
        of_may = sa.select(snapshots.c.feature_set_id).where(snapshots.c.as_of_date == MAY)
        lacking = sa.update(feature_sets).where(feature_sets.c.feature_set_id.in_(of_may))
        made.connection.execute(lacking.values(numbers=["mrr", "other", *NAMES[2:]]))
    assert keep(company) == 3 + 120
