"""The statements of the dashboard read the published views, and each is a block of some page or of the report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from churn.sqlfiles import read_sql, resource_folder

DASHBOARD = resource_folder("sql") / "dashboard"
FILES = sorted(path.stem for path in DASHBOARD.glob("*.sql"))
PACKAGE = Path(__file__).resolve().parents[3] / "churn" / "dashboard"
# A feature's meaning stands in its column's comment, which the catalog keeps.
ALLOWED = ("bi.", "pg_catalog.pg_attribute", "pg_catalog.pg_description")
_RELATION = re.compile(r"\b(?:from|join)\s+(?:lateral\s+)?([a-z_]+\.[a-z_]+)\b(?!\s*\()")


@pytest.mark.parametrize("name", FILES)
def test_a_statement_reads_views_alone_and_says_which(name):
    file = read_sql(f"dashboard/{name}.sql")
    said = {relation.strip() for relation in file.header["reads"].split(",")}
    assert file.header["writes"] == "none"
    assert file.name == name
    assert [relation for relation in said if not relation.startswith(ALLOWED)] == []
    assert set(_RELATION.findall(file.body)) == said


@pytest.mark.parametrize("name", FILES)
def test_a_statement_is_used(name):
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert re.search(rf"\b{name}\b|\b{name.replace('_', '-')}\b", code)
