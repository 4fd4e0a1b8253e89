"""Every file of sql/ has a header that agrees with its statement."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn.errors import ConfigError
from churn.sqlfiles import parse_sql, read_sql, resource_folder

HEADER = "-- name: x\n-- writes: none\n-- grain: one\n-- reads: t\n-- params: {params}\n-- window: none\n"
FILES = sorted(
    path.relative_to(resource_folder("sql")).as_posix()
    for path in resource_folder("sql").rglob("*.sql")
    if path.parent.name != "source"
)


@pytest.mark.parametrize("path", FILES)
def test_every_file_loads(path):
    file = read_sql(path)
    assert file.body
    assert "select *" not in file.body
    assert "now()" not in file.body
    assert "current_date" not in file.body


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("checks/")])
def test_every_check_says_how_severe_it_is(path):
    assert read_sql(path).header["severity"] in {"fail", "warn"}
    assert read_sql(path).name == Path(path).stem


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("views/")])
def test_every_view_is_named_like_its_file(path):
    assert read_sql(path).name == Path(path).stem


def test_a_missing_header_line_is_an_error():
    with pytest.raises(ConfigError, match="lacks grain"):
        parse_sql("-- name: x\n-- writes: none\n-- reads: t\n-- params: none\n-- window: none\nselect 1", "x.sql")


@pytest.mark.parametrize(("params", "body"), [("none", "select :as_of"), ("as_of", "select 1"), ("a", "select :b")])
def test_params_of_header_and_statement_must_agree(params, body):
    with pytest.raises(ConfigError, match="params"):
        parse_sql(HEADER.format(params=params) + body, "x.sql")


def test_casts_and_times_are_no_params():
    body = "select x::text, '12:30:00' as time_of_day\nfrom t"
    assert parse_sql(HEADER.format(params="none") + body, "x.sql").params == ()


def test_the_digest_ignores_layout_but_not_meaning():
    one = parse_sql(HEADER.format(params="none") + "select 1\nfrom t", "x.sql")
    two = parse_sql(HEADER.format(params="none") + "-- why\nselect 1 from t;", "x.sql")
    three = parse_sql(HEADER.format(params="none") + "select 2 from t", "x.sql")
    assert one.digest == two.digest != three.digest
