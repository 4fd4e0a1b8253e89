"""Every feature is documented, once, and each file computes exactly what is documented of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from churn.features.catalogue import FAMILIES, FAMILY_ENTITY, available, describe
from churn.features.docs import render_markdown
from churn.sqlfiles import sql_folder

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "features.md"
ENTRY = SimpleNamespace(name="logins", event_type="login", measure="count")
LONG = {"usage_catalogue", "attributes"}


def test_docs_are_written_from_the_catalogue():
    assert DOCUMENT.read_text(encoding="utf-8") == render_markdown()


def test_each_family_is_a_file():
    files = {Path(file.path).stem for file in sql_folder("features")}
    assert files == {*FAMILIES, "population_contractual", "population_inactivity"}


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in LONG])
def test_a_file_has_the_documented_columns(staging, family):
    columns = staging.columns(f"features/{family}.sql")
    assert columns == ["customer_key", *(feature.name for feature in describe([family]))]


def test_there_are_about_fifty_fixed_features_with_one_name_each():
    names = [feature.name for feature in describe(FAMILIES)]
    assert len(set(names)) == len(names) >= 50


def test_an_entry_has_four_features():
    names = [feature.name for feature in describe(["usage_catalogue"], [ENTRY])]
    assert names == ["usage_logins_7d", "usage_logins_28d", "usage_logins_90d", "usage_logins_trend_28d"]


def test_two_features_of_one_name_are_refused():
    with pytest.raises(ValueError, match="usage_logins_7d"):
        describe(FAMILIES, [ENTRY, ENTRY])
    with pytest.raises(ValueError, match="unknown feature families: horoscope"):
        describe(["horoscope"])


@pytest.mark.parametrize("entity", sorted({*FAMILY_ENTITY.values(), "subscriptions"} - {"customers"}))
def test_features_of_an_absent_entity_are_not_there(entity):
    entities = {"customers", "subscriptions", "payments", "usage_events", "support_tickets"}
    every = available(entities, [ENTRY], [("country", "category")])
    left = available(entities - {entity}, [ENTRY], [("country", "category")])
    assert {f.name for f in left} == {f.name for f in every if f.entity != entity}
    assert len(left) < len(every)
    assert {"tenure_days", "attribute_country"} <= {f.name for f in left}
