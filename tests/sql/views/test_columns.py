"""Every view has the columns, in the order and of the types, that its file says and that were ever released."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn.migrate import bi_views
from churn.reference import render_warehouse
from churn.sqlfiles import SqlFile

RELEASED: dict[str, list[str]] = json.loads((Path(__file__).parent / "released_columns.json").read_text("utf-8"))
LIVE = sa.text(
    """
    select a.attname, format_type(a.atttypid, a.atttypmod) as type, col_description(c.oid, a.attnum) as meaning
    from pg_class as c
    inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0
    where c.oid = to_regclass(:view)
    order by a.attnum
    """
)


def lines(view: SqlFile, kind: str) -> dict[str, str]:
    return {key.removeprefix(kind): text for key, text in view.header.items() if key.startswith(kind)}


@pytest.mark.parametrize("view", bi_views(), ids=lambda view: view.name)
def test_columns_types_and_meanings_are_those_of_the_file(staging, view):
    live = staging.connection.execute(LIVE, {"view": f"bi.{view.name}"}).all()
    types = {row.attname: row.type for row in live}
    assert list(lines(view, "type.").items()) == list(types.items()), "run `python scripts/view_types.py`"
    assert list(lines(view, "column.").items()) == [(row.attname, row.meaning) for row in live]


@pytest.mark.parametrize("view", bi_views(), ids=lambda view: view.name)
def test_the_page_shows_type_and_meaning_of_every_column_and_an_example(view):
    section = render_warehouse().split(f"## `bi.{view.name}`\n")[1].split("\n## ")[0]
    for name, kind in lines(view, "type.").items():
        meaning = view.header[f"column.{name}"].replace("|", "\\|")
        assert f"| `{name}` | {kind} | {meaning} |" in section
    assert view.header["example"] in section


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_a_released_column_keeps_its_name_and_place(staging, name):
    live = [row.attname for row in staging.connection.execute(LIVE, {"view": f"bi.{name}"})]
    assert live[: len(RELEASED[name])] == RELEASED[name]


def test_no_view_is_missing_in_the_database(staging):
    shown = set(staging.connection.scalars(sa.text("select viewname from pg_views where schemaname = 'bi'")))
    assert shown == {view.name for view in bi_views()}
    assert shown >= set(RELEASED)


def test_every_example_runs(staging):
    for view in bi_views():
        staging.connection.execute(sa.text(view.header["example"].replace(":", "\\:")))
